"""``torch.utils.checkpoint``: compute again in backward instead of keeping values.

Outside of transforms a checkpointed call is one node of the tape (``_checkpoint_node``); with
``use_reentrant=True`` it is PyTorch's older form, a custom Function whose backward calls backward.
Inside of a transform of ``torch.func`` it is ``jax.checkpoint``.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import Enum
from typing import Any, NoReturn

from ..._core.errors import UnsupportedError
from ...transforms import checkpoint as _rematerialized
from ...transforms._levels import state
from ...transforms._world import opened
from .. import _api as torch
from ._checkpoint_node import CheckpointError as CheckpointError
from ._checkpoint_node import Region, run_and_forget
from ._checkpoint_reentrant import CheckpointFunction as CheckpointFunction
from ._checkpoint_reentrant import check_backward_validity as check_backward_validity
from ._checkpoint_reentrant import detach_variable as detach_variable

__all__ = [
    "CheckpointError",
    "CheckpointFunction",
    "CheckpointPolicy",
    "DefaultDeviceType",
    "SelectiveCheckpointContext",
    "check_backward_validity",
    "checkpoint",
    "checkpoint_sequential",
    "create_selective_checkpoint_contexts",
    "detach_variable",
    "get_device_states",
    "noop_context_fn",
    "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop",
    "set_device_states",
]

Contexts = tuple[AbstractContextManager, AbstractContextManager]

_CHECKS = ("default", "none")


class _Settings:
    """What the two ``set_checkpoint_*`` contexts set; None leaves it to each call."""

    debug: bool | None = None
    early_stop: bool | None = None


@contextmanager
def set_checkpoint_debug_enabled(enabled: bool | None) -> Iterator[None]:
    """Set ``debug`` for all checkpoints inside."""
    before, _Settings.debug = _Settings.debug, enabled
    try:
        yield
    finally:
        _Settings.debug = before


@contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Accepted for PyTorch's sake: the recomputation here runs to its end."""
    before, _Settings.early_stop = _Settings.early_stop, enable
    try:
        yield
    finally:
        _Settings.early_stop = before


def noop_context_fn() -> Contexts:
    """Return two contexts that do nothing: the default ``context_fn``."""
    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], Contexts] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """Return ``function(*args, **kwargs)``, keeping its inputs only: backward runs it again.

    Args:
        function: may read anything, and return any nested container of tensors and other values.
        use_reentrant: True for PyTorch's older form, which takes positional arguments only, gives
            gradients to captured tensors only in ``backward()``, and cannot be differentiated
            twice. Pass it: without, PyTorch warns and takes True.
        context_fn: returns two contexts, for the forward pass and for the second run.
        determinism_check: "default" compares number, shapes and dtypes of what both runs record;
            "none" does not.
        debug: list the operations of both runs if they differ.
        early_stop: accepted; the second run goes to its end all the same.
        kwargs: ``function``'s; and ``preserve_rng_state=True``: draw the same random numbers.

    Raises:
        CheckpointError: the second run did something else than the first.
        ValueError: options that exclude each other.
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. "
            f"Starting in PyTorch 2.9, calling checkpoint without use_reentrant will raise an "
            f"exception. {_ADVICE}",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs and use_reentrant:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if use_reentrant and (context_fn is not noop_context_fn or debug is not False):
        raise ValueError(
            "Passing `context_fn` or `debug` is only supported when use_reentrant=False."
        )
    if state.stack:
        return _inside(function, args, kwargs)
    if use_reentrant:
        return CheckpointFunction.apply(function, preserve, *args)
    del early_stop
    debug = debug if _Settings.debug is None else _Settings.debug
    if debug and context_fn is not noop_context_fn:
        raise ValueError("debug=True is incompatible with non-default context_fn")
    if determinism_check not in _CHECKS:
        raise ValueError(
            f"determinism_check should be one of {list(_CHECKS)}, but got {determinism_check}"
        )
    contexts = context_fn()
    if not torch.is_grad_enabled():
        return function(*args, **kwargs)
    compare = determinism_check != "none"
    return run_and_forget(Region(function, args, kwargs, contexts, preserve, compare, debug))


_ADVICE = (
    "use_reentrant=False is recommended, but if you need to preserve the current default behavior, "
    "you can pass use_reentrant=True. Refer to docs for more details on the differences between "
    "the two variants."
)


def _inside(function: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Any:
    """Checkpoint a call that is part of a running transform."""
    taken = opened((args, kwargs))
    places = [i for i, leaf in enumerate(taken.leaves) if isinstance(leaf, torch.Tensor)]

    def call(*tensors: Any) -> Any:
        leaves = list(taken.leaves)
        for place, tensor in zip(places, tensors, strict=True):
            leaves[place] = tensor
        own, named = taken.with_leaves(leaves)
        return function(*own, **named)

    return _rematerialized(call)(*taken.boxes)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Run functions one after another, each of the ``segments`` but the last checkpointed.

    Args:
        functions: an ``nn.Sequential``, or a list of functions of one argument.
        segments: how many stretches of (nearly) equal length to make.
        kwargs: ``preserve_rng_state``, as for :func:`checkpoint`.
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be "
            "passed explicitly. In version 2.9 we will raise an exception if use_reentrant is not "
            f"passed. {_ADVICE}",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    steps = list(functions)
    length = len(steps) // segments
    last = length * (segments - 1)
    for start in range(0, last, length):
        input = checkpoint(
            _chain(steps[start : start + length]),
            input,
            use_reentrant=use_reentrant,
            preserve_rng_state=preserve,
        )
    return _chain(steps[last:])(input)


def _chain(steps: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def run(value: Any) -> Any:
        for step in steps:
            value = step(value)
        return value

    return run


# --- devices --------------------------------------------------------------------------------------


class DefaultDeviceType:
    """The device type whose random state PyTorch keeps; here all devices draw from the CPU's."""

    _default_device_type: str | None = None

    @staticmethod
    def set_device_type(device: str = "cuda") -> None:
        """Set the device type."""
        DefaultDeviceType._default_device_type = device

    @staticmethod
    def get_device_type() -> str:
        """Return the device type that was set, else the accelerator's, else "cpu"."""
        return DefaultDeviceType._default_device_type or torch.get_default_device().type


def get_device_states(*args: Any) -> tuple[list[int], list[Any]]:
    """Return ([], []): no device has a random state apart from the CPU's."""
    del args
    return [], []


def set_device_states(
    devices: Sequence[int], states: Sequence[Any], *, device_type: str | None = None
) -> None:
    """Do nothing: see :func:`get_device_states`."""
    del devices, states, device_type


# --- selective checkpoints ------------------------------------------------------------------------


class CheckpointPolicy(Enum):
    """What a selective checkpoint does with an operation's result."""

    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3
    MUST_CPU_OFFLOAD = 4
    PREFER_CPU_OFFLOAD = 5


class SelectiveCheckpointContext:
    """What a policy function is told besides the operation."""

    def __init__(self, *, is_recompute: bool, op_output: Any = None) -> None:
        """Keep the arguments."""
        self.is_recompute, self.op_output = is_recompute, op_output


def create_selective_checkpoint_contexts(
    policy_fn_or_list: Any, allow_cache_entry_mutation: bool = False
) -> NoReturn:
    """Raise: which operations to keep cannot be chosen."""
    del policy_fn_or_list, allow_cache_entry_mutation
    raise UnsupportedError(
        "selective checkpoints (torch.utils.checkpoint.create_selective_checkpoint_contexts)",
        "Checkpoint smaller functions, or inside of transforms use functorch_lite.checkpoint with "
        "a policy of jax.checkpoint_policies.",
    )
