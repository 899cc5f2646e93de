"""Arguments that are ints and sizes, checked in PyTorch's words."""

import operator
from typing import Any

from .._engine.dispatch import type_name
from .._engine.tensor import Tensor


def integer(value: Any, function: str, name: str, position: int) -> int:
    """Return an index-like argument as an int; TypeError in PyTorch's words otherwise."""
    if type(value) is int:
        return value
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(
            f"{function}(): argument '{name}' (position {position}) must be int, not "
            f"{type_name(value)}"
        ) from None


def integers(sizes: tuple, function: str, name: str = "size", position: int = 1) -> tuple[int, ...]:
    """Return sizes given as ``f(2, 3)`` or ``f((2, 3))`` as a tuple of ints."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
    found = []
    for i, n in enumerate(sizes):
        if type(n) is int:
            found.append(n)
            continue
        if isinstance(n, bool) or not hasattr(n, "__index__"):
            raise TypeError(
                f"{function}(): argument '{name}' (position {position}) must be tuple of ints, but "
                "found "
                f"element of type {type_name(n)} at pos {i}"
            )
        found.append(operator.index(n))
    return tuple(found)


def check_sizes(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Return sizes; RuntimeError in PyTorch's words for a negative one."""
    for n in sizes:
        if n < 0:
            raise RuntimeError(
                f"Trying to create tensor with negative dimension {n}: {list(sizes)}"
            )
    return sizes


def template(value: Any, function: str) -> Tensor:
    """Return the tensor that a ``_like`` function takes size and dtype from; TypeError if none."""
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{function}(): argument 'input' (position 1) must be Tensor, not {type_name(value)}"
        )
    return value


def factory_sizes(size: tuple, named: dict[str, Any], function: str) -> tuple[int, ...]:
    """Return the sizes given to a factory, none of them negative; see :func:`sizes_of`."""
    sizes = sizes_of(size, named, function)
    if function == "zeros" and any(n < 0 for n in sizes):
        raise RuntimeError("zeros: Dimension size must be non-negative.")
    return check_sizes(sizes)


def sizes_of(size: tuple, named: dict[str, Any], function: str) -> tuple[int, ...]:
    """Return the sizes given as ``f(2, 3)``, ``f((2, 3))`` or ``f(size=(2, 3))``."""
    if "size" in named:
        if size:
            raise TypeError(f"{function}() got multiple values for argument 'size'")
        size = (named.pop("size"),)
    named.pop("names", None)
    if named:
        raise TypeError(f"{function}() got an unexpected keyword argument '{next(iter(named))}'")
    if not size:
        raise TypeError(f'{function}() missing 1 required positional arguments: "size"')
    if len(size) == 1 and (isinstance(size[0], bool) or not _is_size(size[0])):
        raise TypeError(
            f"{function}(): argument 'size' (position 1) must be tuple of ints, not "
            f"{type_name(size[0])}"
        )
    return integers(size, function)


def _is_size(value: Any) -> bool:
    return isinstance(value, (tuple, list)) or hasattr(value, "__index__")
