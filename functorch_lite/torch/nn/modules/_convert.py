"""Moves and conversions of a whole module: ``to``, ``cuda``, ``float`` and relatives.

``Convert`` is a part of ``Module`` (``module.py``). All of them are ``_apply`` of a function of one
tensor to parameters, their gradients and buffers, in place.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Self

from ... import _api as torch

_COMPLEX_WARNING = (
    "Complex modules are a new feature under active development whose design may change, "
    "and some modules might not work as expected when using complex tensors as parameters or "
    "buffers. Please file an issue at https://github.com/pytorch/pytorch/issues/new?"
    "template=bug-report.yml if a complex module does not work as expected."
)
_TAIL = "bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format = None)"
_TO_FORMS = (
    f" * (torch.device device = None, torch.dtype dtype = None, {_TAIL}",
    f" * (torch.dtype dtype, {_TAIL}",
    f" * (Tensor tensor, {_TAIL}",
)


def _parse_to(*args: Any, **kwargs: Any) -> tuple[Any, Any, bool, Any]:
    """Read the arguments of ``to`` as (device, dtype, non_blocking, memory_format)."""
    first = args[0] if args else None
    if isinstance(first, torch.Tensor) or "tensor" in kwargs:
        names = ("tensor", "non_blocking", "copy")
    elif isinstance(first, torch.dtype):
        names = ("dtype", "non_blocking", "copy")
    else:
        names = ("device", "dtype", "non_blocking", "copy")
    given = dict(zip(names, args, strict=False)) | kwargs
    wanted = {*names, "memory_format"}
    clash = len(args) + len(kwargs) != len(given)
    if clash or len(args) > len(names) or not wanted.issuperset(given) or not _are_valid(given):
        raise TypeError(_bad_to(args, kwargs))
    if "tensor" in given:
        device, dtype = given["tensor"].device, given["tensor"].dtype
    else:
        device, dtype = given.get("device"), given.get("dtype")
        device = None if device is None else torch.device(device)
    return device, dtype, given.get("non_blocking", False), given.get("memory_format")


def _are_valid(given: dict[str, Any]) -> bool:
    """Tell whether every argument of ``to`` has a type that it may have."""
    types: dict[str, Any] = {
        "tensor": torch.Tensor,
        "device": (str, int, torch.device, type(None)),
        "dtype": (torch.dtype, type(None)),
        "non_blocking": bool,
        "copy": bool,
        "memory_format": (torch.memory_format, type(None)),
    }
    return all(isinstance(value, types[name]) for name, value in given.items())


def _bad_to(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    got = ", ".join(type(arg).__name__ for arg in args)
    if kwargs:
        named = ", ".join(f"{k}={type(v).__name__}" for k, v in kwargs.items())
        got = f"{got}, {named}, " if got else f"{named}, "
    forms = "\n".join(_TO_FORMS)
    return (
        f"to() received an invalid combination of arguments - got ({got}), "
        f"but expected one of:\n{forms}\n"
    )


def _if_floating(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """``convert`` for floating-point tensors; others stay."""
    return lambda t: convert(t) if t.is_floating_point() else t


class Convert:
    """Change the device, dtype or memory format of everything in a module."""

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]

    def _apply(self, fn: Callable[[Any], Any], recurse: bool = True) -> Self:
        """Put ``fn(tensor)`` in the place of every tensor; parameters keep their identity."""
        if recurse:
            for module in self.children():  # type: ignore[attr-defined]  (from Walk)
                module._apply(fn)
        for param in self._parameters.values():
            if param is None:
                continue
            grad = param.grad
            with torch.no_grad():
                param.data = fn(param)
                if grad is not None:
                    param.grad = None
                    requires_grad = grad.requires_grad
                    grad.data = fn(grad)
                    param.grad = grad.requires_grad_(requires_grad)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move or cast: ``to(device, dtype)``, ``to(dtype)``, ``to(tensor)``, memory format.

        Only floating-point and complex tensors change dtype.
        """
        device, dtype, non_blocking, memory_format = _parse_to(*args, **kwargs)
        if dtype is not None:
            if not (dtype.is_floating_point or dtype.is_complex):
                raise TypeError(
                    "nn.Module.to only accepts floating point or complex dtypes, "
                    f"but got desired dtype={dtype}"
                )
            if dtype.is_complex:
                warnings.warn(_COMPLEX_WARNING, stacklevel=2)

        def convert(t: Any) -> Any:
            cast = dtype if t.is_floating_point() or t.is_complex() else None
            if memory_format is not None and t.dim() in (4, 5):
                return t.to(device, cast, non_blocking, memory_format=memory_format)
            return t.to(device, cast, non_blocking)

        try:
            return self._apply(convert)
        except NotImplementedError as e:
            if str(e) != "Cannot copy out of meta tensor; no data!":
                raise
            raise NotImplementedError(
                f"{e} Please use torch.nn.Module.to_empty() instead of torch.nn.Module.to() when "
                "moving module from meta to a different device."
            ) from None

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Move to ``device`` without copying the values."""
        return self._apply(lambda t: torch.empty_like(t, device=device), recurse=recurse)

    def cuda(self, device: Any = None) -> Self:
        """Move to a GPU."""
        return self._apply(lambda t: t.cuda(device))

    def ipu(self, device: Any = None) -> Self:
        """Move to an IPU."""
        return self._apply(lambda t: t.ipu(device))

    def xpu(self, device: Any = None) -> Self:
        """Move to an XPU."""
        return self._apply(lambda t: t.xpu(device))

    def mtia(self, device: Any = None) -> Self:
        """Move to an MTIA device."""
        return self._apply(lambda t: t.mtia(device))

    def cpu(self) -> Self:
        """Move to the CPU."""
        return self._apply(lambda t: t.cpu())

    def type(self, dst_type: Any) -> Self:
        """Cast everything, integers too, to ``dst_type``."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self) -> Self:
        """Cast floating-point tensors to float32."""
        return self._apply(_if_floating(lambda t: t.float()))

    def double(self) -> Self:
        """Cast floating-point tensors to float64."""
        return self._apply(_if_floating(lambda t: t.double()))

    def half(self) -> Self:
        """Cast floating-point tensors to float16."""
        return self._apply(_if_floating(lambda t: t.half()))

    def bfloat16(self) -> Self:
        """Cast floating-point tensors to bfloat16."""
        return self._apply(_if_floating(lambda t: t.bfloat16()))

    def share_memory(self) -> Self:
        """Move all tensors to shared memory."""
        return self._apply(lambda t: t.share_memory_())
