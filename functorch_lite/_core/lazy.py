"""Packages whose names are imported when they are first asked for.

What a program does not use costs it nothing: ``import functorch_lite.torch`` needs neither the pure
layers nor optax. Floor 0.
"""

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any


def lazy(package: str, names: Mapping[str, Iterable[str]]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of ``package``.

    Args:
        package: the package's ``__name__``.
        names: submodule, relative to it -> the names that it lends the package; without names it
            is itself the attribute.
    """
    homes = {name: module for module, own in names.items() for name in own or (module,)}

    def get(name: str) -> Any:
        if name not in homes:
            shown = package.replace("functorch_lite.torch", "torch")
            raise AttributeError(f"module {shown!r} has no attribute {name!r}")
        module = importlib.import_module(f"{package}.{homes[name]}")
        value = module if name == homes[name] else getattr(module, name)
        setattr(sys.modules[package], name, value)  # found without this function from now on
        return value

    return get
