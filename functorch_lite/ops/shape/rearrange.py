"""Copies in another arrangement: flips, rolls, repeats, triangles and diagonals.

Arrangements that are views (``transpose``, ``diagonal``, ``expand``) are in ``view.py``.  Floor 2.
"""

import jax.numpy as jnp
import numpy as np

from .._common import wrap_dim, wrap_dims
from .._registry import Dims, Size, op

# --- flips and rolls ----------------------------------------------------------------------------


@op("fm")
def flip(input, dims: Size):
    """Reverse the order of the elements along ``dims``."""
    dims = (dims,) if isinstance(dims, int) else dims
    return jnp.flip(input, wrap_dims(dims, input.ndim) if dims else ())


@op("fm", node="FlipBackward0")
def fliplr(input):
    """Reverse the second dim."""
    if input.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return jnp.flip(input, 1)


@op("fm", node="FlipBackward0")
def flipud(input):
    """Reverse the first dim."""
    if input.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return jnp.flip(input, 0)


@op("fm")
def roll(input, shifts: Dims, dims: Dims = ()):
    """Move elements along ``dims`` by ``shifts``, round the end; without dims, in the flat
    order.
    """
    shifts = (shifts,) if isinstance(shifts, int) else shifts
    dims = (dims,) if isinstance(dims, int) else dims
    if not shifts:
        raise RuntimeError("`shifts` required")
    if len(shifts) == 1 and not dims:
        return jnp.roll(input.reshape(-1), shifts[0]).reshape(input.shape)
    if len(shifts) != len(dims):
        raise RuntimeError(
            f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}"
        )
    for shift, d in zip(shifts, dims, strict=True):
        if not input.ndim:
            raise IndexError(f"Dimension specified as {d} but tensor has no dimensions")
        input = jnp.roll(input, shift, wrap_dim(d, input.ndim))
    return input


@op("fm")
def rot90(input, k: int = 1, dims: Dims = (0, 1)):
    """Rotate by ``k`` right angles in the plane of two dims, from the first towards the second."""
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.ndim}")
    if dims[0] == dims[1] or abs(dims[0] - dims[1]) == input.ndim:
        raise RuntimeError(
            f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}"
        )
    first, second = (wrap_dim(d, input.ndim) for d in dims)
    return jnp.rot90(input, k, (first, second))


# --- repeats --------------------------------------------------------------------------------------


@op("m")
def repeat(input, repeats: Size):
    """Copies of ``input`` side by side, ``repeats[d]`` of them along dim d (new dims in front)."""
    if len(repeats) < input.ndim:
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of "
            "tensor"
        )
    sizes = (1,) * (len(repeats) - input.ndim) + input.shape
    result = [n * r for n, r in zip(sizes, repeats, strict=True)]
    negative = next((n for n in result if n < 0), next((r for r in repeats if r < 0), None))
    if negative is not None:
        raise RuntimeError(f"Trying to create tensor with negative dimension {negative}: {result}")
    return jnp.tile(input, repeats)


@op("fm", node="RepeatBackward0")
def tile(input, dims: Size):
    """Copies of ``input`` side by side; a short ``dims`` belongs to the last dims."""
    dims = (dims,) if isinstance(dims, int) else dims
    return repeat(input, (1,) * (input.ndim - len(dims)) + tuple(dims))


@op("", name="_repeat_each", node="ViewBackward0")
def repeat_each(input, repeats: int, dim: int | None = None):
    """Each element (or slice along ``dim``) ``repeats`` times in a row: ``repeat_interleave`` of
    an int.
    """
    if repeats < 0:
        raise RuntimeError("Repeats must be non-negative")
    if dim is None:
        return jnp.repeat(input.reshape(-1), repeats)
    dim = wrap_dim(dim, input.ndim)
    return jnp.repeat(input if input.ndim else input.reshape(1), repeats, axis=dim)


# --- triangles and diagonals ----------------------------------------------------------------------


def _triangle(name, fun, input, diagonal):
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")
    return fun(input, diagonal)


@op("fmio")
def tril(input, diagonal: int = 0):
    """The matrix on and below a diagonal (0 is the main one, positive is above it), 0 elsewhere."""
    return _triangle("tril", jnp.tril, input, diagonal)


@op("fmio")
def triu(input, diagonal: int = 0):
    """The matrix on and above a diagonal (0 is the main one, positive is above it), 0 elsewhere."""
    return _triangle("triu", jnp.triu, input, diagonal)


@op("fmo", node="DiagonalBackward0_copy")
def diag(input, diagonal: int = 0):
    """The diagonal of a matrix, or the square matrix with a vector on its diagonal."""
    if input.ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    return jnp.diag(input, diagonal)


@op("fm", node="DiagEmbedBackward0")
def diagflat(input, offset: int = 0):
    """Square matrix with the flattened input on its diagonal."""
    return jnp.diag(input.reshape(-1), offset)


@op("fm")
def diag_embed(input, offset: int = 0, dim1: int = -2, dim2: int = -1):
    """Matrices, in the plane of two new dims, with the last dim of ``input`` on a diagonal."""
    rank = input.ndim + 1
    first, second = wrap_dim(dim1, rank), wrap_dim(dim2, rank)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    if first > second:  # only the order of the two dims says which side ``offset`` is on
        first, second, offset = second, first, -offset
    n = input.shape[-1] + abs(offset)
    rows = np.arange(n)[:, None]
    on = np.arange(n)[None] - rows == offset
    source = jnp.pad(input, [(0, 0)] * (input.ndim - 1) + [(0, abs(offset))])
    if offset < 0:
        source = jnp.roll(source, -offset, -1)
    full = jnp.where(on, source[..., :, None], jnp.zeros((), input.dtype))
    return jnp.moveaxis(full, (-2, -1), (first, second))
