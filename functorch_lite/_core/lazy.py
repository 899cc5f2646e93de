"""Packages whose names are imported when they are first asked for.

What a program does not use costs it nothing: ``import functorch_lite.torch`` needs neither the pure
layers nor optax. Floor 0.
"""

import importlib
import sys
from collections.abc import Iterable, Mapping
from typing import Any


class Lazy:
    """The names of a package: ``get`` is its ``__getattr__``, ``list`` its ``__dir__``.

    Args:
        package: the package's ``__name__``.
        names: submodule, relative to it -> the names that it lends the package; without names it
            is itself the attribute.
    """

    def __init__(self, package: str, names: Mapping[str, Iterable[str]]) -> None:
        """Note where each name lives; nothing is imported yet."""
        self.package = package
        self.homes = {name: module for module, own in names.items() for name in own or (module,)}

    def get(self, name: str) -> Any:
        """Import and return the attribute ``name`` of the package."""
        home = self.homes.get(name)
        if home is None:
            shown = self.package.replace("functorch_lite.torch", "torch")
            raise AttributeError(f"module {shown!r} has no attribute {name!r}")
        module = importlib.import_module(f"{self.package}.{home}")
        value = module if name == home else getattr(module, name)
        setattr(sys.modules[self.package], name, value)  # found without this from now on
        return value

    def list(self) -> list[str]:
        """Return the names, imported yet or not."""
        return sorted(self.homes)
