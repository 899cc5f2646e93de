"""``functionalize`` and ``debug_unwrap``: what is nearly nothing where all code is functional."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .. import _api as torch
from .._engine.inside.values import as_shown


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """Return ``func`` as a function without mutations, with the same results.

    In PyTorch this removes in-place operations (and with ``"mutations_and_views"`` views) from the
    program. Here every program that runs is functional already: what is returned is ``func``, and
    its writes to its inputs show as ever.
    """
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(
            f"functionalize(f, remove='mutations'): received invalid argument for remove={remove}. "
            "Valid options are:\n    remove='mutations': all inplace and out= operators will be "
            "removed from the program, and replaced with their out-of-place equivalents.\n    "
            "remove='mutations_and_views': In addition to the above, all aliasing operators {view} "
            "will be replaced with their non-aliasing counterparts, {view}_copy.\n"
        )

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **kwargs)

    return wrapped


def debug_unwrap(tensor: Any, *, recurse: bool = True) -> Any:
    """Return the value behind a tensor inside a transform, for looking at it.

    Under ``vmap`` that is the value of all slices, with their dimensions in front. Outside of
    transforms it is the tensor itself. Not for computing: nothing differentiates through it.
    """
    if not isinstance(tensor, torch.Tensor):
        raise ValueError("debug_unwrap: Expected a Tensor")
    return torch.tensor(as_shown(tensor._array))
