"""Write the pickle of a checkpoint: tensors by reference to their storages, names as PyTorch's."""

from __future__ import annotations

import io
import pickle
import types
from collections.abc import Callable
from typing import Any, ClassVar

from .. import _api as torch
from .._engine.tensor import Tensor
from .._functions.storages import TypedStorage, UntypedStorage
from ..nn.parameter import is_lazy
from . import _names as names
from ._tensors import SavedStorage, StorageName, reduce_tensor, saved_storage

_DIFFERENT_TYPES = (
    "Cannot save multiple tensors or storages that view the same data as different types"
)
_STACK_GLOBAL_PROTOCOL = 4

StorageId = Callable[[SavedStorage, Any], tuple]


class Storages:
    """The storages met while pickling, each under one key."""

    def __init__(self) -> None:
        """Begin with none."""
        self.by_key: dict[str, SavedStorage] = {}
        self._keys: dict[int, str] = {}

    def key_of(self, saved: SavedStorage) -> str:
        """Return the storage's key; RuntimeError if it was met as another dtype."""
        key = self._keys.setdefault(saved.key, str(len(self._keys)))
        first = self.by_key.setdefault(key, saved)
        if first.dtype is not saved.dtype and saved.owner.nbytes() > 0:
            raise RuntimeError(_DIFFERENT_TYPES)
        return key

    def persistent_id(self, obj: Any) -> tuple | None:
        """Return what the pickle holds in place of a storage."""
        if isinstance(obj, TypedStorage):
            obj = saved_storage(obj.untyped(), obj.dtype)
        elif isinstance(obj, UntypedStorage):
            whole = saved_storage(obj, torch.uint8)
            obj = whole._replace(type_name=None, numel=obj.nbytes())
        if not isinstance(obj, SavedStorage):
            return None
        kind = UntypedStorage if obj.type_name is None else obj.type_name
        return ("storage", kind, self.key_of(obj), obj.location, obj.numel)


# The standard library's pickler in Python; its C twin imports every name that it writes, and would
# need ours to be called ``torch``.
_PythonPickler: Any = pickle._Pickler  # type: ignore[attr-defined]


class TorchPickler(_PythonPickler):
    """The standard library's pickler with PyTorch's names for our classes."""

    proto: int
    save: Callable[[Any], None]
    write: Callable[[bytes], None]
    memoize: Callable[[Any], None]

    def __init__(self, file: Any, protocol: int, storages: Storages, legacy: bool = False) -> None:
        """Write to ``file``; storages are collected in ``storages``."""
        super().__init__(file, protocol=protocol)
        self._storages = storages
        self._legacy = legacy

    def persistent_id(self, obj: Any) -> tuple | None:
        """Return the reference to a storage; None for anything else."""
        found = self._storages.persistent_id(obj)
        return (*found, None) if found is not None and self._legacy else found

    def reducer_override(self, obj: Any) -> Any:
        """Take tensors, sizes, dtypes and devices apart as PyTorch does."""
        kind = type(obj)
        if kind is StorageName or kind is torch.dtype:
            return obj.name
        if kind is torch.Size:
            return kind, (tuple(obj),)
        if kind is torch.device:
            return kind, (obj.type,) if obj.index is None else (obj.type, obj.index)
        if isinstance(obj, Tensor) and not is_lazy(obj):
            return reduce_tensor(obj)
        return NotImplemented

    def save_global(self, obj: Any, name: str | None = None) -> None:
        """Write a reference to a class, function or constant by its public name."""
        if isinstance(obj, StorageName):
            self._write_global(obj, "torch", obj.name)
            return
        module, name_ = names.public_name(obj, name)
        if not names.is_ours(module):
            super().save_global(obj, name=name)
            return
        try:
            found = names.find(module, name_)
        except (ImportError, AttributeError):
            found = None
        if found is not obj:
            raise pickle.PicklingError(
                f"Can't pickle {obj!r}: it's not the same object as {module}.{name_}"
            )
        self._write_global(obj, module, name_)

    def _write_global(self, obj: Any, module: str, name: str) -> None:
        if self.proto >= _STACK_GLOBAL_PROTOCOL:
            self.save(module)
            self.save(name)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
        self.memoize(obj)

    dispatch: ClassVar[dict[type, Any]] = {
        **_PythonPickler.dispatch,
        types.FunctionType: save_global,
    }


def pickled(obj: Any, pickle_module: Any, protocol: int, storages: Storages, legacy: bool) -> bytes:
    """Return the pickle of ``obj``; the storages that it refers to are added to ``storages``."""
    out = io.BytesIO()
    make_pickler(out, pickle_module, protocol, storages, legacy).dump(obj)
    return out.getvalue()


def make_pickler(
    out: Any, pickle_module: Any, protocol: int, storages: Storages, legacy: bool
) -> Any:
    """Return our pickler, or one of the user's ``pickle_module`` that knows tensors too."""
    if pickle_module is pickle:
        return TorchPickler(out, protocol, storages, legacy)

    class Pickler(pickle_module.Pickler):  # type: ignore[name-defined]
        """The user's pickler; our classes go under the names that they have here."""

        def persistent_id(self, obj: Any) -> tuple | None:
            found = storages.persistent_id(obj)
            return (*found, None) if found is not None and legacy else found

        def reducer_override(self, obj: Any) -> Any:
            if isinstance(obj, Tensor) and not is_lazy(obj):
                return reduce_tensor(obj)
            inherited = getattr(super(), "reducer_override", None)
            return NotImplemented if inherited is None else inherited(obj)

    return Pickler(out, protocol=protocol)
