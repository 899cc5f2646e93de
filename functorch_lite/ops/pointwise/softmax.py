"""Softmax and its relatives, and the two activations that look beyond one element: glu and prelu.

Softmax is computed in float32 for the half types and has the cheap derivative of its own result.
Floor 2.
"""

import warnings

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from .._common import cast, require, with_derivative, wrap_dim
from .._registry import op
from .elementwise import negative, sigmoid

# --- bodies ---------------------------------------------------------------------------------------


def _shifted(x, dim):
    """Move the largest element to 0, so that exp cannot overflow."""
    return x - jax.lax.stop_gradient(jnp.max(x, axis=dim, keepdims=True, initial=-jnp.inf))


def _softmax(x, dim):
    @jax.custom_jvp
    def body(x):
        power = jnp.exp(_shifted(x, dim))
        return power / jnp.sum(power, axis=dim, keepdims=True)

    @body.defjvp
    def jvp(primals, tangents):
        y, (t,) = body(*primals), tangents
        return y, y * (t - jnp.sum(y * t, axis=dim, keepdims=True))

    return body(x)


def _log_softmax(x, dim):
    @jax.custom_jvp
    def body(x):
        shifted = _shifted(x, dim)
        return shifted - jnp.log(jnp.sum(jnp.exp(shifted), axis=dim, keepdims=True))

    @body.defjvp
    def jvp(primals, tangents):
        y, (t,) = body(*primals), tangents
        return y, t - jnp.sum(jnp.exp(y) * t, axis=dim, keepdims=True)

    return body(x)


def _normalized(fun, kernel, input, dim, dtype):
    """Apply ``fun`` along ``dim`` in ``dtype`` (the input's if None), half types in float32."""
    if dtype is not None:
        input = cast(input, dtype)
    result = input.dtype
    dim = wrap_dim(dim, input.ndim)
    last = "lastdim_kernel_impl" if dim >= input.ndim - 1 else "kernel_impl"
    require(f"{kernel}_{last}", "f", input)
    if input.ndim == 0:
        return fun(input[None], 0)[0].astype(result)
    wide = np.float32 if dt.from_np(result) in dt.REDUCED_FLOATS else result
    return fun(input.astype(wide), dim).astype(result)


# --- ops ------------------------------------------------------------------------------------------


@op("fmo", saves_result=True, aliases="special.softmax")
def softmax(input, dim: int, dtype: dt.dtype | None = None):
    """exp(x) / sum(exp(x)) along ``dim``, in ``dtype`` if given."""
    return _normalized(_softmax, "softmax", input, dim, dtype)


@op("fmo", saves_result=True, aliases="special.log_softmax")
def log_softmax(input, dim: int, dtype: dt.dtype | None = None):
    """Logarithm of softmax along ``dim``, computed without overflow."""
    return _normalized(_log_softmax, "log_softmax", input, dim, dtype)


def _implicit(dim, rank):
    """Return ``dim``, or the one that PyTorch's functional form assumes for None."""
    return dim if dim is not None else (0 if rank in (0, 1, 3) else 1)


def _warn_implicit(name):
    """Return a check that warns, as PyTorch does, when ``dim`` is left out."""

    def check(input, dim=None, _stacklevel=3, dtype=None):
        if dim is None:
            message = (
                f"Implicit dimension choice for {name} has been deprecated. "
                "Change the call to include dim=X as an argument."
            )
            warnings.warn(message, stacklevel=_stacklevel + 1)

    return check


_F = "nn.functional"


@op("f", name="softmax", space=_F, saves_result=True, check=_warn_implicit("softmax"))
def functional_softmax(
    input, dim: int | None = None, _stacklevel: int = 3, dtype: dt.dtype | None = None
):
    """softmax along ``dim``; None means 0 for 0, 1 and 3 dims, else 1, with a warning."""
    return softmax(input, _implicit(dim, input.ndim), dtype)


@op("f", name="log_softmax", space=_F, saves_result=True, check=_warn_implicit("log_softmax"))
def functional_log_softmax(
    input, dim: int | None = None, _stacklevel: int = 3, dtype: dt.dtype | None = None
):
    """log_softmax along ``dim``; None means 0 for 0, 1 and 3 dims, else 1, with a warning."""
    return log_softmax(input, _implicit(dim, input.ndim), dtype)


@op("f", space=_F, node="SoftmaxBackward0", saves_result=True, check=_warn_implicit("softmin"))
def softmin(input, dim: int | None = None, _stacklevel: int = 3, dtype: dt.dtype | None = None):
    """softmax of ``-input``: the smallest element gets the largest share."""
    return softmax(negative(input), _implicit(dim, input.ndim), dtype)


@op("f", space=_F)
def glu(input, dim: int = -1):
    """First half of ``dim`` times the sigmoid of the second: (..., 2n, ...) -> (..., n, ...)."""
    if input.ndim == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    dim = wrap_dim(dim, input.ndim)
    if input.shape[dim] % 2:
        raise RuntimeError(
            f"Halving dimension must be even, but dimension {dim} is size {input.shape[dim]}"
        )
    require("glu_cpu", "f", input)
    value, gate = jnp.split(input, 2, axis=dim)
    return value * sigmoid(gate)


_prelu = with_derivative(
    lambda x, slope: jnp.where(x > 0, x, x * slope),
    lambda t, y, x, slope: t * jnp.where(x > 0, 1, slope),
    lambda t, y, x, slope: t * jnp.where(x > 0, 0, x),
)


@op("fm", node="PreluKernelBackward0", aliases="nn.functional.prelu")
def prelu(input, weight):
    """x above 0, else ``weight * x`` with one weight, or one for each channel (dim 1)."""
    if weight.ndim > 1:
        raise RuntimeError(
            f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}"
        )
    if weight.size != 1:
        if input.ndim == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.shape[1] if input.ndim > 1 else 1
        if channels != weight.size:
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{weight.size} and channel size = {channels}."
            )
        weight = weight.reshape(-1, *(1,) * (input.ndim - 2))
    elif input.ndim == 0 or weight.ndim:
        weight = weight.reshape(())
    if input.dtype != weight.dtype:
        ours, theirs = (dt.scalar_name(dt.from_np(x.dtype)) for x in (input, weight))
        raise RuntimeError(f"prelu: Type promoting not supported. Got {ours} and {theirs}")
    require("prelu_cpu", "f", input)
    return _prelu(input, weight)
