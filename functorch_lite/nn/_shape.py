"""Layers that only change the shape, or nothing: Flatten, Unflatten, Identity.  Floor 5."""

import math
from typing import Any

from ._check import as_input
from ._contract import Params, Plain


class Identity(Plain):
    """Return the input as it is."""

    def forward(self, params: Params, input: Any) -> Any:
        """Anything -> the same."""
        return input


class Flatten(Plain):
    """Join the axes ``start_dim`` to ``end_dim``, by default all but the first.

    >>> import jax.numpy as jnp
    >>> Flatten()({}, jnp.ones((2, 3, 4))).shape
    (2, 12)
    """

    start_dim: int = 1
    end_dim: int = -1

    def forward(self, params: Params, input: Any) -> Any:
        """(N, *) -> (N, product of *)."""
        x = as_input(self, input)
        start, end = (d + x.ndim if d < 0 else d for d in (self.start_dim, self.end_dim))
        if not 0 <= start <= end < x.ndim:
            raise ValueError(
                f"{self!r}: the input has no axes {self.start_dim} to {self.end_dim} in this "
                f"order, its shape is {x.shape}"
            )
        middle = math.prod(x.shape[start : end + 1])
        return x.reshape(*x.shape[:start], middle, *x.shape[end + 1 :])


class Unflatten(Plain):
    """Split the axis ``dim`` into ``unflattened_size``; one size may be -1."""

    dim: int
    unflattened_size: tuple[int, ...]

    def forward(self, params: Params, input: Any) -> Any:
        """(*, S, *) -> (*, *unflattened_size, *)."""
        x = as_input(self, input)
        axis = self.dim + x.ndim if self.dim < 0 else self.dim
        return x.reshape(*x.shape[:axis], *self.unflattened_size, *x.shape[axis + 1 :])
