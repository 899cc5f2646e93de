"""``torch.overrides``: helpers for classes with ``__torch_function__``."""

import functools
from collections.abc import Callable, Iterable
from typing import Any

from .._core.errors import UnsupportedError
from ._engine.override import dispatch, full_name, overloaded, overrides
from ._engine.tensor import Tensor

__all__ = [
    "TorchFunctionMode",
    "get_default_nowrap_functions",
    "handle_torch_function",
    "has_torch_function",
    "has_torch_function_unary",
    "has_torch_function_variadic",
    "is_tensor_like",
    "is_tensor_method_or_property",
    "resolve_name",
    "wrap_torch_function",
]


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Return True if the class of any argument overrides operations."""
    return any(overrides(a) for a in relevant_args)


def has_torch_function_unary(tensor: Any) -> bool:
    """Return True if the argument's class overrides operations."""
    return overrides(tensor)


def has_torch_function_variadic(*tensors: Any) -> bool:
    """Return True if the class of any argument overrides operations."""
    return has_torch_function(tensors)


def handle_torch_function(
    public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """Ask the overriding classes among ``relevant_args`` to run ``public_api(*args, **kwargs)``."""
    return dispatch(public_api, args, kwargs, overloaded(tuple(relevant_args), {}))


def wrap_torch_function(dispatcher: Callable[..., Iterable[Any]]) -> Callable[..., Any]:
    """Return a decorator that lets overriding classes take over a function.

    ``dispatcher`` takes the function's arguments and returns those that may override.
    """

    def wrap(func: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(func)
        def asking(*args: Any, **kwargs: Any) -> Any:
            relevant = tuple(dispatcher(*args, **kwargs))
            if has_torch_function(relevant):
                return handle_torch_function(asking, relevant, *args, **kwargs)
            return func(*args, **kwargs)

        return asking

    return wrap


def is_tensor_like(inp: Any) -> bool:
    """Return True for tensors and for objects whose class has ``__torch_function__``."""
    return isinstance(inp, Tensor) or hasattr(inp, "__torch_function__")


def is_tensor_method_or_property(func: Any) -> bool:
    """Return True for a method of ``Tensor`` and for the getter of a property of it."""
    members = vars(Tensor).values()
    return func in members or any(func == m.__get__ for m in members if isinstance(m, property))


def resolve_name(f: Any) -> str | None:
    """Return the dotted name of a function, such as ``torch.add`` or ``torch.Tensor.add``."""
    return f if isinstance(f, str) else full_name(f)


def get_default_nowrap_functions() -> set[Any]:
    """Return the functions whose results the default ``__torch_function__`` leaves plain
    tensors."""
    return {vars(Tensor)[name].__get__ for name in ("_base", "grad")}


class TorchFunctionMode:
    """A context that would see every call of a torch function: not supported."""

    def __init__(self) -> None:
        """Keep the arguments."""
        raise UnsupportedError(
            "TorchFunctionMode",
            "A Tensor subclass with __torch_function__ sees the calls on its instances.",
        )
