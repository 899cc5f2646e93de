"""Grad mode: whether operations record a graph.  Contexts that are decorators as well."""

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any


class _Mode(threading.local):
    grad = True
    inference = False


mode = _Mode()


class _Inference:
    """Whether any thread ever entered inference mode; until then nobody need look at ``mode``."""

    __slots__ = ("used",)

    def __init__(self) -> None:
        self.used = False


inference = _Inference()


def is_grad_enabled() -> bool:
    """Return True if operations record a graph in this thread."""
    return mode.grad


def is_inference_mode_enabled() -> bool:
    """Return True inside ``inference_mode``."""
    return mode.inference


class recording:
    """Set grad mode inside, restore it after: what the engine itself uses."""

    def __init__(self, on: bool) -> None:
        self.on = on

    def __enter__(self) -> None:
        self.previous = mode.grad
        mode.grad = self.on

    def __exit__(self, *exc: object) -> None:
        mode.grad = self.previous


class _Context:
    """A context manager that decorates functions, generators and classes' ``__call__`` too."""

    def __call__(self, fun: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``fun`` wrapped so that each call runs inside a fresh copy of this context."""
        if inspect.isgeneratorfunction(fun):
            return self._wrap_generator(fun)

        @functools.wraps(fun)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return fun(*args, **kwargs)

        return wrapped

    def _wrap_generator(self, fun: Callable[..., Any]) -> Callable[..., Any]:
        """Hold the mode only while the generator itself runs, not while its consumer does."""

        @functools.wraps(fun)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            generator = fun(*args, **kwargs)
            send, value = generator.send, None
            while True:
                try:
                    with self.clone():
                        item = send(value)
                except StopIteration as stop:
                    return stop.value
                try:
                    send, value = generator.send, (yield item)
                except GeneratorExit:
                    generator.close()
                    raise
                except BaseException as error:
                    send, value = generator.throw, error

        return wrapped

    def clone(self) -> "_Context":
        """Return a fresh context with the same setting."""
        return type(self)()

    def __enter__(self) -> None:
        raise NotImplementedError

    def __exit__(self, *exc: object) -> None:
        raise NotImplementedError


class _GradTo(_Context):
    """Set grad mode to ``target`` inside, restore it after."""

    target = False

    def __new__(cls, orig_func: Callable[..., Any] | None = None) -> Any:
        """Also serve as a bare decorator: ``@torch.no_grad``."""
        self = super().__new__(cls)
        return self if orig_func is None else self(orig_func)

    def __enter__(self) -> None:
        self.previous = mode.grad
        mode.grad = self.target

    def __exit__(self, *exc: object) -> None:
        mode.grad = self.previous


class no_grad(_GradTo):
    """Record no graph inside: results do not require grad.  Context manager and decorator."""


class enable_grad(_GradTo):
    """Record the graph inside, even within ``no_grad``.  Context manager and decorator."""

    target = True


class set_grad_enabled(_Context):
    """Set grad mode at once; as a context, restore it at the end.

    Used as a decorator, the mode is set only inside the decorated function.
    """

    def __init__(self, mode: bool) -> None:
        self.previous = _swap_grad(mode)
        self.target = mode

    def __call__(self, fun: Callable[..., Any]) -> Callable[..., Any]:
        """Undo the effect on the surrounding code, then decorate."""
        _swap_grad(self.previous)
        return super().__call__(fun)

    def clone(self) -> "set_grad_enabled":
        """Return a fresh context with the same setting."""
        return type(self)(self.target)

    def __enter__(self) -> None:
        mode.grad = self.target

    def __exit__(self, *exc: object) -> None:
        mode.grad = self.previous

    def __str__(self) -> str:
        return f"{type(self).__module__}.{type(self).__name__}(mode={self.target})"


class inference_mode(_Context):
    """Like ``no_grad``; tensors made inside can never take part in a recorded graph."""

    def __new__(cls, mode: Any = True) -> Any:
        """Also serve as a bare decorator: ``@torch.inference_mode``."""
        self = super().__new__(cls)
        if isinstance(mode, bool):
            return self
        self.__init__(True)
        return self(mode)

    def __init__(self, mode: bool = True) -> None:
        self.on = mode

    def clone(self) -> "inference_mode":
        """Return a fresh context with the same setting."""
        return type(self)(self.on)

    def __enter__(self) -> None:
        self.previous = mode.grad, mode.inference
        inference.used = True
        if self.on:
            mode.grad = False
        elif mode.inference:
            mode.grad = True
        mode.inference = self.on

    def __exit__(self, *exc: object) -> None:
        mode.grad, mode.inference = self.previous


def _swap_grad(enabled: bool) -> bool:
    previous = mode.grad
    mode.grad = bool(enabled)
    return previous
