"""Which GPUs there are, which one is current, what they can do."""

import re
from types import TracebackType
from typing import Any

from ..._core.execute import Device
from .._functions.device import NO_CUDA, current, platform_devices
from .._functions.device import device as torch_device


class CudaError(RuntimeError):
    """An error of the CUDA runtime."""


class DeferredCudaCallError(Exception):
    """A call that waited for CUDA to start failed."""


AcceleratorError = CudaError


def is_available() -> bool:
    """Return True if JAX sees a GPU."""
    return bool(platform_devices("cuda"))


def device_count() -> int:
    """Return the number of GPUs."""
    return len(platform_devices("cuda"))


def is_initialized() -> bool:
    """Return True if there is a GPU to use: JAX starts it by itself."""
    return is_available()


def init() -> None:
    """Do nothing where there is a GPU; AssertionError where there is none."""
    if not is_available():
        raise AssertionError(NO_CUDA)


_lazy_init = init


def jax_gpu(device: Any = None) -> Device:
    """Return JAX's device for an index, a name or None (the current one); AssertionError without
    GPU."""
    init()
    index = index_of(device)
    devices = platform_devices("cuda")
    if index >= len(devices):
        raise AssertionError("Invalid device id")
    return devices[index]


def index_of(device: Any) -> int:
    """Return the index that ``device`` means; None and "cuda" mean the current GPU."""
    if isinstance(device, int):
        return device
    if device is None:
        return current.cuda
    wanted = torch_device(device)
    if wanted.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {wanted}")
    return current.cuda if wanted.index is None else wanted.index


def current_device() -> int:
    """Return the index of the current GPU."""
    init()
    return current.cuda


def set_device(device: Any) -> None:
    """Make a GPU the current one: what ``"cuda"`` without an index means.  A negative index:
    nothing."""
    index = index_of(device)
    if index < 0:
        return
    if not is_available():
        raise AttributeError("module 'torch._C' has no attribute '_cuda_setDevice'")
    jax_gpu(index)
    current.cuda = index


class device:
    """Context in which another GPU is the current one (a negative index or None: nothing
    changes)."""

    def __init__(self, device: Any) -> None:
        self.index = -1 if device is None else index_of(device)
        self.previous = -1

    def __enter__(self) -> None:
        if self.index < 0:
            return
        if not is_available():
            raise RuntimeError("PyTorch was compiled without CUDA support")
        self.previous = current.cuda
        set_device(self.index)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.previous >= 0:
            current.cuda = self.previous


class device_of(device):
    """Context in which the GPU of a tensor is the current one; nothing happens for other
    tensors."""

    def __init__(self, obj: Any) -> None:
        super().__init__(obj.get_device() if obj.is_cuda else -1)


def get_device_name(device: Any = None) -> str:
    """Return the name of a GPU."""
    return jax_gpu(device).device_kind


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Return the compute capability of a GPU, such as (9, 0)."""
    text = str(getattr(jax_gpu(device), "compute_capability", "0.0"))
    major, minor = re.findall(r"\d+", text + ".0")[:2]
    return int(major), int(minor)


class _DeviceProperties:
    """What is known of a GPU.

    Attributes:
        name: its name.
        major, minor: its compute capability.
        total_memory: bytes that JAX may use on it.
        multi_processor_count: number of multiprocessors.
    """

    def __init__(self, device: Any) -> None:
        own = jax_gpu(device)
        self.name = own.device_kind
        self.major, self.minor = get_device_capability(device)
        self.total_memory = int((own.memory_stats() or {}).get("bytes_limit", 0))
        self.multi_processor_count = int(getattr(own, "core_count", 0))

    def __repr__(self) -> str:
        return (
            f"_CudaDeviceProperties(name='{self.name}', major={self.major}, minor={self.minor}, "
            f"total_memory={self.total_memory >> 20}MB, "
            f"multi_processor_count={self.multi_processor_count})"
        )


def get_device_properties(device: Any = None) -> _DeviceProperties:
    """Return what is known of a GPU."""
    return _DeviceProperties(device)


def can_device_access_peer(device: Any, peer_device: Any) -> bool:
    """Return True if both are GPUs of this process: JAX copies between them."""
    return jax_gpu(device) != jax_gpu(peer_device)


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Return True on a GPU of compute capability 8 or more (emulated elsewhere)."""
    if not is_available():
        return False
    return including_emulation or get_device_capability()[0] >= 8


def is_tf32_supported() -> bool:
    """Return True on a GPU of compute capability 8 or more."""
    return is_available() and get_device_capability()[0] >= 8


def get_arch_list() -> list[str]:
    """Return []: XLA compiles for the GPU at hand."""
    return []


def get_gencode_flags() -> str:
    """Return "": XLA compiles for the GPU at hand."""
    return ""


has_half = True
has_magma = False
default_generators: tuple = ()
