"""``torch._dynamo``: the compiled forms of functions and modules."""

import functools
from collections.abc import Callable
from typing import Any

from .nn.modules.module import Module

__all__ = ["OptimizedModule"]


def compiled_function(function: Callable[..., Any], compiled: Any) -> Callable[..., Any]:
    """Return ``compiled`` as a function that looks like ``function``."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return compiled(*args, **kwargs)

    call._torchdynamo_orig_callable = function  # type: ignore[attr-defined]
    call._compiled = compiled  # type: ignore[attr-defined]
    return call


class OptimizedModule(Module):
    """A module whose call is compiled: the original one is its part ``_orig_mod``."""

    def __init__(self, module: Module, compiled: Any) -> None:
        """Wrap ``module``."""
        super().__init__()
        self._orig_mod = module
        self.__dict__["_compiled"] = compiled

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
