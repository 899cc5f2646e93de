"""A value of a program and the order in which its dims lie in memory.  Floor 0."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jax import lax


class Held(NamedTuple):
    """An array whose axis i is dim ``order[i]`` of the program's value."""

    value: Any
    order: tuple[int, ...]


class Given(Held):
    """An operand of the whole program, or a transpose of one that is not carried out."""

    __slots__ = ()

    @classmethod
    def of(cls, value: Any) -> "Given":
        """Hold an operand."""
        return cls(*plain(value))


class Spread(NamedTuple):
    """``value`` broadcast to ``shape``: its axis i is dim ``dims[i]``; not yet carried out."""

    value: Any
    shape: tuple[int, ...]
    dims: tuple[int, ...]


def plain(value: Any) -> Held:
    """Hold an array in the program's own order."""
    return Held(value, tuple(range(np.ndim(value))))


def is_plain(x: Any) -> bool:
    """Return True for a value that lies in the program's own order."""
    return isinstance(x, Held) and x.order == tuple(range(len(x.order)))


def moved(x: Any) -> bool:
    """Return True for a value that lies in another order."""
    return isinstance(x, Held) and not is_plain(x)


def in_order(x: Any) -> Any:
    """Return the array in the program's own order of dims."""
    return aligned(x, tuple(range(len(shape_of(x)))))


def aligned(x: Any, order: tuple[int, ...]) -> Any:
    """Return the array with its dims in this order."""
    if isinstance(x, Spread):
        places = [order.index(d) for d in x.dims]
        value = transpose(x.value, np.argsort(places).tolist())
        shape = tuple(x.shape[d] for d in order)
        return lax.broadcast_in_dim(value, shape, sorted(places))
    if not x.order or x.order == order:  # or a number among the operands of an element-wise rule
        return x.value
    axes = [x.order.index(d) for d in order]
    shape = picked(x.value.shape, axes)
    long = [a for a in axes if x.value.shape[a] > 1]
    if long == sorted(long):  # only dims of 1 move
        return lax.reshape(x.value, shape)
    turned = lax.transpose(lax.optimization_barrier(x.value), axes)
    # A barrier of one dim: XLA cannot leave the transpose to a loop behind it.
    return lax.reshape(lax.optimization_barrier(lax.reshape(turned, (turned.size,))), shape)


def transpose(value: Any, axes: Sequence[int]) -> Any:
    """Transpose if there is anything to do."""
    return value if list(axes) == sorted(axes) else lax.transpose(value, axes)


def shape_of(x: Any) -> tuple[int, ...]:
    """Return the shape in the program's own order."""
    if isinstance(x, Spread):
        return x.shape
    sizes = dict(zip(x.order, np.shape(x.value), strict=True))
    return tuple(sizes[d] for d in range(len(x.order)))


def ranked(dims: Sequence[int]) -> tuple[int, ...]:
    """Renumber distinct dims as 0, 1, 2, ... by size."""
    by_size = sorted(dims)
    return tuple(by_size.index(d) for d in dims)


def alone(x: Held) -> Held:
    """Keep what makes ``x`` and what it is used for from becoming one loop."""
    return x._replace(value=lax.optimization_barrier(x.value))


def last(rank: int) -> tuple[int, ...]:
    """Return the order (N, *, C)."""
    return (0, *range(2, rank), 1)


def laid(x: Any, order: tuple[int, ...]) -> Held:
    """Hold the value in this order."""
    return Held(aligned(x, order), order)


def without(x: Any, dims: Sequence[int]) -> Any:
    """Drop dims of 1."""
    if isinstance(x, Spread):
        rest = [d for d in range(len(x.shape)) if d not in dims]
        return Spread(x.value, picked(x.shape, rest), tuple(rest.index(d) for d in x.dims))
    value = lax.squeeze(x.value, [x.order.index(d) for d in dims])
    return Held(value, ranked([d for d in x.order if d not in dims]))


def reshaped(x: Any, shape: tuple[int, ...]) -> Any:
    """Reshape a held value if no group of dims that becomes another is apart in memory."""
    groups = grouped(shape_of(x), shape)
    if groups is None:
        return None
    if isinstance(x, Spread):
        places = {old[0]: new[0] for old, new in groups if len(old) == len(new) == 1}
        if any(d not in places for d in x.dims):
            return None
        return Spread(x.value, shape, tuple(places[d] for d in x.dims))
    order: list[int] = []
    at = 0
    by_first = {old[0]: (old, new) for old, new in groups}
    while at < len(x.order):
        old, new = by_first.get(x.order[at], ((), ()))
        if not old or tuple(x.order[at : at + len(old)]) != old:
            return None
        order.extend(new)
        at += len(old)
    return Held(lax.reshape(x.value, [shape[d] for d in order]), tuple(order))


def grouped(old: tuple[int, ...], new: tuple[int, ...]) -> list[tuple] | None:
    """Pair the shortest runs of dims of two shapes that hold as many elements."""
    groups, i, j = [], 0, 0
    while i < len(old) and j < len(new):
        a, b, first, second = old[i], new[j], i, j
        i, j = i + 1, j + 1
        while a != b:
            if a < b and i < len(old):
                a, i = a * old[i], i + 1
            elif b < a and j < len(new):
                b, j = b * new[j], j + 1
            else:
                return None
        groups.append((tuple(range(first, i)), tuple(range(second, j))))
    if not groups or any(n != 1 for n in (*old[i:], *new[j:])):
        return None
    first, second = groups[-1]  # dims of 1 that are left over
    groups[-1] = ((*first, *range(i, len(old))), (*second, *range(j, len(new))))
    return groups


def picked(values: Sequence[Any], order: Sequence[int]) -> tuple[Any, ...]:
    """Return the values at the places that ``order`` names."""
    return tuple(values[d] for d in order)
