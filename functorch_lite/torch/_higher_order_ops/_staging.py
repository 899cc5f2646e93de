"""When control flow runs as Python, and when it becomes part of a program."""

from typing import Any

from ...transforms._levels import BATCH, TRACE, running, state
from .._engine.inside.values import is_traced, known


def is_staged() -> bool:
    """Return True where tensors have no single value: a program is being made, or under ``vmap``.

    Under differentiation alone they have one, and a loop of Python is differentiated.
    """
    return any(level.kind in (BATCH, TRACE) for level in running())


def has_value(tensor: Any) -> bool:
    """Return False for a tensor that only a run of the program will give a value."""
    ground: Any = state.ground
    array = known(tensor._array)
    return not is_traced(array) and (ground is None or not ground.is_concrete(array))


def metadata(tensor: Any) -> Any:
    """Return what a loop must not change about a tensor that it carries."""
    return (tuple(tensor.shape), tensor.dtype) if hasattr(tensor, "dtype") else type(tensor)
