"""View ops: how a result that shares its parent's memory is read, written and laid out.

Each op gives ``get`` (the body), a ``layout`` that computes PyTorch's shape, strides and offset (in
elements) and, unless it is a bijection, a ``put`` that writes a child back.  The everyday functions
made of these (``narrow``, ``split``, ``movedim``, ``flatten`` ...) are in ``torch/_shape.py``.
Indices and slice starts are run-time operands: another index does not compile again.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax

from ..._core import dtype as dt
from .._common import contiguous_strides
from .._registry import Dims, Scalar, Size, View, op

# --- bijections: the same elements in another order or shape --------------------------------------


def _alias_layout(shape, strides, offset):
    return shape, strides, offset


@op("", view=View(_alias_layout), node="AliasBackward0")
def alias(input):
    """The same tensor again: a view of all of ``input``."""
    return input


def view_strides(shape, strides, size):
    """Return the strides of ``size`` over the memory of ``shape``, or None if that needs a copy.

    Runs of dims that lie gapless in memory are merged; each run must split exactly into new dims.
    """
    if 0 in shape:
        return strides if shape == size else contiguous_strides(size)
    found = [0] * len(size)
    view_d = len(size) - 1
    chunk_base = strides[-1] if strides else 1
    tensor_numel = view_numel = 1
    for d in range(len(shape) - 1, -1, -1):
        tensor_numel *= shape[d]
        if d == 0 or (shape[d - 1] != 1 and strides[d - 1] != tensor_numel * chunk_base):
            while view_d >= 0 and (view_numel < tensor_numel or size[view_d] == 1):
                found[view_d] = view_numel * chunk_base
                view_numel *= size[view_d]
                view_d -= 1
            if view_numel != tensor_numel:
                return None
            if d > 0:
                chunk_base = strides[d - 1]
                tensor_numel = view_numel = 1
    if not shape:
        return contiguous_strides(size)
    return tuple(found) if view_d == -1 else None


def _view_layout(shape, strides, offset, size):
    found = view_strides(shape, strides, size)
    if found is None:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one "
            "dimension spans across two contiguous subspaces). Use .reshape(...) instead."
        )
    return size, found, offset


@op("", view=View(_view_layout), node="ViewBackward0")
def view(input, size: Size):
    """``input`` with another shape over the same memory; ``size`` has no -1 left."""
    return input.reshape(size)


def _permute_layout(shape, strides, offset, dims):
    return tuple(shape[d] for d in dims), tuple(strides[d] for d in dims), offset


@op("", view=View(_permute_layout))
def permute(input, dims: Dims):
    """Dims of ``input`` in the order ``dims`` (all of them, not negative)."""
    return jnp.transpose(input, dims)


def _swap(n, dim0, dim1):
    order = list(range(n))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return order


def _transpose_layout(shape, strides, offset, dim0, dim1):
    return _permute_layout(shape, strides, offset, _swap(len(shape), dim0, dim1))


@op("", view=View(_transpose_layout))
def transpose(input, dim0: int, dim1: int):
    """``input`` with two dims swapped (not negative)."""
    return jnp.swapaxes(input, dim0, dim1)


def _t_layout(shape, strides, offset):
    return _transpose_layout(shape, strides, offset, 0, 1)


@op("", name="t", view=View(_t_layout), node="TBackward0")
def t(input):
    """The transpose of a matrix."""
    return input.T


def _unsqueeze_layout(shape, strides, offset, dim):
    step = shape[dim] * strides[dim] if dim < len(shape) else 1
    return (*shape[:dim], 1, *shape[dim:]), (*strides[:dim], step, *strides[dim:]), offset


@op("", view=View(_unsqueeze_layout))
def unsqueeze(input, dim: int):
    """``input`` with a dim of size 1 put in before ``dim`` (not negative)."""
    return jnp.expand_dims(input, dim)


def _squeeze_layout(shape, strides, offset, dims):
    keep = [d for d in range(len(shape)) if d not in dims]
    return tuple(shape[d] for d in keep), tuple(strides[d] for d in keep), offset


@op("", view=View(_squeeze_layout))
def squeeze(input, dims: Dims):
    """``input`` without the dims ``dims``, all of size 1."""
    return jnp.squeeze(input, dims)


def _as_real_layout(shape, strides, offset):
    return (*shape, 2), (*(2 * s for s in strides), 1), 2 * offset, dt.dtype.to_real


def _as_real_put(parent, child):
    return lax.complex(child[..., 0], child[..., 1]).astype(parent.dtype)


@op("f", view=View(_as_real_layout, _as_real_put))
def view_as_real(input):
    """A complex tensor (*s) as real (*s, 2): real and imaginary parts. RuntimeError if real."""
    if not jnp.iscomplexobj(input):
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return jnp.stack([input.real, input.imag], -1)


def _as_complex_layout(shape, strides, offset):
    if not shape:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    if strides[-1] != 1:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    if any(s % 2 for s in strides[:-1]):
        raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    if offset % 2:
        raise RuntimeError("Tensor must have a storage_offset divisible by 2")
    return shape[:-1], tuple(s // 2 for s in strides[:-1]), offset // 2, dt.dtype.to_complex


def _as_complex_put(parent, child):
    return jnp.stack([child.real, child.imag], -1).astype(parent.dtype)


@op("f", view=View(_as_complex_layout, _as_complex_put))
def view_as_complex(input):
    """A real tensor (*s, 2) as a complex one (*s). RuntimeError unless the last dim has size 2."""
    if input.dtype not in (np.float32, np.float64):
        name = dt.scalar_name(dt.from_np(np.dtype(input.dtype)))
        raise RuntimeError(
            "view_as_complex is only supported for half, float and double tensors, but got a "
            f"tensor of scalar type: {name}"
        )
    return lax.complex(input[..., 0], input[..., 1])


def _bits_layout(shape, strides, offset, dtype, itemsize):
    if dtype.itemsize == itemsize:
        return shape, strides, offset, lambda _: dtype
    if not shape:
        raise RuntimeError("self.dim() cannot be 0 to view a dtype of a different element size")
    if strides[-1] != 1:
        raise RuntimeError(
            "self.stride(-1) must be 1 to view as a dtype of a different element size"
        )
    if dtype.itemsize < itemsize:
        k = itemsize // dtype.itemsize
        return (
            (*shape[:-1], shape[-1] * k),
            (*(s * k for s in strides[:-1]), 1),
            offset * k,
            lambda _: dtype,
        )
    k = dtype.itemsize // itemsize
    if shape[-1] % k:
        raise RuntimeError(
            f"self.size(-1) must be divisible by {k} to view as {dtype} (different element sizes), "
            f"but got {shape[-1]}"
        )
    return (
        (*shape[:-1], shape[-1] // k),
        (*(s // k for s in strides[:-1]), 1),
        offset // k,
        lambda _: dtype,
    )


def _bits(input, np_dtype):
    """Reinterpret the bits of ``input``; complex numbers go through pairs of parts."""
    if jnp.iscomplexobj(input):
        input = jnp.stack([input.real, input.imag], -1).reshape(*input.shape[:-1], -1)
    if np.issubdtype(np_dtype, np.complexfloating):
        part = np.dtype(np.float32 if np_dtype.itemsize == 8 else np.float64)
        pairs = _bits(input, part)
        pairs = pairs.reshape(*pairs.shape[:-1], -1, 2)
        return lax.complex(pairs[..., 0], pairs[..., 1])
    source = np.dtype(input.dtype).itemsize
    if np_dtype == np.bool_:
        return lax.bitcast_convert_type(input, np.uint8) != 0
    if input.dtype == np.bool_:
        input = input.astype(np.uint8)
    if np_dtype.itemsize < source:
        return lax.bitcast_convert_type(input, np_dtype).reshape(*input.shape[:-1], -1)
    if np_dtype.itemsize > source:
        k = np_dtype.itemsize // source
        return lax.bitcast_convert_type(input.reshape(*input.shape[:-1], -1, k), np_dtype)
    return lax.bitcast_convert_type(input, np_dtype)


def _bits_put(parent, child, dtype, itemsize):
    return _bits(child, np.dtype(parent.dtype)).reshape(parent.shape)


@op("", name="view.dtype", view=View(_bits_layout, _bits_put), node="ViewBackward0", grad=False)
def view_dtype(input, dtype: dt.dtype, itemsize: int):
    """The bits of ``input`` read as another dtype; the last dim follows the ratio of sizes."""
    return _bits(input, dtype.np)


# --- parts ----------------------------------------------------------------------------------------


def _select_layout(shape, strides, offset, dim, index):
    return (
        (*shape[:dim], *shape[dim + 1 :]),
        (*strides[:dim], *strides[dim + 1 :]),
        offset + index * strides[dim],
    )


def _select_put(parent, child, dim, index):
    return lax.dynamic_update_slice_in_dim(parent, jnp.expand_dims(child, dim), index, dim)


@op("", view=View(_select_layout, _select_put))
def select(input, dim: int, index: Scalar):
    """The part of ``input`` at ``index`` (not negative) along ``dim``, without that dim."""
    return lax.dynamic_index_in_dim(input, index, dim, keepdims=False)


def _slice_layout(shape, strides, offset, dim, start, length, step):
    return (
        (*shape[:dim], length, *shape[dim + 1 :]),
        (*strides[:dim], strides[dim] * step, *strides[dim + 1 :]),
        offset + start * strides[dim],
    )


def _span(length, step):
    """Return the extent of ``length`` elements that lie ``step`` apart."""
    return max(length - 1, 0) * step + (1 if length else 0)


def _slice_put(parent, child, dim, start, length, step):
    if step > 1 and length > 1:
        window = lax.dynamic_slice_in_dim(parent, start, _span(length, step), dim)
        where = tuple(
            slice(None, None, step) if d == dim else slice(None) for d in range(parent.ndim)
        )
        child = window.at[where].set(child)
    return lax.dynamic_update_slice_in_dim(parent, child, start, dim)


@op("", name="slice", view=View(_slice_layout, _slice_put))
def slice_(input, dim: int, start: Scalar, length: int, step: int):
    """``length`` elements of ``input`` along ``dim``, from ``start``, ``step`` apart."""
    window = lax.dynamic_slice_in_dim(input, start, _span(length, step), dim)
    return window if step == 1 or length <= 1 else lax.slice_in_dim(window, 0, None, step, dim)


def _diagonal_layout(shape, strides, offset, diagonal, dim1, dim2):
    n1, n2 = (
        (shape[dim1], shape[dim2] - diagonal)
        if diagonal >= 0
        else (shape[dim1] + diagonal, shape[dim2])
    )
    length = max(min(n1, n2), 0)
    if length:
        offset += diagonal * strides[dim2] if diagonal >= 0 else -diagonal * strides[dim1]
    keep = [d for d in range(len(shape)) if d not in (dim1, dim2)]
    return (
        (*(shape[d] for d in keep), length),
        (*(strides[d] for d in keep), strides[dim1] + strides[dim2]),
        offset,
    )


def _diagonal_put(parent, child, offset, dim1, dim2):
    moved = jnp.moveaxis(parent, (dim1, dim2), (-2, -1))
    steps = np.arange(child.shape[-1])
    rows, columns = steps + max(-offset, 0), steps + max(offset, 0)
    return jnp.moveaxis(moved.at[..., rows, columns].set(child), (-2, -1), (dim1, dim2))


@op("", view=View(_diagonal_layout, _diagonal_put))
def diagonal(input, offset: int, dim1: int, dim2: int):
    """The diagonal of the planes (dim1, dim2) of ``input`` as last dim; no negative dims."""
    return jnp.diagonal(input, offset, dim1, dim2)


def _unfold_layout(shape, strides, offset, dimension, size, step):
    if not shape:
        return ((size,) if size else (0,)), (1,), offset
    count = (shape[dimension] - size) // step + 1
    return (
        (*shape[:dimension], count, *shape[dimension + 1 :], size),
        (
            *strides[:dimension],
            strides[dimension] * step,
            *strides[dimension + 1 :],
            strides[dimension],
        ),
        offset,
    )


def _window_indices(n, size, step):
    return np.arange((n - size) // step + 1)[:, None] * step + np.arange(size)


def _unfold_put(parent, child, dimension, size, step):
    if not parent.ndim:
        return child.reshape(())
    moved = jnp.moveaxis(parent, dimension, -1)
    windows = _window_indices(parent.shape[dimension], size, step)
    child = jnp.moveaxis(child, dimension, -2)
    return jnp.moveaxis(moved.at[..., windows].set(child), -1, dimension)


@op("", view=View(_unfold_layout, _unfold_put))
def unfold(input, dimension: int, size: int, step: int):
    """All windows of ``size`` elements along ``dimension``, ``step`` apart, as a last dim."""
    if not input.ndim:
        return input.reshape(1)[:size]
    windows = _window_indices(input.shape[dimension], size, step)
    taken = jnp.take(input, windows, dimension, mode="clip")
    return jnp.moveaxis(taken, dimension + 1, -1)


# --- many elements on one place -------------------------------------------------------------------


def _expand_layout(shape, strides, offset, size):
    lead = len(size) - len(shape)
    found: list[int] = []
    if not shape:
        return size, (0,) * lead, offset
    for d in reversed(range(len(size))):
        if d >= lead:
            found.insert(0, strides[d - lead] if shape[d - lead] == size[d] else 0)
        else:  # a new dim of size 1 is given the stride that it would have if it were not new
            found.insert(0, size[d + 1] * found[0] if size[d] == 1 else 0)
    return size, tuple(found), offset


def _expand_put(parent, child, size):
    lead = child.ndim - parent.ndim
    first = tuple(
        0 if d < lead else (jnp.s_[:1] if parent.shape[d - lead] == 1 else jnp.s_[:])
        for d in range(child.ndim)
    )
    return child[first]


@op("", view=View(_expand_layout, _expand_put, repeats=True))
def expand(input, size: Size):
    """``input`` broadcast to ``size`` (no -1 left) without copying: stride 0 along the new dims."""
    return jnp.broadcast_to(input, size)


def _as_strided_layout(shape, strides, offset, size, stride, storage_offset):
    return size, stride, storage_offset


def strided_places(size, stride, storage_offset):
    """Return the index into flat memory of each element of a strided window."""
    places = np.full(size, storage_offset)
    for d, (n, s) in enumerate(zip(size, stride, strict=True)):
        places = places + (np.arange(n) * s).reshape((n,) + (1,) * (len(size) - d - 1))
    return places


def _as_strided_put(parent, child, size, stride, storage_offset):
    places = strided_places(size, stride, storage_offset)
    return parent.reshape(-1).at[places].set(child).reshape(parent.shape)


@op("", view=View(_as_strided_layout, _as_strided_put))
def as_strided(input, size: Size, stride: Dims, storage_offset: int):
    """Elements of a contiguous ``input``'s memory at ``storage_offset + index . stride``."""
    return input.reshape(-1)[strided_places(size, stride, storage_offset)]
