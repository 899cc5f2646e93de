"""Between our tensors and a checkpoint's: storages as flat bytes, tensors as windows on them.

Everything here that touches ``Storage`` and ``Tensor`` internals is in this file. While a file is
being loaded a storage is a NumPy buffer (its content may come after the tensors that refer to it);
``LoadedStorage.settle`` then turns it into a device array.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np

from ...ops._common import contiguous_strides
from .. import _api as torch
from .._engine.storage import Storage, to_device
from .._engine.tensor import Tensor
from .._functions.convert import _OWN as OWN_ATTRIBUTES
from .._functions.device import jax_device
from .._functions.storages import TypedStorage, UntypedStorage
from ..nn.parameter import Parameter, _rebuild_parameter, _rebuild_parameter_with_state


class StorageName:
    """Stands in pickles for ``torch.FloatStorage`` and its kin: the name of a dtype's storage."""

    def __init__(self, name: str) -> None:
        """Take a class name such as "FloatStorage"; KeyError if there is no such storage."""
        self.name = name
        self.dtype = STORAGE_DTYPES[name]

    def __str__(self) -> str:
        """Return PyTorch's text for it."""
        return f"StorageType(dtype={self.dtype})"


def _storage_dtypes() -> dict[str, Any]:
    return {
        "DoubleStorage": torch.float64,
        "FloatStorage": torch.float32,
        "HalfStorage": torch.float16,
        "BFloat16Storage": torch.bfloat16,
        "LongStorage": torch.int64,
        "IntStorage": torch.int32,
        "ShortStorage": torch.int16,
        "CharStorage": torch.int8,
        "ByteStorage": torch.uint8,
        "BoolStorage": torch.bool,
        "ComplexDoubleStorage": torch.complex128,
        "ComplexFloatStorage": torch.complex64,
    }


STORAGE_DTYPES: dict[str, Any] = _storage_dtypes()
_NAME_OF = {dtype: StorageName(name) for name, dtype in STORAGE_DTYPES.items()}


# --- writing -------------------------------------------------------------------------------------


class SavedStorage(NamedTuple):
    """A tensor's storage as it goes into a file. ``type_name`` is None for plain bytes."""

    key: int
    type_name: StorageName | None
    dtype: Any
    numel: int
    location: str
    owner: UntypedStorage

    def content(self) -> np.ndarray:
        """Return the bytes in memory order."""
        return np.ascontiguousarray(self.owner._bytes())


def saved_storage(owner: UntypedStorage, dtype: Any) -> SavedStorage:
    """Describe a storage whose elements have ``dtype``; new dtypes have no type name: bytes."""
    type_name = _NAME_OF.get(dtype)
    itemsize = dtype.itemsize if type_name is not None else 1
    location = str(owner.device)
    location = f"{location}:0" if location == "cuda" else location
    numel = owner.nbytes() // itemsize
    return SavedStorage(id(owner._storage), type_name, dtype, numel, location, owner)


def reduce_tensor(tensor: Tensor) -> tuple:
    """Return pickle's (function, arguments) for a tensor or Parameter."""
    plain: Any = tensor
    state = {k: v for k, v in vars(tensor).items() if k not in OWN_ATTRIBUTES}
    if type(tensor) is Parameter:
        args = (plain.data, plain.requires_grad, OrderedDict())
        if state:
            return _rebuild_parameter_with_state, (*args, state)
        return _rebuild_parameter, args
    saved = saved_storage(plain.untyped_storage(), plain.dtype)
    args = (
        saved,
        plain.storage_offset(),
        tuple(plain.size()),
        tuple(plain.stride()),
        plain.requires_grad,
        OrderedDict(),
    )
    if saved.type_name is None:
        rebuild, args = rebuild_tensor_v3, (*args, plain.dtype)
    else:
        rebuild = rebuild_tensor_v2
    if type(tensor) is Tensor and not state:
        return rebuild, args
    return rebuild_from_type, (rebuild, type(tensor), args, state)


def storage_dtype(storage_type: Any) -> Any:
    """Return the dtype that a file gives to a storage: bytes if the class names none."""
    return storage_type.dtype if isinstance(storage_type, StorageName) else torch.uint8


# --- reading -------------------------------------------------------------------------------------


class LoadedStorage(TypedStorage):
    """A storage that is being read: ``flat`` is its memory, ``root`` the first tensor on it."""

    def __init__(self, flat: np.ndarray, dtype: Any) -> None:
        """Take a flat array of ``dtype``'s NumPy type, or of bytes."""
        self.flat = flat
        self.storage = Storage.from_numpy(flat)
        self.root: Any = None
        self.device_wanted: Any = None
        self.mapped = False
        super().__init__(wrap_storage=UntypedStorage.of(self.storage, None), dtype=dtype)

    def tensor(self, offset: int, size: tuple, stride: tuple, dtype: Any) -> Any:
        """Return the tensor of this layout at ``offset``; RuntimeError if out of bounds."""
        size, stride = tuple(map(int, size)), tuple(map(int, stride))
        flat = self.flat if self.flat.dtype == dtype.np else self.flat.view(dtype.np)
        _check_bounds(size, stride, offset, flat)
        if self.root is None:
            whole = offset == 0 and _is_dense(size, stride, flat.size)
            self.root = self._make_root(flat, dtype, *((size, stride) if whole else ((), ())))
            if whole:
                return self.root.detach()
        return torch.as_strided(self.root, size, stride, offset).detach()

    def _make_root(self, flat: np.ndarray, dtype: Any, size: tuple, stride: tuple) -> Any:
        """Make the tensor that shows the whole storage: as it was saved, or flat."""
        if not size and flat.size != 1:
            size, stride = (flat.size,), (1,)
        steps = tuple(step * flat.itemsize for step in stride)
        self.storage.buffer = np.ndarray(size, flat.dtype, buffer=flat, strides=steps)
        root = object.__new__(Tensor)
        root._storage = self.storage
        root._sizes = size
        root._dtype = dtype
        root._desc = dtype if size else dtype.zero_dim
        if stride != contiguous_strides(size):
            root._strides = stride
        return root

    def settle(self) -> None:
        """Move the content to its device; a memory-mapped file stays where it is."""
        storage = self.storage
        if storage.buffer is None or self.mapped:
            return
        content = np.ascontiguousarray(storage.buffer).reshape(storage.buffer.shape)
        storage.array = to_device(content, self.device_wanted)
        storage.buffer = None

    def place(self, device: Any) -> None:
        """Choose the device that ``settle`` moves the content to."""
        self.device_wanted = jax_device(device)


def _check_bounds(size: tuple, stride: tuple, offset: int, flat: np.ndarray) -> None:
    negative = any(n < 0 for n in (*size, *stride, offset))
    if negative or len(size) != len(stride):
        raise RuntimeError(
            f"corrupt file: a tensor of size {list(size)}, stride {list(stride)}, offset {offset}"
        )
    if 0 in size:
        return
    needed = offset + 1 + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if needed > flat.size:
        unit = flat.itemsize
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and "
            f"itemsize {unit} requiring a storage size of {needed * unit} are out of bounds for "
            f"storage of size {flat.nbytes}"
        )


def _is_dense(size: tuple, stride: tuple, count: int) -> bool:
    """Whether the tensor covers ``count`` elements once each, in any order of dims."""
    expected = 1
    for step, n in sorted((step, n) for step, n in zip(stride, size, strict=True) if n != 1):
        if step != expected:
            return False
        expected *= n
    return expected == count and count > 0


def rebuild_tensor(storage: Any, storage_offset: int, size: tuple, stride: tuple) -> Any:
    """Make a pickled tensor again (oldest form)."""
    return storage.tensor(storage_offset, size, stride, storage.dtype)


def rebuild_tensor_v2(
    storage: Any,
    storage_offset: int,
    size: tuple,
    stride: tuple,
    requires_grad: bool,
    backward_hooks: Any,
    metadata: Any = None,
) -> Any:
    """Make a pickled tensor again."""
    tensor = storage.tensor(storage_offset, size, stride, storage.dtype)
    return _finished(tensor, requires_grad, backward_hooks, metadata)


def rebuild_tensor_v3(
    storage: Any,
    storage_offset: int,
    size: tuple,
    stride: tuple,
    requires_grad: bool,
    backward_hooks: Any,
    dtype: Any,
    metadata: Any = None,
) -> Any:
    """Make a pickled tensor again, whose storage says nothing of its dtype."""
    tensor = storage.tensor(storage_offset, size, stride, dtype)
    return _finished(tensor, requires_grad, backward_hooks, metadata)


def _finished(tensor: Any, requires_grad: bool, backward_hooks: Any, metadata: Any) -> Any:
    if metadata:
        raise NotImplementedError(
            f"functorch_lite cannot load a tensor with the lazy marks {dict(metadata)} "
            "(conj or neg); save tensor.resolve_conj().resolve_neg() instead."
        )
    if requires_grad:
        tensor.requires_grad_(True)
    return tensor


def rebuild_from_type(func: Any, new_type: Any, args: tuple, state: Any) -> Any:
    """Make a pickled tensor of a subclass, or with attributes, again."""
    tensor = func(*args)
    if type(tensor) is not new_type:
        tensor = tensor.as_subclass(new_type)
    own_setstate = getattr(type(tensor), "__setstate__", None)
    if own_setstate is not None and own_setstate is not getattr(Tensor, "__setstate__", None):
        tensor.__setstate__(state)
        return tensor
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    for name, value in {**(attributes or {}), **(slots or {})}.items():
        if name in OWN_ATTRIBUTES:
            raise RuntimeError(f"corrupt file: it sets the tensor attribute {name!r}")
        setattr(tensor, name, value)
    return tensor
