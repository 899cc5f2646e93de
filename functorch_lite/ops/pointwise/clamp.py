"""Choosing between values: minimum and maximum of two, clamping, ``where``, ``heaviside``.

The gradients at ties and bounds are PyTorch's: ``maximum`` halves the gradient of equal elements,
``clamp`` passes it on the bound.  Floor 2.
"""

import jax.numpy as jnp

from ..._core import dtype as dt
from .._common import (
    broadcast_shape,
    broadcasting,
    kind,
    no_derivative,
    refuse,
    require,
    with_derivative,
)
from .._registry import COMMON, Scalar, binary, op

# --- the larger and the smaller of two ------------------------------------------------------------


def _for_reals(name, fun):
    """Return ``fun`` on broadcast real operands; PyTorch's error for complex ones."""

    def body(a, b):
        refuse("c", RuntimeError(f"{name} not implemented for complex tensors."), a)
        return fun(a, b)

    return broadcasting(body)


def _share(wins, ties):
    """Return the share of the gradient that an operand gets: all, half on a tie, or none."""
    return jnp.where(ties, 0.5, jnp.where(wins, 1, 0))


def _halving(name, fun, wins):
    return with_derivative(
        _for_reals(name, fun),
        lambda t, y, a, b: t * _share(~wins(b, a), a == b).astype(y.dtype),
        lambda t, y, a, b: t * _share(~wins(a, b), a == b).astype(y.dtype),
    )


def _first_of_equals(name, fun, wins):
    """The NaN-ignoring pair gives all of a tie's gradient to the first operand."""
    return with_derivative(
        _for_reals(name, fun),
        lambda t, y, a, b: t * (wins(a, b) | jnp.isnan(b)).astype(y.dtype),
        lambda t, y, a, b: t * (~(wins(a, b) | jnp.isnan(b))).astype(y.dtype),
    )


def _not_a_number(x):
    return jnp.isnan(x) if kind(x) == "f" else jnp.zeros(x.shape, bool)


def _fmax(a, b):
    return jnp.where(_not_a_number(b) | (a >= b), a, b)


def _fmin(a, b):
    return jnp.where(_not_a_number(b) | (a <= b), a, b)


maximum = _halving("maximum", jnp.maximum, jnp.greater)
minimum = _halving("minimum", jnp.minimum, jnp.less)

maximum = binary(
    "maximum", maximum, COMMON, "The larger of each pair; NaN if either is NaN.", "fmo"
)
minimum = binary(
    "minimum", minimum, COMMON, "The smaller of each pair; NaN if either is NaN.", "fmo"
)
binary(
    *("fmax", _first_of_equals("fmax", _fmax, jnp.greater_equal), COMMON),
    *("The larger of each pair; a number wins over NaN.", "fmo"),
)
binary(
    *("fmin", _first_of_equals("fmin", _fmin, jnp.less_equal), COMMON),
    *("The smaller of each pair; a number wins over NaN.", "fmo"),
)

# --- clamping -------------------------------------------------------------------------------------


def _raise_to(x, low):
    """max(x, low), in which NaN of either operand stays."""
    return jnp.maximum(x, low)


def _lower_to(x, high):
    return jnp.minimum(x, high)


def _limit(x, low, high):
    """min(max(x, low), high): where the bounds cross, the upper one wins."""
    return jnp.minimum(jnp.maximum(x, low), high)


_raise_to = with_derivative(
    _raise_to,
    lambda t, y, x, low: t * (x >= low).astype(y.dtype),
    lambda t, y, x, low: t * (x < low).astype(y.dtype),
)
_lower_to = with_derivative(
    _lower_to,
    lambda t, y, x, high: t * (x <= high).astype(y.dtype),
    lambda t, y, x, high: t * (x > high).astype(y.dtype),
)
_limit = with_derivative(
    _limit,
    lambda t, y, x, low, high: t * ((x >= low) & (x <= high)).astype(y.dtype),
    lambda t, y, x, low, high: t * ((x < low) & (low < high)).astype(y.dtype),
    lambda t, y, x, low, high: t * ((x > high) | (high < low)).astype(y.dtype),
)


@broadcasting
def clamped(input, min, max):
    """Limit ``input`` to [min, max], either of which may be None; the body of all of ``clamp``."""
    refuse("c", NotImplementedError("clamp is not supported for complex types"), input)
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if min is None:
        return _lower_to(input, max)
    return _raise_to(input, min) if max is None else _limit(input, min, max)


@op("fmio", promote=COMMON.of("input", "min", "max"), aliases="clip", node="ClampBackward1")
def clamp(input, min: Scalar = None, max: Scalar = None):
    """Limit each element to [min, max]. The gradient is 1 on the bounds."""
    return clamped(input, min, max)


@op("fmio", name="clamp.tensor", promote=COMMON, aliases="clip.tensor", node="ClampBackward0")
def clamp_tensor(input, min=None, max=None):
    """Limit each element to its own bounds. Shapes broadcast; where bounds cross, ``max`` wins."""
    refuse("b", NotImplementedError("\"clamp_cpu\" not implemented for 'Bool'"), input)
    return clamped(input, min, max)


@op("fmio", promote=COMMON.of("input", "min"), node="ClampMinBackward0")
def clamp_min(input, min: Scalar):
    """Raise the elements below ``min`` to it."""
    return clamped(input, min, None)


@op("fmio", promote=COMMON.of("input", "max"), node="ClampMaxBackward0")
def clamp_max(input, max: Scalar):
    """Lower the elements above ``max`` to it."""
    return clamped(input, None, max)


@op("fmio", name="clamp_min.tensor", promote=COMMON, node="ClampMinBackward1")
@broadcasting
def clamp_min_tensor(input, min):
    """Raise the elements below those of ``min`` to them. Shapes broadcast."""
    return _raise_to(_real(input, "maximum"), min)


@op("fmio", name="clamp_max.tensor", promote=COMMON, node="ClampMaxBackward1")
@broadcasting
def clamp_max_tensor(input, max):
    """Lower the elements above those of ``max`` to them. Shapes broadcast."""
    return _lower_to(_real(input, "minimum"), max)


def _real(array, kernel):
    require(f"{kernel}_cpu", "bif", array)
    return array


# --- choosing by a condition ----------------------------------------------------------------------


@op("fo", promote=COMMON.of("input", "other"), numbers="input other")
def where(condition, input, other):
    """``input`` where the bool ``condition`` holds, else ``other``. Shapes broadcast.

    Only the chosen element gets a gradient. The one-argument form is ``nonzero(as_tuple=True)``.
    """
    if condition.dtype not in (jnp.bool_, jnp.uint8):
        name = dt.scalar_name(dt.from_np(condition.dtype))
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype {name}"
        )
    broadcast_shape(condition.shape, input.shape, other.shape)
    return jnp.where(condition.astype(bool), input, other)


@op(
    "m",
    name="where.method",
    promote=COMMON.of("input", "other"),
    numbers="other",
    node="WhereBackward0",
)
def where_method(input, condition, other):
    """``input`` where the bool ``condition`` holds, else ``other``. Shapes broadcast."""
    return where(condition, input, other)


def _heaviside(x, values):
    refuse("c", RuntimeError("heaviside is not yet implemented for complex tensors."), x, values)
    if x.dtype != values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    broadcast_shape(x.shape, values.shape)
    return jnp.where(x == 0, values, (x > 0).astype(x.dtype))


@op("fmio", node="torch::autograd::NotImplemented")
def heaviside(input, values):
    """0 below zero, 1 above, and ``values`` at zero. Both tensors have one dtype."""
    rule = no_derivative("heaviside")
    return with_derivative(_heaviside, rule, rule)(input, values)
