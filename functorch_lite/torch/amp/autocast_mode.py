"""``autocast``: run products in bfloat16 or float16, and what needs range in float32.

The casting itself is a hook of the dispatcher (``_engine/mixed``); this is the context that turns
it on, and the helpers for custom functions. Plain torch code.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from .. import _api as torch
from .._functions.autocasting import is_available

__all__ = [
    "autocast",
    "autocast_decorator",
    "custom_bwd",
    "custom_fwd",
    "is_autocast_available",
]

_SUPPORTED = (torch.bfloat16, torch.float16)


def is_autocast_available(device_type: str) -> bool:
    """Return True if autocast can be turned on for a type of device, such as "cpu".

    Raises:
        RuntimeError: there is no such type.
    """
    return is_available(device_type)


class autocast:
    """Run the code inside in mixed precision: a context, or a decorator of functions.

    On tensors of ``device_type``, matrix products and convolutions run in ``dtype``; losses and
    other ops that need range in float32; all others in the dtypes they are given. float64 is left
    alone. In-place ops and ``out=`` are not cast. Use it around the forward pass and the loss, not
    around ``backward()``.

    Args:
        device_type: "cpu", "cuda" ...; other tensors are not cast.
        dtype: bfloat16 or float16; by default ``torch.get_autocast_dtype(device_type)``, which
            begins as bfloat16 on the CPU and float16 on GPUs.
        enabled: False runs the code inside without casts.
        cache_enabled: cast a parameter once for the whole region (the default), so that its
            gradient is summed in ``dtype``.
    """

    def __init__(
        self,
        device_type: str,
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        """Check the options; warn and stay off where the device cannot do it."""
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.device = device_type
        self.fast_dtype = torch.get_autocast_dtype(device_type) if dtype is None else dtype
        if not is_autocast_available(device_type):
            raise RuntimeError(
                f"User specified an unsupported autocast device_type '{device_type}'"
            )
        if cache_enabled is None:
            cache_enabled = torch.is_autocast_cache_enabled()
        self._cache_enabled = cache_enabled
        self._enabled = enabled and self._possible()

    def _possible(self) -> bool:
        """Return True if the device can compute in ``fast_dtype``; else warn."""
        if self.device == "cuda":
            if torch.cuda.amp.common.amp_definitely_not_available():
                warnings.warn(
                    "CUDA is not available or torch_xla is imported. Disabling autocast.",
                    stacklevel=3,
                )
                return False
            if self.fast_dtype == torch.bfloat16 and not torch.cuda.is_bf16_supported():
                raise RuntimeError(
                    "Current CUDA Device does not support bfloat16. Please switch dtype to float16."
                )
        elif self.fast_dtype not in _SUPPORTED:
            name = self.device.upper()
            warnings.warn(
                f"In {name} autocast, but the target dtype is not supported. Disabling autocast.\n"
                f"{name} Autocast only supports dtypes of {', '.join(map(str, _SUPPORTED))} "
                "currently.",
                stacklevel=3,
            )
            return False
        return True

    def __enter__(self) -> autocast:
        """Turn it on for this thread, or off."""
        self.prev_cache_enabled = torch.is_autocast_cache_enabled()
        self.prev = torch.is_autocast_enabled(self.device)
        self.prev_fastdtype = torch.get_autocast_dtype(self.device)
        torch.set_autocast_enabled(self.device, self._enabled)
        torch.set_autocast_dtype(self.device, self.fast_dtype)
        torch.autocast_increment_nesting()
        torch.set_autocast_cache_enabled(self._cache_enabled)
        return self

    def __exit__(self, *exc: object) -> Any:
        """Restore what was; the outermost region forgets its casts."""
        if torch.autocast_decrement_nesting() == 0:
            torch.clear_autocast_cache()
        torch.set_autocast_enabled(self.device, self.prev)
        torch.set_autocast_dtype(self.device, self.prev_fastdtype)
        torch.set_autocast_cache_enabled(self.prev_cache_enabled)
        return False

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``func`` run inside of this context."""
        if not callable(func):
            raise TypeError(
                f"autocast()(func) requires a callable, but got {type(func).__name__}. "
                "Did you mean to use autocast as a context manager? For example:\n"
                "    with torch.autocast(device_type=...):\n"
                "        output = model(input)"
            )
        return autocast_decorator(self, func)


def autocast_decorator(autocast_instance: Any, func: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``func`` run inside of a given context."""

    @functools.wraps(func)
    def decorate_autocast(*args: Any, **kwargs: Any) -> Any:
        with autocast_instance:
            return func(*args, **kwargs)

    return decorate_autocast


def _enter_autocast(*vals: Any) -> autocast:
    """Enter a context that :func:`_exit_autocast` leaves."""
    return autocast(*vals).__enter__()


def _exit_autocast(mode: autocast) -> None:
    mode.__exit__(None, None, None)


# --- custom functions -----------------------------------------------------------------------------


def _cast(value: Any, device_type: str, dtype: Any) -> Any:
    """Return the floats on ``device_type`` in a nested value as ``dtype``, but for float64."""
    if isinstance(value, torch.Tensor):
        eligible = (
            value.is_floating_point()
            and value.device.type == device_type
            and value.dtype is not torch.float64
        )
        return value.to(dtype) if eligible else value
    if isinstance(value, (str, bytes, np.ndarray)):
        return value
    if isinstance(value, Mapping):
        return {
            _cast(k, device_type, dtype): _cast(v, device_type, dtype) for k, v in value.items()
        }
    if isinstance(value, Iterable):
        items = (_cast(item, device_type, dtype) for item in value)
        return type(value)(items) if isinstance(value, (list, tuple)) else items  # type: ignore[call-arg]
    return value


def _check_device_type(device_type: Any) -> None:
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: Any = None
) -> Callable[..., Any]:
    """Decorate the ``forward`` of a custom autograd function for use in autocast regions.

    Args:
        device_type: the device whose autocast state counts.
        cast_inputs: in an autocast region, cast the float tensors among the arguments to this
            dtype and run without autocast; None runs in the state that is on.
    """
    _check_device_type(device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def decorate_fwd(*args: Any, **kwargs: Any) -> Any:
        ctx, on = args[0], torch.is_autocast_enabled(device_type)
        ctx._dtype = torch.get_autocast_dtype(device_type)
        ctx._fwd_used_autocast = on and cast_inputs is None
        if cast_inputs is None or not on:
            return fwd(*args, **kwargs)
        with autocast(device_type=device_type, enabled=False):
            own = _cast(args, device_type, cast_inputs)
            return fwd(*own, **_cast(kwargs, device_type, cast_inputs))

    return decorate_fwd


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Callable[..., Any]:
    """Decorate the ``backward`` of a custom autograd function: autocast is as it was in forward.

    Args:
        device_type: the device whose autocast state counts.
    """
    _check_device_type(device_type)
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def decorate_bwd(*args: Any, **kwargs: Any) -> Any:
        ctx = args[0]
        with autocast(device_type=device_type, enabled=ctx._fwd_used_autocast, dtype=ctx._dtype):
            return bwd(*args, **kwargs)

    return decorate_bwd
