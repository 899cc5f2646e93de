"""Layers that multiply by a matrix or look up its rows: Linear, Bilinear, Embedding.  Floor 5."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from ..ops.indexing.embedding import embedding
from ..ops.linear.addmm import bilinear, linear
from ._check import as_input, check_size
from ._contract import Key, Params, Plain, State
from ._initial import uniform_params, weight_and_bias


class Linear(Plain):
    """``x @ weight.T + bias``: (*, in_features) -> (*, out_features).

    Params: ``weight`` (out_features, in_features), ``bias`` (out_features,), drawn from U(-b, b)
    with b = 1 / sqrt(in_features).

    >>> layer = Linear(3, 2)
    >>> params, state = layer.init(jax.random.key(0))
    >>> layer(params, jnp.ones((5, 3))).shape
    (5, 2)
    """

    in_features: int
    out_features: int
    bias: bool = True
    dtype: Any = jnp.float32

    def init(self, key: Key) -> tuple[Params, State]:
        """Draw weight and bias."""
        shape = (self.out_features, self.in_features)
        bias = self.out_features if self.bias else None
        return weight_and_bias(key, shape, bias, self.dtype), {}

    def forward(self, params: Params, input: Any) -> Any:
        """(*, in_features) -> (*, out_features)."""
        x = as_input(self, input, params["weight"])
        check_size(self, x, -1, "in_features")
        return linear(x, params["weight"], params.get("bias"))


class Bilinear(Plain):
    """``x @ weight[m] @ y + bias[m]``: (*, in1_features), (*, in2_features) -> (*, out_features).

    Params: ``weight`` (out_features, in1_features, in2_features) and ``bias`` (out_features,),
    drawn from U(-b, b) with b = 1 / sqrt(in1_features).
    """

    in1_features: int
    in2_features: int
    out_features: int
    bias: bool = True
    dtype: Any = jnp.float32

    def init(self, key: Key) -> tuple[Params, State]:
        """Draw weight and bias."""
        shapes = {"weight": (self.out_features, self.in1_features, self.in2_features)}
        if self.bias:
            shapes["bias"] = (self.out_features,)  # type: ignore[assignment]
        return uniform_params(key, shapes, 1 / math.sqrt(self.in1_features), self.dtype), {}

    def forward(self, params: Params, input1: Any, input2: Any) -> Any:
        """(*, in1_features), (*, in2_features) -> (*, out_features)."""
        x, y = (as_input(self, each, params["weight"]) for each in (input1, input2))
        check_size(self, x, -1, "in1_features")
        check_size(self, y, -1, "in2_features")
        return bilinear(x, y, params["weight"], params.get("bias"))


class Embedding(Plain):
    """Rows of a table: integers (*) -> (*, embedding_dim).

    Params: ``weight`` (num_embeddings, embedding_dim) from N(0, 1); row ``padding_idx`` is 0 and
    has no gradient.  ``scale_grad_by_freq`` divides a row's gradient by how often it was used.
    An index out of range raises, but under ``jit`` it is clamped to the table.
    """

    num_embeddings: int
    embedding_dim: int
    padding_idx: int | None = None
    scale_grad_by_freq: bool = False
    dtype: Any = jnp.float32

    def __post_init__(self) -> None:
        """Check that ``padding_idx`` is a row."""
        super().__post_init__()
        n = self.num_embeddings
        if self.padding_idx is not None and not -n <= self.padding_idx < n:
            raise ValueError(f"{self!r}: padding_idx must be a row, {-n} to {n - 1}")

    @property
    def _padding(self) -> int:
        """The row of ``padding_idx`` counted from the front; -1 is none."""
        return -1 if self.padding_idx is None else self.padding_idx % self.num_embeddings

    def init(self, key: Key) -> tuple[Params, State]:
        """Draw the table."""
        shape = (self.num_embeddings, self.embedding_dim)
        weight = jax.random.normal(key, shape, self.dtype)
        return {"weight": weight if self._padding < 0 else weight.at[self._padding].set(0)}, {}

    def forward(self, params: Params, input: Any) -> Any:
        """Integers (*) -> (*, embedding_dim)."""
        indices = jnp.asarray(input)
        if not jnp.issubdtype(indices.dtype, jnp.integer):
            raise TypeError(
                f"{self!r}: the input must be integers, got {indices.dtype}: "
                "use x.astype(jnp.int32)"
            )
        self._check_range(indices)
        if indices.dtype.itemsize < 4:
            indices = indices.astype(jnp.int32)
        return embedding(params["weight"], indices, self._padding, self.scale_grad_by_freq)

    def _check_range(self, indices: jax.Array) -> None:
        if isinstance(indices, Tracer) or not indices.size:
            return
        values = np.asarray(indices)
        worst = values.min() if values.min() < 0 else values.max()
        if not 0 <= worst < self.num_embeddings:
            raise IndexError(
                f"{self!r}: index {worst} is out of range, the table has rows 0 to "
                f"{self.num_embeddings - 1}: make num_embeddings larger, or mend the indices"
            )
