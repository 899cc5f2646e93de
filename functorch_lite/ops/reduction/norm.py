"""Norms of vectors and matrices, and what is made of them: ``norm``, ``renorm``, ``cdist``.

At 0 every vector norm has the gradient 0, as in PyTorch; the maximum norm shares its gradient among
equal magnitudes.  Norms that need singular values call ``linalg_factor``'s.  Floor 2.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from .._common import broadcast_shape, cast, kind, promoted, widened, wrap_dim, wrap_dims
from .._registry import OPS, Dims, Scalar, op
from ..pointwise import elementwise as elementwise
from .extreme import highest, lowest
from .reduce import real_dtype, root

# --- vectors ------------------------------------------------------------------------------------


@jax.custom_jvp
def _power(a, p):
    """a ** p for a >= 0, whose gradient at 0 is 0."""
    return a**p


@_power.defjvp
def _power_jvp(primals, tangents):
    (a, p), (t, _) = primals, tangents
    steep = jnp.where(a == 0, jnp.zeros((), a.dtype), p * jnp.where(a == 0, 1, a) ** (p - 1))
    return _power(a, p), t * steep


def p_norm(x, p, dims, keepdim=False):
    """The ``p``-norm of real or complex ``x`` over ``dims``, of the parts' dtype."""
    if p == 2:
        square = x.real**2 + x.imag**2 if kind(x) == "c" else x * x
        return root(jnp.sum(square, axis=dims, keepdims=keepdim))
    if p == 0:
        return jnp.sum(x != 0, axis=dims, keepdims=keepdim).astype(real_dtype(x.dtype))
    a = OPS["abs"].body(x)
    if p == 1:
        return jnp.sum(a, axis=dims, keepdims=keepdim)
    if math.isinf(p):
        out = (highest if p > 0 else lowest)(a, dims, True)
        return out if keepdim else jnp.squeeze(out, dims)
    power = np.asarray(p, a.dtype)
    return _power(
        jnp.sum(_power(a, power), axis=dims, keepdims=keepdim), np.asarray(1 / p, a.dtype)
    )


def _vector_norm(name, x, p, dim, keepdim, dtype):
    own = dt.from_np(np.dtype(x.dtype))
    if own.category < dt.FLOATING:
        raise RuntimeError(
            f"{name}: Expected a floating point or complex tensor as input. Got "
            f"{dt.scalar_name(own)}"
        )
    if dtype is not None:
        x = cast(x, dtype)
        own = dtype
    dims = wrap_dims(dim, x.ndim)
    if p < 0 or math.isinf(p):
        _require_elements(name, x, p, dim)
    return p_norm(widened(x), p, dims, keepdim).astype(own.to_real().np)


def _require_elements(name, x, p, dim):
    shown = f"{p:g}"
    if not x.size and dim in (None, ()):
        raise RuntimeError(
            f"{name} cannot compute the {shown} norm on an empty tensor because the operation "
            "does not have an identity"
        )
    for d in wrap_dims(dim, x.ndim):
        if x.ndim and not x.shape[d]:
            raise RuntimeError(
                f"{name} cannot compute the {shown} norm on the dimension {d} because this "
                "dimension is empty and "
                "the operation does not have an identity"
            )


@op("fo", space="linalg", node="LinalgVectorNormBackward0")
def vector_norm(
    x,
    ord: float = 2,
    dim: Dims | None = None,
    keepdim: bool = False,
    *,
    dtype: dt.dtype | None = None,
):
    """``sum(|x| ** ord) ** (1 / ord)`` over ``dim``; ``ord`` may be 0, inf, -inf or negative."""
    return _vector_norm("linalg.vector_norm", x, ord, dim, keepdim, dtype)


# --- matrices -------------------------------------------------------------------------------------


def _matrix_dims(name, a, dim):
    if len(dim) != 2:
        raise RuntimeError(f"{name}: dim must be a 2-tuple. Got {' '.join(map(str, dim))}")
    if a.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions.")
    first, second = (wrap_dim(d, a.ndim) for d in dim)
    if first == second:
        raise RuntimeError(f"{name}: dims must be different. Got ({dim[0]}, {dim[1]})")
    return first, second


def _matrix_norm(name, a, ord, dim, keepdim, dtype):
    own = dt.from_np(np.dtype(a.dtype))
    if own.category < dt.FLOATING:
        raise RuntimeError(
            f"{name}: Expected a floating point or complex tensor as input. Got "
            f"{dt.scalar_name(own)}"
        )
    first, second = _matrix_dims(name, a, dim)
    if dtype is not None:
        a, own = cast(a, dtype), dtype
    x = widened(a)
    if ord == "fro":
        out = p_norm(x, 2, (first, second), keepdim)
    elif ord == "nuc" or (not isinstance(ord, str) and abs(ord) == 2):
        out = _spectral(x, ord, (first, second), keepdim)
    elif not isinstance(ord, str) and (abs(ord) == 1 or math.isinf(ord)):
        out = _largest_sum(x, ord, first, second, keepdim)
    else:
        raise RuntimeError(f"{name}: Order {ord} not supported.")
    return out.astype(own.to_real().np)


def _spectral(x, ord, dims, keepdim):
    """The nuclear norm, or the largest or smallest singular value."""
    values = jnp.linalg.svd(jnp.moveaxis(x, dims, (-2, -1)), compute_uv=False)
    if ord == "nuc":
        out = jnp.sum(values, axis=-1)
    else:
        out = jnp.squeeze((highest if ord > 0 else lowest)(values, (values.ndim - 1,), True), -1)
    return jnp.expand_dims(out, tuple(sorted(dims))) if keepdim else out


def _largest_sum(x, ord, first, second, keepdim):
    """The largest (or smallest) sum of magnitudes of a column (ord 1) or of a row (ord inf)."""
    inner, outer = (first, second) if abs(ord) == 1 else (second, first)
    sums = jnp.sum(OPS["abs"].body(x), axis=inner, keepdims=True)
    out = (highest if ord > 0 else lowest)(sums, (outer,), True)
    return out if keepdim else jnp.squeeze(out, (first, second))


@op("fo", space="linalg", node="LinalgVectorNormBackward0")
def matrix_norm(
    A,
    ord: str = "fro",
    dim: Dims = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: dt.dtype | None = None,
):
    """Norm of the matrices in two dims: "fro", "nuc", 1, -1, 2, -2, inf or -inf."""
    return _matrix_norm("linalg.matrix_norm", A, ord, dim, keepdim, dtype)


@op("fo", space="linalg", name="norm", node="LinalgVectorNormBackward0")
def linalg_norm(
    A,
    ord: str | None = None,
    dim: Dims | None = None,
    keepdim: bool = False,
    *,
    dtype: dt.dtype | None = None,
):
    """Vector norm over one dim (or of all elements if ``ord`` is None), matrix norm over two."""
    several = isinstance(dim, tuple)
    if ord is None:
        return _vector_norm("linalg.vector_norm", A, 2, dim, keepdim, dtype)
    if dim is None:
        if A.ndim not in (1, 2):
            raise RuntimeError(
                "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. "
                f"Got {A.ndim}D."
            )
        dim, several = tuple(range(A.ndim)), A.ndim == 2
    if several and len(dim) == 2:
        return _matrix_norm("linalg.matrix_norm", A, ord, dim, keepdim, dtype)
    if several and len(dim) != 1:
        raise RuntimeError(
            "linalg.norm: If dim is specified, it must be of length 1 or 2. Got ["
            + ", ".join(map(str, dim))
            + "]"
        )
    if isinstance(ord, str):
        raise RuntimeError(f"linalg.norm: Order {ord} not supported.")
    return _vector_norm("linalg.vector_norm", A, ord, dim, keepdim, dtype)


@op("fmo", node="LinalgVectorNormBackward0")
def norm(
    input,
    p: str = "fro",
    dim: Dims | None = None,
    keepdim: bool = False,
    dtype: dt.dtype | None = None,
):
    """The older norm: "fro" is the 2-norm of all elements, a number is a vector norm over
    ``dim``.
    """
    if p == "nuc":
        dims = tuple(range(input.ndim)) if dim is None else dim
        return _matrix_norm("linalg.matrix_norm", input, "nuc", dims, keepdim, dtype)
    if isinstance(p, str) and p != "fro":
        raise RuntimeError(f"Unsupported norm order: {p}")
    return _vector_norm(
        "linalg.vector_norm", input, 2 if p in (None, "fro") else p, dim, keepdim, dtype
    )


# --- made of norms --------------------------------------------------------------------------------


@op("fmio")
def renorm(input, p: float, dim: int, maxnorm: Scalar):
    """Scale each slice along ``dim`` down so that its ``p``-norm is at most ``maxnorm``."""
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if input.ndim < 2:
        raise RuntimeError(
            f"renorm: input needs at least 2 dimensions, got {input.ndim} dimensions"
        )
    dim = wrap_dim(dim, input.ndim)
    x = widened(input)
    length = p_norm(x, p, tuple(d for d in range(x.ndim) if d != dim), True)
    limit = jnp.asarray(maxnorm, length.dtype)
    factor = jnp.where(length > limit, limit / (length + np.asarray(1e-7, length.dtype)), 1)
    return (x * factor.astype(length.dtype)).astype(input.dtype)


def _check_cdist(x1, x2, p, compute_mode):
    for name, x in (("X1", x1), ("X2", x2)):
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.ndim}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}"
        )
    for name, x in (("X1", x1), ("X2", x2)):
        if kind(x) != "f":
            raise RuntimeError(
                f"cdist only supports floating-point dtypes, {name} got: "
                f"{dt.scalar_name(dt.from_np(np.dtype(x.dtype)))}"
            )
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    if compute_mode not in (
        None,
        "use_mm_for_euclid_dist_if_necessary",
        "use_mm_for_euclid_dist",
        "donot_use_mm_for_euclid_dist",
    ):
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")


@op("f")
def cdist(x1, x2, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary"):
    """``p``-norm distances of all pairs of rows: (*, P, M), (*, R, M) -> (*, P, R)."""
    _check_cdist(x1, x2, p, compute_mode)
    x1, x2 = promoted(x1, x2)
    broadcast_shape(x1.shape[:-2], x2.shape[:-2])
    apart = x1[..., :, None, :] - x2[..., None, :, :]
    if not apart.shape[-1]:
        return jnp.zeros(apart.shape[:-1], apart.dtype)
    return p_norm(apart, p, (apart.ndim - 1,))
