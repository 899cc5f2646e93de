"""Rules of element-wise primitives.

Transcendental functions are computed in float64 and rounded once: NumPy's own float32 versions are
off by up to 4 units in the last place, and a printed number should not depend on who computed it.
Floor 0.
"""

import math
from typing import Any

import numpy as np

from .rules import FLOATS, RULES, Run, Unsupported, dtype_of, is_float, no_complex, rule

# The same for all dtypes, complex numbers included.
EXACT: dict[str, Run] = {
    "add": np.add,
    "add_any": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "neg": np.negative,
    "square": np.square,
    "eq": np.equal,
    "ne": np.not_equal,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "not": np.invert,
    "real": np.real,
    "imag": np.imag,
    "copy": np.positive,
    "copy_p": np.positive,
}
# For real numbers, rounded once by IEEE rules or exact.
REAL: dict[str, Run] = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "max": np.maximum,
    "min": np.minimum,
    "floor": np.floor,
    "ceil": np.ceil,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "is_finite": np.isfinite,
    "nextafter": np.nextafter,
    "shift_left": np.left_shift,
}
_erf = np.frompyfunc(math.erf, 1, 1)
_erfc = np.frompyfunc(math.erfc, 1, 1)
# For real numbers, computed in float64.
WIDE: dict[str, Run] = {
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "logistic": lambda x: 1 / (1 + np.exp(-x)),
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "cbrt": np.cbrt,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "erf": lambda x: np.asarray(_erf(x), np.float64),
    "erfc": lambda x: np.asarray(_erfc(x), np.float64),
}


def _exact(equation: Any) -> Run:
    return EXACT[equation.primitive.name]


def _real(equation: Any) -> Run:
    no_complex(equation)
    return REAL[equation.primitive.name]


def _wide(equation: Any) -> Run:
    no_complex(equation)
    run, dtype = WIDE[equation.primitive.name], dtype_of(equation)
    if dtype == np.float64:
        return run
    return lambda *xs: run(*(x.astype(np.float64) for x in xs)).astype(dtype)


RULES.update(dict.fromkeys(EXACT, _exact))
RULES.update(dict.fromkeys(REAL, _real))
RULES.update(dict.fromkeys(WIDE, _wide))


@rule("stop_gradient")
def _same(equation: Any) -> Run:
    return lambda x: x


@rule("optimization_barrier")
def _all_the_same(equation: Any) -> Run:
    return lambda *xs: xs


@rule("div")
def _div(equation: Any) -> Run:
    no_complex(equation)
    return np.divide if is_float(dtype_of(equation)) else _towards_zero


def _towards_zero(x: Any, y: Any) -> Any:
    """Divide integers as XLA does: rounded towards zero, -1 where the divisor is 0."""
    whole = np.floor_divide(x - np.fmod(x, y), y)
    return np.where(y == 0, np.invert(np.zeros_like(whole)), whole)


@rule("rem")
def _rem(equation: Any) -> Run:
    no_complex(equation)
    if is_float(dtype_of(equation)):
        return np.fmod
    return lambda x, y: np.where(y == 0, x, np.fmod(x, y))


@rule("pow")
def _pow(equation: Any) -> Run:
    no_complex(equation)
    dtype = dtype_of(equation)
    if not is_float(dtype):
        raise Unsupported("pow of integers")
    return lambda x, y: np.power(x.astype(np.float64), y.astype(np.float64)).astype(dtype)


@rule("integer_pow")
def _integer_pow(equation: Any) -> Run:
    no_complex(equation)
    exponent = equation.params["y"]
    if exponent < 0 and not is_float(dtype_of(equation)):
        raise Unsupported("negative power of an integer")

    def run(x: Any) -> Any:
        """Square and multiply in XLA's order."""
        left, square, result = abs(exponent), x, None
        while left:
            if left & 1:
                result = square if result is None else result * square
            left >>= 1
            if left:
                square = square * square
        if result is None:
            return np.ones_like(x)
        return np.divide(x.dtype.type(1), result) if exponent < 0 else result

    return run


@rule("sign")
def _sign(equation: Any) -> Run:
    no_complex(equation)
    return lambda x: np.where(x == 0, x, np.sign(x))


@rule("round")
def _round(equation: Any) -> Run:
    if int(equation.params["rounding_method"]) != 1:
        raise Unsupported("rounding away from zero")
    return np.rint


@rule("conj")
def _conj(equation: Any) -> Run:
    dtype = equation.outvars[0].aval.dtype
    return lambda x: np.conj(x).astype(dtype)


@rule("complex")
def _complex(equation: Any) -> Run:
    dtype = equation.outvars[0].aval.dtype

    def run(real: Any, imaginary: Any) -> Any:
        out = np.empty(np.broadcast_shapes(np.shape(real), np.shape(imaginary)), dtype)
        out.real, out.imag = real, imaginary
        return out

    return run


@rule("shift_right_arithmetic", "shift_right_logical")
def _shift_right(equation: Any) -> Run:
    dtype = dtype_of(equation)
    signed = equation.primitive.name == "shift_right_arithmetic"
    work = np.dtype(f"{'i' if signed else 'u'}{dtype.itemsize}")
    if dtype.kind not in "iu":
        raise Unsupported("shift of booleans")
    # A count beyond the bits gives what a shift by all but one of them and one more gives.
    return lambda x, n: np.right_shift(x.astype(work), n.astype(work)).astype(dtype)


@rule("clamp")
def _clamp(equation: Any) -> Run:
    no_complex(equation)
    return lambda low, x, high: np.minimum(np.maximum(x, low), high)


@rule("select_n")
def _select(equation: Any) -> Run:
    if len(equation.invars) != 3:
        raise Unsupported("select among several")
    return lambda which, no, yes: np.where(which, yes, no)


@rule("convert_element_type")
def _convert(equation: Any) -> Run:
    source, target = dtype_of(equation), equation.outvars[0].aval.dtype
    if source == target:
        return np.asarray
    if target == np.bool_:
        return lambda x: x != x.dtype.type(0)
    if source.kind == "c" and target.kind != "c":
        return lambda x: _to_real(np.real(x), target)
    return lambda x: _to_real(x, target)


def _to_real(x: Any, target: np.dtype) -> Any:
    if target.kind not in "iu" or x.dtype not in FLOATS:
        return x.astype(target)
    return _saturated(x.astype(np.float64), target)


def _saturated(x: Any, target: np.dtype) -> Any:
    """Return floats as integers: NaN is 0, and what is out of range stops at the bound."""
    bounds = np.iinfo(target)
    # The upper bound + 1 is a power of two, hence exact; the bound itself may not be.
    above, below = x >= float(bounds.max + 1), x <= float(bounds.min)
    inside = np.where(above | below | np.isnan(x), 0, x).astype(target)
    return np.where(above, bounds.max, np.where(below, bounds.min, inside)).astype(target)


@rule("bitcast_convert_type")
def _bitcast(equation: Any) -> Run:
    source, target = dtype_of(equation), equation.outvars[0].aval.dtype
    if source.itemsize != target.itemsize:
        raise Unsupported("bitcast to another width")
    return lambda x: np.asarray(x).view(target)
