"""``scatter_reduce`` and ``index_reduce``: writes that combine what meets at one place.

Both are one computation over a different set of places.  Gradients are PyTorch's: ``amax`` and
``amin`` share theirs among equal elements, ``prod`` is right where elements are 0.  Floor 2.
"""

import functools
import warnings

import jax
import jax.numpy as jnp
import numpy as np

from .._common import kind, wrap_dim
from .._registry import op
from .index import check_along, require_index_dtype, scalar_name
from .index_write import add_at, dim_key, element_places, plain_key

_START = {"sum": 0, "prod": 1, "mean": 0}


def _combine(at, values, reduce):
    if reduce in ("sum", "mean"):
        return add_at(at, values)
    if values.dtype == bool:
        return (at.max if reduce == "amax" else at.min)(values, mode="drop")
    fun = {"prod": at.multiply, "amax": at.max, "amin": at.min}[reduce]
    return fun(values, mode="drop")


def _neutral(reduce, np_dtype):
    """Return the element that ``reduce`` leaves everything else unchanged by."""
    if reduce in _START:
        return np.asarray(_START[reduce], np_dtype)
    high = reduce == "amin"
    if np_dtype == np.bool_:
        return np.asarray(high)
    if jnp.issubdtype(np_dtype, jnp.floating):
        return np.asarray(np.inf if high else -np.inf, np_dtype)
    info = np.iinfo(np_dtype)
    return np.asarray(info.max if high else info.min, np_dtype)


def _hits(key, x, indices):
    return jnp.zeros(x.shape, bool).at[key(*indices)].set(True, mode="drop")


def _counts(key, x, src, include_self, indices):
    """Return how many elements meet at each place (at least 1)."""
    start = jnp.full(x.shape, int(include_self), np.int64)
    return jnp.maximum(start.at[key(*indices)].add(jnp.ones(src.shape, np.int64), mode="drop"), 1)


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2))
def reduced(key, reduce, include_self, x, src, *indices):
    """Combine ``src`` with what lies at ``x[key(*indices)]``, or with nothing if not
    ``include_self``.
    """
    base = x
    if not include_self:
        base = jnp.where(_hits(key, x, indices), _neutral(reduce, x.dtype), x)
    out = _combine(base.at[key(*indices)], src, reduce)
    if reduce == "mean":
        count = _counts(key, x, src, include_self, indices).astype(out.dtype)
        out = out / count if kind(out) in "fc" else jnp.floor_divide(out, count)
    return out


@reduced.defjvp
def _reduced_jvp(key, reduce, include_self, primals, tangents):
    (x, src, *indices), (tx, ts, *_) = primals, tangents
    place = key(*indices)
    out = reduced(key, reduce, include_self, x, src, *indices)
    of_self, of_src = _weights(key, reduce, include_self, x, src, indices, out)
    if not include_self:
        of_self = jnp.where(_hits(key, x, indices), jnp.zeros((), of_self.dtype), of_self)
    return out, (tx * of_self).at[place].add(ts * of_src, mode="drop")


def _weights(key, reduce, include_self, x, src, indices, out):
    """Return the derivatives of each result by the element of ``x`` there and by each of
    ``src``.
    """
    place = key(*indices)
    if reduce == "sum":
        return jnp.ones_like(x), jnp.ones_like(src)
    if reduce == "mean":
        share = 1 / _counts(key, x, src, include_self, indices).astype(x.dtype)
        return share, share.at[place].get(mode="clip")
    if reduce == "prod":
        return _product_weights(key, include_self, x, src, indices, out)
    is_self = x == out  # PyTorch counts it even where it is not included
    is_src = src == out.at[place].get(mode="clip")
    count = is_self.astype(x.dtype).at[place].add(is_src.astype(x.dtype), mode="drop")
    share = 1 / jnp.maximum(count, 1)
    return is_self * share, is_src * share.at[place].get(mode="clip")


def _product_weights(key, include_self, x, src, indices, out):
    """The product of all others: the result divided by the element, or taken without a single 0."""
    place = key(*indices)
    one = jnp.ones((), x.dtype)
    filled = jnp.where(x == 0, one, x)
    of_self = reduced(key, "prod", include_self, filled, src, *indices) / filled
    zeros = jnp.zeros(x.shape, x.dtype).at[place].add((src == 0).astype(x.dtype), mode="drop")
    lonely = (src == 0) & (zeros.at[place].get(mode="clip") == 1)
    without = reduced(key, "prod", include_self, x, jnp.where(lonely, one, src), *indices)
    plain = out.at[place].get(mode="clip") / jnp.where(src == 0, one, src)
    return of_self, jnp.where(lonely, without.at[place].get(mode="clip"), plain)


# --- the two ops ----------------------------------------------------------------------------------


@op("fmio", check=check_along)
def scatter_reduce(input, dim: int, index, src, reduce: str, *, include_self: bool = True):
    """``out[index[i, j], j]`` combined with ``src[i, j]`` by "sum", "prod", "mean", "amax" or
    "amin".
    """
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise RuntimeError(
            f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}"
        )
    if index.size == 0:
        return jnp.asarray(input)
    x, src, places = element_places("scatter", input, dim, index, src)
    return reduced(plain_key, reduce, include_self, x, src, *places).reshape(input.shape)


def _check_index_reduce(input, dim, index, **_):
    check_along(input, dim, index)
    warnings.warn(
        "index_reduce() is in beta and the API may change at any time.", UserWarning, stacklevel=2
    )


@op("fmio", check=_check_index_reduce)
def index_reduce(input, dim: int, index, source, reduce: str, *, include_self: bool = True):
    """The slice ``index[j]`` along ``dim`` combined with ``source[j]`` by "prod", "mean", "amax"
    or "amin".
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(
            "index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got "
            f"{reduce}."
        )
    dim = wrap_dim(dim, input.ndim)
    require_index_dtype("index_reduce", index, text="int32/int64")
    if source.dtype != input.dtype:
        raise RuntimeError(
            f"index_reduce(): self ({scalar_name(input)}) and source ({scalar_name(source)}) must "
            "have the "
            "same scalar type"
        )
    if index.ndim > 1:
        raise IndexError("index_reduce(): Index is supposed to be a vector")
    x, places, src = (a.reshape(1) if not a.ndim else a for a in (input, index, source))
    if places.shape[0] != src.shape[dim]:
        raise RuntimeError(
            f"index_reduce(): Number of indices ({places.shape[0]}) should be equal to "
            "source.size(dim): "
            f"({src.shape[dim]}), for dim: {dim}"
        )
    if not src.size:
        return jnp.asarray(input)
    return reduced(dim_key(dim), reduce, include_self, x, src, places).reshape(input.shape)
