"""Layers that trade channels for resolution."""

from __future__ import annotations

from typing import Any

from .. import functional as F
from ._show import shows
from .module import Module

__all__ = ["PixelShuffle", "PixelUnshuffle"]


class PixelShuffle(Module):
    """Spread groups of r^2 channels over r x r pixels (Shi et al., 2016)."""

    def __init__(self, upscale_factor: int) -> None:
        """Keep r."""
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Any) -> Any:
        """(*, C * r^2, H, W) -> (*, C, H * r, W * r)."""
        return F.pixel_shuffle(input, self.upscale_factor)

    extra_repr = shows("upscale_factor={upscale_factor}")


class PixelUnshuffle(Module):
    """Gather r x r pixels in r^2 channels."""

    def __init__(self, downscale_factor: int) -> None:
        """Keep r."""
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Any) -> Any:
        """(*, C, H * r, W * r) -> (*, C * r^2, H, W)."""
        return F.pixel_unshuffle(input, self.downscale_factor)

    extra_repr = shows("downscale_factor={downscale_factor}")
