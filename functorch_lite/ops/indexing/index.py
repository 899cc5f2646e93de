"""Reading elements at index tensors: ``x[i, j]``, ``gather``, ``take``, ``index_select``.

Basic indices (ints, slices) are views and live in the shim; writing is in ``index_write.py``; masks
become index tensors on the host before these bodies see them.  Ranges are checked on concrete
values; in a captured program an index out of range is clamped instead.  Floor 2.
"""

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from .._common import broadcast_shape, wrap_dim
from .._registry import op

# --- checks -------------------------------------------------------------------------------------


def out_of_range(index, size, wraps=True):
    """Return the first element of ``index`` outside [-size, size) (or [0, size)), or None."""
    values = np.asarray(index)
    bad = (values >= size) | (values < (-size if wraps else 0))
    return int(values[bad].flat[0]) if bad.any() else None


def check_indices(input, indices, **_):
    """Raise PyTorch's IndexError if an index tensor of ``x[i, j]`` points outside its dim.

    The message counts index tensors, not dims, as PyTorch's does.
    """
    given = [(dim, index) for dim, index in enumerate(indices) if index is not None]
    for position, (dim, index) in enumerate(given):
        if index.size and not input.shape[dim]:
            raise IndexError("index is out of bounds for dimension with size 0")
        bad = out_of_range(index, input.shape[dim])
        if bad is not None:
            raise IndexError(
                f"index {bad} is out of bounds for dimension {position} with size "
                f"{input.shape[dim]}"
            )


def check_along(input, dim, index, **_):
    """Raise PyTorch's RuntimeError if ``index`` points outside ``dim``; negative ones do."""
    if not -max(input.ndim, 1) <= dim < max(input.ndim, 1):
        return  # the body says so
    size = input.shape[dim] if input.ndim else 1
    bad = out_of_range(index, size, wraps=False)
    if bad is not None:
        raise RuntimeError(
            f"index {bad} is out of bounds for dimension {dim % max(input.ndim, 1)} with size "
            f"{size}"
        )


def require_index_dtype(name, index, allowed=(np.int32, np.int64), text="int32/int64"):
    """Raise PyTorch's error unless ``index`` has one of the ``allowed`` integer dtypes."""
    if index.dtype not in allowed:
        raise RuntimeError(f"{name}(): Expected dtype {text} for index")


def scalar_name(array):
    """Return PyTorch's C++ name of an array's dtype, such as "Float"."""
    return dt.scalar_name(dt.from_np(np.dtype(array.dtype)))


# --- x[i, j] --------------------------------------------------------------------------------------


def index_key(indices):
    """Return index tensors and None as a key for ``array[...]``; IndexError if they don't
    broadcast.
    """
    given = [i for i in indices if i is not None]
    try:
        np.broadcast_shapes(*(i.shape for i in given))
    except ValueError:
        shapes = ", ".join(str(list(i.shape)) for i in given)
        raise IndexError(
            f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
        ) from None
    return tuple(slice(None) if i is None else i for i in indices)


@op("", check=check_indices)
def index(input, indices):
    """Elements at broadcast index tensors; None takes a whole dim, negative indices count from the
    end.

    The dims of the indices stand where they stood if they are adjacent, otherwise in front.
    """
    if not any(i is not None for i in indices):
        return jnp.asarray(input)
    return input.at[index_key(indices)].get(mode="clip")


# --- along one dim --------------------------------------------------------------------------------


def require_rank(input, index):
    """Raise PyTorch's error unless ``index`` has the rank of ``input`` (0-d counts as 1-d)."""
    if max(input.ndim, 1) != max(index.ndim, 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")


def coordinates(index, dim):
    """Return the index tuple of the elements that ``gather`` and ``scatter`` along ``dim``
    visit.
    """
    return tuple(
        index if d == dim else jax.lax.broadcasted_iota(index.dtype, index.shape, d)
        for d in range(index.ndim)
    )


def _trimmed(input, index, dim):
    """Cut the other dims of ``input`` to the size of ``index``."""
    return input[tuple(slice(None) if d == dim else slice(0, n) for d, n in enumerate(index.shape))]


@op("fmo", check=check_along)
def gather(input, dim: int, index, *, sparse_grad: bool = False):
    """``out[i, j] = input[index[i, j], j]`` for ``dim`` 0; ``index`` may be smaller in the other
    dims.
    """
    del sparse_grad  # a hint about the layout of the gradient
    dim = wrap_dim(dim, input.ndim)
    if index.size == 0:
        return jnp.zeros(index.shape, input.dtype)
    require_index_dtype("gather", index)
    require_rank(input, index)
    if not input.ndim:
        return jnp.broadcast_to(input, index.shape)
    if not index.ndim:
        return input.at[index].get(mode="clip")
    for d, n in enumerate(index.shape):
        if d != dim and n > input.shape[d]:
            raise RuntimeError(
                f"Size does not match at dimension {d} expected index {list(index.shape)} to be "
                "no larger "
                f"than self {list(input.shape)} apart from dimension {dim}"
            )
    return jnp.take_along_axis(_trimmed(input, index, dim), index, axis=dim, mode="clip")


def _check_take_along(input, indices, dim=None, **_):
    size = input.size if dim is None else input.shape[dim] if input.ndim else 1
    bad = out_of_range(indices, size)
    if bad is not None:
        raise RuntimeError(
            f"index {bad} is out of bounds for dimension {dim or 0} with size {size}"
        )


@op("fmo", node="GatherBackward0", check=_check_take_along)
def take_along_dim(input, indices, dim: int | None = None):
    """Elements at ``indices`` along ``dim``; the other dims broadcast.  ``dim`` None: of the flat
    input.

    Negative indices count from the end.
    """
    if indices.dtype != np.int64:
        raise RuntimeError(
            "torch.take_along_dim(): dtype of indices should be Long but got "
            f"{scalar_name(indices)}"
        )
    if dim is None:
        flat = indices.reshape(-1)
        return gather(input.reshape(-1), 0, jnp.where(flat < 0, flat + input.size, flat))
    dim = wrap_dim(dim, input.ndim)
    if input.ndim != indices.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, "
            "but got "
            f"{input.ndim} dimensions for input, and {indices.ndim} dimensions for indices"
        )
    if not input.ndim:
        return gather(input, 0, indices)
    indices = jnp.where(indices < 0, indices + input.shape[dim], indices)
    shape = broadcast_shape(
        *(tuple(1 if d == dim else n for d, n in enumerate(x.shape)) for x in (input, indices))
    )
    own = tuple(input.shape[dim] if d == dim else n for d, n in enumerate(shape))
    wanted = tuple(indices.shape[dim] if d == dim else n for d, n in enumerate(shape))
    return gather(jnp.broadcast_to(input, own), dim, jnp.broadcast_to(indices, wanted))


def _check_take(input, index, **_):
    bad = out_of_range(index, input.size)
    if bad is not None:
        raise IndexError(
            f"out of range: tried to access index {bad} on a tensor of {input.size} elements."
        )


def check_select(input, dim, index, **_):
    """Raise PyTorch's IndexError if ``index_select`` is asked for an index that does not exist."""
    size = input.shape[dim] if input.ndim else 1
    if out_of_range(index, size, wraps=False) is not None:
        raise IndexError("index out of range in self")


@op("fmo", check=_check_take)
def take(input, index):
    """Elements of the flattened ``input`` at ``index``, in the shape of ``index``."""
    if index.dtype != np.int64:
        raise RuntimeError(
            f"take(): Expected a long tensor for index, but got {scalar_name(index)}"
        )
    if not input.size and index.size:
        raise IndexError("take(): tried to take from an empty tensor")
    if not index.size:
        return jnp.zeros(index.shape, input.dtype)
    return input.reshape(-1).at[index].get(mode="clip")


@op("fmo", check=check_select)
def index_select(input, dim: int, index):
    """The slices of ``input`` along ``dim`` at a vector of indices."""
    dim = wrap_dim(dim, input.ndim)
    if index.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    require_index_dtype("index_select", index, text="int32 or int64")
    if not input.ndim:
        return input.reshape(1).at[index.reshape(-1)].get(mode="clip").reshape(())
    return jnp.take(input, index.reshape(-1), axis=dim, mode="clip")


# --- selection by values, after the host has found the places -------------------------------------


@op("", node="MaskedSelectBackward0")
def _masked_select(input, mask, places):
    """Elements of ``input`` broadcast with ``mask`` at flat ``places``; ``masked_select`` finds
    those.
    """
    shape = np.broadcast_shapes(input.shape, mask.shape)
    return jnp.broadcast_to(input, shape).reshape(-1).at[places].get(mode="clip")
