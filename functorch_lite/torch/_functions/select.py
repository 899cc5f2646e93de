"""Views of a part: ``select``, ``narrow``, ``diagonal``, windows, ``as_strided``, real and
imaginary.
"""

import functools
import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from ..._core.errors import UnsupportedError
from ...ops._common import wrap_dim
from ...ops._registry import OPS
from ...ops.shape.view import strided_places
from .._engine.dispatch import call, call_view, shown_strides
from .._engine.grad_mode import mode
from .._engine.override import overridable_property
from .._engine.register import attach, expose
from .._engine.storage import Storage
from .._engine.tensor import Tensor
from .._engine.view import ViewProgram, view_node
from .arguments import integer, integers


@expose("fm")
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """Return the view of ``input`` at ``index`` along ``dim``."""
    rank = len(input._sizes)
    if not rank:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, rank)
    size = input._sizes[dim]
    index = integer(index, "select", "index", 2)
    if not -size <= index < size:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input._sizes)} at "
            f"dimension {dim}"
        )
    return call_view(OPS["select"], (input, index % size), (dim,))


@expose("fm")
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """Return the view of ``length`` elements from ``start`` along ``dim``."""
    rank = len(input._sizes)
    if not rank:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if isinstance(start, Tensor) and (start._sizes or start._dtype.category != dt.INTEGRAL):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    dim = wrap_dim(dim, rank)
    start = int(start.item() if isinstance(start, Tensor) else start)
    size = input._sizes[dim]
    if not -size <= start <= size:
        raise IndexError(
            f"start out of range (expected to be in range of [{-size}, {size}], but got {start})"
        )
    start = start + size if start < 0 else start
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return call_view(OPS["slice"], (input, start), (dim, length, 1))


def slice_view(
    input: Tensor, dim: int, start: int | None, stop: int | None, step: int | None
) -> Tensor:
    """Return the view of ``input[start:stop:step]`` along ``dim``; the whole dim as it is."""
    first, last, stride = slice(start, stop, step).indices(input._sizes[dim])
    length = max(0, -(-(last - first) // stride))
    if length == input._sizes[dim] and stride == 1:
        return input
    return call_view(OPS["slice"], (input, first), (dim, length, stride))


def slice_view_always(
    input: Tensor, dim: int, start: int | None, stop: int | None, step: int = 1
) -> Tensor:
    """Return ``input[start:stop:step]`` along ``dim`` as a view even if that is all of it."""
    first, last, _ = slice(start, stop).indices(input._sizes[dim])
    length = max(-(-(last - first) // step), 0)
    return call_view(OPS["slice"], (input, first), (dim, length, step))


@expose("fm")
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """Return a view of a diagonal of the planes (dim1, dim2), as the last dim."""
    rank = len(input._sizes)
    d1, d2 = wrap_dim(dim1, rank), wrap_dim(dim2, rank)
    if d1 == d2:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return call_view(OPS["diagonal"], (input,), (offset, d1, d2))


@expose("f", space="linalg", name="diagonal")
def linalg_diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Return a view of a diagonal of matrices, those of the last two dims by default."""
    return diagonal(A, offset, dim1, dim2)


@expose("m")
def fill_diagonal_(self: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """Fill the main diagonal in place; with ``wrap`` a tall matrix gets further ones below."""
    rank = len(self._sizes)
    if rank < 2:
        raise RuntimeError("dimensions must larger than 1")
    if rank > 2 and len(set(self._sizes)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    step = sum(shown_strides(self))
    size = min(self._sizes)
    as_strided(self, (size,), (step,)).fill_(fill_value)
    if wrap and rank == 2 and self._sizes[0] > self._sizes[1] + 1:
        height, width = self._sizes
        rest = (height * width + width) // (width + 1) - size
        start = self._offset + shown_strides(self)[0] * (width + 1)
        as_strided(self, (rest,), (step,), start).fill_(fill_value)
    return self


@expose("m")
def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Return a view of all windows of ``size`` along ``dimension``, ``step`` apart, as a last
    dim.
    """
    rank = len(input._sizes)
    dimension = wrap_dim(dimension, rank)
    limit = input._sizes[dimension] if rank else 1
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > limit:
        raise RuntimeError(
            f"maximum size for tensor at dimension {dimension} is {limit} but size is {size}"
        )
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    return call_view(OPS["unfold"], (input,), (dimension, size, step))


@expose("fm")
def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """Return the view of the storage with the given size, strides and offset (in elements)."""
    sizes, strides = integers((size,), "as_strided"), integers((stride,), "as_strided", "stride", 2)
    if len(sizes) != len(strides):
        raise RuntimeError("mismatch in length of strides and shape")
    if any(s < 0 for s in strides):
        raise RuntimeError(
            "as_strided: Negative strides are not supported at the moment, got strides: "
            f"{list(strides)}"
        )
    offset = input._offset if storage_offset is None else storage_offset
    root = input._view_of if input._view_of is not None and input._chain else input
    if root._chain:
        root = root_of(root._storage)
    held = math.prod(root._sizes)
    last = offset + sum((n - 1) * s for n, s in zip(sizes, strides, strict=True))
    if 0 not in sizes and last >= held:
        size_of = root._dtype.itemsize
        raise RuntimeError(
            f"setStorage: sizes {list(sizes)}, strides {list(strides)}, storage offset {offset}, "
            "and itemsize "
            f"{size_of} requiring a storage size of {(last + 1) * size_of} are out of bounds for "
            "storage of size "
            f"{held * size_of}"
        )
    if root._strides is not None:
        order = sorted(range(len(root._sizes)), key=lambda d: -shown_strides(root)[d])
        root = call_view(OPS["permute"], (root,), (tuple(order),))
    view = call_view(OPS["as_strided"], (root,), (sizes, strides, offset))
    if view._node is None and mode.grad and (edge := input._history()) is not None:
        step = _through(input._sizes, shown_strides(input), input._offset, sizes, strides, offset)
        view._node = view_node(input, step, (), edge)
        view._requires_grad = True
    return view


@functools.cache
def _through(*layouts: Any) -> ViewProgram:
    """Return ``as_strided`` of a tensor as a function of that tensor, whose memory is its own.

    ``layouts`` are the (sizes, strides, offset) of the tensor and of the view.  It gives the
    gradient where the memory's root is not in the graph.
    """
    own, wanted = strided_places(*layouts[:3]), strided_places(*layouts[3:])
    held = 1 + max(own.max(initial=0), wanted.max(initial=0))

    def get(input: Any) -> Any:
        memory = jnp.zeros(held, input.dtype).at[own].set(input, unique_indices=True)
        return memory[wanted]

    def put(input: Any, child: Any) -> Any:
        memory = jnp.zeros(held, input.dtype).at[own].set(input, unique_indices=True)
        return memory.at[wanted].set(child)[own]

    return ViewProgram(get, put, "AsStridedBackward0")


def root_of(storage: Storage) -> Tensor:
    """Return a tensor over the root of a storage."""
    from_root = object.__new__(Tensor)
    array: Any = storage.array if storage.array is not None else storage.buffer
    from_root._storage = storage
    from_root._sizes = tuple(array.shape)
    from_root._dtype = dt.from_np(array.dtype)
    from_root._desc = from_root._dtype if from_root._sizes else from_root._dtype.zero_dim
    if isinstance(array, np.ndarray) and not array.flags.c_contiguous:
        from_root._strides = tuple(s // array.itemsize for s in array.strides)
    return from_root


@expose("f", name="real")
def real(input: Tensor) -> Tensor:
    """Return a view of the real parts (``input`` itself if it is real)."""
    if not input._dtype.is_complex:
        return input
    return select(call_view(OPS["view_as_real"], (input,), ()), -1, 0)


@expose("f", name="imag")
def imag(input: Tensor) -> Tensor:
    """Return a view of the imaginary parts; RuntimeError for real tensors."""
    if not input._dtype.is_complex:
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return select(call_view(OPS["view_as_real"], (input,), ()), -1, 1)


def _set_real(self: Tensor, value: Any) -> None:
    real(self).copy_(value)


def _set_imag(self: Tensor, value: Any) -> None:
    imag(self).copy_(value)


attach("real", overridable_property(real, _set_real))

attach("imag", overridable_property(imag, _set_imag))


@expose("fm")
def conj(input: Tensor) -> Tensor:
    """Return the complex conjugate, at once; a real tensor as it is."""
    return call(OPS["_conj"], (input,), ()) if input._dtype.is_complex else input


@expose("fm", aliases="resolve_neg")
def resolve_conj(input: Tensor) -> Tensor:
    """Return ``input`` itself: conjugation and negation are never put off here."""
    return input


@expose("m")
def chalf(self: Tensor, *, memory_format: Any = None) -> Tensor:
    """Raise: there is no complex32 in JAX."""
    raise UnsupportedError("torch.complex32", "Use complex64: Tensor.cfloat().")
