"""Storage: the one mutable thing.  A box with an immutable array and a version counter.

A storage holds either a JAX array or, while NumPy shares its memory, a NumPy buffer.  The array has
the *logical* shape of the tensor that was born with it (the root); views replay their chain on it.
Writes replace the array, or go into the buffer, and add one to the version, which is how autograd
notices that a saved value has changed.
"""

import weakref
from typing import Any

import jax
import jax.core
import numpy as np

from ..._core.execute import Device, x64
from ...transforms._levels import active, note_read, note_write
from .capture.breaks import break_graph

TO_NUMPY = "a tensor is handed to NumPy, a file or another process"


def to_device(array: np.ndarray, device: Device | None = None) -> jax.Array:
    """Put a NumPy array that nobody else will write to on ``device`` (None: JAX's default)."""
    with x64(True):
        return jax.device_put(array, device)


class Storage:
    """Mutable box around an immutable array.

    Attributes:
        array: the JAX array (or tracer), or None while a NumPy buffer holds the content.
        version: number of in-place writes so far that autograd notices.
        writer: name of the node of the last recorded write, for messages.
        buffer: the NumPy array that shares its memory with the user, or None.
        born: when it was made, counted in transforms (see ``transforms._levels.Cell``).
        resizable: False once NumPy or another process has seen the memory.
        descriptor: the file that the buffer is mapped from where processes share it, or None.
    """

    __slots__ = (
        "__weakref__",
        "_device",
        "_lent",
        "array",
        "born",
        "buffer",
        "descriptor",
        "resizable",
        "version",
        "writer",
    )

    def __init__(self, array: Any) -> None:
        self.array: Any = array
        self.version = 0
        self.writer = ""
        self.buffer: np.ndarray | None = None
        self._lent: weakref.ref | None = None
        self._device: Device | None = None
        self.resizable = True
        self.born = active.entered
        self.descriptor: int | None = None

    @staticmethod
    def from_numpy(buffer: np.ndarray) -> "Storage":
        """Wrap the user's own ``buffer``: both sides see each other's writes for good."""
        storage = Storage(None)
        storage.buffer = buffer
        storage.resizable = False
        return storage

    def read(self) -> Any:
        """Return the root array; a shared buffer is copied, for NumPy may write to it any time."""
        if active.count:
            note_read(self)
        return self.content()

    def content(self) -> Any:
        """Return the root array without telling anybody."""
        if self.array is None:
            self.settle()
        if self.array is not None:
            return self.array
        return to_device(np.array(self.buffer, order="C"), self._device)

    def settle(self) -> None:
        """Go back to a JAX array once no ndarray shares the memory any more."""
        if self._lent is not None and self._lent() is None:
            self.array = to_device(np.array(self.buffer, order="C"), self._device)
            self.buffer = self._lent = None

    def write(self, array: Any) -> None:
        """Replace the content by ``array`` (same shape and dtype) and count a version."""
        if active.count:
            note_write(self)
        if self.buffer is not None:
            self.settle()
        if self.buffer is None or isinstance(array, jax.core.Tracer):
            self.array = array
        else:
            np.copyto(self.buffer, np.asarray(array))
        self.version += 1

    def snapshot(self) -> tuple:
        """Return what ``restore`` needs: a transform takes its writes back (``_levels.Cell``)."""
        return self.array, self.version

    def restore(self, before: tuple) -> None:
        """Go back to a snapshot. A buffer that NumPy shares was never written to meanwhile."""
        self.array, self.version = before

    def lend(self, strides: tuple[int, ...] | None) -> np.ndarray:
        """Return an ndarray of the root's shape that aliases this storage while it is alive.

        ``strides`` (in elements) is the root's memory order; None means C order.
        """
        break_graph(TO_NUMPY)
        if self.buffer is not None:
            self.settle()
        if self.buffer is not None:
            shared = self._lent() if self._lent is not None else None
            return self.buffer if shared is None else shared
        content = np.asarray(self.array)
        self._device = next(iter(self.array.devices()))
        # The memory belongs to a bytearray-like owner, so that every ndarray made from the one we
        # hand out has that one as its base: when it dies, nobody shares the memory any more.
        owner: Any = np.empty(max(content.nbytes, 1), np.uint8)
        memory = memoryview(owner)
        shared = np.ndarray(
            content.shape, content.dtype, buffer=memory, strides=_byte_strides(strides, content)
        )
        shared[...] = content
        self.buffer = np.ndarray(
            content.shape, content.dtype, buffer=memory, strides=shared.strides
        )
        self._lent = weakref.ref(shared)
        self.array = None
        self.resizable = False
        return shared

    def nbytes(self) -> int:
        """Return the size of the content in bytes."""
        held: Any = self.array if self.buffer is None else self.buffer
        return int(held.size) * held.dtype.itemsize

    def to_numpy(self, strides: tuple[int, ...] | None = None) -> np.ndarray:
        """Return a flat copy of the content in memory order (that of the root's ``strides``)."""
        break_graph(TO_NUMPY)
        content = np.asarray(self.array) if self.buffer is None else self.buffer
        if strides is not None:
            content = content.transpose(memory_order(strides))
        return np.array(content, order="C").reshape(-1)


def memory_order(strides: tuple[int, ...]) -> list[int]:
    """Return the permutation of dims, outermost in memory first, of a dense layout."""
    return sorted(range(len(strides)), key=lambda d: -strides[d])


def _byte_strides(strides: tuple[int, ...] | None, like: np.ndarray) -> tuple[int, ...] | None:
    return None if strides is None else tuple(s * like.itemsize for s in strides)
