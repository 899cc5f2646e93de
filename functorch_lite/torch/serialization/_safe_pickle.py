"""A pickle reader that executes nothing: ``weights_only=True``.

It interprets the instructions that ``torch.save`` writes and looks names up in a list of harmless
ones instead of importing them: tensors, dtypes, a few containers, and what the user has added with
``add_safe_globals``. Anything else is an ``UnpicklingError`` in PyTorch's words.
"""

from __future__ import annotations

import codecs
import pickle
import struct
import warnings
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

from .. import _api as torch
from .._functions.storages import TypedStorage, UntypedStorage
from . import _names as names
from ._tensors import STORAGE_DTYPES, StorageName

UnpicklingError = pickle.UnpicklingError

BLOCKED_MODULES = ("sys", "os", "posix", "nt")
_PYTHON_2_MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg"}
_DTYPES = (
    "float16 float32 float64 bfloat16 complex64 complex128 uint8 uint16 uint32 uint64 "
    "int8 int16 int32 int64 bool float8_e4m3fn float8_e5m2"
)

_user_globals: set[Any] = set()


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Let ``weights_only`` loads use these classes or functions, or (object, name) pairs."""
    _user_globals.update(safe_globals)


def get_safe_globals() -> list[Any]:
    """Return what ``add_safe_globals`` has added."""
    return list(_user_globals)


def clear_safe_globals() -> None:
    """Forget what ``add_safe_globals`` has added."""
    _user_globals.clear()


class safe_globals:
    """``add_safe_globals`` for the length of a ``with``."""

    def __init__(self, safe_globals: list[Any]) -> None:
        """Take the classes or functions."""
        self.safe_globals = safe_globals

    def __enter__(self) -> None:
        """Add them."""
        add_safe_globals(self.safe_globals)

    def __exit__(self, *exc: Any) -> None:
        """Remove them."""
        _user_globals.difference_update(self.safe_globals)


def _user_allowed() -> dict[str, Any]:
    """Return the user's globals by the name that a checkpoint gives them."""
    allowed = {}
    for item in _user_globals:
        if not isinstance(item, tuple):
            allowed[".".join(names.public_name(item))] = item
            continue
        if len(item) != 2:
            raise ValueError(
                "Expected tuple of length 2 (global, str of callable full path), "
                f"but got tuple of length: {len(item)}"
            )
        if type(item[1]) is not str:
            raise TypeError(
                "Expected second item in tuple to be str of callable full path, "
                f"but got: {type(item[1])}"
            )
        allowed[item[1]] = item[0]
    return allowed


def _own_allowed() -> dict[str, Any]:
    """Return what every file may use, by name."""
    allowed: dict[str, Any] = {
        "collections.OrderedDict": OrderedDict,
        "collections.Counter": Counter,
        "torch.nn.parameter.Parameter": names.find("torch.nn.parameter", "Parameter"),
        "torch.Size": torch.Size,
        "torch.Tensor": torch.Tensor,
        "torch.device": torch.device,
        "_codecs.encode": codecs.encode,
        "builtins.bytearray": bytearray,
        "builtins.set": set,
        "builtins.complex": complex,
        "torch.storage.UntypedStorage": UntypedStorage,
        "torch.storage.TypedStorage": TypedStorage,
    }
    allowed.update({f"torch.{name}": StorageName(name) for name in STORAGE_DTYPES})
    allowed.update({f"torch.{name}": getattr(torch, name) for name in _DTYPES.split()})
    for module, name in names.MOVED:
        allowed[f"{module}.{name}"] = names.find(module, name)
    return allowed


_allowed: dict[str, Any] = {}


def allowed_globals() -> dict[str, Any]:
    """Return all names that may be used now."""
    if not _allowed:
        _allowed.update(_own_allowed())
    return {**_allowed, **_user_allowed()}


def _refusal(full_path: str) -> str:
    shown = full_path.removeprefix("builtins.")
    return (
        f"Unsupported global: GLOBAL {shown} was not an allowed global by default. "
        f"Please use `torch.serialization.add_safe_globals([{shown}])` or the "
        f"`torch.serialization.safe_globals([{shown}])` context manager to allowlist this global "
        "if you trust this class/function."
    )


class SafeUnpickler:
    """Interprets one pickle. ``persistent_load`` is set by whoever knows the storages."""

    persistent_load: Callable[[Any], Any]

    def __init__(self, file: Any, *, encoding: str = "bytes") -> None:
        """Read from ``file``; ``encoding`` is for strings written by Python 2."""
        self.encoding = encoding
        self._file = file
        self._memo: dict[int, Any] = {}
        self._marks: list[list[Any]] = []
        self._stack: list[Any] = []
        self._allowed = allowed_globals()

    def load(self) -> Any:
        """Return the object; EOFError at an early end, UnpicklingError for what is not allowed."""
        while True:
            key = self._file.read(1)
            if not key:
                raise EOFError
            if key == pickle.STOP:
                return self._stack.pop()
            step = _INSTRUCTIONS.get(key)
            if step is None:
                raise UnpicklingError(f"Unsupported operand {key[0]}")
            try:
                step(self)
            except (IndexError, KeyError, struct.error) as error:
                raise UnpicklingError(f"pickle data was corrupt: {error!r}") from error

    def find_global(self, module: str, name: str) -> Any:
        """Return the harmless object of that name; UnpicklingError if there is none."""
        module = _PYTHON_2_MODULES.get(module, module)
        full_path = f"{module}.{name}"
        if module in BLOCKED_MODULES:
            raise UnpicklingError(
                f"Trying to load unsupported GLOBAL {full_path} whose module {module} is blocked."
            )
        if full_path not in self._allowed:
            raise UnpicklingError(_refusal(full_path))
        return self._allowed[full_path]

    def _is_allowed(self, candidate: Any) -> bool:
        return any(candidate is item for item in self._allowed.values())

    # --- reading operands ------------------------------------------------------------------------

    def _bytes(self, count: int) -> bytes:
        data = self._file.read(count)
        if len(data) < count:
            raise UnpicklingError("pickle data was truncated")
        return data

    def _number(self, layout: str) -> Any:
        return struct.unpack(layout, self._bytes(struct.calcsize(layout)))[0]

    def _line(self) -> str:
        return self._file.readline()[:-1].decode("utf-8")

    def _pop_mark(self) -> list[Any]:
        items = self._stack
        self._stack = self._marks.pop()
        return items

    # --- instructions ----------------------------------------------------------------------------

    def _proto(self) -> None:
        protocol = self._number("<B")
        if protocol != 2:
            warnings.warn(
                f"Detected pickle protocol {protocol} in the checkpoint, which was not the default "
                "pickle protocol used by `torch.load` (2). The weights_only Unpickler might not "
                "support all instructions implemented by this protocol, please file an issue for "
                "adding support if you encounter this.",
                stacklevel=2,
            )

    def _global(self) -> None:
        module = self._line()
        self._stack.append(self.find_global(module, self._line()))

    def _new_object(self) -> None:
        args, cls = self._stack.pop(), self._stack.pop()
        if cls is self._allowed["torch.nn.parameter.Parameter"]:
            self._stack.append(cls(*args))
        elif self._is_allowed(cls):
            self._stack.append(cls.__new__(cls, *args))
        else:
            raise UnpicklingError(
                "Can only create new object for nn.Parameter or classes allowlisted via "
                f"`add_safe_globals` but got {cls}"
            )

    def _reduce(self) -> None:
        args, func = self._stack.pop(), self._stack[-1]
        if not self._is_allowed(func):
            owner = f" which belongs to {func.__self__}" if hasattr(func, "__self__") else ""
            raise UnpicklingError(f"Trying to call reduce for unrecognized function {func}{owner}")
        self._stack[-1] = func(*args)

    def _build(self) -> None:
        state, instance = self._stack.pop(), self._stack[-1]
        if type(instance) is OrderedDict:
            instance.__dict__.update(state)
            return
        if not self._is_allowed(type(instance)):
            raise UnpicklingError(
                "Can only build Tensor, Parameter, OrderedDict or types allowlisted via "
                f"`add_safe_globals`, but got {type(instance)}"
            )
        if hasattr(instance, "__setstate__"):
            instance.__setstate__(state)
            return
        slots = None
        if isinstance(state, tuple) and len(state) == 2:
            state, slots = state
        instance.__dict__.update(state or {})
        for name, value in (slots or {}).items():
            setattr(instance, name, value)

    def _extend(self, items: list[Any], verb: str) -> None:
        if type(self._stack[-1]) is not list:
            raise UnpicklingError(f"Can only {verb} lists, but got {type(self._stack[-1])}")
        self._stack[-1].extend(items)

    def _append(self) -> None:
        item = self._stack.pop()
        self._extend([item], "append to")

    def _appends(self) -> None:
        items = self._pop_mark()
        self._extend(items, "extend")

    def _set(self, items: list[Any], instruction: str) -> None:
        target = self._stack[-1]
        if type(target) not in (dict, OrderedDict, Counter):
            raise UnpicklingError(
                f"Can only {instruction} for dict, collections.OrderedDict, collections.Counter, "
                f"but got {type(target)}"
            )
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[key] = value

    def _setitem(self) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._set([key, value], "SETITEM")

    def _setitems(self) -> None:
        items = self._pop_mark()
        self._set(items, "SETITEMS")

    def _mark(self) -> None:
        self._marks.append(self._stack)
        self._stack = []

    def _tuple(self, count: int | None) -> None:
        if count is None:
            items = self._pop_mark()
        else:
            items = self._stack[-count:]
            del self._stack[-count:]
        self._stack.append(tuple(items))

    def _text(self) -> None:
        self._stack.append(str(self._bytes(self._number("<I")), "utf-8", "surrogatepass"))

    def _old_text(self) -> None:
        data = self._bytes(self._number("<B"))
        self._stack.append(data if self.encoding == "bytes" else data.decode(self.encoding))

    def _long(self) -> None:
        self._stack.append(pickle.decode_long(self._bytes(self._number("<B"))))

    def _persistent(self) -> None:
        reference = self._stack.pop()
        if type(reference) not in (tuple, int):
            raise UnpicklingError(
                f"persistent_load id must be tuple or int, but got {type(reference)}"
            )
        if type(reference) is tuple and reference and as_text(reference[0]) != "storage":
            raise UnpicklingError(
                f"Only persistent_load of storage is allowed, but got {type(reference[0])}"
            )
        self._stack.append(self.persistent_load(reference))


def as_text(value: Any) -> Any:
    """Return ASCII bytes as text, anything else as it is."""
    return value.decode("ascii") if isinstance(value, bytes) else value


def _push(make: Callable[[], Any]) -> Callable[[SafeUnpickler], None]:
    return lambda self: self._stack.append(make())


def _read(layout: str) -> Callable[[SafeUnpickler], None]:
    return lambda self: self._stack.append(self._number(layout))


def _get(layout: str) -> Callable[[SafeUnpickler], None]:
    return lambda self: self._stack.append(self._memo[self._number(layout)])


def _put(layout: str) -> Callable[[SafeUnpickler], None]:
    return lambda self: self._memo.__setitem__(self._number(layout), self._stack[-1])


_INSTRUCTIONS: dict[bytes, Callable[[SafeUnpickler], None]] = {
    pickle.PROTO: SafeUnpickler._proto,
    pickle.GLOBAL: SafeUnpickler._global,
    pickle.NEWOBJ: SafeUnpickler._new_object,
    pickle.REDUCE: SafeUnpickler._reduce,
    pickle.BUILD: SafeUnpickler._build,
    pickle.APPEND: SafeUnpickler._append,
    pickle.APPENDS: SafeUnpickler._appends,
    pickle.SETITEM: SafeUnpickler._setitem,
    pickle.SETITEMS: SafeUnpickler._setitems,
    pickle.MARK: SafeUnpickler._mark,
    pickle.TUPLE: lambda self: self._tuple(None),
    pickle.TUPLE1: lambda self: self._tuple(1),
    pickle.TUPLE2: lambda self: self._tuple(2),
    pickle.TUPLE3: lambda self: self._tuple(3),
    pickle.NONE: _push(lambda: None),
    pickle.NEWFALSE: _push(lambda: False),
    pickle.NEWTRUE: _push(lambda: True),
    pickle.EMPTY_TUPLE: _push(tuple),
    pickle.EMPTY_LIST: _push(list),
    pickle.EMPTY_DICT: _push(dict),
    pickle.EMPTY_SET: _push(set),
    pickle.BININT: _read("<i"),
    pickle.BININT1: _read("<B"),
    pickle.BININT2: _read("<H"),
    pickle.BINFLOAT: _read(">d"),
    pickle.BINUNICODE: SafeUnpickler._text,
    pickle.SHORT_BINSTRING: SafeUnpickler._old_text,
    pickle.LONG1: SafeUnpickler._long,
    pickle.BINPERSID: SafeUnpickler._persistent,
    pickle.BINGET: _get("<B"),
    pickle.LONG_BINGET: _get("<I"),
    pickle.BINPUT: _put("<B"),
    pickle.LONG_BINPUT: _put("<I"),
}
