"""Which tensors with a history a function may read: a guess, from what it can reach.

A boundary (see ``world``) must know its inputs before it runs, and starts anew for one that it did
not know. So that this is rare (a function's prints would show twice) it begins with the tensors,
and the parameters of modules, that the function refers to: its closure, defaults, globals by name,
the object that it is a method of, and the functions among these. One too many costs microseconds.
"""

import functools
from collections.abc import Iterator
from types import CodeType, FunctionType, MethodType
from typing import Any

from ..tensor import Tensor

DEPTH = 6
"""How many references away a tensor may be."""
MANY = 1000
"""Containers longer than this are not searched."""

_LIBRARIES = ("functorch_lite", "torch", "jax", "numpy", "builtins", "functools")


def captured(function: Any) -> list[Tensor]:
    """Return the tensors that ``function`` refers to, the parameters of modules among them."""
    found: dict[int, Tensor] = {}
    seen: set[int] = set()
    waiting = [(function, 0)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, Tensor):
            found[id(value)] = value
        elif id(value) not in seen and depth < DEPTH:
            seen.add(id(value))
            waiting += [(inner, depth + 1) for inner in _references(value)]
    return list(found.values())


def _references(value: Any) -> Iterator[Any]:
    """Yield what ``value`` refers to, as far as code can reach it."""
    if isinstance(value, FunctionType):
        yield from _of_function(value)
    elif isinstance(value, MethodType):
        yield from (value.__self__, value.__func__)
    elif isinstance(value, functools.partial):
        yield from (value.func, value.args, value.keywords)
    elif isinstance(value, (list, tuple, set)):
        yield from value if len(value) <= MANY else ()
    elif isinstance(value, dict):
        yield from value.values() if len(value) <= MANY else ()
    elif hasattr(value, "named_parameters") and not isinstance(value, type):
        yield from (parameter for _, parameter in value.named_parameters())
    elif callable(value) and not isinstance(value, type) and hasattr(value, "__dict__"):
        yield vars(value)


def _of_function(function: FunctionType) -> Iterator[Any]:
    wrapped = getattr(function, "__wrapped__", None)
    if wrapped is not None:
        yield wrapped
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # the name has no value yet
            continue
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    if not function.__module__ or function.__module__.split(".")[0] not in _LIBRARIES:
        for name in _names(function.__code__):
            if name in function.__globals__:
                yield function.__globals__[name]


def _names(code: CodeType) -> Iterator[str]:
    """Yield the global names of a piece of code and of the functions defined in it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
