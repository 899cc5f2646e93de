"""Layers that join or split dimensions."""

from __future__ import annotations

from typing import Any

from ._show import shows
from .module import Module

__all__ = ["Flatten", "Unflatten"]


class Flatten(Module):
    """Join the dimensions from ``start_dim`` to ``end_dim``; by default all but the batch."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        """Keep the range."""
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Any) -> Any:
        """(N, *) -> (N, product of *)."""
        return input.flatten(self.start_dim, self.end_dim)

    extra_repr = shows("start_dim={start_dim}, end_dim={end_dim}")


class Unflatten(Module):
    """Split dimension ``dim`` into ``unflattened_size``."""

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        """Check that the size is a tuple or list of ints."""
        super().__init__()
        _check_sizes(unflattened_size)
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input: Any) -> Any:
        """(*, S, *) -> (*, *unflattened_size, *)."""
        return input.unflatten(self.dim, self.unflattened_size)

    extra_repr = shows("dim={dim}, unflattened_size={unflattened_size}")


def _check_sizes(sizes: Any) -> None:
    if not isinstance(sizes, (tuple, list)):
        raise TypeError(
            f"unflattened_size must be a tuple of ints, but found type {type(sizes).__name__}"
        )
    for i, size in enumerate(sizes):
        if not isinstance(size, int):
            raise TypeError(
                "unflattened_size must be tuple of ints, "
                f"but found element of type {type(size).__name__} at pos {i}"
            )
