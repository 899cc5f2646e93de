"""Arguments that are ints and sizes, checked in PyTorch's words."""

import operator
from typing import Any

from ._dispatch import type_name


def integer(value: Any, function: str, name: str, position: int) -> int:
    """Return an index-like argument as an int; TypeError in PyTorch's words otherwise."""
    if type(value) is int:
        return value
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(
            f"{function}(): argument '{name}' (position {position}) must be int, not {type_name(value)}"
        ) from None


def integers(sizes: tuple, function: str, name: str = "size", position: int = 1) -> tuple[int, ...]:
    """Return sizes given as ``f(2, 3)`` or ``f((2, 3))`` as a tuple of ints."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = sizes[0]
    found = []
    for i, n in enumerate(sizes):
        if type(n) is int:
            found.append(n)
            continue
        if isinstance(n, bool) or not hasattr(n, "__index__"):
            raise TypeError(
                f"{function}(): argument '{name}' (position {position}) must be tuple of ints, but found "
                f"element of type {type_name(n)} at pos {i}"
            )
        found.append(operator.index(n))
    return tuple(found)
