"""``torch.while_loop``: repeat a function for as long as another one says so."""

from collections.abc import Callable
from typing import Any

from ... import transforms
from ...transforms._levels import state
from ...transforms._world import world_of
from .. import _api as torch
from .._engine.capture.breaks import GraphBreak
from .._engine.inside.world import has_history
from ._staging import is_staged, metadata


def while_loop(cond_fn: Callable, body_fn: Callable, carried_inputs: Any) -> tuple:
    """Repeat ``carried = body_fn(*carried)`` while ``cond_fn(*carried)``; return the last one.

    Args:
        cond_fn: returns a bool or a tensor of one element.
        body_fn: returns a tuple of as many tensors, with the same shapes and dtypes.
        carried_inputs: a tuple or list of tensors and ints.

    By itself it is a loop of Python, and gradients flow through it. In a captured program it is
    XLA's loop: there gradients need ``scan``.

    Raises:
        RuntimeError: an argument is not what it should be, or the body changes shapes or dtypes.
    """
    if not callable(cond_fn) or not callable(body_fn):
        raise RuntimeError("Expect cond_fn and body_fn to be callable.")
    if not isinstance(carried_inputs, (tuple, list)):
        raise RuntimeError(
            f"Expect carried_inputs to be a tuple or list of tensors, but got {carried_inputs}."
        )
    for value in carried_inputs:
        if not isinstance(value, (torch.Tensor, int)):
            raise RuntimeError(f"Expect carried_inputs to hold tensors and ints, but got {value}.")
    carried = tuple(carried_inputs)
    if not is_staged():
        while cond_fn(*carried):
            carried = _next(body_fn, carried)
        return carried
    if state.ground is not None and torch.is_grad_enabled():
        _refuse_gradients(cond_fn, body_fn, carried)
    tensors = tuple([v if isinstance(v, torch.Tensor) else torch.tensor(v) for v in carried])
    return transforms.while_loop(
        lambda values: cond_fn(*values), lambda values: _next(body_fn, values), tensors
    )


def _next(body: Callable, carried: tuple) -> tuple:
    """Return what comes after ``carried``, which must look alike."""
    found = body(*carried)
    if not isinstance(found, (tuple, list)) or len(found) != len(carried):
        raise RuntimeError(f"Expect body_fn to return {len(carried)} values, but got {found}.")
    for place, (before, after) in enumerate(zip(carried, found, strict=True)):
        if metadata(before) != metadata(after):
            raise RuntimeError(
                "Expected carried_inputs and body_output to have same metadata but found: pair"
                f"[{place}] differ: {metadata(before)} vs {metadata(after)}"
            )
    return tuple(found)


def _refuse_gradients(*parts: Any) -> None:
    if any(has_history(tensor) for tensor in world_of(parts)[1]):
        raise GraphBreak(
            "a while_loop over tensors that require grad has no gradient in a program",
            "use scan, for a known number of steps, or torch.no_grad().",
        )
