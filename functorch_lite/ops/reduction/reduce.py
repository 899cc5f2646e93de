"""Reductions to a sum, a mean, a product, a truth value, a spread or a log-sum.

The largest and smallest elements are in ``extreme.py``, order statistics in ``quantile.py``,
running sums in ``scan.py``, norms in ``norm.py``.  float16 and bfloat16 are summed in float32,
integers in int64, as PyTorch does.  Floor 2.
"""

import functools
import warnings

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from .._cascade import ordered, trailing_sum
from .._common import cast, kind, refuse, widened, wrap_dim, wrap_dims
from .._registry import Dims, Scalar, op

# --- sums ---------------------------------------------------------------------------------------


def _summed_dtype(input, dtype):
    """Return the dtype of a sum or product: ``dtype``, or int64 for integers, or the input's
    own.
    """
    if dtype is not None:
        return dtype
    return dt.int64 if kind(input) in "bi" else dt.from_np(np.dtype(input.dtype))


def _reduce_sum(x, dims, keepdim):
    """Sum over ``dims``, in PyTorch's order where that can be had; a full sum is flat."""
    if ordered(x, dims):
        total = trailing_sum(x, len(dims))
        return jnp.expand_dims(total, dims) if keepdim else total
    if len(dims) == x.ndim and not keepdim:
        return jnp.sum(x.reshape(-1), dtype=x.dtype)
    return jnp.sum(x, axis=dims, keepdims=keepdim, dtype=x.dtype)


def _sum(input, dim, keepdim, dtype):
    result = _summed_dtype(input, dtype)
    dims = wrap_dims(dim, input.ndim)
    if result is dt.bool_:
        return jnp.any(input != 0, axis=dims, keepdims=keepdim)
    return _reduce_sum(widened(cast(input, result)), dims, keepdim).astype(result.np)


@op("fmo", node="SumBackward0")
def sum(input, *, dtype: dt.dtype | None = None):
    """Sum of all elements; integers and bools are summed in int64 unless ``dtype`` says
    otherwise.
    """
    return _sum(input, None, False, dtype)


@op("fmo", name="sum.dim", node="SumBackward1")
def sum_dim(input, dim: Dims, keepdim: bool = False, *, dtype: dt.dtype | None = None):
    """Sum over ``dim`` (an int, several, or None for all); ``keepdim`` leaves them as size 1."""
    return _sum(input, dim, keepdim, dtype)


@op("fmo", name="sum.all", node="SumBackward1")
def sum_all(
    input, dim: Dims | None = None, keepdim: bool = False, *, dtype: dt.dtype | None = None
):
    """Sum over all dims, spelled ``dim=None``."""
    return _sum(input, dim, keepdim, dtype)


@op("fmo")
def nansum(input, dim: Dims | None = None, keepdim: bool = False, *, dtype: dt.dtype | None = None):
    """Sum over ``dim`` in which NaN counts as 0 and receives no gradient."""
    refuse("c", RuntimeError("nansum on CPU does not support complex inputs"), input)
    if kind(input) == "f":
        input = jnp.where(jnp.isnan(input), jnp.zeros((), input.dtype), input)
    return _sum(input, dim, keepdim, dtype)


@op("fmo", grad=False)
def count_nonzero(input, dim: Dims | None = None):
    """Number of elements that are not 0, as int64, over ``dim`` or over all."""
    return jnp.sum(input != 0, axis=wrap_dims(dim, input.ndim), dtype=np.int64)


# --- means --------------------------------------------------------------------------------------


def _type_name(array):
    return dt.scalar_name(dt.from_np(np.dtype(array.dtype)))


def _mean(input, dim, keepdim, dtype):
    result = dtype or dt.from_np(np.dtype(input.dtype))
    if result.category < dt.FLOATING:
        which = "Input" if dtype is None else "Optional"
        raise RuntimeError(
            f"mean(): could not infer output dtype. {which} dtype must be either a floating point "
            "or "
            f"complex dtype. Got: {dt.scalar_name(result)}"
        )
    dims = wrap_dims(dim, input.ndim)
    x = widened(cast(input, result))
    count = _count(input, dims)
    if not count:
        return jnp.full(_reduce_sum(x, dims, keepdim).shape, np.nan, result.np)
    return (_reduce_sum(x, dims, keepdim) / np.asarray(count, x.dtype)).astype(result.np)


def _count(input, dims):
    """Return the number of elements that are reduced to one."""
    return int(np.prod([input.shape[d] for d in dims], dtype=np.int64))


@op("fmo", node="MeanBackward0")
def mean(input, *, dtype: dt.dtype | None = None):
    """Mean of all elements; RuntimeError unless the dtype is floating or complex."""
    return _mean(input, None, False, dtype)


@op("fmo", name="mean.dim", node="MeanBackward1")
def mean_dim(
    input, dim: Dims | None = None, keepdim: bool = False, *, dtype: dt.dtype | None = None
):
    """Mean over ``dim`` (an int, several, or None for all); of no elements it is NaN."""
    return _mean(input, dim, keepdim, dtype)


@op("fmo", node="DivBackward0")
def nanmean(
    input, dim: Dims | None = None, keepdim: bool = False, *, dtype: dt.dtype | None = None
):
    """Mean over ``dim`` of the elements that are not NaN."""
    refuse(
        "bi",
        RuntimeError(
            "nanmean(): expected input to have floating point or complex dtype but got "
            + _type_name(input)
        ),
        input,
    )
    dims = wrap_dims(dim, input.ndim)
    known = ~jnp.isnan(input)
    total = nansum(input, dim, keepdim, dtype=dtype)
    return total / jnp.sum(known, axis=dims, keepdims=keepdim).astype(total.dtype)


# --- products -----------------------------------------------------------------------------------


def _prod(input, dim, keepdim, dtype):
    result = _summed_dtype(input, dtype)
    dims = wrap_dims(dim, input.ndim)
    if result is dt.bool_:
        return jnp.all(input != 0, axis=dims, keepdims=keepdim)
    x = widened(cast(input, result))
    return jnp.prod(x, axis=dims, keepdims=keepdim, dtype=x.dtype).astype(result.np)


@op("fmo", node="ProdBackward0")
def prod(input, *, dtype: dt.dtype | None = None):
    """Product of all elements; the gradient is right where some of them are 0."""
    return _prod(input, None, False, dtype)


@op("fmo", name="prod.dim_int", node="ProdBackward1")
def prod_dim(input, dim: int, keepdim: bool = False, *, dtype: dt.dtype | None = None):
    """Product over one dim; ``keepdim`` leaves it as size 1."""
    return _prod(input, dim, keepdim, dtype)


# --- truth --------------------------------------------------------------------------------------


def _truth(fun, input, dim, keepdim):
    """Apply ``jnp.all`` or ``jnp.any``; the result is bool, but uint8 for a uint8 input."""
    dims = wrap_dims(dim, input.ndim) if dim != () else ()
    out = fun(input != 0, axis=dims, keepdims=keepdim)
    return out.astype(np.uint8) if input.dtype == np.uint8 else out


@op("fmo", grad=False)
def all(input, dim: Dims | None = None, keepdim: bool = False):
    """Return whether all elements over ``dim`` are non-zero; of no elements it is True."""
    return _truth(jnp.all, input, dim, keepdim)


@op("fmo", grad=False)
def any(input, dim: Dims | None = None, keepdim: bool = False):
    """Return whether an element over ``dim`` is non-zero; of no elements it is False."""
    return _truth(jnp.any, input, dim, keepdim)


# --- variance -----------------------------------------------------------------------------------


def _var_mean(input, dim, correction, keepdim):
    """Return (variance, mean); divides by the count less ``correction``, which may be run-time."""
    refuse("bi", RuntimeError("std and var only support floating point and complex dtypes"), input)
    dims = wrap_dims(dim, input.ndim)
    x = widened(input)
    count = _count(input, dims)
    if not count:
        nan = jnp.full(_reduce_sum(x, dims, keepdim).shape, np.nan, input.dtype)
        return nan.real, nan
    center = _reduce_sum(x, dims, True) / np.asarray(count, x.dtype)
    far = x - center
    square = far.real**2 + far.imag**2 if kind(x) == "c" else far * far
    if correction is None:
        correction = 1
    left = jnp.maximum(np.asarray(count, square.dtype) - jnp.asarray(correction, square.dtype), 0)
    center = center if keepdim else jnp.squeeze(center, dims)
    return _reduce_sum(square, dims, keepdim) / left, center


@jax.custom_jvp
def root(x):
    """Square root whose gradient at 0 is 0, as PyTorch defines it for ``std``."""
    return jnp.sqrt(x)


@root.defjvp
def _root_jvp(primals, tangents):
    (x,), (t,) = primals, tangents
    y = root(x)
    return y, t * jnp.where(y == 0, jnp.zeros((), y.dtype), 0.5 / jnp.where(y == 0, 1, y)).astype(
        y.dtype
    )


def _as_real(out, input):
    return out.astype(real_dtype(input.dtype))


def real_dtype(np_dtype):
    """Return the NumPy dtype of the parts of complex ``np_dtype``, or ``np_dtype`` itself."""
    return dt.from_np(np.dtype(np_dtype)).to_real().np


def _var(input, dim, correction, keepdim):
    return _as_real(_var_mean(input, dim, correction, keepdim)[0], input)


def _std(input, dim, correction, keepdim):
    return _as_real(root(_var_mean(input, dim, correction, keepdim)[0]), input)


def _var_and_mean(input, dim, correction, keepdim):
    spread, center = _var_mean(input, dim, correction, keepdim)
    return _as_real(spread, input), center.astype(input.dtype)


def _std_and_mean(input, dim, correction, keepdim):
    spread, center = _var_mean(input, dim, correction, keepdim)
    return _as_real(root(spread), input), center.astype(input.dtype)


def _warn_of_freedom(name):
    """Return the check that warns, as PyTorch does, where the divisor is not positive."""

    def check(input, dim=None, unbiased=True, correction=None, **_):
        dims = wrap_dims(dim, input.ndim)
        count = _count(input, dims) if _keeps_elements(input.shape, dims) else 0
        if count - (int(unbiased) if correction is None else correction) <= 0:
            warnings.warn(
                f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than "
                "the "
                "reduction factor (input numel divided by output numel).",
                UserWarning,
                stacklevel=2,
            )

    return check


def _keeps_elements(shape, dims):
    """Return True if no dim other than ``dims`` has size 0."""
    return 0 not in [n for d, n in enumerate(shape) if d not in dims]


def _declare_spread(name, compute, what, kinds):
    """Declare the three overloads of one of ``std``, ``var``, ``std_mean``, ``var_mean``."""
    node = f"{name.title().replace('_', '')}Backward0"
    declare = functools.partial(op, kinds, node=node, check=_warn_of_freedom(name))

    def unbiased_form(input, unbiased: bool):
        return compute(input, None, 1 if unbiased else 0, False)

    def dim_form(input, dim: Dims, unbiased: bool = True, keepdim: bool = False):
        return compute(input, dim, 1 if unbiased else 0, keepdim)

    def correction_form(
        input, dim: Dims | None = None, *, correction: Scalar | None = None, keepdim: bool = False
    ):
        return compute(input, dim, correction, keepdim)

    unbiased_form.__doc__ = (
        f"{what} of all elements, divided by N - 1, or by N if not ``unbiased``."
    )
    dim_form.__doc__ = f"{what} over ``dim``, divided by N - 1, or by N if not ``unbiased``."
    correction_form.__doc__ = (
        f"{what} over ``dim``, divided by max(0, N - ``correction``), by default N - 1."
    )
    declare(name=name)(unbiased_form)
    declare(name=f"{name}.dim")(dim_form)
    declare(name=f"{name}.correction")(correction_form)


_declare_spread("std", _std, "Standard deviation", "fmo")
_declare_spread("var", _var, "Variance", "fmo")
_declare_spread("std_mean", _std_and_mean, "Standard deviation and mean", "f")
_declare_spread("var_mean", _var_and_mean, "Variance and mean", "f")

# --- log-sums -----------------------------------------------------------------------------------


def log_sum_exp(x, dims, keepdim=False):
    """log(sum(exp(x))) over ``dims``, safe against overflow and against rows of -inf or +inf."""
    top = jnp.max(x.real, axis=dims, keepdims=True, initial=-np.inf)
    top = jax.lax.stop_gradient(jnp.where(jnp.isfinite(top), top, jnp.zeros((), top.dtype)))
    out = jnp.log(jnp.sum(jnp.exp(x - top), axis=dims, keepdims=keepdim))
    return out + (top if keepdim else jnp.squeeze(top, dims))


@op("fmo", aliases="special.logsumexp")
def logsumexp(input, dim: Dims, keepdim: bool = False):
    """log(sum(exp(input))) over ``dim``; integers become the default floating dtype."""
    if kind(input) in "bi":
        input = input.astype(dt.get_default_dtype().np)
    dims = wrap_dims(dim, input.ndim)
    return log_sum_exp(widened(input), dims, keepdim).astype(input.dtype)


@op("fmo")
def logcumsumexp(input, dim: int):
    """log of the running sum of exp(input) along ``dim``."""
    wrap_dim(dim, input.ndim)
    if input.ndim == 0:
        return input + 0
    if kind(input) in "bi":
        raise NotImplementedError(
            f"\"logcumsumexp_out_cpu\" not implemented for '{_type_name(input)}'"
        )
    x = widened(input)
    pair = jax.lax.associative_scan(_log_add, x, axis=dim) if kind(x) == "c" else None
    out = pair if pair is not None else jax.lax.cumlogsumexp(x, axis=dim % x.ndim)
    return out.astype(input.dtype)


def _log_add(a, b):
    """log(exp(a) + exp(b)) of complex numbers, taken out of the one with the larger real part."""
    swap = a.real < b.real
    high, low = jnp.where(swap, b, a), jnp.where(swap, a, b)
    return high + jnp.log1p(jnp.exp(low - high))
