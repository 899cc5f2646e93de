"""``torch.cond``: one of two functions, by a tensor that need not have a value yet."""

from collections.abc import Callable
from typing import Any

from ... import transforms
from ...transforms._world import opened
from .. import _api as torch
from ._staging import has_value


def cond(pred: Any, true_fn: Callable, false_fn: Callable, operands: Any = ()) -> Any:
    """Return ``true_fn(*operands)`` if ``pred`` is true, else ``false_fn(*operands)``.

    Args:
        pred: a Python number, or a tensor of one element.
        true_fn, false_fn: return the same structure, shapes and dtypes.
        operands: a tuple or list of tensors, or of nested containers of tensors.

    Where ``pred`` has a value, the one function runs as it would by itself. (PyTorch traces both,
    and refuses functions that return an operand or write to one.) Under ``vmap``, ``jit`` and
    ``torch.compile`` both are traced, into ``functorch_lite.cond``.

    Raises:
        RuntimeError: an argument is not what it should be.
    """
    if not isinstance(pred, (bool, int, float)):
        _check(pred, true_fn, false_fn, operands)
        if not has_value(pred):
            return transforms.cond(pred, true_fn, false_fn, *operands)
    return true_fn(*operands) if pred else false_fn(*operands)


def _check(pred: Any, true_fn: Any, false_fn: Any, operands: Any) -> None:
    if not isinstance(pred, torch.Tensor):
        raise RuntimeError(f"Expected pred to be bool or tensor, but got {pred}.")
    if pred.numel() != 1:
        raise RuntimeError(f"Expected pred to be bool or single-element tensor, but got {pred}.")
    if not callable(true_fn) or not callable(false_fn):
        raise RuntimeError("Expect both branches to be callable.")
    if not isinstance(operands, (tuple, list)) or not all(
        isinstance(leaf, torch.Tensor) for leaf in opened(operands).leaves
    ):
        raise RuntimeError(
            "Expect operands to be a tuple of possibly nested dict/list/tuple that only consists "
            f"of tensor leaves, but got {operands}."
        )
