"""Transformer blocks (Vaswani et al. 2017), made of the other layers.

A stack with PyTorch's keys is ``serial(layers=repeat(block, 6), norm=LayerNorm(d_model))``.
Floor 5.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp

from ..ops.pointwise.activation import gelu, relu
from ._attention import MultiheadAttention
from ._composite import Call, Composite
from ._contract import Layer
from ._dropout import Dropout
from ._linear import Linear
from ._norm import LayerNorm

_ACTIVATIONS: dict[str, Callable[..., Any]] = {"relu": relu, "gelu": gelu}


class _Block(Composite):
    """What encoder and decoder blocks share."""

    d_model: int
    nhead: int
    dim_feedforward: int = 2048
    dropout: float = 0.1
    activation: str | Callable[..., Any] = "relu"
    layer_norm_eps: float = 1e-5
    batch_first: bool = False
    norm_first: bool = False
    bias: bool = True
    is_causal: bool = False
    dtype: Any = jnp.float32

    def __post_init__(self) -> None:
        """Check the activation and the heads."""
        super().__post_init__()
        if isinstance(self.activation, str) and self.activation not in _ACTIVATIONS:
            raise ValueError(
                f"{self!r}: unknown activation {self.activation!r}: use 'relu', 'gelu' or a "
                "function"
            )
        self.children()

    def children(self) -> Mapping[str, Layer]:
        """The children, under PyTorch's names."""
        more: dict[str, Any] = {"bias": self.bias, "dtype": self.dtype}
        attention = {"dropout": self.dropout, "batch_first": self.batch_first, **more}
        found: dict[str, Layer] = {
            "self_attn": MultiheadAttention(
                self.d_model, self.nhead, is_causal=self.is_causal, **attention
            ),
            **self._more_children(attention),
            "linear1": Linear(self.d_model, self.dim_feedforward, **more),
            "dropout": Dropout(self.dropout),
            "linear2": Linear(self.dim_feedforward, self.d_model, **more),
        }
        for i in range(1, self._parts() + 1):
            found[f"norm{i}"] = LayerNorm(self.d_model, self.layer_norm_eps, **more)
            found[f"dropout{i}"] = Dropout(self.dropout)
        return found

    def _parts(self) -> int:
        """How many residual parts the block has."""
        return 2

    def _more_children(self, attention: dict[str, Any]) -> dict[str, Layer]:
        return {}

    def _part(self, call: Call, number: int, x: Any, inner: Callable[[Any], Any]) -> Any:
        """Residual part ``number``: ``x + dropout(inner(x))``, normalised before or after."""
        norm, dropout = f"norm{number}", f"dropout{number}"
        if self.norm_first:
            return x + call(dropout, inner(call(norm, x)))
        return call(norm, x + call(dropout, inner(x)))

    def _feed_forward(self, call: Call, x: Any) -> Any:
        act = self.activation if callable(self.activation) else _ACTIVATIONS[self.activation]
        return call("linear2", call("dropout", act(call("linear1", x))))


class TransformerEncoderLayer(_Block):
    """Self-attention and a feed-forward network, each with a residual and a ``LayerNorm``.

    (L, N, d_model), or (N, L, d_model) with ``batch_first``, -> the same shape.  ``norm_first``
    normalises before instead of after.  ``is_causal`` makes it the block of a decoder-only language
    model: position i sees positions up to i.
    Keys: ``self_attn``, ``linear1``, ``linear2``, ``norm1``, ``norm2``.

    >>> import jax
    >>> block = TransformerEncoderLayer(8, 2, 16, batch_first=True, is_causal=True)
    >>> params, _ = jax.jit(block.init)(jax.random.key(0))
    >>> jax.jit(block)(params, jnp.ones((3, 5, 8))).shape
    (3, 5, 8)
    """

    def forward(
        self, call: Call, src: Any, *, src_mask: Any = None, src_key_padding_mask: Any = None
    ) -> Any:
        """(N, L, d_model) -> the same shape; masks as in ``MultiheadAttention``."""
        masks = {"attn_mask": src_mask, "key_padding_mask": src_key_padding_mask}
        x = self._part(call, 1, src, lambda x: call("self_attn", x, **masks))
        return self._part(call, 2, x, lambda x: self._feed_forward(call, x))


class TransformerDecoderLayer(_Block):
    """Self-attention, attention to a memory, and a feed-forward network, each with a residual.

    (N, L, d_model) and the memory (N, S, d_model) -> (N, L, d_model), with ``batch_first``.
    ``is_causal`` is about the self-attention.
    Keys: as in :class:`TransformerEncoderLayer`, ``multihead_attn`` and ``norm3``.
    """

    def _parts(self) -> int:
        return 3

    def _more_children(self, attention: dict[str, Any]) -> dict[str, Layer]:
        return {"multihead_attn": MultiheadAttention(self.d_model, self.nhead, **attention)}

    def forward(
        self,
        call: Call,
        tgt: Any,
        memory: Any,
        *,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
    ) -> Any:
        """(N, L, d_model), (N, S, d_model) -> (N, L, d_model)."""
        own = {"attn_mask": tgt_mask, "key_padding_mask": tgt_key_padding_mask}
        across = {"attn_mask": memory_mask, "key_padding_mask": memory_key_padding_mask}
        x = self._part(call, 1, tgt, lambda x: call("self_attn", x, **own))
        x = self._part(call, 2, x, lambda x: call("multihead_attn", x, memory, **across))
        return self._part(call, 3, x, lambda x: self._feed_forward(call, x))
