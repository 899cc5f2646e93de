"""Attention under the signatures of ``torch.nn.functional``, dropout of the weights included.

Letters: L targets, S sources, B batch, H heads, E embedding, D = E / H.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from .. import _api as torch
from .._engine.override import overridable
from .._engine.register import SPACES
from ._dropout import dropout

__all__ = ["multi_head_attention_forward", "scaled_dot_product_attention"]

Tensor = torch.Tensor
_F = SPACES["nn.functional"]
_attend, _linear, _pad = _F["scaled_dot_product_attention"], _F["linear"], _F["pad"]


@overridable
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Return ``softmax(query key^T * scale + mask) value`` of (*, L, D), (*, S, D) and (*, S, V).

    ``attn_mask`` is added, or True where a source takes part; ``scale`` is 1 / sqrt(D) by default.
    """
    noise = None
    if dropout_p > 0:
        weights = torch.broadcast_shapes(query.shape[:-2], key.shape[:-2] if not enable_gqa else ())
        noise = dropout(
            torch.ones(
                *weights, query.size(-2), key.size(-2), dtype=query.dtype, device=query.device
            ),
            dropout_p,
        )
    given = {"scale": scale, "enable_gqa": enable_gqa, "noise": noise}
    return _attend(query, key, value, attn_mask, dropout_p, is_causal, **given)


# --- checks --------------------------------------------------------------------------------------


def _is_batched(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    padding: Tensor | None,
    mask: Tensor | None,
    heads: int,
) -> bool:
    """Return True for (L, B, E), False for (L, E); AssertionError if the ranks do not agree."""
    rank = query.dim()
    if rank not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {rank}-D query tensor"
        )
    kind = "batched (3-D)" if rank == 3 else "unbatched (2-D)"
    if key.dim() != rank or value.dim() != rank:
        raise AssertionError(
            f"For {kind} `query`, expected `key` and `value` to be {rank}-D"
            f" but found {key.dim()}-D and {value.dim()}-D tensors respectively"
        )
    if padding is not None and padding.dim() != rank - 1:
        raise AssertionError(
            f"For {kind} `query`, expected `key_padding_mask` to be `None` or {rank - 1}-D"
            f" but found {padding.dim()}-D tensor instead"
        )
    if mask is not None and mask.dim() not in (2, 3):
        raise AssertionError(
            f"For {kind} `query`, expected `attn_mask` to be `None`, 2-D or 3-D"
            f" but found {mask.dim()}-D tensor instead"
        )
    if mask is not None and rank == 2 and mask.dim() == 3:
        expected = (heads, query.shape[0], key.shape[0])
        if mask.shape != expected:
            raise AssertionError(
                f"Expected `attn_mask` shape to be {expected} but got {mask.shape}"
            )
    return rank == 3


def _added(
    mask: Tensor | None, name: str, dtype: Any, other: Tensor | None = None
) -> Tensor | None:
    """Return a mask as numbers to add: minus infinity where a boolean one is True."""
    if mask is None:
        return None
    if mask.dtype != torch.bool and not mask.is_floating_point():
        raise AssertionError(f"only bool and floating types of {name} are supported")
    if other is not None and mask.dtype != other.dtype:
        warnings.warn(
            f"Support for mismatched {name} and attn_mask is deprecated. "
            "Use same type for both instead.",
            stacklevel=5,
        )
    if mask.dtype != torch.bool:
        return mask
    return torch.zeros_like(mask, dtype=dtype).masked_fill_(mask, -math.inf)


def _masks(
    query: Tensor, mask: Tensor | None, padding: Tensor | None, causal: bool, need_weights: bool
) -> tuple[Tensor | None, Tensor | None, bool]:
    """Return both masks as numbers to add, and whether ``is_causal`` can stand for the first."""
    padding = _added(padding, "key_padding_mask", query.dtype, mask)
    if causal and mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module "
            "method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    hint = causal and padding is None and not need_weights
    return None if hint else _added(mask, "attn_mask", query.dtype), padding, hint


def _check_sizes(
    query: Tensor, key: Tensor, value: Tensor, embed: int, heads: int, separate: bool
) -> None:
    own = query.shape[-1]
    if own != embed:
        raise AssertionError(f"was expecting embedding dimension of {embed}, but got {own}")
    if own // heads * heads != own:
        raise AssertionError(f"embed_dim {own} not divisible by num_heads {heads}")
    if separate and key.shape[:2] != value.shape[:2]:
        raise AssertionError(
            f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}"
        )
    if not separate and key.shape != value.shape:
        raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")


def _expand_mask(mask: Tensor | None, sizes: tuple[int, int], rows: int) -> Tensor | None:
    """Return ``attn_mask`` as (1, L, S) or (B * H, L, S)."""
    if mask is None:
        return None
    if mask.dim() == 2:
        if mask.shape != sizes:
            raise RuntimeError(
                f"The shape of the 2D attn_mask is {mask.shape}, but should be {sizes}."
            )
        return mask.unsqueeze(0)
    if mask.dim() != 3:
        raise RuntimeError(f"attn_mask's dimension {mask.dim()} is not supported")
    if mask.shape != (rows, *sizes):
        raise RuntimeError(
            f"The shape of the 3D attn_mask is {mask.shape}, but should be {(rows, *sizes)}."
        )
    return mask


def _merged(mask: Tensor | None, padding: Tensor | None, heads: int) -> Tensor | None:
    """Return the sum of ``attn_mask`` and the (B, S) padding mask, for all heads."""
    if padding is None:
        return mask
    batch, sources = padding.shape
    spread = padding.view(batch, 1, 1, sources).expand(-1, heads, -1, -1)
    spread = spread.reshape(batch * heads, 1, sources)
    return spread if mask is None else mask + spread


# --- projections ---------------------------------------------------------------------------------


def _project_packed(q: Tensor, k: Tensor, v: Tensor, w: Tensor, b: Tensor | None) -> tuple:
    """Project with the three (E, E) weights that lie in ``w``; equal operands share one product."""
    e = q.size(-1)
    if k is v and q is k:
        return _thirds(_linear(q, w, b), 3, e)
    if k is v:
        w_q, w_kv = w.split([e, e * 2])
        b_q, b_kv = (None, None) if b is None else b.split([e, e * 2])
        return (_linear(q, w_q, b_q), *_thirds(_linear(k, w_kv, b_kv), 2, e))
    parts = (None,) * 3 if b is None else b.chunk(3)
    return tuple(
        _linear(x, own, bias) for x, own, bias in zip((q, k, v), w.chunk(3), parts, strict=True)
    )


def _thirds(projected: Tensor, count: int, e: int) -> tuple:
    stacked = projected.unflatten(-1, (count, e)).unsqueeze(0).transpose(0, -2)
    return tuple(stacked.squeeze(-2).contiguous()[i] for i in range(count))


def _project(
    operands: tuple[Tensor, Tensor, Tensor],
    packed: Tensor | None,
    bias: Tensor | None,
    separate: tuple | None,
) -> tuple:
    """Project queries, keys and values with the weights in ``packed``, or with ``separate``
    ones.
    """
    if separate is None:
        if packed is None:
            raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
        return _project_packed(*operands, packed, bias)
    for letter, w in zip("qkv", separate, strict=True):
        if w is None:
            raise AssertionError(
                f"use_separate_proj_weight is True but {letter}_proj_weight is None"
            )
    e = operands[0].size(-1)
    biases = (None,) * 3 if bias is None else bias.chunk(3)
    names = ("query", "key", "value")
    for name, x, w in zip(names, operands, separate, strict=True):
        if w.shape != (e, x.size(-1)):
            raise AssertionError(
                f"expecting {name} weights shape of {(e, x.size(-1))}, but got {w.shape}"
            )
    for name, b in zip(names, biases, strict=True):
        if b is not None and b.shape != (e,):
            raise AssertionError(f"expecting {name} bias shape of {(e,)}, but got {b.shape}")
    return tuple(_linear(*each) for each in zip(operands, separate, biases, strict=True))


def _static(given: Tensor, name: str, rows: int, head: int) -> Tensor:
    if given.size(0) != rows:
        raise AssertionError(f"expecting static_{name}.size(0) of {rows}, but got {given.size(0)}")
    if given.size(2) != head:
        raise AssertionError(f"expecting static_{name}.size(2) of {head}, but got {given.size(2)}")
    return given


# --- the whole -----------------------------------------------------------------------------------


@overridable
def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Attend in ``num_heads`` parts of the embedding: (L, B, E) -> (L, B, E), and the weights.

    Operands without the batch dim are taken as a batch of one.  The layer is
    ``nn.MultiheadAttention``; this is its computation.
    """
    batched = _is_batched(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    mask, padding, hint = _masks(query, attn_mask, key_padding_mask, is_causal, need_weights)
    _check_sizes(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight)
    separate = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else None
    q, k, v = _project((query, key, value), in_proj_weight, in_proj_bias, separate)
    heads = _Heads(query, key, num_heads)
    mask = _expand_mask(mask, (heads.targets, heads.sources), heads.rows)
    more = ((bias_k, bias_v), (static_k, static_v), add_zero_attn)
    k, v, mask, padding = heads.lengthened((k, v), *more, mask, padding)
    mask = _merged(mask, padding, num_heads)
    attend = heads.with_weights if need_weights else heads.without_weights
    out, weights = attend(heads.split(q), k, v, mask, dropout_p if training else 0.0, hint)
    out = _linear(out, out_proj_weight, out_proj_bias)
    out = out.view(heads.targets, heads.batch, out.size(1))
    if weights is not None and average_attn_weights:
        weights = weights.mean(dim=1)
    if not batched:
        return out.squeeze(1), None if weights is None else weights.squeeze(0)
    return out, weights


class _Heads:
    """The sizes of one call, and its steps on (B * H, L or S, D)."""

    def __init__(self, query: Tensor, key: Tensor, heads: int) -> None:
        self.targets, self.batch, self.embed = query.shape
        self.sources = key.shape[0]
        self.heads = heads
        self.head = self.embed // heads
        self.rows = self.batch * heads

    def split(self, x: Tensor) -> Tensor:
        """(L, B, E) -> (B * H, L, D)."""
        return x.view(x.shape[0], self.rows, self.head).transpose(0, 1)

    def lengthened(
        self, pair: tuple, biases: tuple, statics: tuple, zero: bool, mask: Any, padding: Any
    ) -> tuple:
        """Split keys and values into heads; add the learned and the zero source where asked."""
        own, more = [], 0
        if (biases[0] is None) != (biases[1] is None):
            names = ("bias_v", "bias_k") if biases[0] is None else ("bias_k", "bias_v")
            raise AssertionError("{} is set but {} is None".format(*names))
        if biases[0] is not None:
            for name, given in zip(("key", "value"), statics, strict=True):
                if given is not None:
                    raise AssertionError(f"bias cannot be added to static {name}.")
            more += 1
            repeated = (b.repeat(1, self.batch, 1) for b in biases)
            pair = tuple(torch.cat([x, b]) for x, b in zip(pair, repeated, strict=True))
        for name, x, given in zip("kv", pair, statics, strict=True):
            x = self.split(x) if given is None else _static(given, name, self.rows, self.head)
            if zero:
                none = torch.zeros(self.rows, 1, self.head, dtype=x.dtype, device=x.device)
                x = torch.cat([x, none], dim=1)
            own.append(x)
        more += zero
        if more:
            mask = mask if mask is None else _pad(mask, (0, more))
            padding = padding if padding is None else _pad(padding, (0, more))
        return *own, mask, padding

    def with_weights(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, p: float, causal: bool
    ) -> tuple[Tensor, Tensor]:
        """Return (L * B, E) and the weights (B, H, L, S)."""
        q = q.mul(math.sqrt(1.0 / q.shape[-1]))
        keys = k.transpose(-2, -1)
        scores = torch.bmm(q, keys) if mask is None else torch.baddbmm(mask, q, keys)
        weights = scores.softmax(-1)
        if p > 0.0:
            weights = dropout(weights, p)
        out = torch.bmm(weights, v).transpose(0, 1).reshape(self.targets * self.batch, self.embed)
        return out, weights.view(self.batch, self.heads, self.targets, k.size(1))

    def without_weights(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, p: float, causal: bool
    ) -> tuple[Tensor, None]:
        """Return (L * B, E) by fused attention."""
        if mask is not None and mask.size(0) == 1 and mask.dim() == 3:
            mask = mask.unsqueeze(0)
        elif mask is not None:
            mask = mask.view(self.batch, self.heads, -1, k.size(1))
        q, k, v = (x.view(self.batch, self.heads, -1, self.head) for x in (q, k, v))
        out = scaled_dot_product_attention(q, k, v, mask, p, causal)
        return out.permute(2, 0, 1, 3).reshape(self.batch * self.targets, self.embed), None
