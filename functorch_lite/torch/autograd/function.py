"""``torch.autograd.function``: custom operations and what their authors need."""

import functools
from collections.abc import Callable
from typing import Any

from .. import _api as torch
from .._engine.function import Function as Function
from .._engine.function import FunctionNode as FunctionCtx

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


class _DelayedError(Function):
    """The identity, with a backward that raises."""

    @staticmethod
    def forward(ctx: Any, *tensors: Any) -> Any:
        return tuple(t if t is None else t.detach() for t in tensors)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Mark the ``backward`` of a Function as not differentiable itself.

    It runs without recording; differentiating its results again is a RuntimeError.
    """

    @functools.wraps(fn)
    def wrapped(ctx: Any, *args: Any) -> Any:
        with torch.no_grad():
            outputs = fn(ctx, *args)
        asked = any(isinstance(a, torch.Tensor) and a.requires_grad for a in args)
        if not torch.is_grad_enabled() or not asked:
            return outputs
        listed = outputs if isinstance(outputs, tuple) else (outputs,)
        marked = [t if t is None else t.detach().requires_grad_() for t in listed]
        delayed = _DelayedError.apply(*marked)
        return delayed if isinstance(outputs, tuple) else delayed[0]

    return wrapped
