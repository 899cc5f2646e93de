"""``segment_reduce``: sums, means, products and extremes of stretches of a dim."""

import jax
import jax.numpy as jnp
import numpy as np

from .._common import kind, require
from .._registry import Scalar, op

_REDUCTIONS = {"max": "max", "amax": "max", "min": "min", "amin": "min", "sum": "sum"}
_REDUCTIONS |= {"mean": "mean", "prod": "prod"}


def _check_lengths(data, reduce="", lengths=None, offsets=None, axis=0, unsafe=False, **_):
    """Raise for lengths that are negative or do not add up to the size."""
    if lengths is None or unsafe:
        return
    values = np.asarray(lengths)
    if values.size and values.min() < 0:
        raise RuntimeError("lengths contains negative value!")
    if (
        values.shape[:-1] == data.shape[: values.ndim - 1]
        and (values.sum(-1) != data.shape[values.ndim - 1]).any()
    ):
        raise RuntimeError(
            "segment_reduce(): Expected all rows of lengths along axis to sum to "
            "data.size(lengths.dim()-1) "
            "when !unsafe."
        )


def _starts(lengths, offsets):
    """Return offsets (*, S + 1) of the segments."""
    if offsets is not None:
        return offsets.astype(jnp.int64)
    sums = jnp.cumsum(lengths.astype(jnp.int64), -1)
    return jnp.pad(sums, [*((0, 0),) * (sums.ndim - 1), (1, 0)])


@op("f", check=_check_lengths, aliases="_segment_reduce")
def segment_reduce(
    data,
    reduce: str,
    *,
    lengths=None,
    indices=None,
    offsets=None,
    axis: int = 0,
    unsafe: bool = False,
    initial: Scalar | None = None,
):
    """Reduce stretches of ``data`` along ``axis``, given by their lengths or their offsets.

    ``reduce`` is "sum", "mean", "prod", "max" or "min"; ``initial`` begins each stretch.
    ``lengths`` (*, S) or ``offsets`` (*, S + 1) have the dims of ``data`` before ``axis`` in front.
    """
    if reduce not in _REDUCTIONS:
        raise RuntimeError(
            f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}"
        )
    axis = _check(data, lengths, indices, offsets, axis)
    require("_segment_reduce_cpu", "f", data)
    starts = _starts(lengths, offsets)
    rule = _RULES[_REDUCTIONS[reduce]]

    def one(x, starts):
        """Reduce the segments of the first dim of ``x``."""
        position = jnp.arange(x.shape[0])
        own = jnp.searchsorted(starts, position, side="right") - 1
        own = jnp.where(position < starts[-1], own, starts.shape[0] - 1)
        return rule(x, own, starts[1:] - starts[:-1], initial)

    for _ in range(axis):
        one = jax.vmap(one)
    return one(data, starts)


def _check(data, lengths, indices, offsets, axis):
    if indices is not None:
        raise RuntimeError("segment_reduce(): indices based reduction is not supported yet.")
    name, given = ("lengths", lengths) if offsets is None else ("offsets", offsets)
    if given is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    axis = axis + data.ndim if axis < 0 else axis
    if axis != given.ndim - 1:
        raise RuntimeError(
            f"segment_reduce(): Expected axis to be the last dimension of {name} but got {axis}."
        )
    if kind(given) not in "i":
        raise RuntimeError(f"segment_reduce(): {name} must be integers.")
    return axis


def _spread(sizes, like):
    return sizes.reshape(-1, *(1,) * (like.ndim - 1))


def _sum(x, own, sizes, initial):
    sums = jax.ops.segment_sum(x, own, sizes.shape[0])
    return sums if initial is None else sums + jnp.asarray(initial, x.dtype)


def _mean(x, own, sizes, initial):
    count = _spread(sizes, x)
    sums = _sum(x, own, sizes, initial)
    means = sums / jnp.maximum(count, 1).astype(x.dtype)
    empty = jnp.full_like(sums, np.nan) if initial is None else sums
    return jnp.where(count > 0, means, empty)


def _prod(x, own, sizes, initial):
    count, fixed = sizes.shape[0], jax.lax.stop_gradient(x)
    start = jnp.asarray(1 if initial is None else initial, x.dtype)
    zero = fixed == 0
    zeros = jax.ops.segment_sum(zero.astype(jnp.int32), own, count)
    rest = jax.ops.segment_prod(jnp.where(zero, 1, fixed), own, count) * start
    product = jnp.where(zeros > 0, 0, rest).astype(x.dtype)
    one_zero = jnp.where(zero & (zeros[own] == 1), rest[own], 0)
    slope = jnp.where(zeros[own] == 0, rest[own] / jnp.where(zero, 1, fixed), one_zero)
    return product + jax.ops.segment_sum(_shadow(x) * slope, own, count)


def _extreme(segments, lowest, better):
    def rule(x, own, sizes, initial):
        fixed = jax.lax.stop_gradient(x)
        count = sizes.shape[0]
        start = jnp.asarray(lowest if initial is None else initial, x.dtype)
        nan = jax.ops.segment_max((fixed != fixed).astype(jnp.int32), own, count) > 0
        best = jnp.where(nan, jnp.nan, better(segments(fixed, own, count), start))
        hit = (fixed == best[own]) | (fixed != fixed)
        hits = jax.ops.segment_sum(hit.astype(x.dtype), own, count)
        share = jnp.where(hit, _shadow(x) / jnp.maximum(hits, 1)[own], 0)
        return best + jax.ops.segment_sum(share, own, count)

    return rule


@jax.custom_jvp
def _shadow(x):
    """Return zeros that have the derivative of ``x``: values reached by another way keep theirs."""
    return jnp.zeros_like(x)


@_shadow.defjvp
def _shadow_jvp(primals, tangents):
    return jnp.zeros_like(primals[0]), tangents[0]


_RULES = {
    "sum": _sum,
    "mean": _mean,
    "prod": _prod,
    "max": _extreme(jax.ops.segment_max, -np.inf, jnp.maximum),
    "min": _extreme(jax.ops.segment_min, np.inf, jnp.minimum),
}
