"""Many small arrays as one: a collective over a tree in one operation per dtype.

A collective costs about the same for 10 numbers as for 10,000, and the layers of a network have
dozens of arrays (measured on 8 virtual CPU devices in ``benchmarks/worker_pmap.py``).  Floor 5.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from .._core.types import Array, PyTree
from ._collectives import AxisName, pmean


def bucketed(reduce: Callable[[Array], Array]) -> Callable[[PyTree], PyTree]:
    """Make ``reduce``, of one flat array, a function of trees: called once for each dtype.

    ``bucketed(lambda x: psum(x, "data"))(grads)`` lays all arrays of a dtype end to end, (N,), sums
    that over the devices, and cuts it up again.

    Args:
        reduce: elementwise in the array, (N,) -> (N,), such as ``psum`` or ``pmean``; it may change
            the dtype (a reduction in bfloat16, say).

    >>> bucketed(lambda x: 2 * x)({"a": jnp.ones((1, 2)), "b": jnp.arange(2)})
    {'a': Array([[2., 2.]], dtype=float32), 'b': Array([0, 2], dtype=int32)}
    """

    def reduced(tree: PyTree) -> PyTree:
        leaves, structure = jax.tree.flatten(jax.tree.map(jnp.asarray, tree))
        by_dtype: dict[object, list[int]] = {}
        for place, leaf in enumerate(leaves):
            by_dtype.setdefault(leaf.dtype, []).append(place)
        for places in by_dtype.values():
            flat = reduce(jnp.concatenate([leaves[i].ravel() for i in places]))  # (N,)
            start = 0
            for i in places:
                end = start + leaves[i].size
                leaves[i], start = flat[start:end].reshape(leaves[i].shape), end
        return structure.unflatten(leaves)

    return reduced


def mean_floats(tree: PyTree, axis_name: AxisName) -> PyTree:
    """Average the floating and complex arrays of ``tree`` over the devices, in one bucket a dtype.

    Others, such as counters, are returned as they are: the same on all devices, hopefully.
    """
    leaves, structure = jax.tree.flatten(jax.tree.map(jnp.asarray, tree))
    places = [i for i, leaf in enumerate(leaves) if jnp.issubdtype(leaf.dtype, jnp.inexact)]
    means = bucketed(lambda x: pmean(x, axis_name))([leaves[i] for i in places])
    for i, mean in zip(places, means, strict=True):
        leaves[i] = mean
    return structure.unflatten(leaves)
