"""Memory shared between processes: ``share_memory_``, and tensors on their way to another process.

A shared storage lives in a file that has no name any more, mapped into every process that uses it.
What travels is the file's descriptor, so the system frees the memory with its last user and there
is nothing to clean up.  As in PyTorch, what is sent through a queue or given to a process becomes
shared by being sent.
"""

import mmap
import os
import tempfile
import weakref
from multiprocessing.context import get_spawning_popen
from multiprocessing.reduction import ForkingPickler
from typing import Any, cast

import jax
import jax.core
import numpy as np

from ..._core import dtype as dt
from ..._core.errors import UnsupportedError
from .._engine.dispatch import shown_strides
from .._engine.override import on_subclass
from .._engine.register import SPACES, expose
from .._engine.storage import Storage, to_device
from .._engine.tensor import Tensor
from .convert import NOT_LEAF, extras, reduce_ex, root_strides
from .device import device_of, jax_device
from .select import root_of

try:
    from multiprocessing.reduction import DupFd
except ImportError:  # optional: Windows cannot hand a file descriptor to another process
    DupFd = None

_FOLDER = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

_shared: weakref.WeakValueDictionary[tuple[int, int], Storage] = weakref.WeakValueDictionary()
"""The shared storages of this process by the device and inode of their files."""


def share(storage: Storage, strides: tuple[int, ...] | None) -> None:
    """Move the content into memory that other processes can map; ``strides`` are the root's."""
    if storage.descriptor is not None:
        return
    if not _can_be_shared(storage):
        raise UnsupportedError("sharing memory that is not the CPU's, or is traced, with processes")
    held: Any = storage.array if storage.buffer is None else storage.buffer
    with tempfile.TemporaryFile(dir=_FOLDER) as file:
        descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, max(held.nbytes, 1))
    buffer = _mapped(descriptor, held.shape, held.dtype, strides)
    buffer[...] = np.asarray(held)
    if storage.array is not None:
        storage._device = next(iter(storage.array.devices()))
    _adopt(storage, buffer, descriptor)


def _can_be_shared(storage: Storage) -> bool:
    if DupFd is None or isinstance(storage.array, jax.core.Tracer):
        return False
    return storage.array is None or device_of(storage.array).type == "cpu"


def _mapped(descriptor: int, shape: tuple, d: np.dtype, strides: tuple | None) -> np.ndarray:
    memory = mmap.mmap(descriptor, 0)
    steps = None if strides is None else [s * d.itemsize for s in strides]
    return np.ndarray(shape, d, buffer=memory, strides=steps)


def _adopt(storage: Storage, buffer: np.ndarray, descriptor: int) -> None:
    storage.array, storage._lent = None, None
    storage.buffer, storage.descriptor, storage.resizable = buffer, descriptor, False
    weakref.finalize(storage, os.close, descriptor)
    _shared[_identity(descriptor)] = storage


def _identity(descriptor: int) -> tuple[int, int]:
    told = os.fstat(descriptor)
    return told.st_dev, told.st_ino


def _reduce_storage(storage: Storage, strides: tuple[int, ...] | None) -> tuple:
    """Return what ``_open`` makes the same memory of, in another process.

    A queue hands the descriptor out when it is asked for, if the sender still lives then. Memory
    that is shared by being sent takes its content along, for a sender that has ended: nobody else
    had a part in it.
    """
    fresh = storage.descriptor is None and get_spawning_popen() is None
    share(storage, strides)
    buffer = cast(np.ndarray, storage.buffer)
    steps = [s // buffer.itemsize for s in buffer.strides]
    handle = DupFd(storage.descriptor)  # type: ignore[misc]
    content = np.array(buffer, order="C") if fresh else None
    return handle, content, buffer.shape, dt.from_np(buffer.dtype), tuple(steps)


def _open(
    handle: Any, content: np.ndarray | None, shape: tuple, d: dt.dtype, strides: tuple[int, ...]
) -> Storage:
    """Return the storage over the shared memory behind ``handle``: one for each memory."""
    try:
        descriptor = handle.detach()
    except (OSError, EOFError):
        if content is None:
            raise
        storage = Storage(to_device(content, jax_device("cpu")))
        share(storage, strides)
        return storage
    known = _shared.get(_identity(descriptor))
    if known is not None:
        os.close(descriptor)
        return known
    storage = Storage(None)
    storage._device = jax_device("cpu")
    _adopt(storage, _mapped(descriptor, shape, d.np, strides), descriptor)
    return storage


def reduce_tensor(tensor: Tensor) -> tuple:
    """Pickle a tensor for another process: its memory becomes shared, it is not copied."""
    if not tensor.is_leaf:
        raise RuntimeError(NOT_LEAF)
    if not _can_be_shared(tensor._storage):
        return reduce_ex(tensor, 2)
    memory = _reduce_storage(tensor._storage, root_strides(tensor))
    layout = (tensor._sizes, shown_strides(tensor), tensor._offset)
    # "torch.Tensor" would be looked up in whatever torch the reader has: it is not named
    cls = None if type(tensor) is Tensor else type(tensor)
    return _rebuild, (cls, memory, tensor._dtype, layout, tensor._requires_grad, extras(tensor))


def _rebuild(
    cls: type | None, memory: tuple, d: dt.dtype, layout: tuple, requires_grad: bool, state: dict
) -> Tensor:
    root = root_of(_open(*memory))
    if root._dtype is not d:
        root = root.reshape(-1).view(d)
    same = (root._sizes, shown_strides(root), root._offset) == layout
    view = root if same else SPACES[""]["as_strided"](root, *layout).detach()
    if cls is not None:
        view = Tensor._make_subclass(cls, view)
    view._requires_grad = requires_grad
    view.__dict__.update(state)
    return view


@expose("m")
def share_memory_(self: Tensor) -> Tensor:
    """Move the storage into memory that child processes can use as well; return the tensor."""
    share(self._storage, root_strides(self))
    return self


@expose("m")
def is_shared(self: Tensor) -> bool:
    """Return True if other processes can use the storage."""
    return self._storage.descriptor is not None


def register(cls: Any) -> None:
    """Let ``multiprocessing`` share the tensors of a class, unless it pickles in a way of its own.

    Everything else that pickles (``copy``, ``pickle``, ``torch.save``) copies them.
    """
    if cls.__reduce_ex__ is Tensor.__reduce_ex__:
        ForkingPickler.register(cls, reduce_tensor)


register(Tensor)
on_subclass.append(register)
