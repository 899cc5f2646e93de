"""What an optimizer tells the capture that it steps in."""

from collections.abc import Callable
from typing import Any

from ....optim._rules import flags_of
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
    recorder.hold(f"the state of {type(optimizer).__name__} was replaced", _State(optimizer))


class _State:
    """Whether an optimizer's state still consists of the tensors that the program updates."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer
        self.table: Any = None

    def __call__(self) -> bool:
        optimizer = self.optimizer
        if self.table is None:  # the first call: everything has been born
            self.table = optimizer.state
            self.entries = [
                (optimizer.state[p], name, tensor)
                for p in optimizer.state
                for name, tensor in optimizer.state[p].items()
            ]
            self.dicts = [(p, optimizer.state[p]) for p in optimizer.state]
            return True
        state = optimizer.state
        return (
            state is self.table
            and all([state.get(p) is held for p, held in self.dicts])
            and all([held.get(name) is tensor for held, name, tensor in self.entries])
        )


def fill(state: dict[str, Any], make: Callable[[], dict[str, Any]]) -> None:
    """Fill a parameter's state before its first step; in a capture, as if before it."""
    recorder = now_recording()
    if recorder is None:
        state.update(make())
        return
    with recorder.aside(state):
        state.update(make())
