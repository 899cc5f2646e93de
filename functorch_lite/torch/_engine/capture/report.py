"""What happened to compiled functions, and why: events, counters, and the lines of TORCH_LOGS."""

import inspect
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from ...._core.counters import counters
from ....transforms._explain import Event
from ....transforms._where import place

LOGS = frozenset(part.strip().lstrip("+-") for part in os.environ.get("TORCH_LOGS", "").split(","))
_LOG_OF = {"recompile": "recompiles", "graph break": "graph_breaks", "capture": "captures"}
_COUNTER_OF = {"recompile": "recompilations", "graph break": "graph_breaks"}


MODES = ("grad mode", "inference mode", "the default dtype", "autocast")
PREFIX = 1 + len(MODES)
"""Where the arguments begin in the key of a call: after its structure and the modes."""


class History(list[Event]):
    """The events of one compiled function."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def note(self, kind: str, reason: str, at: str = "") -> None:
        """Add an event; count it, and print it if TORCH_LOGS asks for its kind."""
        event = Event(kind, reason, at or place())
        self.append(event)
        if kind != "graph break":
            counters.captures += 1
        if kind in _COUNTER_OF:
            setattr(counters, _COUNTER_OF[kind], getattr(counters, _COUNTER_OF[kind]) + 1)
        if _LOG_OF[kind] in LOGS:
            print(f"[{_LOG_OF[kind]}] {self.name}: {event}", file=sys.stderr)


def difference(function: Callable[..., Any], old: Sequence[Any], new: Sequence[Any]) -> str:
    """Return in what two keys differ (see ``function.key_of``): the argument, old and new."""
    for before, now, what in zip(old[1:PREFIX], new[1:PREFIX], MODES, strict=True):
        if before != now:
            return f"{what} was {before} and is now {now}"
    if old[0] != new[0] or len(old) != len(new):
        return "the structure of the arguments changed"
    names = _names(function)
    for number, (before, now) in enumerate(zip(old[PREFIX:], new[PREFIX:], strict=True)):
        if before != now:
            name = names[number] if number < len(names) else f"argument {number}"
            return f"{name}: {_change(before, now)}"
    return ""


def _names(function: Callable[..., Any]) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


_FIELDS = ("type", "shape", "dtype", "strides", "requires_grad", "is_leaf")


def _change(before: Any, now: Any) -> str:
    if not (isinstance(before, tuple) and isinstance(now, tuple)):
        return f"was {_kind(before)} and is now {_kind(now)}"
    if len(before) == len(now) > 2:
        for what, a, b in zip(_FIELDS, before, now, strict=False):
            if a != b:
                return f"{what} was {_kind(a)} and is now {_kind(b)}"
    return f"was {_kind(before[-1])} and is now {_kind(now[-1])}"


def _kind(value: Any) -> str:
    return value.__name__ if isinstance(value, type) else repr(value)
