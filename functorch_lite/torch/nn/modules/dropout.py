"""Dropout layers: in training mode, set elements or channels to zero at random."""

from __future__ import annotations

from typing import Any

from .. import functional as F
from ._show import shows
from .module import Module

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _DropoutNd(Module):
    """The settings: probability ``p`` of a zero, and whether to write into the input."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        """Check ``p``."""
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    extra_repr = shows("p={p}, inplace={inplace}")


class Dropout(_DropoutNd):
    """Zero each element with probability ``p``; divide the others by 1 - p."""

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_DropoutNd):
    """Zero whole channels of a signal."""

    def forward(self, input: Any) -> Any:
        """(N, C, L) or (C, L) -> the same shape."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """Zero whole channels of an image."""

    def forward(self, input: Any) -> Any:
        """(N, C, H, W) or (C, H, W) -> the same shape."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_DropoutNd):
    """Zero whole channels of a volume."""

    def forward(self, input: Any) -> Any:
        """(N, C, D, H, W) or (C, D, H, W) -> the same shape."""
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    """Dropout that keeps mean 0 and variance 1, for SELU networks (Klambauer et al., 2017)."""

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_DropoutNd):
    """``AlphaDropout`` of whole channels."""

    def forward(self, input: Any) -> Any:
        """(N, C, *) -> (N, C, *)."""
        return F.feature_alpha_dropout(input, self.p, self.training)
