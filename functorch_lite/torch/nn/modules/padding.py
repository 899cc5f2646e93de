"""Layers that pad the last one, two or three dimensions.

``padding`` is an int for all sides, or (left, right[, top, bottom[, front, back]]).
"""

from __future__ import annotations

from typing import Any

from .. import functional as F
from ._show import shows
from .module import Module
from .utils import _ntuple

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class _PadNd(Module):
    """Pad ``_dims`` dimensions by ``_mode`` of ``F.pad``."""

    _dims: int
    _mode: str

    def __init__(self, padding: Any) -> None:
        """Keep the padding, two numbers a dimension."""
        super().__init__()
        self.padding = _ntuple(2 * self._dims)(padding)

    def forward(self, input: Any) -> Any:
        """(N, C, *) or (C, *) -> the padded shape."""
        return F.pad(input, self.padding, self._mode)

    extra_repr = shows("{padding}")


class _CircularPadNd(_PadNd):
    """Go on at the other end."""

    _mode = "circular"

    def forward(self, input: Any) -> Any:
        """(N, C, *) or (C, *) -> the padded shape."""
        low, high = self._dims + 1, self._dims + 2
        if input.dim() not in (low, high):
            raise ValueError(f"expected {low}D or {high}D input (got {input.dim()}D input)")
        return super().forward(input)


class _ConstantPadNd(_PadNd):
    """Pad with one value."""

    def __init__(self, padding: Any, value: float) -> None:
        """Keep padding and value."""
        super().__init__(padding)
        self.value = value

    def forward(self, input: Any) -> Any:
        """(*) -> the padded shape."""
        return F.pad(input, self.padding, "constant", self.value)

    extra_repr = shows("padding={padding}, value={value}")


class _ReflectionPadNd(_PadNd):
    """Mirror at the edge element, which is not repeated."""

    _mode = "reflect"


class _ReplicationPadNd(_PadNd):
    """Repeat the edge element."""

    _mode = "replicate"


class CircularPad1d(_CircularPadNd):
    """Pad a signal from its other end."""

    _dims = 1


class CircularPad2d(_CircularPadNd):
    """Pad an image from its other side."""

    _dims = 2


class CircularPad3d(_CircularPadNd):
    """Pad a volume from its other side."""

    _dims = 3


class ConstantPad1d(_ConstantPadNd):
    """Pad the last dimension with ``value``."""

    _dims = 1


class ConstantPad2d(_ConstantPadNd):
    """Pad the last two dimensions with ``value``."""

    _dims = 2


class ConstantPad3d(_ConstantPadNd):
    """Pad the last three dimensions with ``value``."""

    _dims = 3


class ReflectionPad1d(_ReflectionPadNd):
    """Pad a signal with its mirror image."""

    _dims = 1


class ReflectionPad2d(_ReflectionPadNd):
    """Pad an image with its mirror image."""

    _dims = 2


class ReflectionPad3d(_ReflectionPadNd):
    """Pad a volume with its mirror image."""

    _dims = 3


class ReplicationPad1d(_ReplicationPadNd):
    """Pad a signal with its first and last elements."""

    _dims = 1


class ReplicationPad2d(_ReplicationPadNd):
    """Pad an image with its edge."""

    _dims = 2


class ReplicationPad3d(_ReplicationPadNd):
    """Pad a volume with its surface."""

    _dims = 3


class ZeroPad1d(ConstantPad1d):
    """Pad the last dimension with 0."""

    def __init__(self, padding: Any) -> None:
        """Keep the padding."""
        super().__init__(padding, 0.0)

    extra_repr = shows("{padding}")


class ZeroPad2d(ConstantPad2d):
    """Pad the last two dimensions with 0."""

    def __init__(self, padding: Any) -> None:
        """Keep the padding."""
        super().__init__(padding, 0.0)

    extra_repr = shows("{padding}")


class ZeroPad3d(ConstantPad3d):
    """Pad the last three dimensions with 0."""

    def __init__(self, padding: Any) -> None:
        """Keep the padding."""
        super().__init__(padding, 0.0)

    extra_repr = shows("{padding}")
