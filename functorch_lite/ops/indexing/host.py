"""Ops whose result has a size that depends on values: ``nonzero``, ``unique``, ``bincount``.

XLA cannot compile them, so the bodies are NumPy functions on concrete arrays and have no gradient.
``masked_select`` and ``repeat_interleave`` find their places here and gather them with a compiled
op.  Floor 2.
"""

import numpy as np

from ..._core import dtype as dt
from .._registry import op

# --- places -------------------------------------------------------------------------------------


@op("fm", host=True, grad=False)
def argwhere(input):
    """Coordinates of the non-zero elements: (count, rank), int64."""
    return _coordinates(np.asarray(input))


def _coordinates(x):
    if not x.ndim:
        return np.zeros((int(x != 0), 0), np.int64)
    return np.argwhere(x != 0).astype(np.int64).reshape(-1, x.ndim)


@op("", name="_nonzero", host=True, grad=False)
def nonzero(input, as_tuple: bool = False):
    """Coordinates of the non-zero elements, or one vector of them per dim (0-d counts as 1-d)."""
    x = np.asarray(input)
    if as_tuple:
        return tuple(part.astype(np.int64) for part in np.nonzero(np.atleast_1d(x)))
    return _coordinates(x)


def mask_places(shape, mask):
    """Return the flat places that ``mask`` (broadcast) selects from a tensor of ``shape``."""
    mask = np.asarray(mask)
    if mask.dtype != np.bool_:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    full = np.broadcast_to(mask, np.broadcast_shapes(tuple(shape), mask.shape))
    return np.flatnonzero(full).astype(np.int64)


@op("", name="_repeat_places", host=True, grad=False)
def repeat_places(repeats, output_size: int | None = None):
    """Index i written ``repeats[i]`` times: ``repeat_interleave`` of a tensor of counts."""
    counts = np.asarray(repeats)
    if counts.dtype not in (np.int32, np.int64):
        name = dt.scalar_name(dt.from_np(counts.dtype))
        raise NotImplementedError(f"\"repeat_interleave_cpu\" not implemented for '{name}'")
    if counts.ndim != 1:
        raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
    if (counts < 0).any():
        raise RuntimeError("repeats can not be negative")
    if output_size is not None and counts.sum() != output_size:
        raise RuntimeError("allocated size does not match required size")
    return np.repeat(np.arange(counts.shape[0], dtype=counts.dtype), counts)


# --- counts ---------------------------------------------------------------------------------------


@op("fm", host=True, grad=False)
def bincount(input, weights=None, minlength: int = 0):
    """How often each of 0, 1, 2, ... occurs in a vector, or the sum of the ``weights`` there."""
    x = np.asarray(input)
    if x.dtype.kind not in "iu":
        name = dt.scalar_name(dt.from_np(x.dtype))
        raise NotImplementedError(f"\"bincount_cpu\" not implemented for '{name}'")
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if x.ndim == 1 and not x.size:
        return np.zeros(minlength, np.int64)
    if x.ndim != 1 or (x < 0).any():
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is None:
        return np.bincount(x, minlength=minlength).astype(np.int64)
    w = np.asarray(weights)
    if w.shape != x.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    total = np.bincount(x, weights=w.astype(np.float64), minlength=minlength)
    return total.astype(np.float32 if w.dtype == np.float32 else np.float64)


# --- distinct elements ----------------------------------------------------------------------------


def _distinct(x, dim, consecutive, is_sorted):
    """Return (unique, inverse, counts) of the elements, or of the slices along ``dim``."""
    if dim is None:
        rows = x.reshape(-1, 1)
    else:
        moved = np.moveaxis(x, dim, 0)
        rows = moved.reshape(moved.shape[0], -1)
    order = np.arange(len(rows)) if consecutive else np.lexsort(_sort_keys(rows))
    ordered = rows[order]
    new = np.ones(len(rows), bool)
    if len(rows):
        new[1:] = (ordered[1:] != ordered[:-1]).any(1)
    places = np.cumsum(new) - 1
    inverse = np.empty(len(rows), np.int64)
    inverse[order] = places
    counts = np.bincount(places, minlength=int(new.sum())).astype(np.int64)
    chosen = order[new]
    unique = x.reshape(-1)[chosen] if dim is None else np.take(x, chosen, axis=dim)
    return unique, inverse.reshape(x.shape) if dim is None else inverse, counts


def _sort_keys(rows):
    """Return the columns as keys for ``lexsort``, the first one most significant; bool as uint8."""
    keys = rows.astype(np.uint8) if rows.dtype == bool else rows
    return keys.T[::-1] if keys.shape[1] else np.zeros((1, len(rows)))


def _wanted(parts, return_inverse, return_counts):
    unique, inverse, counts = parts
    chosen = [unique]
    if return_inverse:
        chosen.append(inverse)
    if return_counts:
        chosen.append(counts)
    return tuple(chosen) if len(chosen) > 1 else unique


def _check_dim(name, x, dim):
    if dim is None:
        return None
    if not -max(x.ndim, 1) <= dim < max(x.ndim, 1):
        n = max(x.ndim, 1)
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})"
        )
    dim %= max(x.ndim, 1)
    if (
        x.ndim
        and x.shape[dim] == 0
        and x.size == 0
        and any(n == 0 for d, n in enumerate(x.shape) if d != dim)
    ):
        raise RuntimeError(f"{name}: Expected an input with non-zero size apart from dim {dim}")
    return dim


@op("fm", host=True, grad=False)
def unique(
    input,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
):
    """Distinct elements in ascending order (or distinct slices along ``dim``), with places and
    counts.
    """
    x = np.asarray(input)
    parts = _distinct(x, _check_dim("unique", x, dim), False, sorted)
    return _wanted(parts, return_inverse, return_counts)


@op("fm", host=True, grad=False)
def unique_consecutive(
    input, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
):
    """The input without elements (or slices along ``dim``) that equal their predecessor."""
    x = np.asarray(input)
    parts = _distinct(x, _check_dim("unique_consecutive", x, dim), True, True)
    return _wanted(parts, return_inverse, return_counts)
