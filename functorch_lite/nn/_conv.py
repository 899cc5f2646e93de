"""Convolutions and transposed convolutions in one to three dimensions, channels first.

The arithmetic is ``ops.layers.conv``, which PyTorch-style modules use as well.  Floor 5.
"""

from typing import Any, ClassVar

import jax.numpy as jnp

from ..ops.layers import conv
from ..ops.layers._windows import per_dim
from ..ops.shape.pad import pad
from ._check import as_input, check_ndim, check_size
from ._contract import Key, Params, Plain, State
from ._initial import weight_and_bias

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")
_PADDING_WORDS = ("valid", "same")


def _check_groups(layer: Any) -> None:
    for name in ("in_channels", "out_channels"):
        if layer.groups < 1 or getattr(layer, name) % layer.groups:
            raise ValueError(
                f"{layer!r}: {name}={getattr(layer, name)} cannot be split into "
                f"groups={layer.groups}: choose groups that divide it"
            )


class _Conv(Plain):
    """What convolutions of all dimensions share."""

    in_channels: int
    out_channels: int
    kernel_size: int | tuple[int, ...]
    stride: int | tuple[int, ...] = 1
    padding: int | tuple[int, ...] | str = 0
    dilation: int | tuple[int, ...] = 1
    groups: int = 1
    bias: bool = True
    padding_mode: str = "zeros"
    dtype: Any = jnp.float32

    _dims: ClassVar[int]

    def __post_init__(self) -> None:
        """Check that the settings fit together."""
        super().__post_init__()
        _check_groups(self)
        if self.padding_mode not in _PADDING_MODES:
            raise ValueError(
                f"{self!r}: unknown padding_mode {self.padding_mode!r}: "
                f"use one of {', '.join(_PADDING_MODES)}"
            )
        if isinstance(self.padding, str) and self.padding not in _PADDING_WORDS:
            raise ValueError(
                f"{self!r}: unknown padding {self.padding!r}: use 'valid', 'same' or numbers"
            )
        if self.padding == "same" and any(s != 1 for s in per_dim(self.stride, self._dims)):
            raise ValueError(
                f"{self!r}: padding='same' needs stride=1: give the padding in numbers"
            )

    def init(self, key: Key) -> tuple[Params, State]:
        """Draw weight and bias."""
        kernel = per_dim(self.kernel_size, self._dims)
        shape = (self.out_channels, self.in_channels // self.groups, *kernel)
        bias = self.out_channels if self.bias else None
        return weight_and_bias(key, shape, bias, self.dtype), {}

    def forward(self, params: Params, input: Any) -> Any:
        """(N, in_channels, *) or (in_channels, *) -> the same with out_channels."""
        n = self._dims
        x = as_input(self, input, params["weight"])
        check_ndim(self, x, n + 1, n + 2)
        check_size(self, x, -n - 1, "in_channels")
        padding = self.padding
        if self.padding_mode != "zeros":
            x, padding = pad(x, self._pads(), self.padding_mode), 0
        weight, bias = params["weight"], params.get("bias")
        fun = getattr(conv, f"conv{n}d")
        return fun(x, weight, bias, self.stride, padding, self.dilation, self.groups)

    def _pads(self) -> tuple[int, ...]:
        """The padding as ``pad`` takes it: (low, high) of each dimension from the last one."""
        n, padding = self._dims, self.padding
        if not isinstance(padding, str):
            return tuple(p for size in reversed(per_dim(padding, n)) for p in (size, size))
        kernels, dilations = per_dim(self.kernel_size, n), per_dim(self.dilation, n)
        spans = [d * (k - 1) for k, d in zip(kernels, dilations, strict=True)]
        spans = [span if padding == "same" else 0 for span in spans]
        return tuple(p for span in reversed(spans) for p in (span // 2, span - span // 2))


class Conv1d(_Conv):
    """Cross-correlation of signals: (N, in_channels, L) -> (N, out_channels, L').

    Sizes are ints, or tuples with one int a dimension; ``padding`` may be "same" or "valid";
    ``padding_mode`` is "zeros", "reflect", "replicate" or "circular".
    Params: ``weight`` (out_channels, in_channels / groups, K) and ``bias`` (out_channels,), drawn
    from U(-b, b) with b = 1 / sqrt(products per output).
    """

    _dims = 1


class Conv2d(_Conv):
    """Cross-correlation of images: (N, in_channels, H, W) -> (N, out_channels, H', W').

    Settings and params as in :class:`Conv1d`, with a weight (out, in / groups, KH, KW).

    >>> layer = Conv2d(3, 8, kernel_size=3, padding=1)
    >>> layer({"weight": jnp.ones((8, 3, 3, 3))}, jnp.ones((2, 3, 5, 5))).shape
    (2, 8, 5, 5)
    """

    _dims = 2


class Conv3d(_Conv):
    """Cross-correlation of volumes: (N, in_channels, D, H, W) -> (N, out_channels, D', H', W').

    Settings and params as in :class:`Conv1d`, with a weight (out, in / groups, KD, KH, KW).
    """

    _dims = 3


class _ConvTranspose(Plain):
    """What transposed convolutions of all dimensions share."""

    in_channels: int
    out_channels: int
    kernel_size: int | tuple[int, ...]
    stride: int | tuple[int, ...] = 1
    padding: int | tuple[int, ...] = 0
    output_padding: int | tuple[int, ...] = 0
    groups: int = 1
    bias: bool = True
    dilation: int | tuple[int, ...] = 1
    dtype: Any = jnp.float32

    _dims: ClassVar[int]

    def __post_init__(self) -> None:
        """Check that the settings fit together."""
        super().__post_init__()
        _check_groups(self)

    def init(self, key: Key) -> tuple[Params, State]:
        """Draw weight and bias."""
        kernel = per_dim(self.kernel_size, self._dims)
        shape = (self.in_channels, self.out_channels // self.groups, *kernel)
        bias = self.out_channels if self.bias else None
        return weight_and_bias(key, shape, bias, self.dtype), {}

    def forward(self, params: Params, input: Any) -> Any:
        """(N, in_channels, *) or (in_channels, *) -> the same with out_channels."""
        n = self._dims
        x = as_input(self, input, params["weight"])
        check_ndim(self, x, n + 1, n + 2)
        check_size(self, x, -n - 1, "in_channels")
        sizes = (self.stride, self.padding, self.output_padding, self.groups, self.dilation)
        fun = getattr(conv, f"conv_transpose{n}d")
        return fun(x, params["weight"], params.get("bias"), *sizes)


class ConvTranspose1d(_ConvTranspose):
    """The transpose of :class:`Conv1d` as a layer: (N, in_channels, L) -> (N, out_channels, L').

    Params: ``weight`` (in_channels, out_channels / groups, K) and ``bias`` (out_channels,), drawn
    as PyTorch does, from U(-b, b) with b = 1 / sqrt(out_channels / groups * K).
    """

    _dims = 1


class ConvTranspose2d(_ConvTranspose):
    """The transpose of :class:`Conv2d` as a layer; params as in :class:`ConvTranspose1d`."""

    _dims = 2


class ConvTranspose3d(_ConvTranspose):
    """The transpose of :class:`Conv3d` as a layer; params as in :class:`ConvTranspose1d`."""

    _dims = 3
