"""Sums in PyTorch's order, so that a mean printed here has the digits that PyTorch prints.

Floating-point addition is not associative.  PyTorch's CPU kernel sums a contiguous row with vectors
of 32 bytes: four vectors in turn, each accumulated in blocks of 16 whose sums are cascaded through
four levels, then the vectors, then their lanes.  The order is written out here as additions of
slices, which XLA neither reorders nor merges, and which vectorize like an ordinary reduction.
Above ``LONGEST`` PyTorch splits the row among its threads and the order depends on their number:
there an ordinary reduction does.  Floor 1.
"""

import jax
import jax.numpy as jnp
from jax import lax

LONGEST = 32768
"""Elements from which PyTorch sums in parallel."""

_VECTOR_BYTES = 32
_INTERLEAVED = 4
_STEP = 16
_LEVELS = 4


def _in_turn(parts):
    """Add arrays from left to right.

    Here and below in ``lax``, not ``jnp``: an operator of an array costs a trace several times as
    much, and there are dozens in a sum.
    """
    total, *rest = parts
    for part in rest:
        total = lax.add(total, part)
    return total


def _at(x, i, axis=1):
    return lax.index_in_dim(x, i, axis, keepdims=False)


def _span(x, start, stop):
    return lax.slice_in_dim(x, start, stop, axis=1)


def _blocks(x, axis_length):
    """Split (R, n, ...) into the sums of its blocks of 16, (R, n // 16, ...), and the rest."""
    whole = axis_length // _STEP * _STEP
    if not whole:
        return None, x
    blocks = _span(x, 0, whole)
    blocked = lax.reshape(blocks, (x.shape[0], whole // _STEP, _STEP, *x.shape[2:]))
    return _in_turn([_at(blocked, j, 2) for j in range(_STEP)]), _span(x, whole, axis_length)


def _cascade(x):
    """Sum (R, n, ...) over its second dim: blocks of 16, 16 blocks, and so on; the rests last."""
    rests = []
    for _ in range(_LEVELS - 1):
        sums, rest = _blocks(x, x.shape[1])
        rests.append(rest)
        if sums is None:
            break
        x = sums
    else:
        rests.append(x)
    zero = lax.full((x.shape[0], *x.shape[2:]), 0, x.dtype)
    return _in_turn([_in_turn([zero, *(_at(r, i) for i in range(r.shape[1]))]) for r in rests])


def _interleaved(x):
    """Sum (R, n, lanes) over its second dim: four cascades side by side, the rest to the first."""
    rows, n, lanes = x.shape
    quads = n // _INTERLEAVED
    cut = quads * _INTERLEAVED
    four = _cascade(lax.reshape(_span(x, 0, cut), (rows, quads, _INTERLEAVED, lanes)))
    first = _in_turn([_at(four, 0), *(_at(x, i) for i in range(cut, n))])
    return _in_turn([first, *(_at(four, k) for k in range(1, _INTERLEAVED))])


def _rows(x):
    lanes = _VECTOR_BYTES // x.dtype.itemsize
    rows, n = x.shape
    vectors = n // lanes
    if not vectors:
        return _at(_interleaved(lax.reshape(x, (rows, n, 1))), 0)
    whole = vectors * lanes
    vector = _interleaved(lax.reshape(_span(x, 0, whole), (rows, vectors, lanes)))
    return _in_turn(
        [
            lax.full((rows,), 0, x.dtype),
            *(_at(x, i) for i in range(whole, n)),
            *(_at(vector, k) for k in range(lanes)),
        ]
    )


@jax.custom_jvp
def cascade_sum(x):
    """Sum a contiguous float32 or float64 array (R, n) over its rows, in PyTorch's order: (R,)."""
    return _rows(x)


@cascade_sum.defjvp
def _cascade_sum_jvp(primals, tangents):
    (x,), (t,) = primals, tangents
    return cascade_sum(x), jnp.sum(t, -1)


def ordered(x, dims):
    """Return True if ``cascade_sum`` can sum ``x`` over ``dims`` in PyTorch's order."""
    trailing = tuple(range(x.ndim - len(dims), x.ndim))
    return (
        x.dtype in (jnp.float32, jnp.float64)
        and bool(dims)
        and tuple(sorted(dims)) == trailing
        and 0 < x.size < LONGEST
    )


def trailing_sum(x, count):
    """Sum the last ``count`` dims of ``x`` in PyTorch's order."""
    lead = x.shape[: x.ndim - count]
    rows = 1
    for n in lead:
        rows *= n
    return cascade_sum(x.reshape(rows, -1)).reshape(lead)


def sum_to(x, shape):
    """Sum ``x`` over the dims along which ``shape`` was broadcast; the result has ``shape``."""
    if x.shape == shape:
        return x
    lead = x.ndim - len(shape)
    dims = tuple(d for d in range(x.ndim) if d < lead or shape[d - lead] == 1)
    total = trailing_sum(x, len(dims)) if ordered(x, dims) else jnp.sum(x, dims)
    return total.reshape(shape)
