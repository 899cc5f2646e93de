"""``torch.compile`` and ``torch.compiler``: functions, modules and whole steps as XLA programs.

How a function is captured is in ``_engine/capture``.
"""

from collections.abc import Callable
from typing import Any, NoReturn

from ..transforms._levels import state
from ._dynamo import OptimizedModule, compiled_function
from ._dynamo import disable as disable
from ._dynamo import is_compiling as is_compiling
from ._dynamo import is_compiling as is_dynamo_compiling
from ._dynamo import reset as reset
from ._engine.capture.automatic import compile_calls as compile_calls
from ._engine.capture.automatic import compile_transformed as compile_transformed
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
    "set_stance",
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


def allow_in_graph(fn: Any) -> Any:
    """Mark a function as opaque to the compiler: it stays as it is."""
    return fn


def assume_constant_result(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a function as giving a constant: it stays as it is."""
    return fn


def is_exporting() -> bool:
    """Return True while a module is being exported."""
    return state.ground is not None and state.ground.name == "torch.export"


def list_backends(exclude_tags: Any = ("debug", "experimental")) -> list[str]:
    """Return the names of the compilers: XLA, under PyTorch's default name too."""
    return ["inductor", "xla"]


def set_stance(stance: str = "default", **options: Any) -> None:
    """Raise: there is one way to run compiled functions."""
    raise NotImplementedError(
        f"functorch_lite does not support torch.compiler.set_stance({stance!r}); compile with "
        "disable=True instead."
    )


def cudagraph_mark_step_begin() -> None:
    """Do nothing: CUDA graphs are not used."""


def __getattr__(name: str) -> NoReturn:
    """Explain a missing name."""
    raise AttributeError(f"module 'torch.compiler' has no attribute '{name}'")
