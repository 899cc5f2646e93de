"""Writing at index tensors: ``index_put``, ``scatter``, ``index_copy``, ``masked_fill`` and kin.

Each is a pure function that returns the changed copy; the shim makes ``x[i] = v`` and the in-place
forms of it.  Reductions (``scatter_reduce``, ``index_reduce``) are in ``scatter_reduce.py``.  Where
an index occurs twice the last write wins, and as in PyTorch every one of the written values then
receives the gradient of that place.  Floor 2.
"""

import functools
import warnings

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from .._common import broadcast_shape, cast, refuse, wrap_dim
from .._registry import Scalar, op
from .index import (
    check_along,
    check_indices,
    coordinates,
    index_key,
    out_of_range,
    require_index_dtype,
    require_rank,
    scalar_name,
)

# --- the two ways to write ----------------------------------------------------------------------


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def overwrite(key, x, values, *indices):
    """Return ``x`` with ``values`` written at ``x[key(*indices)]``."""
    return x.at[key(*indices)].set(values, mode="drop")


@overwrite.defjvp
def _overwrite_jvp(key, primals, tangents):
    (x, values, *indices), (tx, tv, *_) = primals, tangents
    place = key(*indices)
    hit = jnp.zeros(x.shape, bool).at[place].set(True, mode="drop")
    kept = jnp.where(hit, jnp.zeros((), tx.dtype), tx)
    return overwrite(key, x, values, *indices), kept.at[place].add(tv, mode="drop")


def plain_key(*indices):
    """Use the index tensors as they are."""
    return indices


@functools.cache
def dim_key(dim):
    """Return the key of whole slices along ``dim``."""
    return lambda index: (slice(None),) * dim + (index,)


@functools.cache
def _partial_key(taken):
    """Return the key of ``x[i, :, j]``: ``taken`` says for each dim whether it has an index."""

    def key(*indices):
        rest = iter(indices)
        return tuple(next(rest) if own else slice(None) for own in taken)

    return key


def add_at(at, values):
    """Add ``values`` at the places ``at``; on bools that is "or"."""
    return (at.max if values.dtype == bool else at.add)(values, mode="drop")


# --- x[i, j] = v ----------------------------------------------------------------------------------


@op("", name="index_put", check=check_indices)
def index_put(input, indices, values, accumulate: bool = False):
    """``input`` with ``values`` (broadcast) at index tensors; ``accumulate`` adds instead."""
    if values.dtype != input.dtype:
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got "
            f"{scalar_name(input)} for the "
            f"destination and {scalar_name(values)} for the source."
        )
    key = index_key(indices)
    shape = jax.eval_shape(lambda x: x[key], jax.ShapeDtypeStruct(input.shape, input.dtype)).shape
    try:
        values = jnp.broadcast_to(values, shape)
    except ValueError:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to "
            "indexing "
            f"result of shape {list(shape)}"
        ) from None
    given = [i for i in indices if i is not None]
    if not given:
        return input + values if accumulate else values
    if accumulate:
        return add_at(input.at[key], values)
    return overwrite(_partial_key(tuple(i is not None for i in indices)), input, values, *given)


# --- whole slices ---------------------------------------------------------------------------------


def _as_vector(x):
    return x.reshape(1) if not x.ndim else x


def _slices(name, input, dim, index, source, count_error):
    """Check a write of the slices ``source`` at ``index``; return (dim, input, index, source) as
    1-d or more.
    """
    dim = wrap_dim(dim, input.ndim)
    if index.ndim > 1:
        raise IndexError(f"{name}(): Index should have dimension 1 or 0 (got {index.ndim})")
    input, index, source = _as_vector(input), _as_vector(index), _as_vector(source)
    if source.ndim == input.ndim and index.shape[0] != source.shape[dim]:
        raise count_error(index.shape[0], source.shape[dim])
    return dim, input, index, source


@op("fmio", check=check_along)
def index_add(input, dim: int, index, source, *, alpha: Scalar = 1):
    """``input`` with ``alpha * source[j]`` added to its slice ``index[j]`` along ``dim``; repeats
    add up.
    """
    require_index_dtype("index_add_", index, text="int32/int64")
    if source.dtype != input.dtype:
        raise RuntimeError(
            f"index_add_(): self ({scalar_name(input)}) and source ({scalar_name(source)}) must "
            "have the "
            "same scalar type"
        )

    def count_error(n, m):
        return RuntimeError(
            f"index_add_(): Number of indices ({n}) should be equal to source.size(dim): ({m}), "
            f"for dim: {dim}"
        )

    own = input.shape
    dim, input, index, source = _slices("index_add_", input, dim, index, source, count_error)
    if any(
        n != m for d, (n, m) in enumerate(zip(input.shape, source.shape, strict=False)) if d != dim
    ) or (input.ndim != source.ndim):
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. "
            f"Got self.shape = {list(input.shape)} source.shape = {list(source.shape)}"
        )
    factor = cast(jnp.asarray(alpha), dt.from_np(np.dtype(source.dtype)))
    scaled = source & factor if source.dtype == bool else source * factor
    return add_at(input.at[dim_key(dim)(index)], scaled).reshape(own)


def _check_copy(input, dim, index, **_):
    size = input.shape[dim] if input.ndim else 1
    bad = out_of_range(index, size, wraps=False)
    if bad is not None:
        raise IndexError(
            f"index_copy_(): index {bad} is out of bounds for dimension {dim} with size {size}"
        )


@op("fmio", check=_check_copy)
def index_copy(input, dim: int, index, source):
    """``input`` with its slice ``index[j]`` along ``dim`` replaced by ``source[j]``."""
    if index.dtype != np.int64:
        raise RuntimeError(
            f"index_copy_(): Expected a long tensor for index, but got {scalar_name(index)}"
        )
    if source.dtype != input.dtype:
        raise RuntimeError(
            "index_copy_(): self and source expected to have the same dtype, but got (self) "
            f"{scalar_name(input)} "
            f"and (source) {scalar_name(source)}"
        )

    def count_error(n, m):
        return IndexError(
            f"index_copy_(): Number of indices ({n}) should be equal to source.size(dim) ({m})"
        )

    own = input.shape
    if source.ndim != input.ndim and source.ndim and input.ndim:
        raise IndexError(
            "index_copy_(): When source and destination are not scalars, their dimensionality "
            "must match. "
            f"Source dimensionality ({source.ndim}), destination dimensionality ({input.ndim})"
        )
    dim, input, index, source = _slices("index_copy_", input, dim, index, source, count_error)
    slices = [tuple(n for d, n in enumerate(x.shape) if d != dim) for x in (input, source)]
    if slices[0] != slices[1]:
        raise RuntimeError(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination "
            "slice shape: "
            f"{' '.join(map(str, slices[0]))} at dimension {dim} and source slice shape: "
            f"{' '.join(map(str, slices[1]))} at dimension 0."
        )
    return overwrite(dim_key(dim), input, source, index).reshape(own)


def _check_fill(input, dim, index, **_):
    size = input.shape[dim] if input.ndim else 1
    bad = out_of_range(index, size)
    if bad is not None:
        raise IndexError(f"index {bad} is out of bounds for dimension {dim} with size {size}")


@op("fmi", numbers="value", check=_check_fill)
def index_fill(input, dim: int, index, value):
    """``input`` with the slices at ``index`` along ``dim`` filled with a number or 0-d tensor."""
    dim = wrap_dim(dim, input.ndim)
    if index.dtype not in (np.int64, np.int32):
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    if index.ndim > 1:
        raise IndexError("Index has to be a vector/scalar")
    value = fill_value("index_fill_", input, value)
    x, index = _as_vector(input), _as_vector(index)
    hit = jnp.zeros(x.shape, bool).at[dim_key(dim)(index)].set(True, mode="drop")
    return jnp.where(hit, value, x).reshape(input.shape)


def fill_value(name, input, value):
    """Return a number or 0-d tensor in the dtype of ``input``; RuntimeError for anything else."""
    value = jnp.asarray(value)
    if value.ndim:
        raise RuntimeError(
            f"{name} only supports a 0-dimensional value tensor, but got tensor with {value.ndim} "
            "dimension(s)."
        )
    if jnp.iscomplexobj(value) and not jnp.iscomplexobj(input):
        name = {"f": "float", "i": "int64_t"}.get(np.dtype(input.dtype).kind, str(input.dtype))
        raise RuntimeError(f"value cannot be converted to type {name} without overflow")
    return cast(value, dt.from_np(np.dtype(input.dtype)))


# --- elements -------------------------------------------------------------------------------------


def require_scatter_shapes(input, dim, index, src_shape):
    """Raise PyTorch's error unless ``index`` fits into ``input`` (but for ``dim``) and into the
    source.
    """
    require_rank(input, index)
    if src_shape is not None and max(len(src_shape), 1) != max(index.ndim, 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    too_large = any(
        n > m for d, (n, m) in enumerate(zip(index.shape, input.shape, strict=False)) if d != dim
    )
    if src_shape is not None:
        too_large |= any(n > m for n, m in zip(index.shape, src_shape, strict=False))
    if too_large:
        tail = (
            f" and to be no larger size than src {list(src_shape)}" if src_shape is not None else ""
        )
        raise RuntimeError(
            f"Expected index {list(index.shape)} to be no larger than self {list(input.shape)} "
            "apart from "
            f"dimension {dim}{tail}"
        )


def element_places(name, input, dim, index, src):
    """Check a scatter; return (input, src cut to the index's shape, index tuple), all at least
    1-d.
    """
    dim = wrap_dim(dim, input.ndim)
    require_index_dtype(name, index)
    is_tensor = hasattr(src, "ndim") and not getattr(src, "weak_type", False)
    if is_tensor and src.dtype != input.dtype:
        raise RuntimeError(f"{name}(): Expected self.dtype to be equal to src.dtype")
    require_scatter_shapes(input, dim, index, src.shape if is_tensor else None)
    x, index = _as_vector(input), _as_vector(index)
    if is_tensor:
        src = _as_vector(src)[tuple(slice(0, n) for n in index.shape)]
    else:
        src = jnp.broadcast_to(fill_value(name, input, src), index.shape)
    return x, src, coordinates(index, dim)


def _scattered(input, dim, index, src, reduce):
    if index.size == 0:
        return jnp.asarray(input)
    x, src, places = element_places("scatter", input, dim, index, src)
    if reduce is None:
        return overwrite(plain_key, x, src, *places).reshape(input.shape)
    if reduce not in ("add", "multiply"):
        raise RuntimeError("reduce argument must be either add or multiply.")
    if reduce == "add":
        return add_at(x.at[places], src).reshape(input.shape)
    multiply = x.at[places].min if x.dtype == bool else x.at[places].multiply
    return multiply(src, mode="drop").reshape(input.shape)


def _check_scatter(input, dim, index, src=None, reduce=None, **_):
    check_along(input, dim, index)
    if reduce is not None and src is not None:
        warnings.warn(
            "The reduce argument of torch.scatter with Tensor src is deprecated and will be "
            "removed in "
            "a future PyTorch release. Use torch.scatter_reduce instead for more reduction "
            "options.",
            UserWarning,
            stacklevel=2,
        )


@op("fmio", check=_check_scatter)
def scatter(input, dim: int, index, src, *, reduce: str | None = None):
    """``out[index[i, j], j] = src[i, j]`` for ``dim`` 0; ``reduce`` may be "add" or "multiply"."""
    return _scattered(input, dim, index, src, reduce)


@op("fmio", name="scatter.value", node="ScatterBackward1", check=_check_scatter)
def scatter_value(input, dim: int, index, value: Scalar, *, reduce: str | None = None):
    """``out[index[i, j], j] = value`` for ``dim`` 0; ``reduce`` may be "add" or "multiply"."""
    return _scattered(input, dim, index, value, reduce)


@op("fmio", check=check_along)
def scatter_add(input, dim: int, index, src):
    """``out[index[i, j], j] += src[i, j]`` for ``dim`` 0; repeated indices add up."""
    if index.size == 0:
        return jnp.asarray(input)
    x, src, places = element_places("scatter", input, dim, index, src)
    return add_at(x.at[places], src).reshape(input.shape)


def _check_put(input, index, **_):
    bad = out_of_range(index, input.size)
    if bad is not None:
        raise IndexError(
            f"out of range: tried to access index {bad} on a tensor of {input.size} elements."
        )


@op("fmi", check=_check_put)
def put(input, index, source, accumulate: bool = False):
    """``input`` with ``source`` written at ``index`` of its flattened form; ``accumulate`` adds."""
    if index.dtype != np.int64:
        raise RuntimeError(
            f"put_(): Expected a long tensor for index, but got {scalar_name(index)}"
        )
    if source.dtype != input.dtype:
        raise RuntimeError(
            "put_(): self and source expected to have the same dtype, but got self.dtype = "
            f"{scalar_name(input)} "
            f"and source.dtype = {scalar_name(source)}"
        )
    if source.size != index.size:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got "
            f"source.numel() = {source.size}, index.numel() = {index.size}"
        )
    flat, index, source = input.reshape(-1), index.reshape(-1), source.reshape(-1)
    if accumulate:
        return add_at(flat.at[index], source).reshape(input.shape)
    return overwrite(plain_key, flat, source, index).reshape(input.shape)


# --- masks ----------------------------------------------------------------------------------------


@op("fmi", numbers="value")
def masked_fill(input, mask, value):
    """``input`` with a number or 0-d tensor where ``mask`` is True; the shapes broadcast."""
    if mask.dtype != np.bool_:
        name = {"int64": "long int", "float32": "float"}.get(
            np.dtype(mask.dtype).name, np.dtype(mask.dtype).name
        )
        raise RuntimeError(
            f"masked_fill_ only supports boolean masks, but got mask with dtype {name}"
        )
    shape = broadcast_shape(mask.shape, input.shape)
    filled = jnp.where(mask, fill_value("masked_fill_", input, value), input)
    return jnp.broadcast_to(filled, shape)


def _check_masked_scatter(input, mask, source):
    if np.asarray(mask).dtype == np.bool_:
        mask = np.broadcast_to(np.asarray(mask), np.broadcast_shapes(input.shape, mask.shape))
        if source.size < mask.sum():
            raise RuntimeError("Number of elements of source < number of ones in mask")


@op("fmi", check=_check_masked_scatter)
def masked_scatter(input, mask, source):
    """``input`` with the elements of ``source``, in order, where ``mask`` is True."""
    if mask.dtype != np.bool_:
        raise RuntimeError(
            "masked_scatter_ only supports boolean masks, but got mask with dtype "
            f"{scalar_name(mask)}"
        )
    refuse(
        "bifc" if input.dtype != source.dtype else "",
        RuntimeError(
            "masked_scatter: expected self and source to have same dtypes but got"
            f"{scalar_name(input)} and {scalar_name(source)}"
        ),
        input,
    )
    shape = broadcast_shape(mask.shape, input.shape)
    mask, x = jnp.broadcast_to(mask, shape), jnp.broadcast_to(input, shape)
    if not source.size or not mask.size:
        return x
    places = jnp.cumsum(mask.reshape(-1), dtype=np.int64).reshape(shape) - 1
    return jnp.where(mask, source.reshape(-1).at[places].get(mode="clip"), x)
