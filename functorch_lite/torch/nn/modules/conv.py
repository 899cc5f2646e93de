"""Convolutions and transposed convolutions in one to three dimensions, and their lazy forms.

Sizes, strides and paddings are ints, for all directions, or a tuple with one a direction.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ... import _api as torch
from .. import functional as F
from .. import init
from ..parameter import Parameter, UninitializedParameter
from .lazy import LazyModuleMixin
from .module import Module
from .utils import _ntuple, _reverse_repeat_tuple

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
]

_PADDING_MODES = {"zeros", "reflect", "replicate", "circular"}


def _check_settings(
    in_channels: int,
    out_channels: int,
    stride: tuple[int, ...],
    padding: Any,
    groups: int,
    padding_mode: str,
) -> None:
    """Raise for settings that do not fit together."""
    if groups <= 0:
        raise ValueError("groups must be a positive integer")
    if in_channels % groups != 0:
        raise ValueError("in_channels must be divisible by groups")
    if out_channels % groups != 0:
        raise ValueError("out_channels must be divisible by groups")
    if isinstance(padding, str):
        strings = {"same", "valid"}
        if padding not in strings:
            raise ValueError(f"Invalid padding string {padding!r}, should be one of {strings}")
        if padding == "same" and any(s != 1 for s in stride):
            raise ValueError("padding='same' is not supported for strided convolutions")
    if padding_mode not in _PADDING_MODES:
        raise ValueError(
            f"padding_mode must be one of {_PADDING_MODES}, but got padding_mode='{padding_mode}'"
        )


class _ConvNd(Module):
    """Settings, weight and bias of every convolution; all sizes are tuples here."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, ...],
        stride: tuple[int, ...],
        padding: Any,
        dilation: tuple[int, ...],
        transposed: bool,
        output_padding: tuple[int, ...],
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        """Draw weight, then bias."""
        super().__init__()
        _check_settings(in_channels, out_channels, stride, padding, groups, padding_mode)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.transposed = transposed
        self.output_padding = output_padding
        self.groups = groups
        self.padding_mode = padding_mode
        self._reversed_padding_repeated_twice = self._padding_for_pad()
        weight = torch.empty(self._weight_shape(), device=device, dtype=dtype)
        self.weight = Parameter(weight)
        if bias:
            self.bias = Parameter(torch.empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _weight_shape(self) -> tuple[int, ...]:
        """(out, in / groups, *kernel), or for a transposed one (in, out / groups, *kernel)."""
        first, second = self.out_channels, self.in_channels
        if self.transposed:
            first, second = second, first
        return (first, second // self.groups, *self.kernel_size)

    def _padding_for_pad(self) -> Any:
        """The padding as ``F.pad`` wants it: last dimension first, two numbers each."""
        if not isinstance(self.padding, str):
            return _reverse_repeat_tuple(self.padding, 2)
        pads = [0, 0] * len(self.kernel_size)
        if self.padding == "same":
            sizes = zip(self.dilation, self.kernel_size, strict=False)
            for i, (dilation, kernel) in enumerate(sizes):
                total = dilation * (kernel - 1)
                at = 2 * (len(self.kernel_size) - 1 - i)
                pads[at : at + 2] = [total // 2, total - total // 2]
        return pads

    def reset_parameters(self) -> None:
        """Draw new weights, uniform within 1 / sqrt(fan in)."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in != 0:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        """Show the sizes and what is not default."""
        text = "{in_channels}, {out_channels}, kernel_size={kernel_size}, stride={stride}"
        for name, default in (("padding", 0), ("dilation", 1), ("output_padding", 0)):
            value = getattr(self, name)
            if value != (default,) * len(value):
                text += f", {name}={{{name}}}"
        if self.groups != 1:
            text += ", groups={groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += ", padding_mode={padding_mode}"
        return text.format(**self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpickle; old pickles know only padding with zeros."""
        super().__setstate__(state)
        self.__dict__.setdefault("padding_mode", "zeros")


class _PlainConv(_ConvNd):
    """A convolution of ``_dims`` dimensions by ``_conv``."""

    _dims: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        """Draw weight (out, in / groups, *kernel), then bias (out,)."""
        sizes = _ntuple(self._dims)
        super().__init__(
            *(in_channels, out_channels, sizes(kernel_size), sizes(stride)),
            *(padding if isinstance(padding, str) else sizes(padding), sizes(dilation)),
            *(False, sizes(0), groups, bias, padding_mode, device, dtype),
        )

    def _conv(self, *args: Any) -> Any:
        raise NotImplementedError

    def _conv_forward(self, input: Any, weight: Any, bias: Any) -> Any:
        padding = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = (0,) * self._dims
        return self._conv(input, weight, bias, self.stride, padding, self.dilation, self.groups)

    def forward(self, input: Any) -> Any:
        """(N, in, *) or (in, *) -> (N, out, *) or (out, *)."""
        return self._conv_forward(input, self.weight, self.bias)


class Conv1d(_PlainConv):
    """Cross-correlation of signals (N, C, L) with kernels. ``padding`` may be "same", "valid"."""

    _dims = 1

    def _conv(self, *args: Any) -> Any:
        return F.conv1d(*args)


class Conv2d(_PlainConv):
    """Cross-correlation of images (N, C, H, W) with kernels. ``padding`` may be "same", "valid"."""

    _dims = 2

    def _conv(self, *args: Any) -> Any:
        return F.conv2d(*args)


class Conv3d(_PlainConv):
    """Cross-correlation of volumes (N, C, D, H, W). ``padding`` may be "same", "valid"."""

    _dims = 3

    def _conv(self, *args: Any) -> Any:
        return F.conv3d(*args)


class _ConvTransposeNd(_ConvNd):
    """The gradient of a convolution with respect to its input, as a layer."""

    _dims: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        """Draw weight (in, out / groups, *kernel), then bias (out,)."""
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        sizes = _ntuple(self._dims)
        super().__init__(
            *(in_channels, out_channels, sizes(kernel_size), sizes(stride), sizes(padding)),
            *(sizes(dilation), True, sizes(output_padding), groups, bias, padding_mode),
            *(device, dtype),
        )

    def _conv(self, *args: Any) -> Any:
        raise NotImplementedError

    def forward(self, input: Any, output_size: Any = None) -> Any:
        """(N, in, *) or (in, *) -> (N, out, *) or (out, *), of ``output_size`` where given."""
        return self._conv(
            *(input, self.weight, self.bias, self.stride, self.padding),
            *(self._output_padding(input, output_size), self.groups, self.dilation),
        )

    def _output_padding(self, input: Any, output_size: Any) -> Any:
        """What must be added at the end of each dimension to get ``output_size``."""
        if output_size is None:
            return self.output_padding
        dims = self._dims
        skipped = 2 if input.dim() == dims + 2 else 1  # batch and channels
        if len(output_size) == skipped + dims:
            output_size = output_size[skipped:]
        if len(output_size) != dims:
            raise ValueError(
                f"ConvTranspose{dims}D: for {input.dim()}D input, output_size must have {dims} "
                f"or {skipped + dims} elements (got {len(output_size)})"
            )
        low = [
            (input.size(d + skipped) - 1) * self.stride[d]
            - 2 * self.padding[d]
            + self.dilation[d] * (self.kernel_size[d] - 1)
            + 1
            for d in range(dims)
        ]
        high = [low[d] + self.stride[d] - 1 for d in range(dims)]
        if any(not low[d] <= output_size[d] <= high[d] for d in range(dims)):
            raise ValueError(
                f"requested an output size of {output_size}, but valid sizes range "
                f"from {low} to {high} (for an input of {input.size()[2:]})"
            )
        return [output_size[d] - low[d] for d in range(dims)]


class ConvTranspose1d(_ConvTransposeNd):
    """Transposed convolution of signals (N, C, L)."""

    _dims = 1

    def _conv(self, *args: Any) -> Any:
        return F.conv_transpose1d(*args)


class ConvTranspose2d(_ConvTransposeNd):
    """Transposed convolution of images (N, C, H, W)."""

    _dims = 2

    def _conv(self, *args: Any) -> Any:
        return F.conv_transpose2d(*args)


class ConvTranspose3d(_ConvTransposeNd):
    """Transposed convolution of volumes (N, C, D, H, W)."""

    _dims = 3

    def _conv(self, *args: Any) -> Any:
        return F.conv_transpose3d(*args)


class _LazyConvXdMixin(LazyModuleMixin):
    """Takes ``in_channels`` from the first input."""

    in_channels: int
    out_channels: int
    groups: int
    weight: Any
    bias: Any
    _dims: int
    _weight_shape: Callable[[], tuple[int, ...]]

    def _leave_open(self, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_channels = out_channels
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw new weights once the shapes are known."""
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Any, *args: Any, **kwargs: Any) -> None:
        """Take the channels of ``input``."""
        if not self.has_uninitialized_params():
            return
        self.in_channels = self._get_in_channels(input)
        if self.in_channels % self.groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        self.weight.materialize(self._weight_shape())
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()

    def _get_in_channels(self, input: Any) -> int:
        unbatched, batched = self._dims + 1, self._dims + 2
        if input.dim() not in (unbatched, batched):
            raise RuntimeError(
                f"Expected {unbatched}D (unbatched) or {batched}D (batched) input "
                f"to {type(self).__name__}, but got input of size: {input.shape}"
            )
        return input.shape[input.dim() - unbatched]


class _LazyConv(_LazyConvXdMixin):
    """The constructor of lazy convolutions."""

    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        """Leave weight and bias without shapes."""
        super().__init__(
            *(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode),
            *(device, dtype),
        )
        self._leave_open(out_channels, bias, device, dtype)


class _LazyConvTranspose(_LazyConvXdMixin):
    """The constructor of lazy transposed convolutions."""

    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        """Leave weight and bias without shapes."""
        super().__init__(
            *(0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation),
            *(padding_mode, device, dtype),
        )
        self._leave_open(out_channels, bias, device, dtype)


class LazyConv1d(_LazyConv, Conv1d):
    """A ``Conv1d`` that takes ``in_channels`` from its first input."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """A ``Conv2d`` that takes ``in_channels`` from its first input."""

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """A ``Conv3d`` that takes ``in_channels`` from its first input."""

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    """A ``ConvTranspose1d`` that takes ``in_channels`` from its first input."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    """A ``ConvTranspose2d`` that takes ``in_channels`` from its first input."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):
    """A ``ConvTranspose3d`` that takes ``in_channels`` from its first input."""

    cls_to_become = ConvTranspose3d
