"""Binary arithmetic: sums, products, the divisions, remainders, and the fused sums.

Bodies see operands of one dtype (``COMMON`` and ``FLOAT`` promotion) whose shapes broadcast.
Powers are in ``power.py``, minimum, maximum and clamping in ``clamp.py``, integer-only arithmetic
in ``bitwise.py``.  Floor 2.
"""

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from .._common import broadcasting, flat, kind, no_derivative, refuse, require, with_derivative
from .._registry import COMMON, FLOAT, Scalar, binary, op

# --- sums and products ----------------------------------------------------------------------------


def _scaled(alpha, array):
    """Return ``alpha * array`` in the array's dtype, after PyTorch's checks of ``alpha``."""
    if type(alpha) is int and alpha == 1:
        return array
    alpha = jnp.asarray(alpha)
    if kind(alpha) == "b" and kind(array) != "b":
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if kind(array) in "bi" and kind(alpha) == "f":
        raise RuntimeError(
            "For integral input tensors, argument alpha must not be a floating point number."
        )
    if kind(array) != "c" and kind(alpha) == "c":
        raise RuntimeError(
            "For non-complex input tensors, argument alpha must not be a complex number."
        )
    return alpha.astype(array.dtype) * array


@op("fmio", promote=COMMON, methods="__add__ __radd__", numbers="input other")
@broadcasting
def add(input, other, *, alpha: Scalar = 1):
    """``input + alpha * other``; of bools the logical or. Shapes broadcast."""
    return input + _scaled(alpha, other)


_TWO_BOOLS = (
    "Subtraction, the `-` operator, with two bool tensors is not supported. "
    "Use the `^` or `logical_xor()` operator instead."
)
_ONE_BOOL = (
    "Subtraction, the `-` operator, with a bool tensor is not supported. "
    "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
)


def _refuse_bools(input, other, **_):
    """Raise PyTorch's error if an operand of a subtraction is bool, seen before promotion."""
    bools = sum(type(x) is bool or getattr(x, "dtype", None) == np.bool_ for x in (input, other))
    if bools:
        raise RuntimeError(_TWO_BOOLS if bools == 2 else _ONE_BOOL)


@op(
    "fmio",
    promote=COMMON,
    methods="__sub__",
    aliases="subtract",
    numbers="input other",
    check=_refuse_bools,
)
@broadcasting
def sub(input, other, *, alpha: Scalar = 1):
    """``input - alpha * other``. Shapes broadcast; bool operands are an error."""
    refuse("b", RuntimeError(_TWO_BOOLS), input)
    return input - _scaled(alpha, other)


@op(
    "f",
    promote=COMMON.of("input", "other"),
    methods="__rsub__",
    node="RsubBackward1",
    check=_refuse_bools,
)
def rsub(input, other: Scalar, *, alpha: Scalar = 1):
    """``other - alpha * input`` for a number ``other``; bool operands are an error."""
    refuse("b", RuntimeError(_TWO_BOOLS), input)
    return other - _scaled(alpha, input)


@op(
    "f",
    name="rsub.tensor",
    promote=COMMON,
    methods="__rsub__",
    node="RsubBackward0",
    check=_refuse_bools,
)
@broadcasting
def rsub_tensor(input, other, *, alpha: Scalar = 1):
    """``other - alpha * input``. Shapes broadcast; bool operands are an error."""
    refuse("b", RuntimeError(_TWO_BOOLS), input)
    return other - _scaled(alpha, input)


@op(
    "fmio",
    promote=COMMON,
    methods="__mul__ __rmul__",
    aliases="multiply",
    numbers="input other",
)
@broadcasting
def mul(input, other):
    """Product of the operands; of bools the logical and. Shapes broadcast."""
    return input * other


# --- divisions ------------------------------------------------------------------------------------


def _is_exact(operand):
    """Tell whether ``operand``, a Python number or an array, is an integer or bool."""
    return isinstance(operand, int) or (hasattr(operand, "dtype") and kind(operand) in "bi")


def _refuse_zero(input, other, rounding_mode="", **_):
    """Raise PyTorch's error for an integer division by zero."""
    if (
        rounding_mode is not None
        and _is_exact(input)
        and _is_exact(other)
        and not np.all(np.asarray(other))
    ):
        raise RuntimeError("ZeroDivisionError")


def _floor_quotient(a, b):
    """floor(a / b), from the exact remainder as C++ and Python do it."""
    require("div_floor_cpu", "if", a)
    if kind(a) == "i":
        return a // b
    remainder = jax.lax.rem(a, b)
    quotient = (a - remainder) / b
    quotient = jnp.where((remainder != 0) & ((b < 0) != (remainder < 0)), quotient - 1, quotient)
    floor = jnp.floor(quotient)
    floor = jnp.where(quotient - floor > 0.5, floor + 1, floor)
    floor = jnp.where(quotient == 0, jnp.copysign(0, a / b).astype(a.dtype), floor)
    return jnp.where(b == 0, a / b, floor)


def _whole_quotient(a, b):
    """a / b rounded toward zero."""
    require("div_trunc_cpu", "if", a)
    return jax.lax.div(a, b) if kind(a) == "i" else jnp.trunc(a / b)


@broadcasting
def _remainder(a, b):
    """The remainder that has the sign of ``b``."""
    require("remainder_cpu", "if", a)
    a, b = jnp.broadcast_arrays(a, b)
    rest = jax.lax.rem(a, b)
    return jnp.where((rest != 0) & ((b < 0) != (rest < 0)), rest + b, rest)


@broadcasting
def _fmod(a, b):
    """The remainder that has the sign of ``a``."""
    require("fmod_cpu", "if", a)
    return jax.lax.rem(*jnp.broadcast_arrays(a, b))


def _pairwise(fun):
    """Broadcast the two operands to one shape first: ``lax`` functions want that."""
    return broadcasting(lambda a, b: fun(*jnp.broadcast_arrays(a, b)))


_floor_rounded = flat(_pairwise(_floor_quotient))
_trunc_rounded = flat(_pairwise(_whole_quotient))
_remainder = with_derivative(
    _remainder, lambda t, y, a, b: t, lambda t, y, a, b: -t * _floor_rounded(a, b)
)
_fmod = with_derivative(_fmod, lambda t, y, a, b: t, lambda t, y, a, b: -t * _trunc_rounded(a, b))
_no_floor_divide = no_derivative("floor_divide")


@op(
    "fmio",
    promote=FLOAT,
    methods="__truediv__",
    aliases="divide true_divide",
    numbers="input other",
)
@broadcasting
def div(input, other):
    """True quotient: integers become the default floating dtype. Shapes broadcast."""
    return input / other


@op(
    "fmio",
    name="div.mode",
    numbers="input other",
    promote=COMMON,
    node="DivBackward2",
    aliases="divide.mode",
    check=_refuse_zero,
)
@broadcasting
def div_mode(input, other, *, rounding_mode: str):
    """Quotient rounded by ``rounding_mode``: None, "trunc" (toward zero) or "floor" (down)."""
    if rounding_mode is None:
        wide = input.dtype if kind(input) in "fc" else dt.get_default_dtype().np
        return input.astype(wide) / other.astype(wide)
    if rounding_mode not in ("trunc", "floor"):
        raise RuntimeError(
            "div expected rounding_mode to be one of None, 'trunc', or 'floor' "
            f"but found '{rounding_mode}'"
        )
    return (
        _floor_rounded(input, other) if rounding_mode == "floor" else _trunc_rounded(input, other)
    )


binary(
    "floor_divide",
    with_derivative(_pairwise(_floor_quotient), _no_floor_divide, _no_floor_divide),
    COMMON,
    "Quotient rounded down, in the common dtype.",
    numbers="input other",
    methods="__floordiv__",
    node="torch::autograd::NotImplemented",
    check=_refuse_zero,
)


@op(
    "fmio",
    promote=COMMON.of("input", "other"),
    methods="__mod__",
    node="RemainderBackward0",
    check=_refuse_zero,
)
def remainder(input, other: Scalar):
    """Remainder of the division by a number, with the sign of ``other`` (Python's ``%``)."""
    return _remainder(input, other)


@op("fmio", promote=COMMON.of("input", "other"), node="FmodBackward0", check=_refuse_zero)
def fmod(input, other: Scalar):
    """Remainder of the division by a number, with the sign of ``input`` (C's ``fmod``)."""
    return _fmod(input, other)


binary(
    "remainder.tensor",
    _remainder,
    COMMON,
    "Remainder with the sign of ``other``. Shapes broadcast.",
    numbers="input",
    methods="__mod__",
    node="RemainderBackward1",
    check=_refuse_zero,
)
binary(
    "fmod.tensor",
    _fmod,
    COMMON,
    "Remainder with the sign of ``input``. Shapes broadcast.",
    node="FmodBackward1",
    check=_refuse_zero,
)

# --- fused sums -----------------------------------------------------------------------------------

_ADDCDIV = (
    "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will "
    "perform a true division of tensor1 and tensor2. The historic addcdiv behavior can be "
    "implemented as (input + value * torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer "
    "inputs and as (input + value * tensor1 / tensor2) for float inputs. The future addcdiv "
    "behavior is just the latter implementation: (input + value * tensor1 / tensor2), for all "
    "dtypes."
)


def _refuse_exact(input, tensor1, tensor2, **_):
    if _is_exact(tensor1) and _is_exact(tensor2):
        raise RuntimeError(_ADDCDIV)


def _factor(value, array):
    """Return the number ``value`` in the array's dtype (a float truncated for integers)."""
    return jnp.asarray(value).astype(array.dtype)


@op("fmio", promote=COMMON)
@broadcasting
def addcmul(input, tensor1, tensor2, *, value: Scalar = 1):
    """``input + value * tensor1 * tensor2``. Shapes broadcast."""
    require("addcmul_cpu_out", "ifc", input)
    return input + _factor(value, input) * tensor1 * tensor2


@op("fmio", promote=COMMON, check=_refuse_exact)
@broadcasting
def addcdiv(input, tensor1, tensor2, *, value: Scalar = 1):
    """``input + value * tensor1 / tensor2``. Shapes broadcast; integers are an error."""
    refuse("bi", RuntimeError(_ADDCDIV), input)
    return input + _factor(value, input) * tensor1 / tensor2


def _same_dtypes(input, end, weight, **_):
    """Raise PyTorch's error unless the tensors of a ``lerp`` have one dtype."""
    for name, array in (("end", end), ("weight", weight)):
        if getattr(array, "ndim", 0) == 0 and name == "weight":
            continue
        if array.dtype != input.dtype:
            wanted, got = (_CPP_NAMES.get(str(a.dtype), str(a.dtype)) for a in (input, array))
            raise RuntimeError(f"expected dtype {wanted} for `{name}` but got dtype {got}")


_CPP_NAMES = {
    **{
        "float32": "float",
        "float64": "double",
        "float16": "c10::Half",
        "bfloat16": "c10::BFloat16",
    },
    **{"int64": "long int", "int32": "int", "int16": "short int", "int8": "signed char"},
    **{
        "uint8": "unsigned char",
        "complex64": "c10::complex<float>",
        "complex128": "c10::complex<double>",
    },
}


def _interpolate(start, end, weight):
    """Start from the nearer end, so that weight 1 gives ``end`` exactly."""
    distance = end - start
    near = jnp.abs(weight) < 0.5
    return jnp.where(near, start + weight * distance, end - distance * (1 - weight))


_interpolate = with_derivative(
    _interpolate,
    lambda t, y, start, end, weight: t * (1 - weight),
    lambda t, y, start, end, weight: t * weight,
    lambda t, y, start, end, weight: t * (end - start),
)


@op("fmio", promote=COMMON, check=_same_dtypes, node="LerpBackward0")
@broadcasting
def lerp(input, end, weight: Scalar):
    """``input + weight * (end - input)`` for a number ``weight``. Shapes broadcast."""
    require("lerp_kernel_scalar", "fc", input)
    return _interpolate(input, end, jnp.asarray(weight).astype(input.dtype))


@op("fmio", name="lerp.tensor", promote=COMMON, check=_same_dtypes, node="LerpBackward1")
@broadcasting
def lerp_tensor(input, end, weight):
    """``input + weight * (end - input)``, element by element. Shapes broadcast."""
    require("lerp_kernel_tensor", "fc", input)
    return _interpolate(input, end, weight)
