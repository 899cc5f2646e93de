"""Pooling: the maximum or the mean of windows.  Channels first; the batch axis may be missing.

Sizes are ints, for all dimensions, or tuples; ``stride`` None is the kernel's size.  Floor 5.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from .._core.types import Array
from ..ops.layers import pool_avg, pool_max
from ._check import as_input, check_ndim
from ._contract import Params, Plain

Sizes = int | tuple[int, ...]


class _Pool(Plain):
    """A layer without params that pools the last ``_dims`` axes with ``_pool``."""

    _dims: ClassVar[int]
    _pool: ClassVar[Callable[..., Array]]

    def _settings(self) -> tuple[Any, ...]:
        raise NotImplementedError

    def forward(self, params: Params, input: Any) -> Any:
        """(N, C, *) or (C, *) -> the same with fewer elements along the last axes."""
        x = as_input(self, input)
        check_ndim(self, x, self._dims + 1, self._dims + 2)
        return type(self)._pool(x, *self._settings())


class _MaxPool(_Pool):
    """What maximum pooling of all dimensions shares."""

    kernel_size: Sizes
    stride: Sizes | None = None
    padding: Sizes = 0
    dilation: Sizes = 1
    ceil_mode: bool = False

    def _settings(self) -> tuple[Any, ...]:
        return self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode


class MaxPool1d(_MaxPool):
    """Maximum over windows of signals: (N, C, L) -> (N, C, L')."""

    _dims, _pool = 1, staticmethod(pool_max.max_pool1d)


class MaxPool2d(_MaxPool):
    """Maximum over windows of images: (N, C, H, W) -> (N, C, H', W').

    >>> import jax.numpy as jnp
    >>> MaxPool2d(2)({}, jnp.arange(16.0).reshape(1, 1, 4, 4))
    Array([[[[ 5.,  7.],
             [13., 15.]]]], dtype=float32)
    """

    _dims, _pool = 2, staticmethod(pool_max.max_pool2d)


class MaxPool3d(_MaxPool):
    """Maximum over windows of volumes: (N, C, D, H, W) -> (N, C, D', H', W')."""

    _dims, _pool = 3, staticmethod(pool_max.max_pool3d)


class _AvgPool(_Pool):
    """What average pooling of all dimensions shares."""

    kernel_size: Sizes
    stride: Sizes | None = None
    padding: Sizes = 0
    ceil_mode: bool = False
    count_include_pad: bool = True

    def _settings(self) -> tuple[Any, ...]:
        return (
            *(self.kernel_size, self.stride, self.padding),
            *(self.ceil_mode, self.count_include_pad),
        )


class AvgPool1d(_AvgPool):
    """Mean over windows of signals: (N, C, L) -> (N, C, L')."""

    _dims, _pool = 1, staticmethod(pool_avg.avg_pool1d)


class AvgPool2d(_AvgPool):
    """Mean over windows of images: (N, C, H, W) -> (N, C, H', W')."""

    _dims, _pool = 2, staticmethod(pool_avg.avg_pool2d)


class AvgPool3d(_AvgPool):
    """Mean over windows of volumes: (N, C, D, H, W) -> (N, C, D', H', W')."""

    _dims, _pool = 3, staticmethod(pool_avg.avg_pool3d)


class _AdaptivePool(_Pool):
    """Pooling to ``output_size`` whatever the input's size; None keeps a size."""

    output_size: int | tuple[int | None, ...]

    def _settings(self) -> tuple[Any, ...]:
        return (self.output_size,)


class AdaptiveAvgPool1d(_AdaptivePool):
    """Mean over ``output_size`` windows that cover (N, C, L) evenly."""

    _dims, _pool = 1, staticmethod(pool_avg.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptivePool):
    """Mean over (OH, OW) windows that cover (N, C, H, W) evenly; 1 is the mean of each channel."""

    _dims, _pool = 2, staticmethod(pool_avg.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_AdaptivePool):
    """Mean over (OD, OH, OW) windows that cover (N, C, D, H, W) evenly."""

    _dims, _pool = 3, staticmethod(pool_avg.adaptive_avg_pool3d)


def _values(pool: Callable[..., tuple[Array, Array]]) -> Any:
    """Return ``pool`` without the positions of the maxima."""
    return staticmethod(lambda *args: pool(*args)[0])


class AdaptiveMaxPool1d(_AdaptivePool):
    """Maximum over ``output_size`` windows that cover (N, C, L) evenly."""

    _dims, _pool = 1, _values(pool_max.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptivePool):
    """Maximum over (OH, OW) windows that cover (N, C, H, W) evenly."""

    _dims, _pool = 2, _values(pool_max.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptivePool):
    """Maximum over (OD, OH, OW) windows that cover (N, C, D, H, W) evenly."""

    _dims, _pool = 3, _values(pool_max.adaptive_max_pool3d)
