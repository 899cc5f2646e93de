"""``torch._dynamo``: the compiled forms of functions and modules, and what can be asked of them."""

import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from .._core.counters import counters as _counted
from ..transforms._explain import explain as explain
from ..transforms._levels import state
from ._engine.capture.breaks import break_graph
from ._engine.capture.function import Limits, Unsupported, everyone
from .nn.modules.module import Module

__all__ = [
    "OptimizedModule",
    "config",
    "disable",
    "explain",
    "graph_break",
    "is_compiling",
    "reset",
]

config = Limits
"""The limits: ``recompile_limit`` and ``shape_limit``."""

exc = SimpleNamespace(Unsupported=Unsupported)


class _Counters:
    """``torch._dynamo.utils.counters``: PyTorch's names for what ``fl.stats()`` counts."""

    def __getitem__(self, name: str) -> dict[str, int]:
        if name == "stats":
            return {"unique_graphs": _counted.captures}
        if name == "frames":
            total = _counted.captures + _counted.graph_breaks
            return {"total": total, "ok": _counted.captures}
        if name == "graph_break":
            breaks: dict[str, int] = {}
            for compiled in everyone:
                for event in compiled.history:
                    if event.kind == "graph break":
                        breaks[event.reason] = breaks.get(event.reason, 0) + 1
            return breaks
        return {}

    def clear(self) -> None:
        """Begin anew."""
        _counted.captures = _counted.recompilations = _counted.graph_breaks = 0


utils = SimpleNamespace(counters=_Counters())


def reset() -> None:
    """Forget all captured programs."""
    for compiled in list(everyone):
        compiled.reset()


def graph_break(msg: str = "") -> None:
    """Break the graph here."""
    break_graph(msg or "torch._dynamo.graph_break() is called")


def is_compiling() -> bool:
    """Return True while a function is being captured."""
    return state.ground is not None


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Mark a function as one that is never captured: calling it breaks the graph."""
    if fn is None:
        return lambda function: disable(function, recursive, reason=reason)
    if isinstance(fn, Module):
        fn.__dict__["_compiled_call_impl"] = None
        fn.forward = disable(fn.forward, recursive, reason=reason)
        return fn

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        break_graph(f"{fn.__qualname__} is marked by torch.compiler.disable: {reason}")
        return fn(*args, **kwargs)

    return call


def compiled_function(function: Callable[..., Any], compiled: Any) -> Callable[..., Any]:
    """Return ``compiled`` as a function that looks like ``function``."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return compiled(*args, **kwargs)

    call._torchdynamo_orig_callable = function  # type: ignore[attr-defined]
    call._compiled = compiled  # type: ignore[attr-defined]
    call.explanation = compiled.explanation  # type: ignore[attr-defined]
    return call


class OptimizedModule(Module):
    """A module whose call is compiled: the original one is its part ``_orig_mod``."""

    def __init__(self, module: Module, compiled: Any) -> None:
        """Wrap ``module``."""
        super().__init__()
        self._orig_mod = module
        self.__dict__["_compiled"] = compiled

    def explanation(self) -> Any:
        """Return what is known of the compiled call (``fl.explain``)."""
        return self.__dict__["_compiled"].explanation()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the compiled call of the module."""
        return self.__dict__["_compiled"](*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        """Find what the wrapper lacks on the original module."""
        if name == "_orig_mod":
            return self.__dict__["_modules"]["_orig_mod"]
        return getattr(self._orig_mod, name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set attributes of the original module, but for the wrapper's own."""
        if name == "_orig_mod" or "_orig_mod" not in self.__dict__.get("_modules", ()):
            super().__setattr__(name, value)
        else:
            setattr(self._orig_mod, name, value)

    def train(self, mode: bool = True) -> "OptimizedModule":
        """Set the mode of the original module."""
        self._orig_mod.train(mode)
        self.__dict__["training"] = mode
        return self
