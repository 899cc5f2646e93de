"""Where Python keeps values: slots, containers, and the names that code mentions.

Knows nothing of captures; ``reach`` walks over these.
"""

import dis
import functools
import operator
from collections.abc import Callable
from types import BuiltinFunctionType, CellType, CodeType
from typing import Any, NamedTuple

from .recorder import MISSING

SCALARS = (bool, int, float, complex, str, bytes, type(None), type, BuiltinFunctionType)
"""What is known by its value, or by being the very object."""
_READS = ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "LOAD_GLOBAL", "LOAD_NAME")


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


class Contents:
    """What a container, or the attributes of an object, consisted of.

    Attributes:
        label: what it is called.
        container: the list, dict, set or deque.
        followed: its entries are slots, so that only their number matters here.
        size, entries: what it consisted of.
    """

    def __init__(self, label: str, container: Any, followed: bool) -> None:
        self.label, self.container, self.followed = label, container, followed
        self.size = len(container)
        self.entries = _flat(container)

    def changed(self) -> bool:
        """Return True if it has more or fewer entries, or other ones and is not followed."""
        if len(self.container) != self.size:
            return True
        return not self.followed and not all(map(operator.is_, _flat(self.container), self.entries))

    def difference(self) -> str:
        """Return in words how it changed."""
        kind = type(self.container).__name__
        if len(self.container) == self.size:
            return f"{self.label} (a {kind}) has other entries than before"
        return f"{self.label} (a {kind}) has {len(self.container)} entries instead of {self.size}"

    def restore(self) -> None:
        """Put the entries back."""
        container, entries = self.container, self.entries
        container.clear()
        if isinstance(container, dict):
            container.update(zip(entries[::2], entries[1::2], strict=True))
        elif isinstance(container, set):
            container.update(entries)
        else:
            container.extend(entries)


def _flat(container: Any) -> list[Any]:
    """Return the entries of a container; of a dict keys and values in turn."""
    return (
        [part for item in container.items() for part in item]
        if isinstance(container, dict)
        else [*container]
    )


class Slotted:
    """The attributes of an object without ``__dict__``, as something with items."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(self.value, name)
        except AttributeError:
            raise KeyError(name) from None

    def __setitem__(self, name: str, value: Any) -> None:
        object.__setattr__(self.value, name, value)

    def pop(self, name: str, default: Any) -> None:
        """Delete an attribute, if it is there."""
        if self[name] is not default:
            object.__delattr__(self.value, name)


class ClassAttributes:
    """The attributes of a class, as something with items."""

    def __init__(self, kind: type) -> None:
        self.kind = kind

    def __getitem__(self, name: str) -> Any:
        return vars(self.kind)[name]

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self.kind, name, value)


@functools.lru_cache(maxsize=4096)
def names_read(code: CodeType) -> frozenset[str]:
    """Return the attributes, globals and keys that a piece of code, or code in it, mentions."""
    found = _operands(code, _READS)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= names_read(constant)
        elif isinstance(constant, str) and constant.isidentifier():
            found.add(constant)  # the key of a dict
    return frozenset(found)


@functools.lru_cache(maxsize=4096)
def names_stored(code: CodeType) -> frozenset[str]:
    """Return the attributes that a piece of code, or code in it, sets or deletes."""
    inner = (names_stored(c) for c in code.co_consts if isinstance(c, CodeType))
    return frozenset(_operands(code, ("STORE_ATTR", "DELETE_ATTR"))).union(*inner)


@functools.lru_cache(maxsize=4096)
def globals_stored(code: CodeType) -> frozenset[str]:
    """Return the globals that a piece of code, or code in it, sets or deletes."""
    inner = (globals_stored(c) for c in code.co_consts if isinstance(c, CodeType))
    return frozenset(_operands(code, ("STORE_GLOBAL", "DELETE_GLOBAL"))).union(*inner)


def _operands(code: CodeType, kinds: tuple[str, ...]) -> set[str]:
    return {str(i.argval) for i in dis.get_instructions(code) if i.opname in kinds and i.argval}


def same(value: Any) -> Callable[[Any], bool]:
    """Return the test whether a value still is, for a program, what it was."""
    if isinstance(value, SCALARS) and not isinstance(value, (type, BuiltinFunctionType)):
        kind = type(value)
        return lambda now: type(now) is kind and now == value
    return lambda now: now is value
