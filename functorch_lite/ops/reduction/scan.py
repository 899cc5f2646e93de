"""Running sums and products, differences, and integrals by the trapezoid rule.

Running extremes are in ``extreme.py``, running log-sums in ``reduce.py``.  Floor 2.
"""

import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from .._common import cast, kind, promoted, widened, wrap_dim
from .._registry import COMMON, Scalar, op

# --- running ------------------------------------------------------------------------------------


def _running(cumulate, input, dim, dtype):
    dim = wrap_dim(dim, input.ndim)
    own = dt.int64 if kind(input) in "bi" else dt.from_np(np.dtype(input.dtype))
    result = dtype or own
    x = widened(cast(input, result))
    if result is dt.bool_:
        x = x.astype(np.int64)
    if x.ndim and x.size:
        x = cumulate(x, axis=dim)
    return cast(x, result)


@op("fmio")
def cumsum(input, dim: int, *, dtype: dt.dtype | None = None):
    """Running sum along ``dim``; integers are summed in int64."""
    return _running(jnp.cumsum, input, dim, dtype)


@op("fmio")
def cumprod(input, dim: int, *, dtype: dt.dtype | None = None):
    """Running product along ``dim``; the gradient is right where elements are 0."""
    return _running(jnp.cumprod, input, dim, dtype)


# --- differences ----------------------------------------------------------------------------------


def _check_edge(input, edge, name, dim):
    if edge.ndim != input.ndim:
        raise RuntimeError("diff expects prepend or append to be the same dimension as input")
    if any(
        n != m for d, (n, m) in enumerate(zip(input.shape, edge.shape, strict=True)) if d != dim
    ):
        raise RuntimeError(
            "diff expects the shape of tensor to prepend or append to match that of input except "
            "along the "
            f"differencing dimension; input.size({dim}) = {input.shape[dim]}, but got "
            f"{name}.size({dim}) = "
            f"{edge.shape[dim]}"
        )


@op("fmo", node="SubBackward0", promote=COMMON, elementwise=False)
def diff(input, n: int = 1, dim: int = -1, prepend=None, append=None):
    """Differences of neighbours along ``dim``, ``n`` times; bools give "is unequal"."""
    if not input.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    dim = wrap_dim(dim, input.ndim)
    for edge, name in ((prepend, "prepend"), (append, "append")):
        if edge is not None:
            _check_edge(input, edge, name, dim)
    out = jnp.concatenate([x for x in (prepend, input, append) if x is not None], axis=dim)
    for _ in range(min(n, out.shape[dim])):
        high, low = (_cut(out, dim, slice(1, None)), _cut(out, dim, slice(None, -1)))
        out = high != low if kind(out) == "b" else high - low
    return out


def _cut(x, dim, part):
    return x[(slice(None),) * dim + (part,)]


# --- integrals ------------------------------------------------------------------------------------


def _steps(name, y, x, dim):
    """Return (wrapped dim, widths of the steps along it) for samples ``y`` at places ``x``."""
    dim = wrap_dim(dim, y.ndim)
    if x.ndim == 1:
        if x.shape[0] != y.shape[dim]:
            raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
        x = x.reshape([-1 if d == dim else 1 for d in range(y.ndim)])
    elif x.ndim < y.ndim:
        x = x.reshape((1,) * (y.ndim - x.ndim) + x.shape)
    return dim, _cut(x, dim, slice(1, None)) - _cut(x, dim, slice(None, -1))


def _panels(name, y, x, dx, dim):
    """Return (wrapped dim, twice the areas of the trapezoids between neighbours)."""
    if not y.ndim:
        raise IndexError("Dimension specified as -1 but tensor has no dimensions")
    if "b" in (kind(y), kind(x) if x is not None else ""):
        raise RuntimeError(
            f"{name}: received a bool input for `x` or `y`, but bool is not supported"
        )
    if kind(y) == "i":
        y = y.astype(dt.get_default_dtype().np)
    if x is None:
        dim, width = wrap_dim(dim, y.ndim), dx
    else:
        y, x = promoted(y, x)
        dim, width = _steps(name, y, x, dim)
    return dim, (_cut(y, dim, slice(1, None)) + _cut(y, dim, slice(None, -1))) * width


def _trapezoid(y, x, dx, dim):
    dim, panels = _panels("trapezoid", y, x, dx, dim)
    return (jnp.sum(panels, axis=dim) * 0.5).astype(panels.dtype)


@op("f", name="trapezoid.x", aliases="trapz", node="DivBackward1")
def trapezoid_x(y, x, *, dim: int = -1):
    """Integral along ``dim`` of samples ``y`` at places ``x``."""
    return _trapezoid(y, x, None, dim)


@op("f", name="trapezoid.dx", aliases="trapz", node="MulBackward1")
def trapezoid_dx(y, *, dx: Scalar = 1, dim: int = -1):
    """Integral along ``dim`` of samples ``y`` that are ``dx`` apart."""
    return _trapezoid(y, None, dx, dim)


@op("f", node="CumsumBackward0")
def cumulative_trapezoid(y, x=None, *, dx: Scalar = 1, dim: int = -1):
    """Running integral along ``dim`` of samples ``y`` at places ``x`` (or ``dx`` apart)."""
    dim, panels = _panels("cumulative_trapezoid", y, x, dx, dim)
    return (jnp.cumsum(panels, axis=dim) * 0.5).astype(panels.dtype)
