"""The largest and smallest elements and their places: ``max``, ``amax``, ``argmax`` and kin.

NaN counts as larger than any number for the maximum and smaller for the minimum, so it always wins.
Gradients: ``max()`` and ``amax`` share theirs evenly among equal elements, ``max(dim)`` gives it to
the element that it names.  Floor 2.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from .._common import kind, refuse, require, wrap_dim, wrap_dims
from .._registry import COMMON, OPS, Dims, binary, op
from ..pointwise import clamp as clamp  # declares maximum and minimum

# --- picking one element ------------------------------------------------------------------------


@functools.partial(jax.custom_jvp, nondiff_argnums=(2,))
def pick(x, index, dim):
    """Take the element ``index`` (keeping ``dim`` as size 1) along ``dim``; the gradient is a
    mask.
    """
    return jnp.take_along_axis(x, index, axis=dim, mode="promise_in_bounds")


@pick.defjvp
def _pick_jvp(dim, primals, tangents):
    (x, index), (t, _) = primals, tangents
    places = jax.lax.broadcasted_iota(index.dtype, x.shape, dim)
    chosen = jnp.where(places == index, t, jnp.zeros((), t.dtype))
    return pick(x, index, dim), jnp.sum(chosen, axis=dim, keepdims=True, dtype=t.dtype)


def at_index(x, index, dim, keepdim):
    """Return (elements of ``x`` at ``index``, ``index``) with ``dim`` kept as size 1 or dropped."""
    values = pick(x, index, dim)
    return (values, index) if keepdim else (jnp.squeeze(values, dim), jnp.squeeze(index, dim))


def require_elements(name, input, dim):
    """Raise PyTorch's error for a reduction of nothing; ``dim`` None means over all dims."""
    if dim is None:
        if not input.size:
            raise RuntimeError(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
                "Specify the reduction dim with the 'dim' argument."
            )
        return
    for d in wrap_dims(dim, input.ndim):
        if not input.shape[d]:
            raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size.")


# --- the extreme of all or several dims -----------------------------------------------------------


def sharing(reduce):
    """Return ``reduce(x, dims)`` (dims kept) with its gradient shared evenly among equal
    elements.
    """
    wrapped = jax.custom_jvp(reduce, nondiff_argnums=(1, 2))

    def jvp(dims, shares_nan, primals, tangents):
        (x,), (t,) = primals, tangents
        y = wrapped(x, dims, shares_nan)
        equal = x == y
        if shares_nan:
            equal = equal | (jnp.isnan(x) & jnp.isnan(y))
        weight = equal.astype(t.dtype)
        count = jnp.sum(weight, axis=dims, keepdims=True)
        # Nothing equals a NaN: PyTorch's 0 / 0, which XLA would fold into 0.
        share = jnp.where(count > 0, weight / count, jnp.asarray(np.nan, t.dtype))
        return y, jnp.sum(t * share, axis=dims, keepdims=True, dtype=t.dtype)

    wrapped.defjvp(jvp)
    return wrapped


highest = sharing(lambda x, dims, shares_nan: jnp.max(x, axis=dims, keepdims=True))
lowest = sharing(lambda x, dims, shares_nan: jnp.min(x, axis=dims, keepdims=True))


def _reduced(choose, input, dim, keepdim, shares_nan=False):
    dims = wrap_dims(dim, input.ndim)
    out = choose(input, dims, shares_nan)
    return out if keepdim else jnp.squeeze(out, dims)


@op("fmo", name="max", node="MaxBackward1")
def max_all(input):
    """Largest element; NaN if there is one.  Equal largest elements share the gradient."""
    require_elements("max", input, None)
    require("max_all", "bif", input)
    return _reduced(highest, input, None, False, True)


@op("fmo", name="min", node="MinBackward1")
def min_all(input):
    """Smallest element; NaN if there is one.  Equal smallest elements share the gradient."""
    require_elements("min", input, None)
    require("min_all", "bif", input)
    return _reduced(lowest, input, None, False, True)


@op("fmo")
def amax(input, dim: Dims = (), keepdim: bool = False):
    """Largest element over ``dim`` (several, or all); equal ones share the gradient evenly."""
    require_elements("amax", input, None if dim == () else dim)
    require("max_values_cpu", "bif", input)
    return _reduced(highest, input, dim, keepdim)


@op("fmo")
def amin(input, dim: Dims = (), keepdim: bool = False):
    """Smallest element over ``dim`` (several, or all); equal ones share the gradient evenly."""
    require_elements("amin", input, None if dim == () else dim)
    require("min_values_cpu", "bif", input)
    return _reduced(lowest, input, dim, keepdim)


@op("fmo", returns="min max")
def aminmax(input, *, dim: int | None = None, keepdim: bool = False):
    """Smallest and largest element, over one dim or over all, as (min, max)."""
    if dim is None and not input.size:
        raise RuntimeError(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no "
            "identity."
        )
    if dim is not None:
        require_elements("aminmax", input, dim)
    require("aminmax_cpu", "bif", input)
    return _reduced(lowest, input, dim, keepdim), _reduced(highest, input, dim, keepdim)


# --- the extreme of one dim, with its place -------------------------------------------------------


def _with_place(name, choose, input, dim, keepdim):
    refuse("c", RuntimeError(f"{name}(): does not support complex input"), input)
    dim = wrap_dim(dim, input.ndim)
    if not input.ndim:
        return input + np.zeros((), input.dtype) if kind(input) != "b" else input, jnp.zeros(
            (), np.int64
        )
    require_elements(name, input, dim)
    index = choose(input, axis=dim, keepdims=True).astype(np.int64)
    return at_index(input, index, dim, keepdim)


@op("fmo", name="max.dim", node="MaxBackward0", returns="values indices")
def max_dim(input, dim: int, keepdim: bool = False):
    """Largest element along ``dim`` and its index (the first one of equals), as (values,
    indices).
    """
    return _with_place("max", jnp.argmax, input, dim, keepdim)


@op("fmo", name="min.dim", node="MinBackward0", returns="values indices")
def min_dim(input, dim: int, keepdim: bool = False):
    """Smallest element along ``dim`` and its index (the first one of equals), as (values,
    indices).
    """
    return _with_place("min", jnp.argmin, input, dim, keepdim)


_LARGER, _SMALLER = OPS["maximum"].body, OPS["minimum"].body
binary(
    *("max.other", _LARGER, COMMON, "The larger of each pair of elements, as ``maximum``.", "fmo"),
    node="MaximumBackward0",
)
binary(
    *(
        "min.other",
        _SMALLER,
        COMMON,
        "The smaller of each pair of elements, as ``minimum``.",
        "fmo",
    ),
    node="MinimumBackward0",
)

# --- places ---------------------------------------------------------------------------------------


def _place(name, choose, input, dim, keepdim):
    if dim is None and not input.size:
        raise IndexError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0."
        )
    if dim is not None:
        dim = wrap_dim(dim, input.ndim)
        require_elements(name, input, dim)
    refuse("c", RuntimeError(f"{name}(): does not support complex input"), input)
    refuse("b", RuntimeError(f"{name}(): does not support bool input"), input)
    if not input.ndim:
        return jnp.zeros((), np.int64)
    return choose(input, axis=dim, keepdims=keepdim).astype(np.int64)


@op("fmo", grad=False)
def argmax(input, dim: int | None = None, keepdim: bool = False):
    """Index of the first largest element along ``dim``, or in the flattened input; int64."""
    return _place("argmax", jnp.argmax, input, dim, keepdim)


@op("fmo", grad=False)
def argmin(input, dim: int | None = None, keepdim: bool = False):
    """Index of the first smallest element along ``dim``, or in the flattened input; int64."""
    return _place("argmin", jnp.argmin, input, dim, keepdim)


# --- running extremes -----------------------------------------------------------------------------


def _running(name, cumulate, input, dim):
    refuse(
        "c", NotImplementedError(f"\"{name}_cpu\" not implemented for '{_name_of(input)}'"), input
    )
    dim = wrap_dim(dim, input.ndim)
    if not input.ndim:
        return input + np.zeros((), input.dtype) if kind(input) != "b" else input, jnp.zeros(
            (), np.int64
        )
    steady = input.astype(np.int8) if kind(input) == "b" else input
    top = cumulate(jax.lax.stop_gradient(steady), axis=dim)
    new = (steady == top) | (jnp.isnan(steady) if kind(input) == "f" else False)
    places = jax.lax.broadcasted_iota(np.int64, input.shape, dim)
    index = jax.lax.cummax(jnp.where(new, places, 0), axis=dim)
    return jnp.take_along_axis(input, index, axis=dim, mode="promise_in_bounds"), index


def _name_of(array):
    return dt.scalar_name(dt.from_np(np.dtype(array.dtype)))


@op("fmo", returns="values indices")
def cummax(input, dim: int):
    """Running maximum along ``dim`` and its place (the last one of equals), as (values,
    indices).
    """
    return _running("cummax", jax.lax.cummax, input, dim)


@op("fmo", returns="values indices")
def cummin(input, dim: int):
    """Running minimum along ``dim`` and its place (the last one of equals), as (values,
    indices).
    """
    return _running("cummin", jax.lax.cummin, input, dim)
