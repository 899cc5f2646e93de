"""The Python state that a function can see: what it may read, and what it changed while traced.

A program is traced once, so whatever the Python code read then is part of it. Starting from the
function and its arguments this file follows closures, globals by name, attributes, containers and
the methods of the user's own classes, as far as *names that occur in the code* lead: an attribute
that no reachable code mentions can change without any effect. Modules and optimizers of the shim
tell what they read themselves (``recorder``); libraries are not looked into.
"""

import argparse
import functools
import sys
import weakref
from collections import deque
from collections.abc import Container, Iterator
from types import (
    FunctionType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
    SimpleNamespace,
)
from typing import Any

import numpy as np

from ..tensor import Tensor
from .breaks import GraphBreak
from .hooks import MODULE_HOOKS, TENSOR_HOOKS, functions_of, hooks_everywhere
from .recorder import MISSING
from .slots import (
    SCALARS,
    ClassAttributes,
    Contents,
    Slot,
    Slotted,
    globals_stored,
    names_read,
    names_stored,
)

MANY = 200
"""The entries of longer containers are compared, but not followed."""
_VALUES = (*SCALARS, list, dict, tuple, set, deque, functools.cached_property)
"""What a class may hold that an object's own attribute may hide."""
_SHIM = "functorch_lite"
_LIBRARIES = frozenset((_SHIM, "torch", "jax", "jaxlib", "numpy", "optax", "functorch"))
_TOLD = ("state", "optimizer")
"""Attributes of the shim's optimizers and schedulers that those account for themselves."""
_WORLD = frozenset(("time", "datetime", "uuid", "secrets"))
"""Modules whose functions return something else at each call."""
_DYNAMIC = frozenset(("getattr", "vars", "__dict__", "locals", "globals", "eval", "exec"))


def _may_change(kind: type) -> bool:
    """Return True if objects of a class are looked into: the user's, the shim's, namespaces."""
    module = kind.__module__
    return (
        not _is_library(module)
        or module.startswith(_SHIM + ".torch")
        or kind in (SimpleNamespace, argparse.Namespace)
    )


def _is_library(name: str | None) -> bool:
    top = (name or "").split(".")[0]
    return top in _LIBRARIES or top in sys.stdlib_module_names


class Reach:
    """What can be reached: slots with what they held, and containers with their lengths."""

    def __init__(self, roots: list[Any]) -> None:
        self.slots: dict[tuple[int, Any], tuple[Slot, Any]] = {}
        self.contents: dict[int, Contents] = {}
        self.caches: list[tuple[str, Any, Any]] = []
        self._own: dict[int, tuple[str, dict, set[str]]] = {}
        self._entered: set[tuple[int, Any]] = set()
        self.names: set[str] = set()
        self.stored: set[str] = set()
        self._objects: dict[int, tuple[str, Any]] = {}
        self._modules: dict[int, tuple[str, Any]] = {}
        self._dicts: dict[int, tuple[str, dict]] = {}
        self._globals: dict[int, dict[str, Any]] = {}
        self._seen: dict[int, Any] = {}
        self._waiting: deque[tuple[str, Any]] = deque(("", root) for root in roots)
        if roots:
            self._waiting += [("a hook of all modules", hook) for hook in hooks_everywhere()]
        known = (-1, -1)
        while known != (now := (len(self.names), len(self.stored))):
            known = now
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
        if getattr(value, "__module__", None) in _WORLD:
            self._outside_world(label, value)
        if isinstance(value, Tensor):
            self._waiting += [(label, hook) for hook in functions_of(value, TENSOR_HOOKS)]
            return
        if isinstance(value, SCALARS):
            return
        if isinstance(value, Iterator) and not isinstance(value, ModuleType):
            raise GraphBreak(
                f"{label or 'an argument'} is an iterator",
                "take the next value outside and pass it in.",
            )
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
        self.stored |= names_stored(function.__code__)
        for name, cell in zip(
            function.__code__.co_freevars, function.__closure__ or (), strict=True
        ):
            self._slot(name, cell, "")
        self._waiting += [(label, function.__defaults__), (label, function.__kwdefaults__)]
        globals_ = self._globals.setdefault(id(function.__globals__), function.__globals__)
        for name in names.intersection(globals_):
            self._slot(f"global {name}", globals_, name)
        for name in globals_stored(function.__code__):
            self._slot(f"global {name}", globals_, name)

    def _outside_world(self, label: str, value: Any) -> None:
        raise GraphBreak(
            f"{label or getattr(value, '__name__', value)} gives another value at each call",
            "ask for it outside of the compiled function.",
        )

    def _container(self, label: str, value: Any) -> None:
        followed = len(value) <= MANY and isinstance(value, (list, dict))
        self.contents[id(value)] = Contents(label, value, followed)
        if not followed:
            return
        if isinstance(value, dict):
            self._dicts[id(value)] = label, value
            self._entries(label, value)
        else:
            for place in range(len(value)):
                self._slot(f"{label}[{place}]", value, place)

    def _entries(self, label: str, value: dict) -> None:
        """Follow the entries of a dict; of an optimizer's groups those that code mentions."""
        everything = "params" not in value
        for key in list(value):
            if everything or not isinstance(key, str) or key in self.names:
                self._entered.add((id(value), key))
                self._slot(f"{label}[{key!r}]", value, key)

    def _object(self, label: str, value: Any) -> None:
        kind = type(value)
        if isinstance(value, ModuleType):
            if value.__name__ in _WORLD:
                self._outside_world(label, value)
            if not _is_library(value.__name__):
                self._objects[id(value)] = label or value.__name__, value
            return
        if isinstance(getattr(value, "_modules", None), dict) and hasattr(value, "_parameters"):
            self._modules[id(value)] = label, value
            self._waiting += [(f"{label}.{n}", m) for n, m in value._modules.items()]
            self._waiting += [(f"{label}.{n}", p) for n, p in value._parameters.items()]
            self._waiting += [(label, hook) for hook in functions_of(value, MODULE_HOOKS)]
        elif isinstance(value, weakref.ref):
            self._waiting.append((label, value()))
        elif hasattr(value, "cache_info"):
            self.caches.append((label, value, value.cache_info().misses))
            self._waiting.append((label, value.__wrapped__))
        elif isinstance(value, functools.cached_property):
            self._waiting.append((label, value.func))
        elif not _may_change(kind):
            return
        self._objects[id(value)] = label or kind.__name__, value
        self._attributes(label or kind.__name__, value)

    def _attributes(self, label: str, value: Any) -> None:
        """Follow the attributes, and the methods of the user's classes, that code mentions."""
        own = getattr(value, "__dict__", None)
        if isinstance(own, dict) and not _is_library(type(value).__module__):
            self._own.setdefault(id(own), (label, own, set(own)))
        everything = not self.names.isdisjoint(_DYNAMIC)
        is_module = id(value) in self._modules
        if isinstance(own, dict) and not is_module:
            told = _TOLD if _is_library(type(value).__module__) else ()
            mine = not _is_library(type(value).__module__)
            for name in {*own, *(self.stored if mine else ())}:
                if (everything or name in self.names or name in self.stored) and name not in told:
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
                if name in self.names or name in self.stored or _is_implied(name):
                    self._waiting.append((f"{label}.{name}", member))
                    if isinstance(member, MemberDescriptorType):  # of __slots__
                        self._slotted(f"{label}.{name}", value, name)
                    elif isinstance(member, _VALUES) and name in self.names | self.stored:
                        self._class_attribute(f"{label}.{name}", base, name)
                        if isinstance(own, dict) and not is_module:
                            self._slot(f"{label}.{name}", own, name)  # it may hide the class's

    def _slotted(self, label: str, value: Any, name: str) -> None:
        place = (id(value), name)
        if place not in self.slots:
            slot = Slot(label, Slotted(value), name)
            self.slots[place] = slot, slot.get()
            self._waiting.append((label, self.slots[place][1]))

    def _class_attribute(self, label: str, base: type, name: str) -> None:
        self.slots.setdefault(
            (id(base), name),
            (Slot(label, ClassAttributes(base), name), vars(base).get(name, MISSING)),
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

    def has_seen(self, value: Any) -> bool:
        """Return True for a value that could be reached before the function ran."""
        return id(value) in self._seen

    def tensors(self) -> Iterator[tuple[Slot, Tensor]]:
        """Yield the slots that hold tensors."""
        for slot, value in self.slots.values():
            if isinstance(value, Tensor):
                yield slot, value

    def is_read(self, slot: Slot) -> bool:
        """Return False for an attribute that code sets but never reads."""
        return (
            not isinstance(slot.key, str)
            or slot.key in ("", *self.names)
            or (id(slot.holder), slot.key) in self._entered
            or not self.names.isdisjoint(_DYNAMIC)
        )

    def _added(self) -> Iterator[tuple[str, dict, str]]:
        """Yield (label, attributes, name) of attributes that came into being unforeseen."""
        for label, own, before in self._own.values():
            for name in list(own):
                if name not in before and (id(own), name) not in self.slots:
                    yield label, own, name

    def changes(self, told: Container[tuple[int, str]]) -> list[tuple[Slot, Any, Any]]:
        """Return (slot, value before, value now) for what was replaced.

        ``told``: (id of an attribute dict, name) of what is accounted for elsewhere.

        Raises:
            GraphBreak: a container has other entries, or an object other attributes.
        """
        for label, own, name in self._added():
            if (id(own), name) not in told:
                raise GraphBreak(f"{label} gets an attribute {name}", "set it before.")
        for label, cached, misses in self.caches:
            if cached.cache_info().misses != misses:
                cached.cache_clear()
                raise GraphBreak(f"{label} is cached while the function is captured")
        for contents in self.contents.values():
            if contents.changed():
                raise GraphBreak(
                    f"{contents.difference()} after the call",
                    "change it outside of the compiled function.",
                )
        return [
            (slot, before, now)
            for slot, before in self.slots.values()
            if (now := slot.get()) is not before and not _equal(before, now)
        ]

    def restore(self) -> None:
        """Put everything back that was replaced, and take away what was added."""
        for _, own, name in list(self._added()):
            del own[name]
        for contents in self.contents.values():
            if contents.changed():
                contents.restore()
        for slot, before in self.slots.values():
            if slot.get() is not before:
                slot.put(before)


def _is_implied(name: str) -> bool:
    """Return True for methods that run without being mentioned."""
    return name == "forward" or (
        name.startswith("__") and name.endswith("__") and name not in ("__init__", "__dict__")
    )


def _equal(a: Any, b: Any) -> bool:
    return type(a) is type(b) and isinstance(a, SCALARS) and a == b
