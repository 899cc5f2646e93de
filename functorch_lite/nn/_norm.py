"""Normalisation by the statistics of each sample: layer, group and root mean square.

Those with running statistics are in ``_statistics.py``.  The input may be float16 or bfloat16 while
the params are float32.  Floor 5.
"""

from typing import Any

import jax.numpy as jnp

from ..ops.layers.normalize import group_norm, layer_norm, rms_norm
from ._check import as_input, check_size
from ._contract import Key, Params, Plain, State


def affine_params(shape: tuple[int, ...], weight: bool, bias: bool, dtype: Any) -> Params:
    """Return a ``weight`` of ones and a ``bias`` of zeros, as far as they are wanted."""
    params = {"weight": jnp.ones(shape, dtype)} if weight else {}
    return params | ({"bias": jnp.zeros(shape, dtype)} if weight and bias else {})


class _TrailingNorm(Plain):
    """A normalisation over the last axes, of ``normalized_shape``."""

    normalized_shape: int | tuple[int, ...]

    @property
    def _shape(self) -> tuple[int, ...]:
        shape = self.normalized_shape
        return (shape,) if isinstance(shape, int) else tuple(shape)

    def _checked(self, input: Any) -> Any:
        x = as_input(self, input)
        if x.shape[-len(self._shape) :] != self._shape:
            raise ValueError(
                f"{self!r}: the input must end in the axes {self._shape}, got shape {x.shape}: "
                "change normalized_shape, or move the axes"
            )
        return x


class LayerNorm(_TrailingNorm):
    """Mean 0 and variance 1 over the last axes, then scale and shift (Ba et al. 2016).

    (*, *normalized_shape) -> the same shape.  Params: ``weight``, ones, and ``bias``, zeros, of
    ``normalized_shape``.

    >>> LayerNorm(2)({}, jnp.array([[1.0, 3.0]])).round(3)
    Array([[-1.,  1.]], dtype=float32)
    """

    eps: float = 1e-5
    elementwise_affine: bool = True
    bias: bool = True
    dtype: Any = jnp.float32

    def init(self, key: Key) -> tuple[Params, State]:
        """Make weight and bias."""
        return affine_params(self._shape, self.elementwise_affine, self.bias, self.dtype), {}

    def forward(self, params: Params, input: Any) -> Any:
        """(*, *normalized_shape) -> the same shape."""
        x = self._checked(input)
        args = (params.get("weight"), params.get("bias"), self.eps)
        return layer_norm(x, self._shape, *args)  # type: ignore[arg-type]


class RMSNorm(_TrailingNorm):
    """Divide by the root mean square over the last axes, then scale (Zhang and Sennrich 2019).

    (*, *normalized_shape) -> the same shape.  ``eps`` None is the epsilon of the dtype.
    Params: ``weight``, ones, of ``normalized_shape``.
    """

    eps: float | None = None
    elementwise_affine: bool = True
    dtype: Any = jnp.float32

    def init(self, key: Key) -> tuple[Params, State]:
        """Make the weight."""
        return affine_params(self._shape, self.elementwise_affine, False, self.dtype), {}

    def forward(self, params: Params, input: Any) -> Any:
        """(*, *normalized_shape) -> the same shape."""
        x = self._checked(input)
        return rms_norm(x, self._shape, params.get("weight"), self.eps)  # type: ignore


class GroupNorm(Plain):
    """Mean 0 and variance 1 over each group of channels, then scale and shift (Wu and He 2018).

    (N, num_channels, *) -> the same shape.  Params: ``weight``, ones, and ``bias``, zeros,
    (num_channels,).
    """

    num_groups: int
    num_channels: int
    eps: float = 1e-5
    affine: bool = True
    bias: bool = True
    dtype: Any = jnp.float32

    def __post_init__(self) -> None:
        """Check that the groups divide the channels."""
        super().__post_init__()
        if self.num_groups < 1 or self.num_channels % self.num_groups:
            raise ValueError(
                f"{self!r}: num_channels must be a multiple of num_groups: "
                f"{self.num_channels} is not one of {self.num_groups}"
            )

    def init(self, key: Key) -> tuple[Params, State]:
        """Make weight and bias."""
        return affine_params((self.num_channels,), self.affine, self.bias, self.dtype), {}

    def forward(self, params: Params, input: Any) -> Any:
        """(N, num_channels, *) -> the same shape."""
        x = as_input(self, input)
        check_size(self, x, 1, "num_channels")
        args = (params.get("weight"), params.get("bias"), self.eps)
        return group_norm(x, self.num_groups, *args)
