"""Sliding blocks: cut an image into columns (``Unfold``), add columns up to one (``Fold``)."""

from __future__ import annotations

from typing import Any

from .. import functional as F
from ._show import shows
from .module import Module

__all__ = ["Fold", "Unfold"]

_WINDOW = "kernel_size={kernel_size}, dilation={dilation}, padding={padding}, stride={stride}"


class Fold(Module):
    """Add overlapping blocks up to an image of ``output_size``."""

    def __init__(
        self,
        output_size: Any,
        kernel_size: Any,
        dilation: Any = 1,
        padding: Any = 0,
        stride: Any = 1,
    ) -> None:
        """Keep the settings; an int holds for both directions."""
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Any) -> Any:
        """(N, C * kernel, blocks) -> (N, C, *output_size)."""
        return F.fold(
            *(input, self.output_size, self.kernel_size),
            *(self.dilation, self.padding, self.stride),
        )

    extra_repr = shows("output_size={output_size}, " + _WINDOW)


class Unfold(Module):
    """Cut an image into blocks, one a column."""

    def __init__(
        self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        """Keep the settings; an int holds for both directions."""
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Any) -> Any:
        """(N, C, H, W) -> (N, C * kernel, blocks)."""
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    extra_repr = shows(_WINDOW)
