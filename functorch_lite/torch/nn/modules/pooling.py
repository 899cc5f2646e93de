"""Pooling layers: maximum, average, p-norm, adaptive, fractional, and undoing the maximum.

Sizes are ints, for all directions, or a tuple with one a direction. ``stride`` is the kernel's size
by default.
"""

from __future__ import annotations

from typing import Any

from .. import functional as F
from ._show import shows
from .module import Module
from .utils import _ntuple

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]

_WINDOW = "kernel_size={kernel_size}, stride={stride}, padding={padding}"


class _MaxPoolNd(Module):
    """Settings of maximum pooling."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        """Keep the settings. ``return_indices`` also returns where the maxima were."""
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def _settings(self) -> dict[str, Any]:
        names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
        return {name: getattr(self, name) for name in names}

    extra_repr = shows(_WINDOW + ", dilation={dilation}, ceil_mode={ceil_mode}")


class MaxPool1d(_MaxPoolNd):
    """Maximum over sliding windows of a signal."""

    def forward(self, input: Any) -> Any:
        """(N, C, L) -> (N, C, L')."""
        return F.max_pool1d(input, **self._settings())


class MaxPool2d(_MaxPoolNd):
    """Maximum over sliding windows of an image."""

    def forward(self, input: Any) -> Any:
        """(N, C, H, W) -> (N, C, H', W')."""
        return F.max_pool2d(input, **self._settings())


class MaxPool3d(_MaxPoolNd):
    """Maximum over sliding windows of a volume."""

    def forward(self, input: Any) -> Any:
        """(N, C, D, H, W) -> (N, C, D', H', W')."""
        return F.max_pool3d(input, **self._settings())


class _MaxUnpoolNd(Module):
    """Put maxima back to where they were, zeros elsewhere."""

    _dims: int

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        """Keep the settings of the pooling that is undone."""
        super().__init__()
        sizes = _ntuple(self._dims)
        self.kernel_size = sizes(kernel_size)
        self.stride = sizes(stride if stride is not None else kernel_size)
        self.padding = sizes(padding)

    extra_repr = shows(_WINDOW)


class MaxUnpool1d(_MaxUnpoolNd):
    """Undo ``MaxPool1d``."""

    _dims = 1

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Any:
        """(N, C, L) twice -> (N, C, L')."""
        return F.max_unpool1d(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )


class MaxUnpool2d(_MaxUnpoolNd):
    """Undo ``MaxPool2d``."""

    _dims = 2

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Any:
        """(N, C, H, W) twice -> (N, C, H', W')."""
        return F.max_unpool2d(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )


class MaxUnpool3d(_MaxUnpoolNd):
    """Undo ``MaxPool3d``."""

    _dims = 3

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Any:
        """(N, C, D, H, W) twice -> (N, C, D', H', W')."""
        return F.max_unpool3d(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )


class AvgPool1d(Module):
    """Mean over sliding windows of a signal. ``count_include_pad`` counts the padding's zeros."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        """Keep the settings."""
        super().__init__()
        single = _ntuple(1)
        self.kernel_size = single(kernel_size)
        self.stride = single(stride if stride is not None else kernel_size)
        self.padding = single(padding)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Any) -> Any:
        """(N, C, L) -> (N, C, L')."""
        return F.avg_pool1d(
            *(input, self.kernel_size, self.stride, self.padding),
            *(self.ceil_mode, self.count_include_pad),
        )

    extra_repr = shows(_WINDOW)


class _AvgPoolNd(Module):
    """Settings of average pooling of images and volumes."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        """Keep the settings. ``divisor_override`` divides the sums in place of the count."""
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpickle; old pickles lack some settings."""
        super().__setstate__(state)
        self.__dict__.setdefault("padding", 0)
        self.__dict__.setdefault("ceil_mode", False)
        self.__dict__.setdefault("count_include_pad", True)

    extra_repr = shows(_WINDOW)


class AvgPool2d(_AvgPoolNd):
    """Mean over sliding windows of an image."""

    def forward(self, input: Any) -> Any:
        """(N, C, H, W) -> (N, C, H', W')."""
        return F.avg_pool2d(
            *(input, self.kernel_size, self.stride, self.padding),
            *(self.ceil_mode, self.count_include_pad, self.divisor_override),
        )


class AvgPool3d(_AvgPoolNd):
    """Mean over sliding windows of a volume."""

    def forward(self, input: Any) -> Any:
        """(N, C, D, H, W) -> (N, C, D', H', W')."""
        return F.avg_pool3d(
            *(input, self.kernel_size, self.stride, self.padding),
            *(self.ceil_mode, self.count_include_pad, self.divisor_override),
        )


class _FractionalMaxPoolNd(Module):
    """Maximum over windows that are placed at random (Graham, 2015)."""

    _dims: int

    def __init__(
        self,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Any = None,
    ) -> None:
        """Keep the settings: the output's size, or its ratio to the input's, between 0 and 1."""
        super().__init__()
        sizes, name = _ntuple(self._dims), type(self).__name__
        self.kernel_size = sizes(kernel_size)
        if self._dims == 3 and any(k <= 0 for k in self.kernel_size):
            raise ValueError(f"kernel_size must be greater than 0, but got {kernel_size}")
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = sizes(output_size) if output_size is not None else None
        self.output_ratio = sizes(output_ratio) if output_ratio is not None else None
        if output_size is None and output_ratio is None:
            raise ValueError(
                f"{name} requires specifying either an output size, or a pooling ratio"
            )
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < r < 1 for r in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")


class FractionalMaxPool2d(_FractionalMaxPoolNd):
    """Fractional maximum pooling of images."""

    _dims = 2

    def forward(self, input: Any) -> Any:
        """(N, C, H, W) -> (N, C, H', W')."""
        return F.fractional_max_pool2d(
            *(input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices),
            _random_samples=self._random_samples,
        )


class FractionalMaxPool3d(_FractionalMaxPoolNd):
    """Fractional maximum pooling of volumes."""

    _dims = 3

    def forward(self, input: Any) -> Any:
        """(N, C, D, H, W) -> (N, C, D', H', W')."""
        return F.fractional_max_pool3d(
            *(input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices),
            _random_samples=self._random_samples,
        )


class _LPPoolNd(Module):
    """Settings of p-norm pooling: (sum of x^p)^(1/p)."""

    def __init__(
        self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
    ) -> None:
        """Keep the settings; ``norm_type`` is p."""
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def _settings(self) -> tuple[Any, ...]:
        return float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode

    extra_repr = shows(
        "norm_type={norm_type}, kernel_size={kernel_size}, stride={stride}, ceil_mode={ceil_mode}"
    )


class LPPool1d(_LPPoolNd):
    """p-norm over sliding windows of a signal."""

    def forward(self, input: Any) -> Any:
        """(N, C, L) -> (N, C, L')."""
        return F.lp_pool1d(input, *self._settings())


class LPPool2d(_LPPoolNd):
    """p-norm over sliding windows of an image."""

    def forward(self, input: Any) -> Any:
        """(N, C, H, W) -> (N, C, H', W')."""
        return F.lp_pool2d(input, *self._settings())


class LPPool3d(_LPPoolNd):
    """p-norm over sliding windows of a volume."""

    def forward(self, input: Any) -> Any:
        """(N, C, D, H, W) -> (N, C, D', H', W')."""
        return F.lp_pool3d(input, *self._settings())


class _AdaptiveMaxPoolNd(Module):
    """Maximum over as many windows as the output has elements."""

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        """Keep the output's size; None in a tuple keeps that of the input."""
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    extra_repr = shows("output_size={output_size}")


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """Maximum pooling of a signal to a given length."""

    def forward(self, input: Any) -> Any:
        """(N, C, L) -> (N, C, output_size)."""
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """Maximum pooling of an image to a given size."""

    def forward(self, input: Any) -> Any:
        """(N, C, H, W) -> (N, C, *output_size)."""
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """Maximum pooling of a volume to a given size."""

    def forward(self, input: Any) -> Any:
        """(N, C, D, H, W) -> (N, C, *output_size)."""
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)


class _AdaptiveAvgPoolNd(Module):
    """Mean over as many windows as the output has elements."""

    def __init__(self, output_size: Any) -> None:
        """Keep the output's size; None in a tuple keeps that of the input."""
        super().__init__()
        self.output_size = output_size

    extra_repr = shows("output_size={output_size}")


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """Average pooling of a signal to a given length."""

    def forward(self, input: Any) -> Any:
        """(N, C, L) -> (N, C, output_size)."""
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """Average pooling of an image to a given size."""

    def forward(self, input: Any) -> Any:
        """(N, C, H, W) -> (N, C, *output_size)."""
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """Average pooling of a volume to a given size."""

    def forward(self, input: Any) -> Any:
        """(N, C, D, H, W) -> (N, C, *output_size)."""
        return F.adaptive_avg_pool3d(input, self.output_size)
