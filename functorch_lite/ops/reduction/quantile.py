"""Order statistics: the k-th value, median, mode and quantiles.  NaN sorts after all numbers.
Floor 2.
"""

import jax
import jax.numpy as jnp
import numpy as np

from .._common import kind, require, wrap_dim
from .._registry import op
from ..indexing.order import sorted_with_places
from .extreme import at_index, sharing

# --- one element by its rank --------------------------------------------------------------------


def _at_rank(input, rank, dim, keepdim):
    """Return (value, index) at position ``rank`` (kept dims, or an int) of the sorted order."""
    _, places = sorted_with_places(jax.lax.stop_gradient(input), dim)
    rank = jnp.broadcast_to(
        jnp.asarray(rank, np.int64), tuple(1 if d == dim else n for d, n in enumerate(input.shape))
    )
    index = jnp.take_along_axis(places, rank, axis=dim, mode="clip")
    return at_index(input, index, dim, keepdim)


def _scalar_with_place(input):
    return input + np.zeros((), input.dtype) if kind(input) != "b" else input, jnp.zeros(
        (), np.int64
    )


@op("fmo", returns="values indices")
def kthvalue(input, k: int, dim: int = -1, keepdim: bool = False):
    """The ``k``-th smallest element along ``dim`` (counted from 1) and its index."""
    require("kthvalue_cpu", "if", input)
    dim = wrap_dim(dim, input.ndim)
    if input.ndim and not input.shape[dim]:
        raise IndexError(f"kthvalue(): Expected reduction dim {dim} to have non-zero size.")
    if not 1 <= k <= (input.shape[dim] if input.ndim else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {dim}")
    if not input.ndim:
        return _scalar_with_place(input)
    return _at_rank(input, k - 1, dim, keepdim)


def _middle_rank(x, dim, skip_nan):
    """Return the position of the lower median among the sorted elements, NaN skipped or
    decisive.
    """
    n = x.shape[dim]
    if kind(x) != "f":
        return (n - 1) // 2
    unknown = jnp.sum(jnp.isnan(x), axis=dim, keepdims=True)
    if skip_nan:
        return jnp.maximum((n - unknown - 1) // 2, 0)
    return jnp.where(unknown > 0, n - unknown, (n - 1) // 2)  # the first NaN


def _median_all(skip_nan):
    def reduce(x, dims, shares_nan):
        flat = x.reshape(-1)
        rank = jnp.reshape(_middle_rank(flat, 0, skip_nan), ())
        return jnp.sort(flat).at[rank].get(mode="clip").reshape((1,) * x.ndim)

    return sharing(reduce)


_middle, _nan_middle = _median_all(False), _median_all(True)


def _median(choose, input):
    require("median_cpu", "if", input)
    if not input.size:
        return jnp.full(
            (), np.nan if kind(input) == "f" else np.iinfo(input.dtype).min, input.dtype
        )
    return choose(input, tuple(range(input.ndim)), True).reshape(())


@op("fm", node="MedianBackward0")
def median(input):
    """The lower median of all elements; NaN if there is one."""
    return _median(_middle, input)


@op("fm", node="NanmedianBackward0")
def nanmedian(input):
    """The lower median of all elements that are not NaN."""
    return _median(_nan_middle, input)


def _median_along(input, dim, keepdim, skip_nan):
    require("median_out", "if", input)
    dim = wrap_dim(dim, input.ndim)
    if not input.ndim:
        return _scalar_with_place(input)
    if not input.shape[dim]:
        raise IndexError(f"median(): Expected reduction dim {dim} to have non-zero size.")
    return _at_rank(input, _middle_rank(input, dim, skip_nan), dim, keepdim)


@op("fmo", name="median.dim", node="MedianBackward1", returns="values indices")
def median_dim(input, dim: int, keepdim: bool = False):
    """The lower median along ``dim`` and its index; NaN if there is one."""
    return _median_along(input, dim, keepdim, False)


@op("fmo", name="nanmedian.dim", node="NanmedianBackward1", returns="values indices")
def nanmedian_dim(input, dim: int, keepdim: bool = False):
    """The lower median along ``dim`` of the elements that are not NaN, and its index."""
    return _median_along(input, dim, keepdim, True)


@op("fmo", returns="values indices")
def mode(input, dim: int = -1, keepdim: bool = False):
    """The most frequent element along ``dim`` (the smallest of several) and its last index."""
    require("mode", "bif", input)
    dim = wrap_dim(dim, input.ndim)
    if not input.ndim:
        return _scalar_with_place(input)
    if not input.shape[dim]:
        raise IndexError(f"mode(): Expected reduction dim {dim} to have non-zero size.")
    values, places = sorted_with_places(jax.lax.stop_gradient(input), dim)
    position = jax.lax.broadcasted_iota(np.int64, input.shape, dim)
    starts = (values != jnp.roll(values, 1, dim)) | (position == 0)
    run = position - jax.lax.cummax(
        jnp.where(starts, position, 0), axis=dim
    )  # 0, 1, ... in each run
    longest = jnp.argmax(run, axis=dim, keepdims=True)
    return at_index(
        input, jnp.take_along_axis(places, longest, axis=dim, mode="clip"), dim, keepdim
    )


# --- quantiles ------------------------------------------------------------------------------------

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _check_range(input, q, **_):
    if isinstance(q, (int, float)):
        if not 0 <= q <= 1:
            raise RuntimeError(f"quantile() q must be in the range [0, 1] but got {q:g}")
        return
    values = np.asarray(q)
    if values.size and not ((values >= 0) & (values <= 1)).all():
        raise RuntimeError("quantile() q values must be in the range [0, 1]")


def _check_quantile(name, input, q, interpolation):
    if not input.size:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if np.dtype(input.dtype) not in (np.float32, np.float64):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if jnp.ndim(q) > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if not getattr(q, "weak_type", True) and q.dtype != input.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, "
            "but got "
            f"{interpolation}"
        )


def _quantile(name, input, q, dim, keepdim, interpolation, skip_nan):
    _check_quantile(name, input, q, interpolation)
    q = jnp.asarray(q, input.dtype)
    kept = (1,) * input.ndim
    if dim is None:
        x = input.reshape(-1)
    else:
        dim = wrap_dim(dim, input.ndim)
        x = jnp.moveaxis(input, dim, -1) if input.ndim else input.reshape(1)
        kept = tuple(1 if d == dim else n for d, n in enumerate(input.shape))
    ordered = jnp.sort(x, axis=-1)  # (*rest, n)
    last = x.shape[-1] - 1
    unknown = jnp.isnan(x)
    if skip_nan:
        last = jnp.maximum(last - jnp.sum(unknown, -1, keepdims=True), 0)
    rank = q.reshape(-1) * jnp.asarray(last, x.dtype)  # (*rest, Q), or (Q,) where no NaN is skipped
    if not skip_nan:
        rank = jnp.where(jnp.any(unknown, -1, keepdims=True), last, rank)
    out = _interpolated(ordered, rank, interpolation)
    out = jnp.moveaxis(out, -1, 0)  # (Q, *rest)
    shape = kept if keepdim else out.shape[1:]
    return out.reshape((out.shape[0], *shape) if q.ndim else shape)


def _interpolated(ordered, rank, interpolation):
    """Read the sorted rows at fractional positions ``rank``, as ``torch.lerp`` would."""
    still = jax.lax.stop_gradient(rank)
    if interpolation == "nearest":
        return _read(ordered, jnp.round(still))
    if interpolation in ("lower", "higher"):
        return _read(ordered, jnp.floor(still) if interpolation == "lower" else jnp.ceil(still))
    below, above = _read(ordered, jnp.floor(still)), _read(ordered, jnp.ceil(still))
    weight = rank - jnp.floor(still) if interpolation == "linear" else jnp.full((), 0.5, rank.dtype)
    step = above - below
    return jnp.where(weight < 0.5, below + weight * step, above - step * (1 - weight))


def _read(ordered, rank):
    return jnp.take_along_axis(ordered, rank.astype(np.int64), axis=-1, mode="clip")


@op("fmo", node="SqueezeBackward4", numbers="q", check=_check_range)
def quantile(
    input, q, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
):
    """The ``q``-th quantiles (a number or a vector, in [0, 1]) along ``dim`` or of all; NaN if
    there is one.
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, False)


@op("fmo", node="SqueezeBackward4", numbers="q", check=_check_range)
def nanquantile(
    input, q, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
):
    """The ``q``-th quantiles along ``dim`` of the elements that are not NaN."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, True)
