"""``UntypedStorage`` and ``TypedStorage``: what users see of the memory behind a tensor.

Both are windows on the internal :class:`~._storage.Storage` (one ``UntypedStorage`` object for each
while it is referred to).  Reading copies the content out in memory order, writing puts it back.
"""

import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..._core import dtype as dt
from ..._core.errors import UnsupportedError
from .._engine.register import attach
from .._engine.storage import Storage, memory_order, to_device
from .._engine.tensor import Tensor
from .convert import root_strides
from .device import CPU, device_of
from .settings import warn_once as _warn_once
from .sharing import share

_NO_RESIZE = "storages of another size"


class UntypedStorage:
    """The memory of a tensor and its views, as bytes.

    Made by ``tensor.untyped_storage()``, or from a number of bytes or a sequence of byte values.
    """

    __module__ = "torch.storage"
    is_sparse = False
    is_sparse_csr = False
    filename = None

    def __init__(self, content: Any = 0) -> None:
        flat = (
            np.zeros(content, np.uint8) if isinstance(content, int) else np.array(content, np.uint8)
        )
        self._storage = Storage(to_device(flat))
        self._order: tuple[int, ...] | None = None

    @staticmethod
    def of(storage: Storage, strides: tuple[int, ...] | None) -> "UntypedStorage":
        """Return the one object for ``storage``; ``strides`` (None: C order) are its root
        tensor's."""
        found = _shown.get(id(storage))
        if found is None:
            found = object.__new__(UntypedStorage)
            found._storage, found._order = storage, strides
            _shown[id(storage)] = found
        return found

    def _bytes(self) -> np.ndarray:
        return self._storage.to_numpy(self._order).view(np.uint8)

    def _replace(self, flat: np.ndarray) -> None:
        """Write bytes in memory order."""
        storage = self._storage
        held: Any = storage.array if storage.array is not None else storage.buffer
        typed = flat.view(np.dtype(held.dtype))
        if self._order is None:
            content = typed.reshape(held.shape)
        else:
            order = memory_order(self._order)
            content = typed.reshape([held.shape[d] for d in order]).transpose(np.argsort(order))
        storage.write(to_device(np.array(content, order="C"), storage._device))

    def nbytes(self) -> int:
        """Return the size in bytes."""
        return self._storage.nbytes()

    size = nbytes
    __len__ = nbytes

    def element_size(self) -> int:
        """Return 1."""
        return 1

    def data_ptr(self) -> int:
        """Return the number that ``Tensor.data_ptr`` gives for the first element."""
        if not self.nbytes():
            return 0
        buffer = self._storage.buffer
        return id(self._storage) << 20 if buffer is None else buffer.ctypes.data

    @property
    def _cdata(self) -> int:
        return id(self._storage)

    @property
    def device(self) -> Any:
        """The device that holds the memory."""
        return CPU if self._storage.array is None else device_of(self._storage.array)

    @property
    def is_cuda(self) -> bool:
        """True on a GPU."""
        return self.device.type == "cuda"

    @property
    def is_cpu(self) -> bool:
        """True on the CPU."""
        return self.device.type == "cpu"

    def get_device(self) -> int:
        """Return the index of the GPU, -1 on the CPU."""
        return self.device.index if self.is_cuda else -1

    def resizable(self) -> bool:
        """Return True unless the memory belongs to somebody else."""
        return self._storage.resizable

    def is_shared(self) -> bool:
        """Return True if other processes can use the memory."""
        return self._storage.descriptor is not None

    def is_pinned(self, device: Any = "cuda") -> bool:
        """Return False: host memory is not pinned."""
        return False

    def share_memory_(self) -> "UntypedStorage":
        """Move the content into memory that child processes can use as well; return itself."""
        share(self._storage, self._order)
        return self

    def resize_(self, size: int) -> "UntypedStorage":
        """Return itself where nothing changes; another size is not supported."""
        if size != self.nbytes():
            raise UnsupportedError("UntypedStorage.resize_ to another size", "Use Tensor.resize_.")
        return self

    def tolist(self) -> list[int]:
        """Return the bytes as numbers."""
        return self._bytes().tolist()

    def clone(self) -> "UntypedStorage":
        """Return a copy of the memory."""
        return UntypedStorage(self._bytes())

    def cpu(self) -> "UntypedStorage":
        """Return the storage on the CPU; itself if it is there."""
        return self if self.is_cpu else self.clone()

    def copy_(self, source: "UntypedStorage", non_blocking: Any = None) -> "UntypedStorage":
        """Copy the bytes of a storage of the same size."""
        if source.nbytes() != self.nbytes():
            raise RuntimeError("size mismatch")
        self._replace(source._bytes())
        return self

    def fill_(self, value: int) -> "UntypedStorage":
        """Set each byte to ``value``."""
        self._replace(np.full(self.nbytes(), value, np.uint8))
        return self

    def __getitem__(self, index: Any) -> Any:
        chosen = self._bytes()[index]
        return UntypedStorage(chosen) if isinstance(index, slice) else int(chosen)

    def __setitem__(self, index: Any, value: int) -> None:
        content = self._bytes()
        content[index] = value
        self._replace(content)

    def __iter__(self) -> Iterator[int]:
        return iter(self.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and self._storage is other._storage

    def __hash__(self) -> int:
        return id(self._storage)

    def __repr__(self) -> str:
        lines = "".join(f" {v}\n" for v in self.tolist()) or " \n"
        return f"{lines}[torch.storage.UntypedStorage(device={self.device}) of size {len(self)}]"

    def __deepcopy__(self, memo: dict) -> "UntypedStorage":
        return memo.setdefault(id(self), self.clone())


_shown: weakref.WeakValueDictionary[int, UntypedStorage] = weakref.WeakValueDictionary()


class TypedStorage:
    """The memory of a tensor and its views, as elements of one dtype (deprecated in PyTorch)."""

    __module__ = "torch.storage"
    is_sparse = False

    def __init__(
        self,
        content: Any = 0,
        *,
        dtype: dt.dtype | None = None,
        wrap_storage: Any = None,
        device: Any = None,
    ) -> None:
        del device
        self.dtype = dt.get_default_dtype() if dtype is None else dtype
        if wrap_storage is None:
            kind = self.dtype.np
            flat = np.zeros(content, kind) if isinstance(content, int) else np.array(content, kind)
            wrap_storage = UntypedStorage(flat.view(np.uint8))
        self._untyped_storage: UntypedStorage = wrap_storage

    def _elements(self) -> np.ndarray:
        return self._untyped_storage._bytes().view(self.dtype.np)

    def untyped(self) -> UntypedStorage:
        """Return the same memory as bytes."""
        return self._untyped_storage

    def nbytes(self) -> int:
        """Return the size in bytes."""
        return self._untyped_storage.nbytes()

    def size(self) -> int:
        """Return the number of elements."""
        return self.nbytes() // self.dtype.itemsize

    __len__ = size

    def element_size(self) -> int:
        """Return the bytes of one element."""
        return self.dtype.itemsize

    def data_ptr(self) -> int:
        """Return the number that ``Tensor.data_ptr`` gives for the first element."""
        return self._untyped_storage.data_ptr()

    @property
    def _cdata(self) -> int:
        return self._untyped_storage._cdata

    @property
    def device(self) -> Any:
        """The device that holds the memory."""
        return self._untyped_storage.device

    @property
    def is_cuda(self) -> bool:
        """True on a GPU."""
        return self._untyped_storage.is_cuda

    def is_shared(self) -> bool:
        """Return True if other processes can use the memory."""
        return self._untyped_storage.is_shared()

    def share_memory_(self) -> "TypedStorage":
        """Move the content into memory that child processes can use as well; return itself."""
        self._untyped_storage.share_memory_()
        return self

    def is_pinned(self, device: Any = "cuda") -> bool:
        """Return False: host memory is not pinned."""
        return False

    def resizable(self) -> bool:
        """Return True unless the memory belongs to somebody else."""
        return self._untyped_storage.resizable()

    def type(self) -> str:
        """Return the legacy type string, such as ``torch.FloatStorage``."""
        return f"torch.{storage_name(self.dtype)}"

    def pickle_storage_type(self) -> str:
        """Return the legacy name that checkpoints use, such as ``FloatStorage``."""
        return storage_name(self.dtype)

    def tolist(self) -> list:
        """Return the elements as Python numbers."""
        content = self._elements()
        return (content.astype(np.float32) if self.dtype in dt.REDUCED_FLOATS else content).tolist()

    def clone(self) -> "TypedStorage":
        """Return a copy of the memory."""
        return TypedStorage(wrap_storage=self._untyped_storage.clone(), dtype=self.dtype)

    def cpu(self) -> "TypedStorage":
        """Return the storage on the CPU."""
        return TypedStorage(wrap_storage=self._untyped_storage.cpu(), dtype=self.dtype)

    def copy_(self, source: "TypedStorage", non_blocking: Any = None) -> "TypedStorage":
        """Copy the elements of a storage of the same length, converted."""
        converted = source._elements().astype(self.dtype.np)
        self._untyped_storage._replace(converted.view(np.uint8))
        return self

    def fill_(self, value: Any) -> "TypedStorage":
        """Set each element to ``value``."""
        self[:] = value
        return self

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        return self._elements()[index].item()

    def __setitem__(self, index: Any, value: Any) -> None:
        content = self._elements()
        content[index] = value
        self._untyped_storage._replace(content.view(np.uint8))

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __repr__(self) -> str:
        lines = "".join(f" {v}\n" for v in self.tolist()) or " \n"
        kind = f"dtype={self.dtype}, device={self.device}"
        return f"{lines}[torch.storage.TypedStorage({kind}) of size {len(self)}]"

    __hash__ = object.__hash__


class _NamedStorage(type):
    """The class of ``torch.FloatStorage`` and its kin: a name for "typed storage of this dtype"."""

    dtype: dt.dtype

    def __call__(cls, *args: Any, **named: Any) -> Any:
        return TypedStorage(*args, dtype=cls.dtype, **named)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, TypedStorage) and instance.dtype is cls.dtype


def storage_name(d: dt.dtype) -> str:
    """Return the legacy name of a typed storage: ``FloatStorage`` for float32."""
    return d.legacy.removesuffix("Tensor") + "Storage"


NAMED = {
    storage_name(d): _NamedStorage(
        storage_name(d),
        (),
        {"__module__": "torch", "__doc__": f"Memory of {d} elements.", "dtype": d},
    )
    for d in dt.DTYPES
    if not d.name.startswith(("float8", "uint16", "uint32", "uint64"))
}


def untyped_storage(self: Tensor) -> UntypedStorage:
    """Return the memory that the tensor and its views share, as bytes."""
    return UntypedStorage.of(self._storage, root_strides(self))


def storage(self: Tensor) -> TypedStorage:
    """Return the memory that the tensor and its views share, as elements (deprecated in
    PyTorch)."""
    _warn_once(
        "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be "
        "the only storage "
        "class. This should only matter to you if you are using storages directly.  To access "
        "UntypedStorage "
        "directly, use tensor.untyped_storage() instead of tensor.storage()"
    )
    return TypedStorage(wrap_storage=untyped_storage(self), dtype=self._dtype)


def storage_type(self: Tensor) -> type:
    """Return the class of the tensor's typed storage, such as ``torch.FloatStorage``."""
    return NAMED[storage_name(self._dtype)]


for _method in (untyped_storage, storage, storage_type):
    attach(_method.__name__, _method)
