"""Unary mathematics: powers and roots, exponentials, trigonometry, rounding, signs, number tests.

One op, one row; the bodies that PyTorch's derivative or a dtype makes long stand above the rows
under the same heading.  Binary arithmetic is in ``arithmetic.py``, comparisons in ``compare.py``,
bits and truth in ``bitwise.py``, special functions in ``special.py``.  Floor 2.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from .._common import flat, kind, only, refuse, require, with_derivative
from .._registry import COMMON, FLOAT, Scalar, op, unary


def _like(value, array):
    """Return the number ``value`` in the dtype of ``array``."""
    return jnp.asarray(value, array.dtype)


# --- exponentials and logarithms ------------------------------------------------------------------


def _exp2(x):
    """2**x, exact where x is an integer: the whole part goes straight into the exponent."""
    if kind(x) == "c":
        return jnp.exp(x * _like(math.log(2), x))
    whole = jnp.round(jnp.clip(x, -1100, 1100))
    part = jnp.exp((x - whole) * _like(math.log(2), x))
    half = jnp.floor(whole / 2).astype(np.int32)
    return jnp.ldexp(jnp.ldexp(part, half), whole.astype(np.int32) - half)


_exp2 = with_derivative(_exp2, lambda t, y, x: t * y * _like(math.log(2), y))

unary("exp", jnp.exp, FLOAT, "e to the power of each element.", saves_result=True)
unary(
    *("exp2", _exp2, FLOAT, "2 to the power of each element."),
    saves_result=True,
    aliases="special.exp2",
)
unary(
    *("expm1", jnp.expm1, FLOAT, "exp(input) - 1, accurate near 0."),
    saves_result=True,
    aliases="special.expm1",
)
unary("log", jnp.log, FLOAT, "Natural logarithm of each element.")
unary("log2", jnp.log2, FLOAT, "Logarithm to base 2 of each element.")
unary("log10", jnp.log10, FLOAT, "Logarithm to base 10 of each element.")
unary("log1p", jnp.log1p, FLOAT, "log(1 + input), accurate near 0.", aliases="special.log1p")

# --- trigonometry, circular and hyperbolic --------------------------------------------------------


def _inverse_root(x):
    return 1 / jnp.sqrt(x) if kind(x) == "c" else jax.lax.rsqrt(x)


def _sinc(x):
    """sin(pi x) / (pi x), which is 1 at 0."""
    scaled = x * _like(math.pi, x)
    return jnp.where(x == 0, _like(1, x), jnp.sin(scaled) / scaled)


def _sinc_tangent(t, y, x):
    scaled, square = x * _like(math.pi, x), x * x * _like(math.pi, x)
    slope = (scaled * jnp.cos(scaled) - jnp.sin(scaled)) / square
    return t * jnp.where(square == 0, 0, slope)


def _acosh_tangent(t, y, x):
    if kind(x) == "c":
        return t * (_inverse_root(x + 1) * _inverse_root(x - 1))
    return t * _inverse_root(x * x - 1)


_tan = with_derivative(jnp.tan, lambda t, y, x: t * (1 + y * y))
tanh = with_derivative(jnp.tanh, lambda t, y, x: t * (1 - y * y))
_asin = with_derivative(jnp.arcsin, lambda t, y, x: t * _inverse_root(1 - x * x))
_acos = with_derivative(jnp.arccos, lambda t, y, x: t * -_inverse_root(1 - x * x))
_asinh = with_derivative(jnp.arcsinh, lambda t, y, x: t * _inverse_root(x * x + 1))
_acosh = with_derivative(jnp.arccosh, _acosh_tangent)
_atanh = with_derivative(jnp.arctanh, lambda t, y, x: t / (1 - x * x))

unary("sin", jnp.sin, FLOAT, "Sine of each element, in radians.")
unary("cos", jnp.cos, FLOAT, "Cosine of each element, in radians.")
unary("tan", _tan, FLOAT, "Tangent of each element, in radians.", saves_result=True)
unary("sinh", jnp.sinh, FLOAT, "Hyperbolic sine of each element.")
unary("cosh", jnp.cosh, FLOAT, "Hyperbolic cosine of each element.")
unary(
    *("tanh", tanh, FLOAT, "Hyperbolic tangent of each element."),
    saves_result=True,
    aliases="nn.functional.tanh",
)
unary("asin", _asin, FLOAT, "Inverse sine of each element, in radians.", aliases="arcsin")
unary("acos", _acos, FLOAT, "Inverse cosine of each element, in radians.", aliases="arccos")
unary("atan", jnp.arctan, FLOAT, "Inverse tangent of each element, in radians.", aliases="arctan")
unary("asinh", _asinh, FLOAT, "Inverse hyperbolic sine of each element.", aliases="arcsinh")
unary("acosh", _acosh, FLOAT, "Inverse hyperbolic cosine of each element.", aliases="arccosh")
unary("atanh", _atanh, FLOAT, "Inverse hyperbolic tangent of each element.", aliases="arctanh")
unary(
    *("sinc", with_derivative(_sinc, _sinc_tangent), FLOAT, "sin(pi x) / (pi x), and 1 at 0."),
    aliases="special.sinc",
)


def _scale(name, factor):
    def body(x):
        refuse("c", RuntimeError(f"{name} is not supported for complex tensors."), x)
        return x * _like(factor, x)

    return body


unary("deg2rad", _scale("deg2rad", math.pi / 180), FLOAT, "Degrees to radians.")
unary("rad2deg", _scale("rad2deg", 180 / math.pi), FLOAT, "Radians to degrees.")

# --- powers, roots and the logistic function ------------------------------------------------------


def _logistic(x):
    return 1 / (1 + jnp.exp(-x)) if kind(x) == "c" else jax.nn.sigmoid(x)


_sqrt = with_derivative(jnp.sqrt, lambda t, y, x: t / (2 * y))
_rsqrt = with_derivative(_inverse_root, lambda t, y, x: t * _like(-0.5, y) * y * y * y)
_reciprocal = with_derivative(lambda x: 1 / x, lambda t, y, x: t * -(y * y))
sigmoid = with_derivative(_logistic, lambda t, y, x: t * (1 - y) * y)

unary("sqrt", _sqrt, FLOAT, "Square root of each element.", saves_result=True)
unary("rsqrt", _rsqrt, FLOAT, "1 / sqrt(input).", saves_result=True)
unary("reciprocal", _reciprocal, FLOAT, "1 / input.", saves_result=True)
unary(
    *("sigmoid", sigmoid, FLOAT, "Logistic function 1 / (1 + exp(-input))."),
    saves_result=True,
    aliases="special.expit nn.functional.sigmoid",
)


@op("fmio", promote=COMMON, node="PowBackward0")
def square(input):
    """Each element times itself; a bool tensor gives int64."""
    if kind(input) == "b":
        input = input.astype(np.int64)
    return input * input


@op("fmio", promote=FLOAT, aliases="special.logit")
def logit(input, eps: Scalar = None):
    """log(x / (1 - x)), with ``input`` first clamped to [eps, 1 - eps] where ``eps`` is given."""
    require("logit_cpu", "f", input)
    if eps is None:
        return _logit(input)
    low = jnp.asarray(eps, input.dtype)
    return _logit(jnp.where(input < low, low, jnp.where(input > 1 - low, 1 - low, input)))


def _logit_tangent(t, y, x):
    return t * jnp.where((x < 0) | (x > 1), _like(math.nan, x), 1 / (x * (1 - x)))


_logit = with_derivative(lambda x: jnp.log(x / (1 - x)), _logit_tangent)

# --- rounding -------------------------------------------------------------------------------------


def _rounding(name, fun, complex_error=""):
    """Return ``fun`` on floats, the identity on integers; gradient zero."""

    def body(x):
        if complex_error:
            refuse("c", NotImplementedError(complex_error), x)
        require(f"{name}_vml_cpu", "if", x)
        return x if kind(x) == "i" else fun(x)

    return flat(body)


trunc = _rounding("trunc", jnp.trunc, "trunc is not supported for complex inputs")
_floor = _rounding("floor", jnp.floor, "floor is not supported for complex inputs")
_ceil = _rounding("ceil", jnp.ceil, "ceil is not supported for complex inputs")

unary("floor", _floor, COMMON, "Largest integer not above each element.")
unary("ceil", _ceil, COMMON, "Smallest integer not below each element.")
unary("trunc", trunc, COMMON, "Each element without its fraction.", aliases="fix")
unary(
    *(
        "round",
        _rounding("round", jnp.round),
        COMMON,
        "Nearest integer; halves go to the even one.",
    ),
    aliases="special.round",
)
unary(
    *(
        "frac",
        only("frac_cpu", "f", lambda x: x - trunc(x)),
        COMMON,
        "Fraction of each element, with its sign.",
    )
)


@op(
    "fmio",
    name="round.decimals",
    promote=COMMON,
    node="RoundBackward1",
    aliases="special.round.decimals",
)
def round_decimals(input, *, decimals: int):
    """Round to ``decimals`` places after the point; a negative count rounds before it."""
    if decimals == 0 and kind(input) == "i":
        return input
    require("round_cpu", "f", input)
    scale = jnp.asarray(10.0 ** abs(decimals), input.dtype)
    input = jax.lax.stop_gradient(input)
    return jnp.round(input * scale) / scale if decimals >= 0 else jnp.round(input / scale) * scale


# --- sign and size --------------------------------------------------------------------------------


def absolute(x):
    """|x| with gradient 0 at 0, also for complex x, where jnp's would be NaN."""
    if kind(x) != "c":
        return _real_abs(x)
    zero = x == 0
    return jnp.where(zero, 0, jnp.abs(jnp.where(zero, 1, x)))


def _sgn(x):
    if kind(x) != "c":
        return _real_sign(jax.lax.stop_gradient(x)) if kind(x) != "b" else x
    zero = x == 0
    return jnp.where(zero, 0, x / jnp.abs(jnp.where(zero, 1, x)))


def _real_sign(x):
    """-1, 0 or 1; PyTorch gives 0 for NaN."""
    return jnp.where(x > 0, 1, jnp.where(x < 0, -1, 0)).astype(x.dtype)


_real_abs = with_derivative(jnp.abs, lambda t, y, x: t * _real_sign(x))

_NEG = (
    "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert "
    "a mask, use the `~` or `logical_not()` operator instead."
)
_SIGN = (
    "Unlike NumPy, torch.sign is not intended to support complex numbers. "
    "Please use torch.sgn instead."
)
_SIGNBIT = "signbit is not implemented for complex tensors."


def negative(x):
    """-x; PyTorch's error for bools."""
    refuse("b", RuntimeError(_NEG), x)
    return -x


def _positive(x):
    refuse("b", RuntimeError("The `+` operator, on a bool tensor is not supported."), x)
    return x


def _sign(x):
    refuse("c", NotImplementedError(_SIGN), x)
    return _sgn(x)


def _signbit(x):
    refuse("c", NotImplementedError(_SIGNBIT), x)
    return jnp.signbit(x) if kind(x) == "f" else (x < 0 if kind(x) == "i" else jnp.zeros_like(x))


unary(
    *(
        "abs",
        only("abs_cpu", "ifc", absolute),
        None,
        "Absolute value; the modulus of a complex number.",
    ),
    aliases="absolute",
    methods="__abs__",
)
unary(
    "neg",
    negative,
    COMMON,
    "Each element with its sign changed.",
    aliases="negative",
    methods="__neg__",
)
unary("positive", _positive, None, "The tensor itself.", "fm", methods="__pos__")
unary("sign", _sign, COMMON, "-1, 0 or 1 by the sign of each element.")
unary(
    "sgn",
    _sgn,
    COMMON,
    "Like sign; a complex number becomes x / |x|, 0 stays 0.",
    saves_result=True,
)
unary("signbit", _signbit, None, "Whether the sign bit is set (true for -0.0).", "fmo", grad=False)


@op("fmio")
def nan_to_num(input, nan: Scalar = None, posinf: Scalar = None, neginf: Scalar = None):
    """Replace NaN by ``nan`` (0), and the infinities by given numbers (the dtype's extremes)."""
    if kind(input) == "c":
        parts = (nan_to_num(part, nan, posinf, neginf) for part in (input.real, input.imag))
        return jax.lax.complex(*parts)
    if kind(input) != "f":
        return input
    limits = jnp.finfo(input.dtype)
    replaced = jnp.where(jnp.isnan(input), _or(nan, 0, input), input)
    replaced = jnp.where(input == jnp.inf, _or(posinf, limits.max, input), replaced)
    return jnp.where(input == -jnp.inf, _or(neginf, limits.min, input), replaced)


def _or(given, default, array):
    return jnp.asarray(default if given is None else given, array.dtype)


@op("fmo", returns="mantissa exponent")
def frexp(input):
    """Split ``input`` into a mantissa of magnitude in [0.5, 1) and an int32 power of 2."""
    refuse("bic", RuntimeError("torch.frexp() only supports floating-point dtypes"), input)
    wide = input.astype(np.float32) if input.dtype.itemsize < 4 else input
    mantissa, exponent = jnp.frexp(jax.lax.stop_gradient(wide))
    scale = jnp.exp2(-exponent.astype(wide.dtype))
    mantissa = mantissa + (wide - jax.lax.stop_gradient(wide)) * scale
    mantissa = jnp.where(jnp.isfinite(wide), mantissa, wide)
    return mantissa.astype(input.dtype), exponent.astype(np.int32)


# --- tests of one number --------------------------------------------------------------------------


def _number_test(fun, on_exact):
    """Return ``fun`` on floats and complex numbers; the constant ``on_exact`` on the others."""
    return lambda x: fun(x) if kind(x) in "fc" else jnp.full(x.shape, on_exact)


def _infinite(name, sign):
    def body(x):
        refuse("c", RuntimeError(f"{name} does not support complex inputs."), x)
        return x == sign * math.inf if kind(x) == "f" else jnp.zeros(x.shape, bool)

    return body


_isreal = _number_test(lambda x: x.imag == 0 if kind(x) == "c" else jnp.ones(x.shape, bool), True)

unary(
    "isnan", _number_test(jnp.isnan, False), None, "Whether each element is NaN.", "fm", grad=False
)
unary(
    "isinf",
    _number_test(jnp.isinf, False),
    None,
    "Whether each element is infinite.",
    "fm",
    grad=False,
)
unary(
    "isfinite",
    _number_test(jnp.isfinite, True),
    None,
    "Neither infinite nor NaN.",
    "fm",
    grad=False,
)
unary(
    "isposinf", _infinite("isposinf", 1), None, "Whether each element is +inf.", "fmo", grad=False
)
unary(
    "isneginf", _infinite("isneginf", -1), None, "Whether each element is -inf.", "fmo", grad=False
)
unary("isreal", _isreal, None, "Whether each element has no imaginary part.", "fm", grad=False)
