"""Write the type stubs of namespaces that are assembled at run time, so that editors see them.

    python -m tools.stubs            write functorch_lite/torch/__init__.pyi anew
    python -m tools.stubs --check    exit 1 if it is not what would be written

Functions get their real parameter names and defaults; types are ``Any`` except for what is known
of every op: a tensor comes out.
"""

import inspect
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import functorch_lite.torch as torch
from functorch_lite._core.dtype import dtype

TARGET = Path(__file__).parents[1] / "functorch_lite" / "torch" / "__init__.pyi"
HEAD = '''"""Made by ``make stubs`` from the assembled namespace; do not edit."""

from typing import Any

{modules}
'''


def parameters(function: Any) -> str:
    """Return a parameter list with every default written as ``...``."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return "*args: Any, **kwargs: Any"
    parts, starred, slash = [], False, False
    for p in signature.parameters.values():
        if p.kind is p.POSITIONAL_ONLY:
            slash = True
        elif slash:
            parts.append("/")
            slash = False
        if p.kind is p.VAR_POSITIONAL:
            parts.append(f"*{p.name}: Any")
            starred = True
        elif p.kind is p.VAR_KEYWORD:
            parts.append(f"**{p.name}: Any")
        else:
            if p.kind is p.KEYWORD_ONLY and not starred:
                parts.append("*")
                starred = True
            parts.append(f"{p.name}: Any" + ("" if p.default is p.empty else " = ..."))
    return ", ".join(parts)


def member(name: str, value: Any, indent: str = "") -> str:
    """Return the stub line of one name."""
    if isinstance(value, property):
        return f"{indent}{name}: Any"
    if isinstance(value, dtype):
        return f"{indent}{name}: Any  # {value!r}"
    if inspect.isfunction(value):
        listed = parameters(value)
        if indent and not listed.startswith("*"):  # a method: the first parameter is itself
            listed = re.sub(r"^\w+: Any", "self", listed)
        return f"{indent}def {name}({listed}) -> Any: ..."
    return f"{indent}{name}: Any"


def text() -> str:
    """Return the whole stub."""
    public = {n: v for n, v in sorted(vars(torch).items()) if not n.startswith("_")}
    ours = {
        n
        for n, v in public.items()
        if isinstance(v, ModuleType) and v.__name__.startswith("functorch_lite")
    }
    lines = [HEAD.format(modules="\n".join(f"from . import {n} as {n}" for n in sorted(ours)))]
    for name, value in public.items():
        if isinstance(value, ModuleType) or not name.isidentifier() or name == "Any":
            continue
        if value is torch.Tensor:
            lines.append("class Tensor:")
            for own, attached in sorted(vars(torch.Tensor).items()):
                if own.startswith("_") and not (own.startswith("__") and callable(attached)):
                    continue
                if own not in ("__dict__", "__weakref__", "__doc__", "__module__", "__getattr__"):
                    lines.append(member(own, attached, "    "))
        else:
            lines.append(member(name, value))
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the stub, or check it."""
    made = text()
    if "--check" in sys.argv:
        fresh = TARGET.exists() and TARGET.read_text() == made
        print("fresh" if fresh else f"{TARGET} is stale: run `make stubs`")
        return 0 if fresh else 1
    TARGET.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
