"""Dropout: in training, zero at random and scale up what is kept.  All chance is in ``key``.

The masks are JAX's, not those of ``torch.manual_seed``.  Floor 5.
"""

from typing import Any, ClassVar

import jax

from .._core.types import Array, Shape
from ..ops.pointwise.activation import scaled_mask
from ._check import as_input, as_probability, check_ndim
from ._contract import Key, Layer, Params, State


def keep_mask(layer: Any, key: Key | None, p: float, shape: Shape) -> Array:
    """Draw True with probability 1 - p for each element of ``shape``; ValueError without a key."""
    if key is None:
        raise ValueError(
            f"{layer!r}: dropout in training needs a key: "
            "apply(params, state, x, key=jax.random.key(0), train=True), another key at each step"
        )
    return jax.random.bernoulli(key, 1 - p, shape)


def keep_scale(p: float) -> float:
    """Return 1 / (1 - p), and 0 where nothing is kept."""
    return 0.0 if p == 1 else 1 / (1 - p)


class Dropout(Layer):
    """Zero each element with probability ``p`` and divide the others by 1 - p: (*) -> (*).

    >>> import jax.numpy as jnp
    >>> Dropout(0.5)({}, jnp.ones(3))
    Array([1., 1., 1.], dtype=float32)
    >>> kept = Dropout(0.5)({}, jnp.ones(1000), key=jax.random.key(0), train=True)
    >>> sorted(set(kept.tolist()))
    [0.0, 2.0]
    """

    p: float = 0.5

    def __post_init__(self) -> None:
        """Check that ``p`` is a probability."""
        super().__post_init__()
        as_probability(self, "p")

    def _mask_shape(self, input: Array) -> Shape:
        return input.shape

    def apply(
        self,
        params: Params,
        state: State,
        input: Any,
        *,
        key: Key | None = None,
        train: bool = False,
    ) -> tuple[Any, State]:
        """(*) -> (*); the input itself unless ``train``."""
        x = as_input(self, input)
        shape = self._mask_shape(x)
        if not train or self.p == 0:
            return x, state
        return scaled_mask(x, keep_mask(self, key, self.p, shape), keep_scale(self.p)), state


class _ChannelDropout(Dropout):
    """Dropout of whole channels."""

    _dims: ClassVar[int]

    def _mask_shape(self, input: Array) -> Shape:
        n = self._dims
        check_ndim(self, input, n + 1, n + 2)
        return (*input.shape[:-n], *(1,) * n)


class Dropout1d(_ChannelDropout):
    """Zero whole channels of (N, C, L) or (C, L) with probability ``p``."""

    _dims = 1


class Dropout2d(_ChannelDropout):
    """Zero whole channels of (N, C, H, W) or (C, H, W) with probability ``p``."""

    _dims = 2


class Dropout3d(_ChannelDropout):
    """Zero whole channels of (N, C, D, H, W) or (C, D, H, W) with probability ``p``."""

    _dims = 3
