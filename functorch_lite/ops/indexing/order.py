"""Sorting and searching: ``sort``, ``topk``, ``searchsorted``, ``isin``.

NaN counts as larger than any number.  The k-th and the middle value are in ``quantile.py``.
Floor 2.
"""

import jax
import jax.numpy as jnp
import numpy as np

from .._common import kind, promoted, wrap_dim
from .._registry import op
from .index import scalar_name

# --- sorting ------------------------------------------------------------------------------------


def sorted_with_places(x, dim, descending=False):
    """Return (sorted values, their indices) along ``dim``; equal elements keep their order."""
    if not x.ndim:
        return x + np.zeros((), x.dtype) if x.dtype != bool else x, jnp.zeros((), np.int64)
    keys = x.astype(np.uint8) if x.dtype == bool else x
    places = jax.lax.broadcasted_iota(np.int64, x.shape, dim)
    if descending:  # flipped before and after: the order of equal elements survives
        keys, places = jnp.flip(keys, dim), jnp.flip(places, dim)
    keys, places = jax.lax.sort((keys, places), dimension=dim, is_stable=True, num_keys=1)
    if descending:
        keys, places = jnp.flip(keys, dim), jnp.flip(places, dim)
    return keys.astype(x.dtype), places


def _sort(input, dim, descending):
    if kind(input) == "c":
        raise RuntimeError(" Sort does not support complex dtypes on CPU")
    return sorted_with_places(input, wrap_dim(dim, input.ndim), descending)


@op("fmo", returns="values indices")
def sort(input, dim: int = -1, descending: bool = False):
    """Elements in order along ``dim`` and their indices, as (values, indices)."""
    return _sort(input, dim, descending)


@op("fmo", name="sort.stable", node="SortBackward1", returns="values indices")
def sort_stable(input, *, stable: bool | None = None, dim: int = -1, descending: bool = False):
    """Elements in order along ``dim`` and their indices; equal ones keep their order."""
    del stable  # this sort always is
    return _sort(input, dim, descending)


@op("fmo", grad=False)
def argsort(input, dim: int = -1, descending: bool = False, *, stable: bool = False):
    """Indices that put the elements along ``dim`` in order."""
    del stable  # this sort always is
    return _sort(input, dim, descending)[1]


@op("fmo", node="SortBackward0")
def msort(input):
    """Elements in order along the first dim."""
    return _sort(input, 0, False)[0]


@op("fmo", returns="values indices")
def topk(input, k: int, dim: int = -1, largest: bool = True, sorted: bool = True):
    """The ``k`` largest (or smallest) elements along ``dim`` in order, and their indices."""
    del sorted  # the result always is
    if kind(input) in "bc":
        name = "bool" if kind(input) == "b" else "complex"
        raise RuntimeError(f"{' ' * (name == 'complex')}topk does not support {name} dtypes on CPU")
    dim = wrap_dim(dim, input.ndim)
    if not 0 <= k <= (input.shape[dim] if input.ndim else 1):
        raise RuntimeError("selected index k out of range")
    if not input.ndim:
        return (
            (input + 0, jnp.zeros((), np.int64))
            if k
            else (input.reshape(1)[:0], jnp.zeros(0, np.int64))
        )
    if largest and input.shape[dim]:
        values, places = jax.lax.top_k(jnp.moveaxis(input, dim, -1), k)
        return jnp.moveaxis(values, -1, dim), jnp.moveaxis(places, -1, dim).astype(np.int64)
    values, places = sorted_with_places(input, dim, largest)
    return jax.lax.slice_in_dim(values, 0, k, axis=dim), jax.lax.slice_in_dim(
        places, 0, k, axis=dim
    )


# --- searching ------------------------------------------------------------------------------------


def _is_right(name, right, side):
    if side not in (None, "left", "right"):
        raise RuntimeError(f"torch.{name}(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(
            f"torch.{name}(): side and right can't be set to opposites, got side of left while "
            "right was True"
        )
    return right or side == "right"


def _check_search(bounds, values, sorter):
    """Raise PyTorch's RuntimeError where boundaries, values and sorter do not fit together."""
    name = "torch.searchsorted(): "
    if not bounds.ndim:
        raise RuntimeError(
            f"{name}boundaries tensor should have positive dimension, but got 0 dimension"
        )
    if not values.ndim and bounds.ndim != 1:
        raise RuntimeError(
            f"{name}input value can be a scalar only when boundaries tensor dimension is 1, but "
            "we got "
            f"boundaries tensor dim({bounds.ndim}) and input value's dim(0) numel(1)"
        )
    if bounds.ndim != 1 and (bounds.ndim != values.ndim or bounds.shape[:-1] != values.shape[:-1]):
        raise RuntimeError(
            f"{name}boundaries tensor should be 1 dimension or the first N-1 dimensions of "
            "boundaries tensor "
            "and input value tensor must match, but we got boundaries tensor "
            f"{list(bounds.shape)} and input "
            f"value tensor {list(values.shape)}"
        )
    if sorter is not None and sorter.shape != bounds.shape:
        raise RuntimeError(
            f"{name}boundary and sorter must have the same size, but got boundary tensor "
            f"{list(bounds.shape)}"
            f"and got sorter tensor {list(sorter.shape)}"
        )
    if sorter is not None and sorter.dtype != np.int64:
        raise RuntimeError(
            f"{name}sorter must be a tensor of long dtype but got dtype {scalar_name(sorter)}"
        )


def _check_sorter(sorted_sequence, sorter=None, **_):
    if sorter is not None and np.asarray(sorter).size:
        places = np.asarray(sorter)
        if places.min() < 0 or places.max() >= sorted_sequence.shape[-1]:
            raise RuntimeError("torch.searchsorted(): sorter index out of range")


def _search(bounds, values, right, out_int32):
    """Return the insertion places of ``values`` in the ascending rows of ``bounds``."""
    if not getattr(values, "weak_type", False):
        bounds, values = promoted(bounds, values)
    elif kind(bounds) in "bi" and kind(values) == "f":
        bounds = bounds.astype(values.dtype)
    values = values.astype(bounds.dtype)
    side = "right" if right else "left"
    method = "compare_all" if bounds.shape[-1] <= 64 else "scan"

    def row(b, v):
        return jnp.searchsorted(b, v, side=side, method=method)

    if bounds.ndim > 1:
        lead = bounds.shape[:-1]
        rows = jax.vmap(row)(
            bounds.reshape(-1, bounds.shape[-1]), values.reshape(-1, values.shape[-1])
        )
        found = rows.reshape(*lead, values.shape[-1])
    else:
        found = row(bounds, values)
    return found.astype(np.int32 if out_int32 else np.int64)


@op("fo", grad=False, numbers="input", check=_check_sorter)
def searchsorted(
    sorted_sequence,
    input,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter=None,
):
    """Places at which ``input`` would be inserted to keep the last dim of ``sorted_sequence``
    ascending.
    """
    values = jnp.asarray(input)
    right = _is_right("searchsorted", right, side)
    _check_search(sorted_sequence, values, sorter)
    if sorter is not None:
        sorted_sequence = jnp.take_along_axis(sorted_sequence, sorter, axis=-1, mode="clip")
    if not sorted_sequence.size or not values.size:
        return jnp.zeros(values.shape, np.int32 if out_int32 else np.int64)
    return _search(sorted_sequence, input, right, out_int32)


@op("fo", grad=False, numbers="input")
def bucketize(input, boundaries, *, out_int32: bool = False, right: bool = False):
    """Index of the bucket between ascending ``boundaries`` that each element falls into."""
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


@op("fo", grad=False, numbers="elements test_elements")
def isin(elements, test_elements, *, assume_unique: bool = False, invert: bool = False):
    """Whether each element equals one of ``test_elements``; either may be a number."""
    del assume_unique  # a hint
    elements, tests = (jnp.asarray(x) for x in (elements, test_elements))
    elements, tests = promoted(elements, tests.reshape(-1))
    if not tests.size:
        found = jnp.zeros(elements.shape, bool)
    elif tests.size <= 64 or kind(tests) == "c":
        found = jnp.any(elements[..., None] == tests, axis=-1)
    else:
        ordered = jnp.sort(tests)
        place = jnp.searchsorted(ordered, elements)
        found = ordered.at[place].get(mode="clip") == elements
    return ~found if invert else found
