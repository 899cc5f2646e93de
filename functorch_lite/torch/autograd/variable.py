"""``torch.autograd.Variable``: since PyTorch 0.4 another name for a tensor that may require
grad."""

import warnings
from typing import Any

from .. import _api as torch

__all__ = ["Variable", "VariableMeta"]


class VariableMeta(type):
    """Makes ``isinstance(x, Variable)`` true for every tensor, and ``Variable(x)`` return a
    tensor."""

    def __instancecheck__(cls, instance: object) -> bool:
        """Recognise by what it has."""
        return isinstance(instance, torch.Tensor)

    def __call__(
        cls, data: Any = None, requires_grad: bool = False, volatile: Any = None, **more: Any
    ) -> Any:
        """Return ``data`` as a new leaf that shares its memory.

        Args:
            data: a tensor; an empty one by default.
            requires_grad: whether a gradient is wanted.
            volatile: no longer means anything.
            more: accepted and ignored, as in PyTorch (names of old arguments).
        """
        if data is None:
            data = torch.empty(0)
        if not isinstance(data, torch.Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        if volatile:
            warnings.warn(
                "volatile was removed and now has no effect. Use `with torch.no_grad():` instead.",
                stacklevel=2,
            )
        return data.detach().requires_grad_(requires_grad)


class Variable(metaclass=VariableMeta):
    """A tensor; ``Variable(tensor, requires_grad=True)`` is a leaf over the same memory."""
