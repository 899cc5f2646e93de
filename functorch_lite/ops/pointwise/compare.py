"""Comparisons: the six relations, closeness, and equality of whole tensors.

``equal`` and ``allclose`` return a 0-d bool here; their bindings make it a Python bool.  Floor 2.
"""

import functools

import jax.numpy as jnp

from ..._core import dtype as dt
from .._common import broadcasting, kind, only
from .._registry import BOOL, Scalar, binary, op

# --- relations ------------------------------------------------------------------------------------


def _ordered(name, fun):
    return broadcasting(only(f"{name}_cpu", "bif", fun))


_relation = functools.partial(binary, promote=BOOL, grad=False, numbers="other")

_relation("eq", broadcasting(jnp.equal), doc="Element equality.", methods="__eq__")
_relation(
    "ne", broadcasting(jnp.not_equal), doc="Inequality.", methods="__ne__", aliases="not_equal"
)
_relation("lt", _ordered("lt", jnp.less), doc="input < other.", methods="__lt__", aliases="less")
_relation(
    "le",
    _ordered("le", jnp.less_equal),
    doc="input <= other.",
    methods="__le__",
    aliases="less_equal",
)
_relation(
    "gt", _ordered("gt", jnp.greater), doc="input > other.", methods="__gt__", aliases="greater"
)
_relation(
    *("ge", _ordered("ge", jnp.greater_equal)),
    doc="input >= other.",
    methods="__ge__",
    aliases="greater_equal",
)

# --- closeness ------------------------------------------------------------------------------------


def _refuse_negative_tolerance(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    for name, value in (("rtol", rtol), ("atol", atol)):
        if not value >= 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {value:g}")


def _close(input, other, rtol, atol, equal_nan):
    if input.dtype != other.dtype:
        ours, theirs = (dt.scalar_name(dt.from_np(x.dtype)) for x in (input, other))
        raise RuntimeError(f"{ours} did not match {theirs}")
    close = input == other
    if kind(input) in "bi":
        input, other = (x.astype(dt.get_default_dtype().np) for x in (input, other))
    elif equal_nan:
        close |= jnp.isnan(input) & jnp.isnan(other)
    distance = jnp.abs(input - other)
    allowed = jnp.asarray(atol, distance.dtype) + jnp.abs(jnp.asarray(rtol, distance.dtype) * other)
    return close | (jnp.isfinite(distance) & (distance <= allowed))


@op("fm", grad=False, check=_refuse_negative_tolerance)
@broadcasting
def isclose(input, other, rtol: Scalar = 1e-05, atol: Scalar = 1e-08, equal_nan: bool = False):
    """Whether ``|input - other| <= atol + rtol * |other|``, element by element; one dtype."""
    return _close(input, other, rtol, atol, equal_nan)


@op("fm", grad=False, value=True, check=_refuse_negative_tolerance)
@broadcasting
def allclose(input, other, rtol: Scalar = 1e-05, atol: Scalar = 1e-08, equal_nan: bool = False):
    """Whether :func:`isclose` holds for all elements, as a 0-d bool."""
    return jnp.all(_close(input, other, rtol, atol, equal_nan))


@op("fm", promote=BOOL, elementwise=False, grad=False, value=True)
def equal(input, other):
    """Whether shapes and all elements are equal, as a 0-d bool. NaN equals nothing."""
    return jnp.all(input == other) if input.shape == other.shape else jnp.zeros((), bool)
