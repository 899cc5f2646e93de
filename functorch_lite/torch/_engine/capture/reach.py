"""The Python state that a function can see: what it may read, and what it changed while traced.

A program is traced once, so whatever the Python code read then is part of it. Starting from the
function and its arguments this file follows closures, globals by name, attributes, containers and
the methods of the user's own classes, as far as *names that occur in the code* lead: an attribute
that no reachable code mentions can change without any effect. Modules and optimizers of the shim
tell what they read themselves (``recorder``); libraries are not looked into.
"""

import dis
import functools
import sys
from collections import deque
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from ..tensor import Tensor
from .breaks import GraphBreak
from .recorder import MISSING

MANY = 200
"""Longer containers are known by their length only."""
SCALARS = (bool, int, float, complex, str, bytes, type(None), type, BuiltinFunctionType)
_SHIM = "functorch_lite"
_LIBRARIES = frozenset((_SHIM, "torch", "jax", "jaxlib", "numpy", "optax", "functorch"))
_READS = ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "LOAD_GLOBAL", "LOAD_NAME")
_TOLD = ("state", "optimizer")
"""Attributes of the shim's optimizers and schedulers that those account for themselves."""
_DYNAMIC = frozenset(("getattr", "vars", "__dict__", "locals", "globals", "eval", "exec"))


class Slot(NamedTuple):
    """One place where Python keeps a value: an entry of ``holder``, under ``key``."""

    label: str
    holder: Any  # a dict, a list, or a closure cell
    key: Any

    def place(self) -> tuple[int, Any]:
        """Return what tells this slot from others."""
        return id(self.holder), self.key

    def get(self) -> Any:
        """Return the value, or MISSING."""
        try:
            if isinstance(self.holder, CellType):
                return self.holder.cell_contents
            return self.holder[self.key]
        except (KeyError, IndexError, ValueError):
            return MISSING

    def put(self, value: Any) -> None:
        """Replace the value."""
        if isinstance(self.holder, CellType):
            self.holder.cell_contents = value
        elif value is MISSING:
            self.holder.pop(self.key, None)
        else:
            self.holder[self.key] = value


def _is_library(name: str | None) -> bool:
    top = (name or "").split(".")[0]
    return top in _LIBRARIES or top in sys.stdlib_module_names


@functools.lru_cache(maxsize=4096)
def names_read(code: CodeType) -> frozenset[str]:
    """Return the attributes, globals and keys that a piece of code, or code in it, mentions."""
    found = {str(i.argval) for i in dis.get_instructions(code) if i.opname in _READS and i.argval}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= names_read(constant)
        elif isinstance(constant, str) and constant.isidentifier():
            found.add(constant)  # the key of a dict
    return frozenset(found)


class Reach:
    """What can be reached: slots with what they held, and containers with their lengths."""

    def __init__(self, roots: list[Any]) -> None:
        self.slots: dict[tuple[int, Any], tuple[Slot, Any]] = {}
        self.lengths: dict[int, tuple[str, Any, int]] = {}
        self.names: set[str] = set()
        self._objects: dict[int, tuple[str, Any]] = {}
        self._modules: dict[int, tuple[str, Any]] = {}
        self._dicts: dict[int, tuple[str, dict]] = {}
        self._globals: dict[int, dict[str, Any]] = {}
        self._seen: dict[int, Any] = {}
        self._waiting: deque[tuple[str, Any]] = deque(("", root) for root in roots)
        known = -1
        while known != len(self.names):
            known = len(self.names)
            self._drain()
            self._look_again()

    def _drain(self) -> None:
        while self._waiting:
            label, value = self._waiting.popleft()
            if id(value) not in self._seen:
                self._seen[id(value)] = value
                self._visit(label, value)

    def _look_again(self) -> None:
        """Visit what names that were found meanwhile lead to."""
        for label, value in list(self._objects.values()):
            self._attributes(label, value)
        for label, value in list(self._dicts.values()):
            self._entries(label, value)
        for names in list(self._globals.values()):
            for name in self.names.intersection(names):
                self._slot(f"global {name}", names, name)
        self._drain()

    def _visit(self, label: str, value: Any) -> None:
        if isinstance(value, (Tensor, *SCALARS)):
            return
        if isinstance(value, np.ndarray):
            raise GraphBreak(
                f"{label or 'an argument'} is a NumPy array", "keep it as a tensor outside."
            )
        if isinstance(value, FunctionType):
            self._function(label, value)
        elif isinstance(value, MethodType):
            self._waiting += [(label, value.__self__), (label, value.__func__)]
        elif isinstance(value, functools.partial):
            self._waiting += [(label, value.func), (label, value.args), (label, value.keywords)]
        elif isinstance(value, (staticmethod, classmethod)):
            self._waiting.append((label, value.__func__))
        elif isinstance(value, property):
            self._waiting += [(label, f) for f in (value.fget, value.fset) if f is not None]
        elif isinstance(value, (tuple, frozenset)):
            self._waiting += [(f"{label}[{i}]", v) for i, v in enumerate(value)][:MANY]
        elif isinstance(value, (list, dict, set, deque)):
            self._container(label, value)
        else:
            self._object(label, value)

    def _function(self, label: str, function: FunctionType) -> None:
        if _is_library(function.__module__):
            return
        self._waiting.append((label, getattr(function, "__wrapped__", None)))
        names = names_read(function.__code__)
        self.names |= names
        for name, cell in zip(
            function.__code__.co_freevars, function.__closure__ or (), strict=True
        ):
            self._slot(name, cell, "")
        self._waiting += [(label, function.__defaults__), (label, function.__kwdefaults__)]
        globals_ = self._globals.setdefault(id(function.__globals__), function.__globals__)
        for name in names.intersection(globals_):
            self._slot(f"global {name}", globals_, name)

    def _container(self, label: str, value: Any) -> None:
        self.lengths[id(value)] = (label, value, len(value))
        if len(value) > MANY or isinstance(value, (set, deque)):
            return
        if isinstance(value, dict):
            self._dicts[id(value)] = label, value
            self._entries(label, value)
        else:
            for place in range(len(value)):
                self._slot(f"{label}[{place}]", value, place)

    def _entries(self, label: str, value: dict) -> None:
        """Follow the entries of a dict: those with names that code mentions, if they have names."""
        everything = not self.names.isdisjoint(("items", "values"))
        for key in list(value):
            if everything or not isinstance(key, str) or key in self.names:
                self._slot(f"{label}[{key!r}]", value, key)

    def _object(self, label: str, value: Any) -> None:
        kind = type(value)
        if isinstance(value, ModuleType):
            if not _is_library(value.__name__):
                self._objects[id(value)] = label or value.__name__, value
            return
        if isinstance(getattr(value, "_modules", None), dict) and hasattr(value, "_parameters"):
            self._modules[id(value)] = label, value
            self._waiting += [(f"{label}.{n}", m) for n, m in value._modules.items()]
        elif _is_library(kind.__module__) and not kind.__module__.startswith(_SHIM + ".torch"):
            return
        self._objects[id(value)] = label or kind.__name__, value
        self._attributes(label or kind.__name__, value)

    def _attributes(self, label: str, value: Any) -> None:
        """Follow the attributes, and the methods of the user's classes, that code mentions."""
        own = getattr(value, "__dict__", None)
        everything = not self.names.isdisjoint(_DYNAMIC)
        is_module = id(value) in self._modules
        if isinstance(own, dict) and not is_module:
            told = _TOLD if _is_library(type(value).__module__) else ()
            for name in list(own):
                if (everything or name in self.names) and name not in told:
                    self._slot(f"{label}.{name}", own, name)
        elif isinstance(own, dict):  # the shim's modules tell when an attribute is set
            for name in self.names.intersection(own):
                self._waiting.append((f"{label}.{name}", own[name]))
        if isinstance(value, ModuleType):
            return
        for base in type(value).__mro__:
            if _is_library(base.__module__):
                continue
            for name, member in vars(base).items():
                if name in self.names or _is_implied(name):
                    self._waiting.append((f"{label}.{name}", member))
                    if isinstance(member, (*SCALARS, list, dict)) and name in self.names:
                        self._class_attribute(f"{label}.{name}", base, name)
                        if isinstance(own, dict) and not is_module:
                            self._slot(f"{label}.{name}", own, name)  # it may hide the class's

    def _class_attribute(self, label: str, base: type, name: str) -> None:
        self.slots.setdefault(
            (id(base), name), (Slot(label, _ClassDict(base), name), vars(base).get(name, MISSING))
        )

    def _slot(self, label: str, holder: Any, key: Any) -> None:
        place = (id(holder), key)
        if place not in self.slots:
            slot = Slot(label, holder, key)
            self.slots[place] = slot, slot.get()
            self._waiting.append((label.removeprefix("global "), self.slots[place][1]))

    # --- afterwards -------------------------------------------------------------------------------

    def modules(self) -> list[Any]:
        """Return the modules that can be reached."""
        return [module for _, module in self._modules.values()]

    def tensors(self) -> Iterator[tuple[Slot, Tensor]]:
        """Yield the slots that hold tensors."""
        for slot, value in self.slots.values():
            if isinstance(value, Tensor):
                yield slot, value

    def changes(self) -> list[tuple[Slot, Any, Any]]:
        """Return (slot, value before, value now) for what was replaced.

        Raises:
            GraphBreak: a container became longer or shorter.
        """
        for label, container, length in self.lengths.values():
            if len(container) != length:
                raise GraphBreak(
                    f"{label} (a {type(container).__name__}) has {len(container)} entries instead "
                    f"of {length} after the call",
                    "change it outside of the compiled function.",
                )
        return [
            (slot, before, now)
            for slot, before in self.slots.values()
            if (now := slot.get()) is not before and not _equal(before, now)
        ]

    def restore(self) -> None:
        """Put everything back that was replaced, and cut what was appended."""
        for slot, before in self.slots.values():
            if slot.get() is not before:
                slot.put(before)
        for _, container, length in self.lengths.values():
            if isinstance(container, (list, deque)):
                while len(container) > length:
                    container.pop()


class _ClassDict:
    """The attributes of a class, as something with items."""

    def __init__(self, kind: type) -> None:
        self.kind = kind

    def __getitem__(self, name: str) -> Any:
        return vars(self.kind)[name]

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self.kind, name, value)


def _is_implied(name: str) -> bool:
    """Return True for methods that run without being mentioned."""
    return name == "forward" or (
        name.startswith("__") and name.endswith("__") and name not in ("__init__", "__dict__")
    )


def _equal(a: Any, b: Any) -> bool:
    return type(a) is type(b) and isinstance(a, SCALARS) and a == b


def same(value: Any) -> Callable[[Any], bool]:
    """Return the test whether a value still is, for a program, what it was."""
    if isinstance(value, SCALARS) and not isinstance(value, (type, BuiltinFunctionType)):
        kind = type(value)
        return lambda now: type(now) is kind and now == value
    return lambda now: now is value
