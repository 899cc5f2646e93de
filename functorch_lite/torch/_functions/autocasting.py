"""The functions of ``torch`` that read and set the autocast state of this thread."""

import warnings
from collections.abc import Callable
from typing import Any

from ..._core import dtype as dt
from .._engine.bind import misfit_text
from .._engine.dispatch import type_name
from .._engine.mixed.state import DTYPES, is_enabled, set_dtype, set_enabled, state
from .._engine.register import expose
from .device import device


def _check(function: str, argument: str, place: int, value: Any, kind: type, name: str) -> None:
    """Raise PyTorch's TypeError for an argument of another type."""
    if not isinstance(value, kind):
        raise TypeError(
            f"{function}(): argument '{argument}' (position {place}) must be {name}, not "
            f"{type_name(value)}"
        )


def _device_type(function: str, name: Any, otherwise: str) -> str:
    """Return the type in the name of a device; PyTorch's errors for one without autocast."""
    _check(function, "device_type", 1, name, str, "str")
    kind = device(name).type
    if kind not in DTYPES:
        raise RuntimeError(otherwise)
    return kind


_NO_KEY = "unknown device type for autocast in get_autocast_dispatch_key_from_device_type"
_NO_DTYPE = "unsupported scalarType"


def is_available(device_type: str) -> bool:
    """Return True if PyTorch has autocast for this type of device; RuntimeError for no type."""
    _check("_is_autocast_available", "device_type", 1, device_type, str, "str")
    return device(device_type).type in DTYPES


def is_any_enabled() -> bool:
    """Return True if autocast is on for any type of device."""
    return any(state.enabled.values())


@expose("f")
def is_autocast_enabled(*device_type: str) -> bool:
    """Return True if autocast is on for a device type (without one: for "cuda")."""
    if len(device_type) > 1:
        got = [type_name(value) for value in device_type]
        raise TypeError(misfit_text("is_autocast_enabled", got, ["str device_type", ""]))
    kind = device_type[0] if device_type else "cuda"
    return is_enabled(_device_type("is_autocast_enabled", kind, _NO_KEY))


@expose("f")
def set_autocast_enabled(*arguments: Any) -> None:
    """``(device_type, enabled)``: turn autocast on or off; ``(enabled)`` means "cuda"."""
    if len(arguments) not in (1, 2):
        got = [type_name(value) for value in arguments]
        signatures = ["str device_type, bool enabled", "bool enabled"]
        raise TypeError(misfit_text("set_autocast_enabled", got, signatures))
    _check("set_autocast_enabled", "enabled", len(arguments), arguments[-1], bool, "bool")
    kind, enabled = arguments if len(arguments) == 2 else ("cuda", *arguments)
    set_enabled(_device_type("set_autocast_enabled", kind, _NO_KEY), enabled)


@expose("f")
def get_autocast_dtype(device_type: str) -> dt.dtype:
    """Return the dtype that autocast casts to on a device type."""
    return state.dtypes[_device_type("get_autocast_dtype", device_type, _NO_DTYPE)]


@expose("f")
def set_autocast_dtype(device_type: str, dtype: dt.dtype) -> None:
    """Set the dtype that autocast casts to on a device type."""
    _check("set_autocast_dtype", "device_type", 1, device_type, str, "str")
    _check("set_autocast_dtype", "dtype", 2, dtype, dt.dtype, "torch.dtype")
    set_dtype(_device_type("set_autocast_dtype", device_type, _NO_DTYPE), dtype)


@expose("f")
def is_autocast_cache_enabled() -> bool:
    """Return True if a leaf is cast once for a whole region."""
    return state.caches


@expose("f")
def set_autocast_cache_enabled(enabled: bool) -> None:
    """Say whether a leaf is cast once for a whole region."""
    if not isinstance(enabled, bool):
        raise TypeError(f"enabled must be a bool (got {type_name(enabled)})")
    state.caches = enabled


@expose("f")
def clear_autocast_cache() -> None:
    """Forget the low-precision copies of leaves."""
    state.casts.clear()


@expose("f")
def autocast_increment_nesting() -> int:
    """Note one more region around this thread's code; return how many there are."""
    state.nesting += 1
    return state.nesting


@expose("f")
def autocast_decrement_nesting() -> int:
    """Note one region less; return how many remain."""
    state.nesting -= 1
    return state.nesting


# --- the older names, one set for each device -----------------------------------------------------


def _deprecated(old: str, new: str) -> None:
    warnings.warn(
        f"torch.{old} is deprecated. Please use torch.{new} instead. (Triggered internally at "
        "/pytorch/torch/csrc/autograd/init.cpp:874.)",
        DeprecationWarning,
        stacklevel=3,
    )


def _expose_for(kind: str, short: str) -> None:
    """Expose the older functions of one device, such as ``get_autocast_cpu_dtype``."""

    def is_on() -> bool:
        """Return True if autocast is on for the device that the name tells."""
        _deprecated(f"is_autocast_{short}_enabled()", f"is_autocast_enabled('{kind}')")
        return is_enabled(kind)

    def turn(enabled: bool) -> None:
        """Turn autocast on or off for the device that the name tells."""
        if not isinstance(enabled, bool):
            raise TypeError(f"enabled must be a bool (got {type_name(enabled)})")
        _deprecated(
            f"set_autocast_{short}_enabled(enabled)", f"set_autocast_enabled('{kind}', enabled)"
        )
        set_enabled(kind, enabled)

    def dtype_of() -> dt.dtype:
        """Return the dtype that autocast casts to on the device that the name tells."""
        _deprecated(f"get_autocast_{short}_dtype()", f"get_autocast_dtype('{kind}')")
        return state.dtypes[kind]

    def put_dtype(dtype: dt.dtype) -> None:
        """Set the dtype that autocast casts to on the device that the name tells."""
        if not isinstance(dtype, dt.dtype):
            raise TypeError(f"dtype must be a torch.dtype (got {type_name(dtype)})")
        _deprecated(f"set_autocast_{short}_dtype(dtype)", f"set_autocast_dtype('{kind}', dtype)")
        set_dtype(kind, dtype)

    functions: dict[str, Callable[..., Any]] = {
        f"get_autocast_{short}_dtype": dtype_of,
        f"set_autocast_{short}_dtype": put_dtype,
    }
    if short != "gpu":  # is_autocast_enabled() is the GPU's
        functions |= {
            f"is_autocast_{short}_enabled": is_on,
            f"set_autocast_{short}_enabled": turn,
        }
    for name, function in functions.items():
        function.__name__ = function.__qualname__ = name
        expose("f")(function)


for _kind, _short in (("cpu", "cpu"), ("cuda", "gpu"), ("ipu", "ipu"), ("xla", "xla")):
    _expose_for(_kind, _short)
