"""Mathematics of two numbers beyond arithmetic: angles, lengths, signs, sums of logarithms.

Shapes broadcast.  Derivatives are PyTorch's, in particular 0 for ``atan2(0, 0)``.  Floor 2.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from .._common import broadcast_shape, broadcasting, kind, require, with_derivative
from .._registry import COMMON, FLOAT, Scalar, binary, op

# --- angle and length -----------------------------------------------------------------------------


def _inverse_square(a, b):
    square = a * a + b * b
    return jnp.where(square == 0, 0, 1 / square)


def _only_floats(kernel, fun):
    def body(a, b):
        require(kernel, "f", a, b)
        return fun(a, b)

    return broadcasting(body)


arctan2 = with_derivative(
    _only_floats("atan2_cpu", jnp.arctan2),
    lambda t, y, a, b: t * b * _inverse_square(a, b),
    lambda t, y, a, b: t * -a * _inverse_square(a, b),
)
_hypot = with_derivative(
    _only_floats("hypot_cpu", jnp.hypot),
    lambda t, y, a, b: t * (a / y),
    lambda t, y, a, b: t * (b / y),
)

binary("atan2", arctan2, FLOAT, "Angle of the point (other, input), in radians.", aliases="arctan2")
binary("hypot", _hypot, COMMON, "sqrt(input**2 + other**2), without overflow.")

# --- sign and neighbour ---------------------------------------------------------------------------

_copysign = with_derivative(
    _only_floats("copysign_cpu", jnp.copysign),
    lambda t, y, a, b: t * jnp.where(a == 0, 0, y / jnp.where(a == 0, 1, a)),
    None,
)


def _next(a, b):
    require("nextafter_cpu", "f", a, b)
    broadcast_shape(a.shape, b.shape)
    if a.dtype != b.dtype:
        common = dt.promote(dt.from_np(np.dtype(a.dtype)), dt.from_np(np.dtype(b.dtype))).np
        a, b = a.astype(common), b.astype(common)
    return _stepped(a, b)


_stepped = with_derivative(jnp.nextafter, lambda t, y, a, b: t * (a != b).astype(y.dtype), None)


@op("fmio", promote=FLOAT.of("input", "other"), node="CopysignBackward1")
def copysign(input, other: Scalar):
    """Magnitude of ``input`` with the sign of the number ``other``."""
    return _copysign(input, other)


binary(
    *("copysign.tensor", _copysign, FLOAT, "Magnitude of ``input`` with the sign of ``other``."),
    node="CopysignBackward0",
)
binary("nextafter", _next, None, "The next representable number from ``input`` toward ``other``.")

# --- sums of exponentials -------------------------------------------------------------------------


def _log_add(a, b):
    """log(exp(a) + exp(b)) from the larger one; equal infinities stay what they are."""
    require("logaddexp_cpu", "fc", a)
    if kind(a) == "c":
        return jnp.logaddexp(a, b)
    return jnp.where(
        (a == b) & jnp.isinf(a), a, jnp.maximum(a, b) + jnp.log1p(jnp.exp(-jnp.abs(a - b)))
    )


def _log_add2(a, b):
    require("logaddexp2_cpu", "f", a)
    power = jnp.exp2(-jnp.abs(a - b))
    sum_ = jnp.maximum(a, b) + jnp.log1p(power) * jnp.asarray(1 / math.log(2), a.dtype)
    return jnp.where((a == b) & jnp.isinf(a), a, sum_)


_logaddexp = with_derivative(
    broadcasting(_log_add),
    lambda t, y, a, b: t / (1 + jnp.exp(b - a)),
    lambda t, y, a, b: t / (1 + jnp.exp(a - b)),
)
_logaddexp2 = with_derivative(
    broadcasting(_log_add2),
    lambda t, y, a, b: t / (1 + jnp.exp2(b - a)),
    lambda t, y, a, b: t / (1 + jnp.exp2(a - b)),
)

binary("logaddexp", _logaddexp, COMMON, "log(exp(input) + exp(other)), without overflow.", "fmo")
binary("logaddexp2", _logaddexp2, COMMON, "log2(2**input + 2**other), without overflow.", "fmo")

# --- products with a logarithm --------------------------------------------------------------------


def _xlogy(x, y):
    return jnp.where(jnp.isnan(y), y, jnp.where(x == 0, 0, x * jnp.log(jnp.where(x == 0, 1, y))))


def _xlog1py(x, y):
    return jnp.where(jnp.isnan(y), y, jnp.where(x == 0, 0, x * jnp.log1p(jnp.where(x == 0, 0, y))))


_xlogy = with_derivative(
    _only_floats("xlogy_cpu", _xlogy),
    lambda t, z, x, y: t * jnp.where((x == 0) & (y <= 0), 0, jnp.log(y)),
    lambda t, z, x, y: t * x / y,
)
_xlog1py = with_derivative(
    _only_floats("xlog1py_cpu", _xlog1py),
    lambda t, z, x, y: t * jnp.where((x == 0) & (y <= -1), 0, jnp.log1p(y)),
    lambda t, z, x, y: t * x / (y + 1),
)
_BOTH = FLOAT.of("input", "other")


@op("fmio", promote=_BOTH, node="XlogyBackward2", aliases="special.xlogy")
def xlogy(input, other: Scalar):
    """``input * log(other)`` for a number ``other``; 0 where ``input`` is 0."""
    return _xlogy(input, other)


@op("fo", name="xlogy.base", promote=_BOTH, node="XlogyBackward1", aliases="special.xlogy.base")
def xlogy_base(input: Scalar, other):
    """``input * log(other)`` for a number ``input``, which gives 0 if it is 0."""
    return _xlogy(input, other)


@op(
    "fmio",
    name="xlogy.tensor",
    promote=FLOAT,
    node="XlogyBackward0",
    aliases="special.xlogy.tensor",
)
def xlogy_tensor(input, other):
    """``input * log(other)``; 0 where ``input`` is 0, NaN where ``other`` is."""
    return _xlogy(input, other)


@op("fo", space="special", promote=_BOTH, node="SpecialXlog1PyBackward2")
def xlog1py(input, other: Scalar):
    """``input * log1p(other)`` for a number ``other``; 0 where ``input`` is 0."""
    return _xlog1py(input, other)


@op("fo", name="xlog1py.base", space="special", promote=_BOTH, node="SpecialXlog1PyBackward1")
def xlog1py_base(input: Scalar, other):
    """``input * log1p(other)`` for a number ``input``, which gives 0 if it is 0."""
    return _xlog1py(input, other)


@op("fo", name="xlog1py.tensor", space="special", promote=FLOAT, node="SpecialXlog1PyBackward0")
def xlog1py_tensor(input, other):
    """``input * log1p(other)``; 0 where ``input`` is 0, NaN where ``other`` is."""
    return _xlog1py(input, other)


# --- complex numbers from pairs, and back ---------------------------------------------------------


def _same_floats(first, second):
    """Raise PyTorch's error unless both tensors are of one floating dtype."""
    a, b = (dt.scalar_name(dt.from_np(np.dtype(x.dtype))) for x in (first, second))
    if kind(first) != "f" or kind(second) != "f":
        raise RuntimeError(
            f"Expected both inputs to be Half, Float or Double tensors but got {a} and {b}"
        )
    if a != b:
        raise RuntimeError(
            f"Expected object of scalar type {a} but got scalar type {b} for second argument"
        )
    broadcast_shape(first.shape, second.shape)


@op("fo", name="complex")
def complex_(real, imag):
    """``real + 1j * imag`` of two tensors of one floating dtype. Shapes broadcast."""
    _same_floats(real, imag)
    return jax.lax.complex(*jnp.broadcast_arrays(real, imag))


def _unit(z):
    zero = z == 0
    return jnp.where(zero, 0, z / jnp.abs(jnp.where(zero, 1, z)))


# PyTorch takes the direction of the result for its derivative by ``abs``: 0 where ``abs`` is 0.
_polar = with_derivative(
    lambda size, turn: jax.lax.complex(
        *jnp.broadcast_arrays(size * jnp.cos(turn), size * jnp.sin(turn))
    ),
    lambda t, z, size, turn: t * _unit(z),
    lambda t, z, size, turn: t * (1j * z),
)


@op("fo", saves_result=True)
def polar(abs, angle):
    """The complex number of length ``abs`` and direction ``angle`` (radians). Shapes broadcast."""
    _same_floats(abs, angle)
    return _polar(abs, angle)


@op("fmo", promote=FLOAT)
def angle(input):
    """Direction of each number in radians: 0 or pi for real ones; NaN stays. Gradient 0 at 0."""
    if kind(input) == "c":
        return arctan2(input.imag, input.real)
    flat = jax.lax.stop_gradient(input)
    return jnp.where(
        flat < 0, jnp.asarray(math.pi, input.dtype), jnp.where(jnp.isnan(flat), flat, 0)
    )


@op("fmio", promote=COMMON)
def conj_physical(input):
    """The complex conjugate, computed now; a real tensor is returned as it is."""
    return jnp.conj(input) if kind(input) == "c" else input
