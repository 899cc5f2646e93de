"""``torch.device``: names of JAX's devices.

``cpu`` (index i: the i-th virtual CPU device), ``cuda[:i]`` (JAX's GPU i), ``xla`` / ``tpu``
likewise, ``meta`` (shapes without values: ``module.to("meta")``).  Where JAX's default
backend is the CPU, tensors on ``cpu`` are uncommitted.
"""

import re
from typing import Any

import jax
import jax.core

from ..._core.execute import Device

_TYPES = (
    "cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, vulkan, "
    "mps, meta, hpu, mtia, privateuseone"
)
_PLATFORM = {"cpu": "cpu", "cuda": "gpu", "xla": None, "tpu": "tpu"}
_ABSENT: dict[str, tuple[type[Exception], str]] = {
    "mps": (RuntimeError, "PyTorch is not linked with support for mps devices"),
    "xpu": (AssertionError, "Torch not compiled with XPU enabled"),
}
NO_CUDA = "Torch not compiled with CUDA enabled"


class device:
    """A device such as ``device("cuda", 1)`` or ``device("cpu")``; equal by type and index."""

    __module__ = "torch"
    __slots__ = ("_previous", "index", "type")

    def __init__(
        self, device: Any = None, index: int | None = None, type: str | None = None
    ) -> None:
        device = type if device is None else device
        if isinstance(device, int):
            device, index = "cuda", device
        if hasattr(device, "type") and not isinstance(device, str):
            device, index = device.type, device.index if index is None else index
        match = re.fullmatch(r"([a-z]+)(?::(\d+))?", str(device))
        if match is None:
            raise RuntimeError(f"Invalid device string: '{device}'")
        if match[1] not in _TYPES.split(", ") and match[1] != "tpu":
            raise RuntimeError(
                f"Expected one of {_TYPES} device type at start of device string: {match[1]}"
            )
        if match[2] is not None and index is not None:
            raise RuntimeError(
                "type (string) must not include an index because index was passed explicitly: "
                f"{device}"
            )
        self.type = match[1]
        self.index = index if match[2] is None else int(match[2])

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> tuple:
        return device_named, (str(self),)

    def __enter__(self) -> "device":
        self._previous = current.device
        current.device = self
        return self

    def __exit__(self, *exc: object) -> None:
        current.device = self._previous


def device_named(name: str) -> device:
    """Return the device called ``name`` (named in pickles, which cannot say "torch")."""
    return device(name)


class _Current:
    """The device of factories that name none, and the GPU that "cuda" without index means."""

    device: "device | None" = None
    cuda = 0


current = _Current()


def jax_device(wanted: Any) -> Device | None:
    """Return JAX's device for a PyTorch device, None for the uncommitted default CPU.

    Raises:
        AssertionError: CUDA where there is none, in PyTorch's words.
    """
    wanted = current.device if wanted is None else wanted
    if wanted is None:
        return _default_cpu()
    wanted = wanted if isinstance(wanted, device) else device(wanted)
    if wanted.type == "cpu" and wanted.index in (None, 0):
        return _default_cpu()
    if wanted.type in _ABSENT:
        kind, text = _ABSENT[wanted.type]
        raise kind(text)
    if wanted.type not in _PLATFORM:
        raise NotImplementedError(
            f"functorch_lite does not support tensors on the device '{wanted}'."
        )
    devices = platform_devices(wanted.type)
    if not devices and wanted.type == "cuda":
        raise AssertionError(NO_CUDA)
    index = (current.cuda if wanted.type == "cuda" else 0) if wanted.index is None else wanted.index
    if index >= len(devices):
        raise RuntimeError(
            f"invalid device ordinal: there is no device '{wanted}', only {len(devices)} of type "
            f"{wanted.type}"
        )
    return devices[index]


def platform_devices(kind: str) -> list:
    """Return JAX's devices of a PyTorch device type ("cuda" is JAX's "gpu"); [] if it has none."""
    try:
        return jax.local_devices(backend=_PLATFORM[kind])
    except RuntimeError:
        return []


def _default_cpu() -> Device | None:
    return None if jax.default_backend() == "cpu" else jax.local_devices(backend="cpu")[0]


def device_of(array: Any) -> device:
    """Return the PyTorch device of a JAX array (a tracer counts as ``cpu``)."""
    if isinstance(array, jax.ShapeDtypeStruct):
        return META
    if isinstance(array, jax.core.Tracer) or not isinstance(array, jax.Array):
        return CPU
    own = next(iter(array.devices()))
    if own.platform == "cpu":
        return CPU if own.id == 0 else device("cpu", own.id)
    return device({"gpu": "cuda", "tpu": "xla"}[own.platform], own.id)


def home(t: Any, wanted: Any) -> Any:
    """Return ``wanted``, or where None is given the device of tensor ``t``."""
    return device_of(t._storage.array) if wanted is None else wanted


CPU = device("cpu")
META = device("meta")


def get_default_device() -> device:
    """Return the device on which factory functions make tensors."""
    return current.device or CPU


def set_default_device(wanted: Any) -> None:
    """Set the device on which factory functions make tensors (None: the CPU)."""
    current.device = None if wanted is None else device(wanted)
