"""When control flow runs as Python, and when it becomes part of a program."""

from typing import Any

from ...transforms._levels import innermost, state
from .._engine.inside.values import is_traced, known


def is_staged() -> bool:
    """Return True where a program is being made, so that a loop must not be unrolled."""
    return innermost() is not None


def has_value(tensor: Any) -> bool:
    """Return False for a tensor that only a run of the program will give a value."""
    ground: Any = state.ground
    array = known(tensor._array)
    return not is_traced(array) and (ground is None or not ground.is_concrete(array))


def metadata(tensor: Any) -> Any:
    """Return what a loop must not change about a tensor that it carries."""
    return (tuple(tensor.shape), tensor.dtype) if hasattr(tensor, "dtype") else type(tensor)
