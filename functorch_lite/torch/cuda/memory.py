"""Memory of the GPUs, as JAX accounts for it."""

import warnings
from collections import OrderedDict
from typing import Any

from ._devices import init, is_available, jax_gpu


def _stats(device: Any) -> dict[str, int]:
    return dict(jax_gpu(device).memory_stats() or {}) if is_available() else {}


def memory_stats(device: Any = None) -> "OrderedDict[str, Any]":
    """Return JAX's statistics under PyTorch's names; empty without a GPU."""
    found = _stats(device)
    named = OrderedDict()
    for name, ours in _NAMES.items():
        if ours in found:
            named[name] = found[ours]
    return named


_NAMES = {
    "allocated_bytes.all.current": "bytes_in_use",
    "allocated_bytes.all.peak": "peak_bytes_in_use",
    "reserved_bytes.all.current": "pool_bytes",
    "reserved_bytes.all.peak": "peak_pool_bytes",
    "num_alloc_retries": "num_allocs",
}


def memory_allocated(device: Any = None) -> int:
    """Return the bytes that arrays take on a GPU; 0 without one."""
    return memory_stats(device).get("allocated_bytes.all.current", 0)


def max_memory_allocated(device: Any = None) -> int:
    """Return the largest number of bytes that arrays ever took."""
    return memory_stats(device).get("allocated_bytes.all.peak", 0)


def memory_reserved(device: Any = None) -> int:
    """Return the bytes that JAX holds on a GPU, used or not."""
    return memory_stats(device).get("reserved_bytes.all.current", 0)


def max_memory_reserved(device: Any = None) -> int:
    """Return the largest number of bytes that JAX ever held."""
    return memory_stats(device).get("reserved_bytes.all.peak", 0)


def memory_cached(device: Any = None) -> int:
    """Return ``memory_reserved`` (old name)."""
    warnings.warn(
        "`torch.cuda.memory_cached` has been renamed to `torch.cuda.memory_reserved`",
        FutureWarning,
        stacklevel=2,
    )
    return memory_reserved(device)


def max_memory_cached(device: Any = None) -> int:
    """Return ``max_memory_reserved`` (old name)."""
    warnings.warn(
        "`torch.cuda.max_memory_cached` has been renamed to `torch.cuda.max_memory_reserved`",
        FutureWarning,
        stacklevel=2,
    )
    return max_memory_reserved(device)


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Return (free, total) bytes of a GPU, as far as JAX may use it."""
    init()
    found = _stats(device)
    total = int(found.get("bytes_limit", 0))
    return total - int(found.get("bytes_in_use", 0)), total


def empty_cache() -> None:
    """Do nothing: JAX keeps its pool."""


def ipc_collect() -> None:
    """Do nothing where there is a GPU; AssertionError where there is none."""
    init()


def _no_reset() -> None:
    if not is_available():
        raise AttributeError("module 'torch._C' has no attribute '_cuda_resetPeakMemoryStats'")
    raise NotImplementedError(
        "functorch_lite does not support resetting peak memory statistics: JAX has no such call."
    )


def reset_peak_memory_stats(device: Any = None) -> None:
    """Raise: JAX cannot reset its peaks."""
    _no_reset()


def reset_max_memory_allocated(device: Any = None) -> None:
    """Raise: JAX cannot reset its peaks."""
    _no_reset()


def set_per_process_memory_fraction(fraction: float, device: Any = None) -> None:
    """Raise: JAX is told its share before it starts."""
    init()
    raise NotImplementedError(
        "functorch_lite does not support set_per_process_memory_fraction; set "
        "XLA_PYTHON_CLIENT_MEM_FRACTION "
        "in the environment before the program starts."
    )


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """Return JAX's statistics as a table; KeyError without a GPU, as in PyTorch."""
    found = memory_stats(device)
    if "allocated_bytes.all.current" not in found:
        raise KeyError("allocated_bytes.all.current")
    return "\n".join(f"{name:32} {value:>20,}" for name, value in found.items())
