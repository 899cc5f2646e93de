"""What an optimizer tells the capture that it steps in."""

import functools
from collections.abc import Callable
from itertools import chain
from operator import is_
from typing import Any

from ....optim._rules import flags_of
from ..tensor import Tensor
from .recorder import now_recording


def stepping(optimizer: Any) -> None:
    """Note that ``optimizer`` steps: its options and state become part of the program.

    Numbers among the options are operands (``step.Group.live``); what they switch on is not.
    """
    recorder = now_recording()
    if recorder is None or id(optimizer) in recorder.optimizers:
        return
    recorder.optimizers[id(optimizer)] = optimizer
    groups = optimizer.param_groups
    flags = [flags_of(group) for group in groups]
    counts = [len(group["params"]) for group in groups]
    recorder.hold(
        f"the options of {type(optimizer).__name__} changed",
        lambda: (
            [flags_of(group) for group in optimizer.param_groups] == flags
            and [len(group["params"]) for group in optimizer.param_groups] == counts
        ),
    )
    recorder.hold(
        f"the parameters or tensor options of {type(optimizer).__name__} were replaced",
        _Parts(optimizer),
    )
    recorder.hold(f"the state of {type(optimizer).__name__} was replaced", _State(optimizer))


class _State:
    """Whether an optimizer's state still consists of the tensors that the program updates."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer
        self.table: Any = None

    def __call__(self) -> bool:
        state = self.optimizer.state
        if self.table is None:  # the first call: everything has been born
            self.table, self.keys, self.held = state, list(state), _tensors(state)
            return True
        now = _tensors(state)
        return (
            state is self.table
            and len(state) == len(self.keys)
            and len(now) == len(self.held)
            and all(map(is_, state, self.keys))
            and all(map(is_, now, self.held))
        )


class _Parts:
    """Whether the groups still hold the same parameters, and the same tensors as options."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer
        groups = optimizer.param_groups
        self.params = [param for group in groups for param in group["params"]]
        self.options = [
            (place, name, value)
            for place, group in enumerate(groups)
            for name, value in group.items()
            if isinstance(value, Tensor)
        ]

    def __call__(self) -> bool:
        groups = self.optimizer.param_groups
        params = chain.from_iterable([group["params"] for group in groups])
        return all(map(is_, params, self.params)) and all(
            groups[place].get(name) is value for place, name, value in self.options
        )


def _tensors(state: Any) -> list[Any]:
    return list(chain.from_iterable(map(dict.values, state.values())))


def depends_on(options: Callable[[], Any], what: str) -> None:
    """Make the program of a capture valid only while ``options()`` returns what it returns now."""
    recorder = now_recording()
    if recorder is not None:
        now = options()
        recorder.hold(f"{what} changed", lambda: options() == now)


def fill(state: dict[str, Any], make: Callable[[], dict[str, Any]]) -> None:
    """Fill a parameter's state before its first step; in a capture, as if before it."""
    recorder = now_recording()
    if recorder is None:
        state.update(make())
        return
    with recorder.aside(state):
        state.update(make())


def after_the_program(step: Callable[..., None]) -> Callable[..., None]:
    """Make a scheduler's ``step`` one that a captured program's calls run when they are done.

    It changes Python numbers, which the program asks for at its next call.
    """

    @functools.wraps(step)
    def call(*args: Any, **kwargs: Any) -> None:
        recorder = now_recording()
        if recorder is None:
            step(*args, **kwargs)
        else:
            recorder.after.append(lambda: step(*args, **kwargs))

    return call
