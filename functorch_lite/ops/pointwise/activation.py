"""Activation functions of ``torch.nn.functional``, element by element.

Their kinks are PyTorch's: relu(0), hardtanh(+-1), leaky_relu(0) and the rest have the slopes that
its backward kernels give.  ``inplace=True`` is the binding's business: the bodies ignore it.
Softmax, ``glu`` and ``prelu`` are in ``softmax.py``.  Floor 2.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp

from .._common import kind, refuse, require, with_derivative
from .._registry import COMMON, FLOAT, Scalar, op
from .elementwise import absolute, sigmoid, tanh

_F = "nn.functional"
_NO_COMPLEX = NotImplementedError("clamp is not supported for complex types")


def _like(value, array):
    """Return the number ``value`` in the array's dtype (a float truncated for integers)."""
    return jnp.asarray(value).astype(array.dtype)


# --- made of straight pieces: bodies --------------------------------------------------------------


def _between(x, low, high):
    """1 strictly inside the bounds, else 0, in the dtype of ``x``."""
    return ((x > low) & (x < high)).astype(x.dtype)


_relu = with_derivative(
    lambda x: jnp.maximum(x, 0), lambda t, y, x: t * (~(y <= 0)).astype(x.dtype)
)
_clip = with_derivative(
    lambda x, low, high: jnp.minimum(jnp.maximum(x, low), high),
    *(lambda t, y, x, low, high: t * _between(x, low, high), None, None),
)
_leaky = with_derivative(
    lambda x, slope: jnp.where(x > 0, x, x * slope),
    *(lambda t, y, x, slope: t * jnp.where(x > 0, jnp.ones_like(x), slope), None),
)
_cut_below = with_derivative(
    lambda x, bound, value: jnp.where(x <= bound, value, x),
    *(lambda t, y, x, bound, value: t * (~(x <= bound)).astype(x.dtype), None, None),
)
_hardsigmoid = with_derivative(
    lambda x: jnp.minimum(jnp.maximum(x + 3, 0), 6) / 6,
    lambda t, y, x: t * _between(x, -3, 3) / 6,
)
_hardswish = with_derivative(
    lambda x: x * jnp.minimum(jnp.maximum(x + 3, 0), 6) / 6,
    lambda t, y, x: t * jnp.where(x <= -3, 0, jnp.where(x < 3, x / 3 + 0.5, 1)).astype(x.dtype),
)


def _outside(x, bound):
    """1 where |x| > bound (or x is NaN), else 0."""
    return (~((x >= -bound) & (x <= bound))).astype(x.dtype)


_hardshrink = with_derivative(
    lambda x, bound: jnp.where((x >= -bound) & (x <= bound), 0, x),
    *(lambda t, y, x, bound: t * _outside(x, bound), None),
)
_softshrink = with_derivative(
    lambda x, bound: jnp.where(x > bound, x - bound, jnp.where(x < -bound, x + bound, x * 0)),
    *(lambda t, y, x, bound: t * _outside(x, bound), None),
)

# --- made of straight pieces: ops -----------------------------------------------------------------


@op("fmi", saves_result=True)
def relu(input):
    """max(0, x). The gradient at 0 is 0."""
    refuse("b", RuntimeError("Boolean inputs not supported for relu"), input)
    refuse("c", _NO_COMPLEX, input)
    return _relu(input)


@op("fi", name="relu", space=_F, saves_result=True)
def functional_relu(input, inplace: bool = False):
    """max(0, x). The gradient at 0 is 0."""
    return relu(input)


def _check_hardtanh(input, min_val=0, max_val=0, inplace=False):
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    if input.dtype == jnp.uint8 and (min_val < 0 or max_val < 0):
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")


def _hardtanh(input, low, high):
    refuse("b", RuntimeError("Bool inputs not supported for hardtanh"), input)
    refuse("c", _NO_COMPLEX, input)
    return _clip(input, _like(low, input), _like(high, input))


@op("fi", space=_F, promote=COMMON, check=_check_hardtanh)
def hardtanh(input, min_val: Scalar = -1.0, max_val: Scalar = 1.0, inplace: bool = False):
    """Limit to [min_val, max_val]. The gradient on the bounds is 0, unlike clamp's."""
    return _hardtanh(input, min_val, max_val)


@op("f", space=_F, promote=COMMON, node="HardtanhBackward0")
def relu6(input, inplace: bool = False):
    """min(max(0, x), 6)."""
    return _hardtanh(input, 0, 6)


@op("fi", space=_F, promote=COMMON)
def leaky_relu(input, negative_slope: Scalar = 0.01, inplace: bool = False):
    """x above 0, else ``negative_slope * x``. The gradient at 0 is ``negative_slope``."""
    require("leaky_relu_cpu", "f", input)
    return _leaky(input, _like(negative_slope, input))


@op("fi", promote=COMMON)
def threshold(input, threshold: Scalar, value: Scalar):
    """x above ``threshold``, else ``value``."""
    require("threshold_cpu", "if", input)
    return _cut_below(input, _like(threshold, input), _like(value, input))


@op("fi", name="threshold", space=_F, promote=COMMON)
def functional_threshold(input, threshold: Scalar, value: Scalar, inplace: bool = False):
    """x above ``threshold``, else ``value``."""
    require("threshold_cpu", "if", input)
    return _cut_below(input, _like(threshold, input), _like(value, input))


@op("f", space=_F, promote=COMMON)
def hardsigmoid(input, inplace: bool = False):
    """relu6(x + 3) / 6."""
    require("hardsigmoid_cpu", "f", input)
    return _hardsigmoid(input)


@op("f", space=_F, promote=COMMON)
def hardswish(input, inplace: bool = False):
    """x relu6(x + 3) / 6."""
    require("hardswish_cpu", "f", input)
    return _hardswish(input)


@op("fmo", promote=COMMON, aliases="nn.functional.hardshrink")
def hardshrink(input, lambd: Scalar = 0.5):
    """x outside [-lambd, lambd], else 0."""
    require("hardshrink_cpu", "f", input)
    return _hardshrink(input, _like(lambd, input))


def _check_softshrink(input, lambd=0.5):
    if not lambd >= 0:
        # PyTorch prints the largest number of the dtype with C++'s six digits.
        largest = f"{float(jnp.finfo(input.dtype).max):g}"
        name = {"float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16"}
        raise RuntimeError(
            f"lambda must be in range [0, {largest}] for input dtype "
            f"{name[str(input.dtype)]}, but found {lambd:g}"
        )


@op("fo", space=_F, promote=COMMON, check=_check_softshrink)
def softshrink(input, lambd: Scalar = 0.5):
    """x moved toward 0 by ``lambd``; 0 inside [-lambd, lambd]."""
    require("softshrink_check", "f", input)
    return _softshrink(input, _like(lambd, input))


def _check_rrelu(input, noise=None, lower=0, upper=0):
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")


@op("", name="_scaled_mask", node="NativeDropoutBackward0")
def scaled_mask(input, mask, scale: Scalar):
    """``input`` where ``mask`` is one, times ``scale``: dropout with a mask already drawn."""
    return input * mask.astype(input.dtype) * _like(scale, input)


@op(
    "", name="_rrelu_with_noise", promote=COMMON, check=_check_rrelu, node="RreluWithNoiseBackward0"
)
def rrelu(input, noise, lower: Scalar, upper: Scalar):
    """``input`` times ``noise``, drawn slopes; None: leaky_relu of slope (lower + upper) / 2."""
    require("leaky_relu_cpu" if noise is None else "rrelu_with_noise_out_cpu", "f", input)
    if noise is None:
        return _leaky(input, (_like(lower, input) + _like(upper, input)) / 2)
    return input * noise


# --- exponential below zero -----------------------------------------------------------------------


def _elu_value(x, alpha, scale, input_scale):
    below = jnp.expm1(jnp.minimum(x, 0) * input_scale) * alpha * scale
    return jnp.where(x > 0, x * scale, below)


def _elu_slope(t, y, x, alpha, scale, input_scale):
    below = jnp.exp(jnp.minimum(x, 0) * input_scale) * (input_scale * alpha * scale)
    return t * jnp.where(x <= 0, below, scale)


_scaled_elu = with_derivative(_elu_value, _elu_slope, None, None, None)
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def _elu(x, alpha, scale: Any = 1, input_scale: Any = 1):
    require("elu_cpu", "f", x)
    return _scaled_elu(x, _like(alpha, x), _like(scale, x), _like(input_scale, x))


@op("fi", space=_F, promote=COMMON)
def elu(input, alpha: Scalar = 1.0, inplace: bool = False):
    """x above 0, else alpha (exp(x) - 1)."""
    return _elu(input, alpha)


@op("fi", promote=COMMON, node="EluBackward0")
def selu(input):
    """elu with the constants that keep mean 0 and variance 1 (Klambauer et al. 2017)."""
    return _elu(input, _SELU_ALPHA, _SELU_SCALE)


@op("fi", name="selu", space=_F, promote=COMMON, node="EluBackward0")
def functional_selu(input, inplace: bool = False):
    """elu with the constants that keep mean 0 and variance 1 (Klambauer et al. 2017)."""
    return _elu(input, _SELU_ALPHA, _SELU_SCALE)


def _check_celu(input, alpha=1.0, inplace=False):
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")


def _celu(input, alpha):
    alpha = _like(alpha, input) if kind(input) == "f" else jnp.ones(())
    return _elu(input, alpha, 1, 1 / alpha)


@op("fi", promote=COMMON, check=_check_celu)
def celu(input, alpha: Scalar = 1.0):
    """x above 0, else alpha (exp(x / alpha) - 1)."""
    return _celu(input, alpha)


@op("fi", name="celu", space=_F, promote=COMMON, check=_check_celu)
def functional_celu(input, alpha: Scalar = 1.0, inplace: bool = False):
    """x above 0, else alpha (exp(x / alpha) - 1)."""
    return _celu(input, alpha)


# --- smooth ---------------------------------------------------------------------------------------


def _silu_slope(t, y, x):
    gate = sigmoid(x)
    return t * gate * (1 + x * (1 - gate))


_silu = with_derivative(lambda x: x * sigmoid(x), _silu_slope)


@op("f", space=_F, promote=COMMON)
def silu(input, inplace: bool = False):
    """x sigmoid(x), also called swish."""
    require("silu_cpu", "fc", input)
    return _silu(input)


def _log1p_exp(x):
    """log(1 + exp(x)) without overflow."""
    return jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x)))


def _mish_slope(t, y, x):
    squashed = jnp.tanh(_log1p_exp(x))
    return t * (squashed + x * sigmoid(x) * (1 - squashed * squashed))


_mish = with_derivative(lambda x: x * jnp.tanh(_log1p_exp(x)), _mish_slope)


@op("f", space=_F, promote=COMMON)
def mish(input, inplace: bool = False):
    """x tanh(softplus(x))."""
    require("mish_cpu", "f", input)
    return _mish(input)


def _softplus_value(x, beta, threshold):
    scaled = x * beta
    linear = scaled > threshold
    return jnp.where(linear, x, jnp.log1p(jnp.exp(jnp.where(linear, 0, scaled))) / beta)


def _softplus_slope(t, y, x, beta, threshold):
    linear = x * beta > threshold
    power = jnp.exp(jnp.where(linear, 0, x * beta))
    return t * jnp.where(linear, 1, power / (power + 1))


_softplus = with_derivative(_softplus_value, _softplus_slope, None, None)


@op("fo", space=_F, promote=COMMON)
def softplus(input, beta: Scalar = 1.0, threshold: Scalar = 20.0):
    """log(1 + exp(beta x)) / beta; x itself where beta x exceeds ``threshold``."""
    require("softplus_cpu", "f", input)
    return _softplus(input, _like(beta, input), _like(threshold, input))


_log_sigmoid = with_derivative(
    lambda x: jnp.minimum(x, 0) - jnp.log1p(jnp.exp(-jnp.abs(x))), lambda t, y, x: t * sigmoid(-x)
)


@op("fo", space=_F, promote=COMMON, node="LogSigmoidBackward0")
def logsigmoid(input):
    """log(sigmoid(x)), without overflow."""
    require("log_sigmoid_cpu", "f", input)
    return _log_sigmoid(input)


def _normal_density(x):
    return jnp.exp(x * x * -0.5) * _like(1 / math.sqrt(2 * math.pi), x)


def _normal_below(x):
    """The standard normal distribution function, with PyTorch's formula."""
    return 0.5 * (1 + jax.lax.erf(x * _like(math.sqrt(0.5), x)))


_gelu_exact = with_derivative(
    lambda x: x * _normal_below(x), lambda t, y, x: t * (_normal_below(x) + x * _normal_density(x))
)


def _gelu_argument(x):
    return _like(math.sqrt(2 / math.pi), x) * (x + _like(0.044715, x) * x * x * x)


def _gelu_tanh_slope(t, y, x):
    squashed = jnp.tanh(_gelu_argument(x))
    inner = _like(math.sqrt(2 / math.pi), x) * (1 + _like(3 * 0.044715, x) * x * x)
    return t * (0.5 * (1 + squashed) + 0.5 * x * (1 - squashed * squashed) * inner)


_gelu_tanh = with_derivative(
    lambda x: 0.5 * x * (1 + jnp.tanh(_gelu_argument(x))), _gelu_tanh_slope
)


@op("fo", space=_F, promote=COMMON)
def gelu(input, *, approximate: str = "none"):
    """x times the normal distribution function of x; "tanh" is a close and cheaper formula."""
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    require("GeluKernelImpl", "f", input)
    return _gelu_exact(input) if approximate == "none" else _gelu_tanh(input)


@op("f", space=_F, promote=FLOAT, node="DivBackward0")
def softsign(input):
    """x / (1 + |x|)."""
    refuse("b", NotImplementedError("\"abs_cpu\" not implemented for 'Bool'"), input)
    return input / (1 + absolute(input))


@op("f", space=_F, promote=FLOAT, node="SubBackward0")
def tanhshrink(input):
    """x - tanh(x)."""
    return input - tanh(input)
