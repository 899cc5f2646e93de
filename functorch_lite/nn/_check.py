"""What layers check before they compute, with messages that say what to write instead.  Floor 5."""

import math
from typing import Any

import jax.numpy as jnp

from .._core.types import Array


def as_input(layer: Any, input: Any, like: Array | None = None) -> Array:
    """Return ``input`` as a JAX array; TypeError unless it has the dtype of the param ``like``."""
    array = jnp.asarray(input)
    if like is not None and array.dtype != like.dtype:
        raise TypeError(
            f"{layer!r}: the input is {array.dtype} and the params are {like.dtype}: convert one, "
            f"for example x.astype(jnp.{like.dtype})"
        )
    return array


def check_size(layer: Any, array: Array, axis: int, name: str) -> None:
    """Raise ValueError unless ``array`` has ``layer.<name>`` elements along ``axis``."""
    size = getattr(layer, name)
    if array.ndim < (-axis if axis < 0 else axis + 1) or array.shape[axis] != size:
        which = "the last axis" if axis == -1 else f"axis {axis}"
        got = f"{array.shape[axis]} in" if -array.ndim <= axis < array.ndim else "no such axis in"
        raise ValueError(
            f"{layer!r}: {which} of the input must have size {size}, got {got} shape "
            f"{array.shape}: change {name}, or the input"
        )


def check_ndim(layer: Any, array: Array, *allowed: int) -> None:
    """Raise ValueError unless ``array`` has one of the numbers of axes ``allowed``."""
    if array.ndim not in allowed:
        wanted = " or ".join(map(str, allowed))
        raise ValueError(
            f"{layer!r}: the input must have {wanted} axes, got {array.ndim} in shape "
            f"{array.shape}: add the missing axis with x[None], or reshape"
        )


def check_several(layer: Any, array: Array, count_axes: tuple[int, ...], what: str) -> None:
    """Raise ValueError if statistics over ``count_axes`` would be those of a single value."""
    if math.prod(array.shape[a] for a in count_axes) == 1:
        raise ValueError(
            f"{layer!r}: needs more than one value per channel in training, got shape "
            f"{array.shape}: take a larger {what}, or train=False"
        )


def as_probability(layer: Any, name: str) -> None:
    """Raise ValueError unless the setting ``name`` lies in [0, 1]."""
    value = getattr(layer, name)
    if not 0 <= value <= 1:
        raise ValueError(f"{layer!r}: {name} is a probability, between 0 and 1, got {value}")
