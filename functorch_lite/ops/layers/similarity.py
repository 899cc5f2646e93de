"""Distances and similarities of vectors: cosine, pairwise, all pairs, normalization to unit norm.

Norms have gradient zero at the zero vector; the maximum norm shares its gradient among ties.
"""

import jax.numpy as jnp
import numpy as np

from .._common import kind, refuse, require, widened, wrap_dim
from .._registry import COMMON, FLOAT, Scalar, op
from ..pointwise.elementwise import absolute
from ._reduction import broadcast


def vector_norm(x, p, axis, keepdims=False):
    """Return the ``p`` norm along ``axis`` with PyTorch's gradients at 0 and at ties."""
    size = absolute(x)
    if p == 0:
        return (x != 0).astype(size.dtype).sum(axis, keepdims=keepdims)
    if p == 1:
        return size.sum(axis, keepdims=keepdims)
    if np.isinf(p):
        return (size.max if p > 0 else size.min)(axis, keepdims=keepdims)
    powers = (size * size if p == 2 else _power(size, p)).sum(axis, keepdims=keepdims)
    zero = powers == 0
    safe = jnp.where(zero, 1, powers)
    return jnp.where(zero, 0, jnp.sqrt(safe) if p == 2 else safe ** (1 / p))


def _power(size, p):
    zero = size == 0
    return jnp.where(zero, 0, jnp.where(zero, 1, size) ** p)


def distance(x1, x2, p, eps, keepdim=False):
    """Return the ``p`` norm of ``x1 - x2 + eps`` over the last dim."""
    x1, x2 = broadcast(x1, x2)
    return vector_norm(x1 - x2 + eps, p, -1, keepdim)


@op(
    "f",
    node="NormBackward1",
    aliases="nn.functional.pairwise_distance",
    promote=FLOAT,
    elementwise=False,
)
def pairwise_distance(x1, x2, p: float = 2.0, eps: Scalar = 1e-6, keepdim: bool = False):
    """``p`` norm of ``x1 - x2 + eps`` over the last dim, row by row."""
    return distance(x1, x2, p, eps, keepdim)


@op(
    "f",
    node="SumBackward1",
    aliases="nn.functional.cosine_similarity",
    promote=COMMON,
    elementwise=False,
)
def cosine_similarity(x1, x2, dim: int = 1, eps: Scalar = 1e-8):
    """Cosine of the angle between ``x1`` and ``x2`` along ``dim``; norms are at least ``eps``."""
    found = "expected common dtype to be floating point, yet common dtype is "
    if kind(x1) not in "fc":
        name = {"b": "Bool"}.get(
            kind(x1), {"int64": "Long", "int32": "Int"}.get(str(x1.dtype), "Long")
        )
        raise RuntimeError(f"{found}{name}")
    x1, x2 = broadcast(x1, x2)
    axis = wrap_dim(dim, x1.ndim)
    if x1.ndim == 0:
        x1, x2 = x1[None], x2[None]
    unit1, unit2 = (x / jnp.maximum(vector_norm(x, 2, axis, True), eps) for x in (x1, x2))
    return (unit1 * jnp.conj(unit2)).sum(axis)


@op("f", node="PdistBackward0", aliases="nn.functional.pdist")
def pdist(input, p: float = 2.0):
    """``p`` norms between all pairs of rows of (N, D), in the order of the upper triangle."""
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    refuse("bic", RuntimeError("pdist only supports floating-point dtypes"), input)
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    require("pdist", "f", input)
    rows, columns = np.triu_indices(input.shape[0], 1)
    return vector_norm(input[rows] - input[columns], p, -1)


@op("fo", space="nn.functional", node="DivBackward0")
def normalize(input, p: float = 2.0, dim: int = 1, eps: Scalar = 1e-12):
    """Divide by the ``p`` norm along ``dim``, which counts as at least ``eps``."""
    axis = wrap_dim(dim, input.ndim)
    refuse(
        "bi",
        RuntimeError(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
            f"{'Bool' if kind(input) == 'b' else 'Long'}"
        ),
        input,
    )
    x = widened(input)
    if x.ndim == 0:
        return (x / jnp.maximum(absolute(x), eps)).astype(input.dtype)
    norm = vector_norm(x, p, axis, keepdims=True)
    return (x / jnp.where(norm < eps, eps, norm)).astype(input.dtype)
