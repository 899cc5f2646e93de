"""Which name a class has in a checkpoint: PyTorch's, wherever we keep the class.

Files that we write say ``torch.nn.modules.linear.Linear``; reading maps that to our module. A few
functions live under another module here than in PyTorch: ``MOVED`` lists them.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

OURS = __name__.removesuffix(".serialization._names")

# PyTorch's (module, name) for what a pickled tensor refers to -> where it is here, below OURS.
MOVED: dict[tuple[str, str], tuple[str, str]] = {
    ("torch._utils", "_rebuild_tensor"): ("serialization._tensors", "rebuild_tensor"),
    ("torch._utils", "_rebuild_tensor_v2"): ("serialization._tensors", "rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_tensor_v3"): ("serialization._tensors", "rebuild_tensor_v3"),
    ("torch._tensor", "_rebuild_from_type_v2"): ("serialization._tensors", "rebuild_from_type"),
    ("torch._utils", "_rebuild_parameter"): ("nn.parameter", "_rebuild_parameter"),
    ("torch._utils", "_rebuild_parameter_with_state"): (
        "nn.parameter",
        "_rebuild_parameter_with_state",
    ),
}
_PUBLIC = {f"{OURS}.{module}.{name}": public for public, (module, name) in MOVED.items()}


def public_module(module: str) -> str:
    """Return a module's name with our package called ``torch``.

    >>> public_module("functorch_lite.torch.nn.modules.linear")
    'torch.nn.modules.linear'
    """
    if module == OURS or module.startswith(OURS + "."):
        return "torch" + module.removeprefix(OURS)
    return module


def public_name(obj: Any, name: str | None = None) -> tuple[str, str]:
    """Return the (module, qualified name) under which checkpoints refer to a class or function."""
    name = name if name is not None else str(getattr(obj, "__qualname__", None) or obj.__name__)
    module = getattr(obj, "__module__", None) or "__main__"
    moved = _PUBLIC.get(f"{module}.{name}")
    return moved or (public_module(module), name)


def is_ours(module: str) -> bool:
    """Whether a public module name belongs to the shim."""
    return module == "torch" or module.startswith("torch.")


def find(module: str, name: str) -> Any:
    """Import what a checkpoint calls ``module.name``; ``torch`` means our package.

    Raises: AttributeError, ModuleNotFoundError as pickle's own look-up does.
    """
    if (module, name) in MOVED:
        below, name = MOVED[module, name]
        module = f"{OURS}.{below}"
    elif is_ours(module):
        module = OURS + module.removeprefix("torch")
    found = sys.modules.get(module) or importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found
