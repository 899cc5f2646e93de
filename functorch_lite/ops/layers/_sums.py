"""Sums as products with ones, and their transposes.

XLA's CPU reduction adds float32 numbers one after the other on few threads; a product with a
vector of ones runs in the matrix library, is faster and has a smaller rounding error.  ``spread``
is the transpose of ``channel_sum``, so that the gradient of one is the other.  Floor 1.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax

SHORT = 128
"""Rows shorter than this are summed by an ordinary reduction, which XLA fuses with its
neighbours.
"""


def row_sum(x: jnp.ndarray) -> jnp.ndarray:
    """Sum a floating-point array over its last dim, which stays as 1."""
    if x.shape[-1] < SHORT:
        return x.sum(-1, keepdims=True)
    return _dot(x, jnp.ones((x.shape[-1],), x.dtype), x.ndim - 1)[..., None]


def channel_sum(x: jnp.ndarray) -> jnp.ndarray:
    """Sum a floating-point array (N, C, *) over all dims but the second: (C,)."""
    rows, channels, inner = x.shape[0], x.shape[1], int(np.prod(x.shape[2:]))
    if inner > 1:
        x = row_sum(x.reshape(rows, channels, inner))
    x = x.reshape(rows, channels)
    return x.sum(0) if rows < SHORT else _dot(x, jnp.ones((rows,), x.dtype), 0)


def spread(c: jnp.ndarray, shape: tuple[int, ...]) -> jnp.ndarray:
    """Broadcast (C,) to ``shape`` (N, C, *): the transpose of :func:`channel_sum`."""
    rows, inner = shape[0], int(np.prod(shape[2:]))
    if rows < SHORT:
        out = jnp.broadcast_to(c, (rows, *c.shape))
    else:
        out = _dot(jnp.ones((rows, 1), c.dtype), c[None], 1)
    if inner > 1:
        out = _spread_rows(out[..., None], inner)
    return out.reshape(shape)


def column_spread(c: jnp.ndarray, rows: int) -> jnp.ndarray:
    """Broadcast (D,) to (``rows``, D) so that the gradient's column sums are one product."""
    return _dot(jnp.ones((rows, 1), c.dtype), c[None], 1)


def _spread_rows(column: jnp.ndarray, count: int) -> jnp.ndarray:
    """Broadcast (..., 1) to (..., count); its transpose is :func:`row_sum`."""
    if count < SHORT:
        return jnp.broadcast_to(column, (*column.shape[:-1], count))
    return _dot(column, jnp.ones((1, count), column.dtype), column.ndim - 1)


def _dot(a: jnp.ndarray, b: jnp.ndarray, dim: int) -> jnp.ndarray:
    """Contract ``dim`` of ``a`` with the first dim of ``b``, never in TF32."""
    return lax.dot_general(a, b, (((dim,), (0,)), ((), ())), precision=lax.Precision.HIGHEST)
