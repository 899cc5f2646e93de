"""Powers: ``pow`` with its three overloads, ``float_power`` and ``ldexp``.

The exponent is a run-time number, so that ``x ** i`` in a loop compiles once; the everyday
exponents nevertheless take the short way (``x * x``, ``sqrt``), exactly as PyTorch's kernel does.
Floor 2.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from .._common import broadcasting, kind, require, with_derivative
from .._registry import COMMON, FLOAT, Scalar, binary, op

# --- the power of floats --------------------------------------------------------------------------

_SHORTCUTS = {
    1.0: lambda x: x,
    2.0: lambda x: x * x,
    3.0: lambda x: x * x * x,
    0.5: jnp.sqrt,
    -0.5: jax.lax.rsqrt,
    -1.0: lambda x: 1 / x,
    -2.0: lambda x: 1 / (x * x),
}


def _power_value(base, exponent):
    if kind(base) == "f" and exponent.ndim == 0:
        return _power_by_number(base, exponent)
    if kind(base) == "c":
        return _complex_power(base, exponent)
    return jnp.power(base, exponent)


def _complex_power(base, exponent):
    """exp(y log x) where that is defined; 0 to a positive power is 0, to the number 0 it is 1."""
    zero = base == 0
    value = jnp.exp(exponent * jnp.log(jnp.where(zero, 1, base)))
    value = jnp.where(zero, jnp.where(exponent.real > 0, 0, jnp.nan), value)
    return jnp.where(exponent == 0, 1, value) if exponent.ndim == 0 else value


def _power_by_number(base, exponent):
    """One exponent for all elements: branch to its shortcut if it has one."""
    branch = jnp.asarray(len(_SHORTCUTS), np.int32)
    for index, value in enumerate(_SHORTCUTS):
        branch = jnp.where(exponent == value, np.int32(index), branch)
    bodies = [lambda x, e, f=fun: f(x) for fun in _SHORTCUTS.values()]
    return jax.lax.switch(branch, [*bodies, jnp.power], base, exponent)


def _base_tangent(t, y, base, exponent):
    slope = exponent * _power(base, exponent - 1)
    return t * jnp.where(exponent == 0, jnp.zeros_like(slope), slope)


def _exponent_tangent(t, y, base, exponent):
    upward = exponent >= 0
    if kind(exponent) == "c":
        upward = (exponent.imag == 0) & (exponent.real >= 0)
    slope = y * jnp.log(base)
    return t * jnp.where((base == 0) & upward, jnp.zeros_like(slope), slope)


_power = with_derivative(_power_value, _base_tangent, _exponent_tangent)

# --- the power of integers ------------------------------------------------------------------------


def _integer_power(base, exponent):
    """Multiply by squaring, wrapping around; a negative exponent leaves only 1 and -1 non-zero."""
    base, exponent = jnp.broadcast_arrays(base, exponent)

    def step(_, state):
        result, factor, rest = state
        return jnp.where(rest & 1 == 1, result * factor, result), factor * factor, rest >> 1

    bits = 8 * base.dtype.itemsize
    positive = jnp.maximum(exponent, 0)
    result, _, _ = jax.lax.fori_loop(0, bits, step, (jnp.ones_like(base), base, positive))
    if not np.issubdtype(base.dtype, np.signedinteger):
        return result
    unit = jnp.where(base == -1, 1 - 2 * (exponent & 1), (base == 1).astype(base.dtype))
    return jnp.where(exponent < 0, unit, result)


@broadcasting
def _any_power(base, exponent):
    require("pow", "ifc", base)
    return _integer_power(base, exponent) if kind(base) == "i" else _power(base, exponent)


def _refuse_negative(input, exponent):
    """Raise PyTorch's error for an integer tensor to a negative integer number."""
    exact = not hasattr(input, "dtype") or kind(input) in "bi"
    if exact and isinstance(exponent, int) and exponent < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")


_BOTH = COMMON.of("input", "exponent")


@op("fmio", promote=_BOTH, methods="__pow__", node="PowBackward0", check=_refuse_negative)
def pow(input, exponent: Scalar):
    """Each element to the power of one number."""
    return _any_power(input, exponent)


@op("fo", name="pow.base", promote=_BOTH, node="PowBackward2")
def pow_base(input: Scalar, exponent):
    """One number to the power of each element."""
    return _any_power(input, exponent)


@op("fmio", name="pow.tensor", promote=COMMON, methods="__pow__", node="PowBackward1")
def pow_tensor(input, exponent):
    """Elements of ``input`` to the power of those of ``exponent``. Shapes broadcast."""
    return _any_power(input, exponent)


# --- in double precision, and of two --------------------------------------------------------------


def _float_power(input, exponent):
    pair = [jnp.asarray(x) for x in (input, exponent)]
    wide = np.complex128 if any(kind(x) == "c" for x in pair) else np.float64
    return _any_power(*(x.astype(wide) for x in pair))


@op("fmio", node="PowBackward0")
def float_power(input, exponent: Scalar):
    """Power by one number, computed and returned in float64 or complex128."""
    return _float_power(input, exponent)


@op("fo", name="float_power.base", node="PowBackward2")
def float_power_base(input: Scalar, exponent):
    """Power of one number, computed and returned in float64 or complex128."""
    return _float_power(input, exponent)


@op("fmio", name="float_power.tensor", node="PowBackward1")
def float_power_tensor(input, exponent):
    """Power computed and returned in float64 or complex128. Shapes broadcast."""
    return _float_power(input, exponent)


def _ldexp(x, exponent):
    return x * jnp.power(jnp.asarray(2, x.dtype), exponent)


_ldexp = with_derivative(
    broadcasting(_ldexp),
    lambda t, y, x, exponent: t * jnp.power(jnp.asarray(2, x.dtype), exponent),
    lambda t, y, x, exponent: t * y * jnp.asarray(math.log(2), y.dtype),
)

binary("ldexp", _ldexp, FLOAT, "``input * 2 ** other``. Shapes broadcast.")
