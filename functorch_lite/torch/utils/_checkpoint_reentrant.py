"""Checkpoints with ``use_reentrant=True``: PyTorch's older form, a backward that calls backward."""

import warnings
from collections.abc import Callable, Iterable
from typing import Any

from .. import _api as torch
from .._engine.autograd import backward as _backward
from .._engine.backward import running
from .._engine.function import Function
from .._engine.mixed.state import settings, settled
from .._functions.chance.random import fork_rng, set_stream_position, stream_position
from ._checkpoint_node import InsideWalk


class CheckpointFunction(Function):
    """Runs without the tape, and calls ``backward()`` on a second run."""

    @staticmethod
    def forward(ctx: Any, run_function: Callable[..., Any], preserve: bool, *args: Any) -> Any:
        """Run the function, and keep the tensors among its arguments."""
        check_backward_validity(args)
        ctx.set_materialize_grads(False)
        ctx.run_function, ctx.preserve_rng_state = run_function, preserve
        ctx.state = stream_position() if preserve else None
        ctx.autocast = settings()
        ctx.inputs = [None if isinstance(a, torch.Tensor) else a for a in args]
        ctx.places = [i for i, a in enumerate(args) if isinstance(a, torch.Tensor)]
        ctx.save_for_backward(*(args[i] for i in ctx.places))
        return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple:
        """Run the function again, call backward, and return what arrived at the arguments."""
        if any(walk.wanted is not None and type(walk) is not InsideWalk for walk in running):
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or "
                "passing an `inputs` parameter to .backward(). To resolve this error, you can "
                "either set use_reentrant=False, or call .backward() without passing the `inputs` "
                "argument."
            )
        inputs = list(ctx.inputs)
        for place, tensor in zip(ctx.places, ctx.saved_tensors, strict=True):
            inputs[place] = tensor
        detached = detach_variable(tuple(inputs))
        with settled(ctx.autocast), fork_rng(enabled=ctx.preserve_rng_state):
            if ctx.preserve_rng_state:
                set_stream_position(ctx.state)
            with torch.enable_grad():
                outputs = ctx.run_function(*detached)
        outputs = (outputs,) if isinstance(outputs, torch.Tensor) else outputs
        pairs = [
            (out, grad)
            for out, grad in zip(outputs, grads, strict=False)
            if isinstance(out, torch.Tensor) and out.requires_grad and grad is not None
        ]
        if not pairs:
            raise RuntimeError(
                "none of output has requires_grad=True, this checkpoint() is not necessary"
            )
        _backward([out for out, _ in pairs], [grad for _, grad in pairs])
        return None, None, *(t.grad if isinstance(t, torch.Tensor) else None for t in detached)


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the tuple with each tensor as a leaf of its own that requires grad where it did."""
    if not isinstance(inputs, tuple):
        raise RuntimeError(
            "Only tuple of tensors is supported. Got Unsupported input type: "
            f"{type(inputs).__name__}"
        )
    return tuple(
        t.detach().requires_grad_(t.requires_grad) if isinstance(t, torch.Tensor) else t
        for t in inputs
    )


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warn if no tensor among ``inputs`` requires grad."""
    if not any(t.requires_grad for t in inputs if isinstance(t, torch.Tensor)):
        warnings.warn(
            "None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2
        )
