"""``torch.accelerator``: the accelerator, whatever it is; here JAX's GPUs, or none."""

from typing import Any

from ._functions.device import current, device, platform_devices
from .cuda._streams import synchronize as _wait

__all__ = [
    "current_accelerator",
    "current_device_index",
    "device_count",
    "is_available",
    "set_device_index",
    "synchronize",
]


def is_available() -> bool:
    """Return True if JAX sees a GPU."""
    return bool(platform_devices("cuda"))


def device_count() -> int:
    """Return the number of GPUs."""
    return len(platform_devices("cuda"))


def current_accelerator(check_available: bool = False) -> device | None:
    """Return ``device("cuda")``, or None where there is no GPU."""
    del check_available
    return device("cuda") if is_available() else None


def _needs_one() -> None:
    if not is_available():
        raise RuntimeError("Cannot access accelerator device when none is available.")


def current_device_index() -> int:
    """Return the index of the current GPU."""
    _needs_one()
    return current.cuda


def set_device_index(device: Any, /) -> None:
    """Make a GPU the current one."""
    _needs_one()
    current.cuda = device if isinstance(device, int) else device.index or 0


def synchronize(device: Any = None, /) -> None:
    """Wait until a GPU has finished everything given to it."""
    _needs_one()
    _wait(device)
