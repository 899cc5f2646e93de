"""Putting tensors together: ``cat``, ``stack``, grids, blocks and products of sets.

Taking them apart (``split``, ``chunk``, ``unbind``) is a matter of views and lives in the shim.
Floor 2.
"""

import itertools

import jax.numpy as jnp
import numpy as np

from .._common import broadcast_shape, wrap_dim
from .._registry import COMMON, op

# --- cat and stack ------------------------------------------------------------------------------


def _is_legacy_empty(x):
    return x.shape == (0,)


def _check_cat(tensors, dim):
    """Return the wrapped dim, or raise what PyTorch raises for shapes that do not fit."""
    if not len(tensors):
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    for i, x in enumerate(tensors):
        if not x.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    first = next((x for x in tensors if not _is_legacy_empty(x)), tensors[0])
    dim = wrap_dim(dim, first.ndim)
    for i, x in enumerate(tensors):
        if _is_legacy_empty(x):
            continue
        if x.ndim != first.ndim:
            raise RuntimeError(
                f"Tensors must have same number of dimensions: got {first.ndim} and {x.ndim}"
            )
        for d, (n, m) in enumerate(zip(first.shape, x.shape, strict=True)):
            if d != dim and n != m:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {n} "
                    "but got "
                    f"size {m} for tensor number {i} in the list."
                )
    return dim


def _cat(tensors, dim=0):
    dim = _check_cat(tensors, dim)
    full = [x for x in tensors if not _is_legacy_empty(x)] or tensors[:1]
    return jnp.concatenate(full, axis=dim) if len(full) > 1 else full[0] + _zero(full[0])


def _zero(x):
    return np.zeros((), x.dtype) if x.dtype != bool else np.False_


@op("fo", promote=COMMON, elementwise=False, aliases="concat concatenate", node="CatBackward0")
def cat(tensors, dim: int = 0):
    """Join along an existing dim; the other sizes must agree.  1-d empty tensors are skipped."""
    return _cat(tensors, dim)


@op("fo", promote=COMMON, elementwise=False)
def stack(tensors, dim: int = 0):
    """Join along a new dim; all sizes must agree."""
    if not len(tensors):
        raise RuntimeError("stack expects a non-empty TensorList")
    dim = wrap_dim(dim, tensors[0].ndim + 1)
    for i, x in enumerate(tensors):
        if x.shape != tensors[0].shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at "
                "entry 0 "
                f"and {list(x.shape)} at entry {i}"
            )
    return jnp.stack(tensors, axis=dim)


def at_least(x, rank):
    """Return ``x`` with dims of size 1 added as ``torch.atleast_1d``, ``2d`` and ``3d`` add
    them.
    """
    if x.ndim >= rank:
        return x
    return jnp.reshape(x, _at_least_shape(x.shape, rank))


def _at_least_shape(shape, rank):
    if rank == 3 and len(shape) == 2:
        return (*shape, 1)
    if rank == 3 and len(shape) == 1:
        return (1, *shape, 1)
    return (1,) * (rank - len(shape)) + tuple(shape)


def _require_some(name, tensors):
    if not len(tensors):
        raise RuntimeError(f"{name} expects a non-empty TensorList")


@op("fo", promote=COMMON, elementwise=False, node="CatBackward0")
def hstack(tensors):
    """Join along the second dim (vectors: along their only one)."""
    _require_some("hstack", tensors)
    tensors = [at_least(x, 1) for x in tensors]
    return _cat(tensors, 0 if tensors[0].ndim == 1 else 1)


@op("fo", promote=COMMON, elementwise=False, node="CatBackward0", aliases="row_stack")
def vstack(tensors):
    """Join along the first dim; vectors become rows."""
    _require_some("vstack", tensors)
    return _cat([at_least(x, 2) for x in tensors], 0)


@op("fo", promote=COMMON, elementwise=False, node="CatBackward0")
def dstack(tensors):
    """Join along the third dim, after ``atleast_3d``."""
    _require_some("dstack", tensors)
    return _cat([at_least(x, 3) for x in tensors], 2)


@op("fo", promote=COMMON, elementwise=False, node="CatBackward0")
def column_stack(tensors):
    """Join along the second dim; vectors become columns."""
    _require_some("column_stack", tensors)
    return _cat([x.reshape(-1, 1) if x.ndim <= 1 else x for x in tensors], 1)


@op("", promote=COMMON, elementwise=False, name="_block_diag", node="BlockDiagBackward0")
def block_diag(tensors):
    """Matrix with the given matrices along its diagonal and 0 elsewhere; vectors are rows."""
    for i, x in enumerate(tensors):
        if x.ndim > 2:
            raise RuntimeError(
                "torch.block_diag: Input tensors must have 2 or fewer dimensions. "
                f"Input {i} has {x.ndim} dimensions"
            )
    blocks = [at_least(x, 2) for x in tensors]
    if not blocks:
        return jnp.zeros((1, 0), np.float32)
    width = sum(b.shape[1] for b in blocks)
    rows, left = [], 0
    for b in blocks:
        rows.append(jnp.pad(b, ((0, 0), (left, width - left - b.shape[1]))))
        left += b.shape[1]
    return jnp.concatenate(rows, axis=0)


# --- grids ----------------------------------------------------------------------------------------


@op("", name="_meshgrid", node="ExpandBackward0")
def meshgrid(tensors, indexing: str = "ij"):
    """Coordinate grids of vectors; ``"xy"`` swaps the first two dims of the result."""
    if not len(tensors):
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    for x in tensors:
        if x.dtype != tensors[0].dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    if indexing not in ("ij", "xy"):
        raise RuntimeError(
            f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}'
        )
    for x in tensors:
        if x.ndim > 1:
            raise RuntimeError(
                f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {x}"
            )
    return tuple(jnp.meshgrid(*(x.reshape(-1) for x in tensors), indexing=indexing))


@op("", name="_broadcast_tensors", node="ExpandBackward0")
def broadcast_tensors(tensors):
    """Expand all tensors to their common shape."""
    shape = broadcast_shape(*(x.shape for x in tensors))
    return tuple(jnp.broadcast_to(x, shape) for x in tensors)


@op("", name="_cartesian_prod", node="StackBackward0")
def cartesian_prod(tensors):
    """All tuples of one element from each vector: (product of sizes, number of vectors)."""
    for x in tensors:
        if x.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(x.shape)}")
    if len(tensors) == 1:
        return tensors[0] + _zero(tensors[0])
    grids = jnp.meshgrid(*tensors, indexing="ij")
    return jnp.stack([g.reshape(-1) for g in grids], axis=1)


@op("fm", node="StackBackward0")
def combinations(input, r: int = 2, with_replacement: bool = False):
    """All subsets of ``r`` elements of a vector, in order of their places: (count, r)."""
    if input.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if not r:
        return jnp.zeros((0,), input.dtype)
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = np.array(list(choose(range(input.shape[0]), r)), np.int64).reshape(-1, r)
    return jnp.take(input, places, axis=0)
