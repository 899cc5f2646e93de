"""``torch.compiler``: hints for ``torch.compile``.

The compiler itself is not here yet, so functions that only mark or ask are, and those that would
compile say that they cannot.
"""

from collections.abc import Callable
from typing import Any, NoReturn

from .._core.errors import UnsupportedError

__all__ = [
    "allow_in_graph",
    "assume_constant_result",
    "compile",
    "cudagraph_mark_step_begin",
    "disable",
    "is_compiling",
    "is_dynamo_compiling",
    "is_exporting",
    "list_backends",
    "reset",
]


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Any:
    """Raise: programs are not captured yet.  ``disable=True`` gives the model back."""
    if disable:
        return model if model is not None else _same
    raise UnsupportedError("torch.compile", "Leave it out: the eager model gives the same numbers.")


def _same(model: Any) -> Any:
    return model


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Mark a function as not to be compiled: it stays as it is."""
    del recursive, reason
    return _same if fn is None else fn


def allow_in_graph(fn: Any) -> Any:
    """Mark a function as opaque to the compiler: it stays as it is."""
    return fn


def assume_constant_result(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a function as giving a constant: it stays as it is."""
    return fn


def is_compiling() -> bool:
    """Return False."""
    return False


def is_dynamo_compiling() -> bool:
    """Return False."""
    return False


def is_exporting() -> bool:
    """Return False."""
    return False


def list_backends(exclude_tags: Any = ("debug", "experimental")) -> list[str]:
    """Return []: there is no compiler yet."""
    return []


def reset() -> None:
    """Do nothing: no compiled program is kept."""


def cudagraph_mark_step_begin() -> None:
    """Do nothing: CUDA graphs are not used."""


def __getattr__(name: str) -> NoReturn:
    """Explain a missing name."""
    raise AttributeError(f"module 'torch.compiler' has no attribute '{name}'")
