"""``resize_``: a tensor shows its storage in another size; the storage grows, but never shrinks."""

import math
import warnings
from typing import Any

import numpy as np

from ...ops._common import contiguous_strides
from .._engine import writing
from .._engine.register import expose
from .._engine.storage import Storage, to_device
from .._engine.tensor import Tensor, make
from .arguments import sizes_of
from .reshaped import become
from .select import as_strided


@expose("m")
def resize_(self: Tensor, *size: Any, memory_format: Any = None, **named: Any) -> Tensor:
    """Change the shape in place, over the same storage; it grows (with zeros) if it has to.

    Tensors that share a storage that has to grow keep the old one.
    """
    sizes = sizes_of(size, named, "resize_")
    if any(n < 0 for n in sizes):
        raise RuntimeError("numel: integer multiplication overflow")
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    if str(memory_format) == "torch.preserve_format":
        raise RuntimeError("Unsupported memory formatPreserve")
    if sizes == self._sizes:
        return self
    needed = self._offset + math.prod(sizes)
    root = self._view_of if self._chain else _twin(self)
    if needed > _held(self._storage).size:
        root = _grown(self, needed)
    if root is not None:
        _show_root(self, root)
    become(
        self,
        lambda before: as_strided(
            before if root is None else root, sizes, contiguous_strides(sizes), self._offset
        ),
    )
    if root is not None and root._strides is None and sizes == root._sizes:
        self._chain = ()
    return self


def _held(storage: Storage) -> Any:
    return storage.array if storage.buffer is None else storage.buffer


def _twin(self: Tensor) -> Tensor:
    twin = object.__new__(Tensor)
    twin.__dict__.update(self.__dict__)
    return twin


def _show_root(self: Tensor, root: Tensor) -> None:
    """Make ``self`` a view of ``root``, which knows its memory's shape and order, in all but name.

    What ``self._base`` shows stays what it was.
    """
    shown = self._view_of if self._shown_base is False else self._shown_base
    self._shown_base, self._view_of, self._storage = shown, root, root._storage


def _grown(self: Tensor, count: int) -> Tensor:
    """Return a flat tensor of ``count`` elements over a new storage, the old elements first."""
    storage = self._storage
    if not storage.resizable:
        raise RuntimeError("Trying to resize storage that is not resizable")
    root = self._view_of if self._chain else self
    flat = storage.to_numpy(None if root is None else root._strides)
    whole = make(to_device(np.append(flat, np.zeros(count - flat.size, flat.dtype))))
    whole._storage.version = storage.version
    return whole


@expose("fm")
def resize_as_(self: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """Change the shape in place to that of another tensor."""
    return resize_(self, the_template._sizes)


@expose("m")
def resize(self: Tensor, *sizes: Any) -> Tensor:
    """Deprecated, as in PyTorch: the tensor in another shape of as many elements."""
    warnings.warn("non-inplace resize is deprecated", UserWarning, stacklevel=2)
    sizes = tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes
    held = math.prod(self._sizes)
    if math.prod(sizes) != held:
        raise RuntimeError(
            f"requested resize to {'x'.join(map(str, sizes))} ({math.prod(sizes)} elements in "
            f"total), but the given tensor has a size of {'x'.join(map(str, self._sizes))} "
            f"({held} elements). autograd's resize can only change the shape of a given "
            "tensor, while preserving the number of elements. "
        )
    return self.view(*sizes)


def _resize_out(target: Tensor, sizes: tuple[int, ...]) -> None:
    if math.prod(target._sizes):
        warnings.warn(
            "An output with one or more elements was resized since it had shape "
            f"{list(target._sizes)}, which does not match the required output shape {list(sizes)}. "
            "This behavior is deprecated, and in a future PyTorch release outputs will not be "
            "resized unless they have zero elements. You can explicitly reuse an out tensor t by "
            "resizing it, inplace, to zero elements with t.resize_(0). (Triggered internally at "
            "/pytorch/aten/src/ATen/native/Resize.cpp:31.)",
            UserWarning,
            stacklevel=5,
        )
    resize_(target, sizes)


writing._resize.append(_resize_out)
