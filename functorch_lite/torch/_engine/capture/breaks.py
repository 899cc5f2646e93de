"""Graph breaks: what a captured program cannot hold, and where the user asked for it."""

from typing import Any

from ....transforms._levels import state
from ....transforms._where import place


class GraphBreak(BaseException):
    """The function that is being captured needs Python at this point.

    No ``Exception``: the user's own ``except`` clauses must not swallow it.

    Attributes:
        reason: what cannot be captured.
        instead: what to write instead, or "".
        at: the user's line.
    """

    def __init__(self, reason: str, instead: str = "", at: str = "") -> None:
        super().__init__(reason)
        self.reason, self.instead, self.at = reason, instead, at or place()


def break_graph(reason: str, instead: str = "") -> None:
    """Stop the capture that is going on in this thread, if there is one."""
    if state.ground is not None:
        raise GraphBreak(reason, instead)


def break_if_outside(tensor: Any, reason: str, instead: str = "") -> None:
    """Stop the capture if ``tensor`` was there before it: its metadata are not traced."""
    ground: Any = state.ground
    if ground is not None and ground.is_outside(tensor):
        raise GraphBreak(reason, instead)


RECORDED_WRITE = (
    "a tensor from outside is written to in place, with a gradient",
    "detach what is written, or return the new value instead.",
)
