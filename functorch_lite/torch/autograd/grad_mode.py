"""Grad mode: whether operations record a graph."""

from typing import Any

from .._engine.grad_mode import enable_grad as enable_grad
from .._engine.grad_mode import inference_mode as inference_mode
from .._engine.grad_mode import no_grad as no_grad
from .._engine.grad_mode import set_grad_enabled as set_grad_enabled

__all__ = [
    "enable_grad",
    "inference_mode",
    "no_grad",
    "set_grad_enabled",
    "set_multithreading_enabled",
]


class set_multithreading_enabled:
    """Accepted for PyTorch's sake: backward runs in the calling thread, XLA uses all cores in
    it."""

    def __init__(self, mode: bool) -> None:
        """Keep the arguments."""
        self.mode = mode

    def __enter__(self) -> None:
        """Enter the context."""
        return None

    def __exit__(self, *exc: Any) -> None:
        """Leave the context."""
        return None
