"""Collectives: how the slices of a ``pmap`` (or a named ``vmap``, or ``shard_map``) combine.

They are ``jax.lax``'s own, with one error for all: outside of the axis they name.  Floor 5.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from .._core.types import Array, PyTree

AxisName = str | Sequence[str]


def _require(name: str, axis_name: AxisName) -> None:
    """Raise NameError, in words that help, unless ``axis_name`` is a mapped axis here."""
    try:
        lax.axis_size(axis_name)
    except NameError:
        raise NameError(
            f"{name}: there is no mapped axis {axis_name!r} here. Call it in a function under "
            f"pmap(..., axis_name={axis_name!r}), vmap with that axis_name, or shard_map over it"
        ) from None


def psum(x: PyTree, axis_name: AxisName, *, axis_index_groups: Any = None) -> PyTree:
    """Sum each array of ``x`` over the slices; every slice gets the sum, of the same shape.

    ``psum(1, axis_name)`` is the number of slices, as a Python int.

    Args:
        x: arrays, one of each on every slice.
        axis_name: the mapped axis, or several.
        axis_index_groups: lists of slice numbers; each group sums by itself.

    Raises:
        NameError: ``axis_name`` is not mapped here.
    """
    _require("psum", axis_name)
    return lax.psum(x, axis_name, axis_index_groups=axis_index_groups)


def pmean(x: PyTree, axis_name: AxisName, *, axis_index_groups: Any = None) -> PyTree:
    """Average each array of ``x`` over the slices; arguments and errors as for :func:`psum`."""
    _require("pmean", axis_name)
    return lax.pmean(x, axis_name, axis_index_groups=axis_index_groups)


def pmax(x: PyTree, axis_name: AxisName, *, axis_index_groups: Any = None) -> PyTree:
    """Take the elementwise maximum over the slices; arguments and errors as for :func:`psum`."""
    _require("pmax", axis_name)
    return lax.pmax(x, axis_name, axis_index_groups=axis_index_groups)


def pmin(x: PyTree, axis_name: AxisName, *, axis_index_groups: Any = None) -> PyTree:
    """Take the elementwise minimum over the slices; arguments and errors as for :func:`psum`."""
    _require("pmin", axis_name)
    return lax.pmin(x, axis_name, axis_index_groups=axis_index_groups)


def all_gather(
    x: PyTree,
    axis_name: AxisName,
    *,
    axis_index_groups: Any = None,
    axis: int = 0,
    tiled: bool = False,
) -> PyTree:
    """Give every slice the arrays of all D slices: (*s) -> (D, *s), stacked along ``axis``.

    With ``tiled`` they are concatenated instead: (n, *s) -> (D * n, *s).  Raises as :func:`psum`.
    """
    _require("all_gather", axis_name)
    return lax.all_gather(x, axis_name, axis_index_groups=axis_index_groups, axis=axis, tiled=tiled)


def ppermute(x: PyTree, axis_name: AxisName, perm: Sequence[tuple[int, int]]) -> PyTree:
    """Send arrays from slice to slice: ``perm`` lists pairs (from, to); shapes stay.

    A slice that nobody sends to gets zeros.  No two pairs share a sender or a receiver.
    ``[(i, (i + 1) % D) for i in range(D)]`` passes everything on in a ring.
    Raises as :func:`psum`.
    """
    _require("ppermute", axis_name)
    try:
        return lax.ppermute(x, axis_name, perm)
    except AssertionError:  # under vmap JAX wants a whole permutation
        return _permute_some(x, axis_name, perm)


def _permute_some(x: PyTree, axis_name: AxisName, perm: Sequence[tuple[int, int]]) -> PyTree:
    """Complete ``perm`` by idle slices, and put zeros where they would receive."""
    everybody = range(lax.axis_size(axis_name))
    senders, receivers = ({pair[i] for pair in perm} for i in (0, 1))
    idle = zip(sorted({*everybody} - senders), sorted({*everybody} - receivers), strict=True)
    moved = lax.ppermute(x, axis_name, [*perm, *idle])
    receives = jnp.array([i in receivers for i in everybody])[lax.axis_index(axis_name)]
    return jax.tree.map(lambda leaf: jnp.where(receives, leaf, jnp.zeros_like(leaf)), moved)


def all_to_all(
    x: PyTree,
    axis_name: AxisName,
    split_axis: int,
    concat_axis: int,
    *,
    axis_index_groups: Any = None,
    tiled: bool = False,
) -> PyTree:
    """Exchange the mapped axis, of size D, for array axis ``split_axis``, also of size D.

    Slice i gets entry i along ``split_axis`` from every slice, stacked along ``concat_axis``.  With
    ``tiled`` the array axis may be a multiple of D: its chunks are concatenated.  Raises as
    :func:`psum`.
    """
    _require("all_to_all", axis_name)
    return lax.all_to_all(
        x,
        axis_name,
        split_axis,
        concat_axis,
        axis_index_groups=axis_index_groups,
        tiled=tiled,
    )


def psum_scatter(
    x: PyTree,
    axis_name: AxisName,
    *,
    scatter_dimension: int = 0,
    axis_index_groups: Any = None,
    tiled: bool = False,
) -> PyTree:
    """Sum over the slices and give each its own part: (D, *s) -> (*s) for D slices.

    With ``tiled`` the axis ``scatter_dimension`` may be a multiple of D and stays: (D * n, *s) ->
    (n, *s).  Half of a ``psum``, whose other half is ``all_gather``.  Raises as :func:`psum`.
    """
    _require("psum_scatter", axis_name)
    return lax.psum_scatter(
        x,
        axis_name,
        scatter_dimension=scatter_dimension,
        axis_index_groups=axis_index_groups,
        tiled=tiled,
    )


def axis_index(axis_name: AxisName) -> Array:
    """Return the number of this slice, from 0: shape (), int32.  Raises as :func:`psum`."""
    _require("axis_index", axis_name)
    return lax.axis_index(axis_name)


def axis_size(axis_name: AxisName) -> int:
    """Return the number of slices, a Python int.  Raises as :func:`psum`."""
    _require("axis_size", axis_name)
    return lax.axis_size(axis_name)
