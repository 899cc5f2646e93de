"""Process-wide switches: threads, precision of matrix products, determinism, warnings.

XLA decides by itself how many threads it uses and is deterministic on the CPU, so most of these
only remember what was asked for.  What they can do nothing about they do not promise: float32
matrix products are true float32 at every ``float32_matmul_precision``.
"""

import os
import warnings
from typing import Any

from ..._core import dtype as dt
from .._engine.dispatch import type_name
from .device import set_default_device


def _default_threads() -> int:
    """Return OMP_NUM_THREADS, or the number of cores that this process may use."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked):
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Settings:
    threads = _default_threads()
    interop_threads = os.cpu_count() or 1
    matmul_precision = "highest"
    deterministic = False
    warn_only = False
    fill_uninitialized = True
    warn_always = False


settings = _Settings()


def _count(function: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise RuntimeError(f"{function} expects an int, but got {type_name(value)}")
    if value <= 0:
        raise RuntimeError(f"{function} expects a positive integer")
    return value


def set_num_threads(num: int) -> None:
    """Remember the wish for ``num`` threads; XLA sizes its own thread pool when the program
    starts."""
    settings.threads = _count("set_num_threads", num)


def get_num_threads() -> int:
    """Return the number set by ``set_num_threads`` (at first: the cores of this process)."""
    return settings.threads


def set_num_interop_threads(num: int) -> None:
    """Remember the wish for ``num`` inter-operation threads."""
    settings.interop_threads = _count("set_num_interop_threads", num)


def get_num_interop_threads() -> int:
    """Return the number set by ``set_num_interop_threads`` (at first: the machine's cores)."""
    return settings.interop_threads


def set_float32_matmul_precision(precision: str) -> None:
    """Allow less than float32 inside float32 matrix products: "highest", "high" or "medium".

    It is permission, not an order: products stay true float32 here.
    """
    if precision in ("highest", "high", "medium"):
        settings.matmul_precision = precision
        return
    warnings.warn(
        f"{precision} is not one of 'highest', 'high', or 'medium'; the current"
        "setFloat32MatmulPrecision call has no effect. (Triggered internally at "
        "/pytorch/aten/src/ATen/Context.cpp:458.)",
        UserWarning,
        stacklevel=2,
    )


def get_float32_matmul_precision() -> str:
    """Return what ``set_float32_matmul_precision`` allows."""
    return settings.matmul_precision


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for operations that give the same result each time, which they do on the CPU."""
    for position, (name, value) in enumerate((("mode", mode), ("warn_only", warn_only)), 1):
        if not isinstance(value, bool):
            where = f" (position {position})" if name == "mode" else ""
            raise TypeError(
                f"_set_deterministic_algorithms(): argument '{name}'{where} must be bool, not "
                f"{type_name(value)}"
            )
    settings.deterministic, settings.warn_only = mode, warn_only


def are_deterministic_algorithms_enabled() -> bool:
    """Return the mode set by ``use_deterministic_algorithms``."""
    return settings.deterministic


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Return the ``warn_only`` set by ``use_deterministic_algorithms``."""
    return settings.warn_only


_DEBUG_MODES = ("default", "warn", "error")


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Set determinism by one of "default", "warn", "error" or 0, 1, 2."""
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str):
        if debug_mode not in _DEBUG_MODES:
            raise RuntimeError(
                "invalid value of debug_mode, expected one of `default`, `warn`, `error`, "
                f"but got {debug_mode}"
            )
        debug_mode = _DEBUG_MODES.index(debug_mode)
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(
            f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}"
        )
    use_deterministic_algorithms(debug_mode > 0, warn_only=debug_mode == 1)


def get_deterministic_debug_mode() -> int:
    """Return 0, 1 or 2: see ``set_deterministic_debug_mode``."""
    return 0 if not settings.deterministic else 1 if settings.warn_only else 2


def set_warn_always(b: bool) -> None:
    """Remember whether warnings that appear once per process should appear each time."""
    if not isinstance(b, bool):
        raise RuntimeError(f"setWarnOnlyOnce expects a bool, but got {type_name(b)}")
    settings.warn_always = b


def is_warn_always_enabled() -> bool:
    """Return what ``set_warn_always`` set."""
    return settings.warn_always


def set_flush_denormal(mode: bool) -> bool:
    """Return False: XLA does not let the process choose how it treats denormal numbers."""
    del mode
    return False


def is_vulkan_available() -> bool:
    """Return False."""
    return False


def compiled_with_cxx11_abi() -> bool:
    """Return True, as PyTorch's own builds do."""
    return True


def set_default_dtype(d: Any) -> None:
    """Set the dtype of new floating-point tensors."""
    dt.set_default_dtype(d)


def set_default_kind(d: dt.dtype, cuda: bool) -> None:
    """Set default dtype and device, as ``set_default_tensor_type`` does."""
    if not d.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    warn_once(
        "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use "
        "torch.set_default_dtype() and "
        "torch.set_default_device() as alternatives. (Triggered internally at "
        "/pytorch/torch/csrc/tensor/python_tensor.cpp:434.)"
    )
    dt.set_default_dtype(d)
    set_default_device("cuda" if cuda else None)


_warned: set[str] = set()


def warn_once(text: str, stacklevel: int = 3) -> None:
    """Warn the first time in the life of the process (each time after
    ``set_warn_always(True)``)."""
    if settings.warn_always or text not in _warned:
        _warned.add(text)
        warnings.warn(text, UserWarning, stacklevel=stacklevel + 1)
