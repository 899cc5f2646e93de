"""Whether autocast is on, for which devices and in which dtype: of each thread its own.

``switch.count`` is all that an operation looks at while nobody uses autocast.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from ...._core import dtype as dt

DTYPES: dict[str, dt.dtype] = {
    "cpu": dt.bfloat16,
    "cuda": dt.float16,
    "hpu": dt.bfloat16,
    "ipu": dt.float16,
    "maia": dt.bfloat16,
    "mps": dt.float16,
    "mtia": dt.float16,
    "privateuseone": dt.float16,
    "xla": dt.bfloat16,
    "xpu": dt.float16,
}
"""The devices that PyTorch has autocast for, and the dtype that each begins with."""


class _Switch:
    """How many (thread, device) pairs have autocast on; while 0, no operation asks further."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


switch = _Switch()


class Region(NamedTuple):
    """A device type whose tensors are cast, and the low-precision dtype that they are cast to."""

    device: str
    low: dt.dtype


class _State(threading.local):
    """One thread's settings.

    Attributes:
        regions: what is on, as an operation needs it; empty inside of an operation that was cast.
        casts: id of a leaf -> (the leaf, its low-precision copy), until the outermost exit.
    """

    def __init__(self) -> None:
        self.enabled: dict[str, bool] = {}
        self.dtypes = dict(DTYPES)
        self.caches = True
        self.nesting = 0
        self.regions: tuple[Region, ...] = ()
        self.casts: dict[int, tuple[Any, Any]] = {}

    def refresh(self) -> None:
        """Derive ``regions``."""
        on = [device for device, enabled in self.enabled.items() if enabled]
        self.regions = tuple(Region(device, self.dtypes[device]) for device in on)


state = _State()
_lock = threading.Lock()


def is_enabled(device_type: str) -> bool:
    """Return True if autocast is on for a device type in this thread."""
    return state.enabled.get(device_type, False)


def set_enabled(device_type: str, enabled: bool) -> None:
    """Turn autocast on or off for a device type in this thread."""
    before = is_enabled(device_type)
    state.enabled[device_type] = enabled
    state.refresh()
    with _lock:
        switch.count += enabled - before


def set_dtype(device_type: str, dtype: dt.dtype) -> None:
    """Set the dtype that autocast casts to on a device type."""
    state.dtypes[device_type] = dtype
    state.refresh()


def trace_key() -> tuple:
    """Return what a traced program depends on: the regions, and whether casts are shared."""
    return (state.regions, state.caches) if state.regions else ()


class Settings(NamedTuple):
    """A thread's settings, to be had again by :func:`settled`."""

    enabled: dict[str, bool]
    dtypes: dict[str, dt.dtype]
    caches: bool


def settings() -> Settings:
    """Return this thread's settings."""
    return Settings(dict(state.enabled), dict(state.dtypes), state.caches)


@contextmanager
def settled(wanted: Settings) -> Iterator[None]:
    """Have ``wanted`` settings inside, and casts of one's own: none comes in, none goes out."""
    before, casts = settings(), state.casts
    _put(wanted)
    state.casts = {}
    try:
        yield
    finally:
        _put(before)
        state.casts = casts


def _put(wanted: Settings) -> None:
    for device in {*state.enabled, *wanted.enabled}:
        set_enabled(device, wanted.enabled.get(device, False))
    state.dtypes, state.caches = dict(wanted.dtypes), wanted.caches
    state.refresh()


class uncast:
    """A context in which no operation is cast, as inside of one that PyTorch has cast."""

    def __enter__(self) -> None:
        self.before = state.regions
        state.regions = ()

    def __exit__(self, *exc: object) -> None:
        state.regions = self.before
