"""``torch.compiler``: hints for ``torch.compile``.

The compiler itself is not here yet, so functions that only mark or ask are, and those that would
compile say that they cannot.
"""

from collections.abc import Callable
from typing import Any, NoReturn

from ._dynamo import OptimizedModule, compiled_function
from ._engine.capture.function import compile_function
from .nn.modules.module import Module

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
    """Return a function or module that runs as one XLA program where it can.

    Args:
        model: a function, method or module; None returns a decorator.
        fullgraph: raise where something cannot be captured, instead of running eagerly.
        dynamic, backend, mode, options: accepted; there is one compiler here, XLA, and a program is
            made for each combination of shapes.
        disable: return ``model`` as it is.

    A whole training step may be captured: forward, loss, ``backward()``, ``optimizer.step()``.
    """
    chosen = {
        "fullgraph": fullgraph,
        "dynamic": dynamic,
        "backend": backend,
        "mode": mode,
        "options": options,
        "disable": disable,
    }
    if model is None:
        return lambda function: compile(function, **chosen)
    if not callable(model):
        raise RuntimeError(f"torch.compile needs something that can be called, not {model!r}")
    compiled = compile_function(model, **chosen)
    if compiled is model:
        return model
    if isinstance(model, Module):
        return OptimizedModule(model, compiled)
    return compiled_function(model, compiled)


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
