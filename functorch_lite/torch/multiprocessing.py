"""``torch.multiprocessing``: Python's ``multiprocessing``, for processes that use tensors.

Children are spawned, not forked: a forked child must not use JAX.  Tensors that are given to a
process, or sent through a queue or a pipe, share their memory with the child from then on.
"""

import multiprocessing as _python
from typing import Any

from ._functions.spawn import ProcessContext as ProcessContext
from ._functions.spawn import ProcessExitedException as ProcessExitedException
from ._functions.spawn import ProcessRaisedException as ProcessRaisedException
from ._functions.spawn import _allowed
from ._functions.spawn import spawn as spawn
from ._functions.spawn import start_processes as start_processes

_chosen: list[str] = []
_strategy: list[str] = ["file_descriptor"]


def set_start_method(method: str | None, force: bool = False) -> None:
    """Choose how processes start: "spawn" (the default here) or "forkserver"."""
    if _chosen and not force:
        raise RuntimeError("context has already been set")
    _chosen[:] = [] if method is None else [_allowed(method)]


def get_start_method(allow_none: bool = False) -> str | None:
    """Return how processes start."""
    return _chosen[0] if _chosen else None if allow_none else "spawn"


def get_all_start_methods() -> list[str]:
    """Return the ways in which processes can start here."""
    return [m for m in _python.get_all_start_methods() if m != "fork"]


def get_context(method: str | None = None) -> Any:
    """Return ``multiprocessing``'s context for a start method (by default the chosen one)."""
    return _python.get_context(_allowed(method or get_start_method() or "spawn"))


def get_sharing_strategy() -> str:
    """Return the strategy that was chosen."""
    return _strategy[0]


def get_all_sharing_strategies() -> set[str]:
    """Return the names that ``set_sharing_strategy`` takes."""
    return {"file_system", "file_descriptor"}


def set_sharing_strategy(new_strategy: str) -> None:
    """Note a choice of PyTorch's; memory is shared through file descriptors either way."""
    if new_strategy not in get_all_sharing_strategies():
        raise AssertionError(
            f"invalid sharing strategy {new_strategy!r}, expected one of "
            f"{get_all_sharing_strategies()}"
        )
    _strategy[0] = new_strategy


def __getattr__(name: str) -> Any:
    """Return everything else from the context of the chosen start method (``Process``, ``Queue``
    ...)."""
    if not name.startswith("_") and name in _python.__all__:
        return getattr(get_context(), name)
    raise AttributeError(f"module 'torch.multiprocessing' has no attribute '{name}'")


globals().update(
    __all__=[
        *sorted({*_python.__all__, "spawn", "start_processes"}),
        "get_all_sharing_strategies",
        "get_sharing_strategy",
        "set_sharing_strategy",
    ]
)
