"""Switches of the GPU's matrix products and of attention.  They remember; XLA chooses its
kernels."""

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any, ClassVar

from .._functions.device import platform_devices
from .._functions.settings import settings


def is_built() -> bool:
    """Return True if JAX sees a GPU."""
    return bool(platform_devices("cuda"))


class cuBLASModule:
    """``torch.backends.cuda.matmul``: what matrix products may do to be faster.

    ``allow_tf32`` is the same switch as ``torch.set_float32_matmul_precision``.
    """

    _OWN: ClassVar[dict[str, Any]] = {
        "allow_fp16_reduced_precision_reduction": True,
        "allow_bf16_reduced_precision_reduction": True,
        "allow_fp16_accumulation": False,
        "fp32_precision": "none",
    }

    def __init__(self) -> None:
        """Keep the arguments."""
        self.__dict__.update(self._OWN)

    def __getattr__(self, name: str) -> Any:
        """Return a switch."""
        if name == "allow_tf32":
            return settings.matmul_precision != "highest"
        raise AttributeError("Unknown attribute " + name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a switch."""
        if name == "allow_tf32":
            settings.matmul_precision = "high" if value else "highest"
        elif name in self._OWN:
            self.__dict__[name] = value
        else:
            raise AttributeError("Unknown attribute " + name)


matmul = cuBLASModule()

_sdp = {"flash": True, "mem_efficient": True, "math": True, "cudnn": True}


def flash_sdp_enabled() -> bool:
    """Return the switch for flash attention."""
    return _sdp["flash"]


def enable_flash_sdp(enabled: bool) -> None:
    """Set the switch for flash attention."""
    _sdp["flash"] = enabled


def mem_efficient_sdp_enabled() -> bool:
    """Return the switch for memory-efficient attention."""
    return _sdp["mem_efficient"]


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Set the switch for memory-efficient attention."""
    _sdp["mem_efficient"] = enabled


def math_sdp_enabled() -> bool:
    """Return the switch for plain attention."""
    return _sdp["math"]


def enable_math_sdp(enabled: bool) -> None:
    """Set the switch for plain attention."""
    _sdp["math"] = enabled


def cudnn_sdp_enabled() -> bool:
    """Return the switch for cuDNN's attention."""
    return _sdp["cudnn"]


def enable_cudnn_sdp(enabled: bool) -> None:
    """Set the switch for cuDNN's attention."""
    _sdp["cudnn"] = enabled


@contextlib.contextmanager
def _switched(flash: bool, math: bool, mem_efficient: bool, cudnn: bool) -> Iterator[None]:
    previous = dict(_sdp)
    _sdp.update(flash=flash, math=math, mem_efficient=mem_efficient, cudnn=cudnn)
    try:
        yield
    finally:
        _sdp.update(previous)


def sdp_kernel(
    enable_flash: bool = True,
    enable_math: bool = True,
    enable_mem_efficient: bool = True,
    enable_cudnn: bool = True,
) -> Any:
    """Set the attention switches inside the ``with`` block (deprecated in PyTorch)."""
    warnings.warn(
        "`torch.backends.cuda.sdp_kernel()` is deprecated. In the future, this context manager "
        "will be removed. "
        "Please see `torch.nn.attention.sdpa_kernel()` for the new context manager, with updated "
        "signature.",
        FutureWarning,
        stacklevel=2,
    )
    return _switched(enable_flash, enable_math, enable_mem_efficient, enable_cudnn)
