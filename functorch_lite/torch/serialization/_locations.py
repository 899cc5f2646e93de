"""``map_location``: on which device a storage of a file goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _api as torch
from .._functions.device import platform_devices
from .._functions.storages import UntypedStorage
from ._tensors import LoadedStorage

_NO_CUDA = (
    "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. "
    "If you are running on a CPU-only machine, please use torch.load with "
    "map_location=torch.device('cpu') to map your storages to the CPU."
)


def make_placer(map_location: Any) -> Callable[[LoadedStorage, str], None]:
    """Return ``place(storage, location)``, which chooses the storage's device.

    Args: ``map_location`` None, a device or its name for all, a dict from saved names to names, or
        a function of (storage, saved name) that returns a storage, or None for the default.
    """
    if map_location is None:
        return _place
    if isinstance(map_location, dict):
        return lambda storage, location: _place(storage, map_location.get(location, location))
    if isinstance(map_location, (str, bytes)):
        name = map_location.decode("ascii") if isinstance(map_location, bytes) else map_location
        return lambda storage, location: _place(storage, name)
    if isinstance(map_location, torch.device):
        return lambda storage, location: _place(storage, str(map_location))

    def by_function(storage: LoadedStorage, location: str) -> None:
        result = map_location(storage.untyped(), location)
        if result is None:
            _place(storage, location)
        elif isinstance(result, UntypedStorage):
            storage.place(result.device)
        else:
            raise NotImplementedError(
                "functorch_lite: map_location must return the storage, a storage on another "
                f"device, or None, but returned {type(result).__name__}"
            )

    return by_function


def _place(storage: LoadedStorage, location: str) -> None:
    """Put a storage where its name says; RuntimeError if there is no such place."""
    kind, _, index = location.partition(":")
    if kind == "cpu":
        storage.place("cpu")
    elif kind == "cuda":
        _place_on_cuda(storage, int(index) if index else 0)
    elif kind in ("xla", "tpu"):
        storage.place(location)
    elif kind == "meta":
        raise NotImplementedError("functorch_lite: map_location='meta' is not supported.")
    else:
        raise RuntimeError(
            "don't know how to restore data location of torch.storage.UntypedStorage "
            f"(tagged with {location})"
        )


def _place_on_cuda(storage: LoadedStorage, index: int) -> None:
    count = len(platform_devices("cuda"))
    if count == 0:
        raise RuntimeError(_NO_CUDA)
    if index >= count:
        raise RuntimeError(
            f"Attempting to deserialize object on CUDA device {index} but "
            f"torch.cuda.device_count() is {count}. Please use torch.load with map_location to "
            "map your storages to an existing device."
        )
    storage.place(f"cuda:{index}")
