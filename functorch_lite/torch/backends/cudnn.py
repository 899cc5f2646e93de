"""Switches of cuDNN.  XLA chooses its kernels by itself: the switches remember, and steer
nothing."""

import contextlib
from collections.abc import Iterator
from typing import Any

from .._functions.device import platform_devices

enabled = True
benchmark = False
benchmark_limit: int | None = None
deterministic = False
allow_tf32 = True


def version() -> int | None:
    """Return None: cuDNN belongs to XLA, which does not say."""
    return None


def is_available() -> bool:
    """Return True if JAX sees a GPU."""
    return bool(platform_devices("cuda"))


def is_acceptable(tensor: Any) -> bool:
    """Return True for a floating-point tensor on a GPU."""
    return tensor.is_cuda and tensor.is_floating_point()


def set_flags(
    _enabled: bool | None = None,
    _benchmark: bool | None = None,
    _benchmark_limit: int | None = None,
    _deterministic: bool | None = None,
    _allow_tf32: bool | None = None,
) -> tuple:
    """Set the switches that are not None; return what all of them were."""
    names = ("enabled", "benchmark", "benchmark_limit", "deterministic", "allow_tf32")
    previous = tuple(globals()[n] for n in names)
    given = (_enabled, _benchmark, _benchmark_limit, _deterministic, _allow_tf32)
    globals().update({n: v for n, v in zip(names, given, strict=True) if v is not None})
    return previous


@contextlib.contextmanager
def flags(
    enabled: bool = False,
    benchmark: bool = False,
    benchmark_limit: int = 10,
    deterministic: bool = False,
    allow_tf32: bool = True,
    fp32_precision: str = "none",
) -> Iterator[None]:
    """Set the switches inside the ``with`` block."""
    previous = set_flags(enabled, benchmark, benchmark_limit, deterministic, allow_tf32)
    try:
        yield
    finally:
        set_flags(*previous)
        globals()["benchmark_limit"] = previous[2]
