"""Copies and conversions: the same elements in new memory, or of another dtype, or written over."""

import jax.numpy as jnp

from ..._core import dtype as dt
from .._common import cast
from .._registry import op


@op("", node="CloneBackward0")
def clone(input):
    """A copy of ``input`` in memory of its own."""
    return input


@op("", name="_to_copy", node="ToCopyBackward0")
def to_copy(input, dtype: dt.dtype):
    """``input`` converted to ``dtype``."""
    return cast(input, dtype)


def _filled(input, value):
    """Broadcast ``value`` to ``input`` and convert it as a copy does."""
    value = jnp.asarray(value)
    if value.dtype != input.dtype:
        value = cast(value, dt.from_np(jnp.dtype(input.dtype)))
    return value


@op("", name="copy", node="CopyBackwards")
def copy(input, src):
    """``src`` broadcast to the shape of ``input`` and converted to its dtype."""
    src = _filled(input, src)
    own, given = input.shape, src.shape
    if src.ndim > input.ndim and all(n == 1 for n in given[: src.ndim - input.ndim]):
        src = src.reshape(given[src.ndim - input.ndim :])
    lead = input.ndim - src.ndim
    for d, n in enumerate(src.shape):
        if n not in (1, own[d + lead]):
            raise RuntimeError(
                f"The size of tensor a ({own[d + lead]}) must match the size of tensor b ({n}) "
                f"at non-singleton dimension {d + lead}"
            )
    return jnp.broadcast_to(src, own)


@op("fi", numbers="value", node="FillBackward0")
def fill(input, value):
    """``value`` (a number or 0-d tensor) at every element of ``input``."""
    if jnp.ndim(value):
        raise RuntimeError(
            f"fill_ only supports 0-dimension value tensor but got tensor with {jnp.ndim(value)} "
            "dimensions."
        )
    return jnp.broadcast_to(_filled(input, value), input.shape)


@op("i", node="ZeroBackward0")
def zero(input):
    """Zero at every element of ``input``."""
    return jnp.zeros_like(input)


@op("", name="_conj", node="ConjBackward0")
def conj(input):
    """The complex conjugate."""
    return jnp.conj(input)


@op("", name="_drawn", node="NormalBackward3")
def drawn(result, mean, std):
    """``result``, which was drawn with these parameters: their gradients are zeros."""
    del mean, std
    return result
