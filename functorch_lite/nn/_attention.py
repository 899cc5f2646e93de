"""Multi-head attention.  The arithmetic is ``ops.layers.attention``.

Letters in shapes: N batch, L queries, S keys, E embedding, H heads, D = E / H.  Floor 5.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp

from .._core.types import Array
from ..ops.layers.attention import scaled_dot_product_attention
from ..ops.linear.addmm import linear
from ._check import as_input, as_probability, check_ndim, check_size
from ._contract import Key, Layer, Params, State
from ._dropout import keep_mask, keep_scale
from ._initial import weight_and_bias, xavier_uniform

_SEPARATE = ("q_proj_weight", "k_proj_weight", "v_proj_weight")


class MultiheadAttention(Layer):
    """``softmax(q k^T / sqrt(D)) v`` in ``num_heads`` parts of the embedding, then projected.

    Args:
        dropout: probability with which a weight is dropped in training.
        kdim, vdim: widths of keys and values, ``embed_dim`` if None.
        batch_first: shapes (N, L, E) instead of (L, N, E); (L, E) is one sequence.
        is_causal: position i attends to positions up to i only.

    Params: ``in_proj_weight`` (3 E, E), or ``q_proj_weight`` (E, E), ``k_proj_weight`` (E, kdim)
    and ``v_proj_weight`` (E, vdim) where the widths differ, drawn by Xavier; ``in_proj_bias``
    (3 E,) and ``out_proj.bias`` (E,), zeros; ``out_proj.weight`` (E, E), drawn as in ``Linear``.

    >>> layer = MultiheadAttention(8, 2, batch_first=True, is_causal=True)
    >>> params, _ = jax.jit(layer.init)(jax.random.key(0))
    >>> jax.jit(layer)(params, jnp.ones((3, 5, 8))).shape
    (3, 5, 8)
    """

    embed_dim: int
    num_heads: int
    dropout: float = 0.0
    bias: bool = True
    kdim: int | None = None
    vdim: int | None = None
    batch_first: bool = False
    is_causal: bool = False
    dtype: Any = jnp.float32

    def __post_init__(self) -> None:
        """Check that the heads divide the embedding."""
        super().__post_init__()
        as_probability(self, "dropout")
        if self.num_heads < 1 or self.embed_dim % self.num_heads:
            raise ValueError(
                f"{self!r}: embed_dim must be a multiple of num_heads: {self.embed_dim} is not "
                f"one of {self.num_heads}"
            )

    @property
    def _widths(self) -> tuple[int, int, int]:
        e = self.embed_dim
        return e, e if self.kdim is None else self.kdim, e if self.vdim is None else self.vdim

    def init(self, key: Key) -> tuple[Params, State]:
        """Draw the projections."""
        e, keys = self.embed_dim, jax.random.split(key, 4)
        if set(self._widths) == {e}:
            params: Params = {"in_proj_weight": xavier_uniform(keys[0], (3 * e, e), self.dtype)}
        else:
            params = {
                name: xavier_uniform(k, (e, width), self.dtype)
                for name, k, width in zip(_SEPARATE, keys, self._widths, strict=False)
            }
        params["out_proj"] = weight_and_bias(keys[3], (e, e), None, self.dtype)
        if self.bias:
            params["in_proj_bias"] = jnp.zeros(3 * e, self.dtype)
            params["out_proj"]["bias"] = jnp.zeros(e, self.dtype)
        return params, {}

    def apply(
        self,
        params: Params,
        state: State,
        query: Any,
        keys: Any = None,
        values: Any = None,
        *,
        key_padding_mask: Any = None,
        attn_mask: Any = None,
        need_weights: bool = False,
        key: Key | None = None,
        train: bool = False,
    ) -> tuple[Any, State]:
        """Attend from ``query`` (N, L, E) to ``keys`` (N, S, kdim) and ``values`` (N, S, vdim).

        Args:
            keys: the query if None: self-attention.
            values: the keys if None.
            key_padding_mask: (N, S), True at keys to leave out, or floats to add to the scores.
            attn_mask: (L, S) or (N * H, L, S), True where attention is forbidden, or floats.
            need_weights: also return the mean weights of the heads (N, L, S).

        Returns:
            The outputs (N, L, E), or with ``need_weights`` (outputs, weights).  Nothing is attended
            to where all keys are masked: the outputs are those of zeros.
        """
        keys = query if keys is None else keys
        operands = self._operands(params, query, keys, keys if values is None else values)
        batched = operands[0].ndim == 3
        q, k, v = (self._heads(x) for x in self._project(params, *operands))
        mask = _merged(self, attn_mask, key_padding_mask, q.shape, k.shape[2])
        noise = None
        if train and self.dropout:
            kept = keep_mask(self, key, self.dropout, (*q.shape[:3], k.shape[2]))
            noise = kept * keep_scale(self.dropout)
        weights = None
        if need_weights:
            # The weights are what attention makes of the unit vectors.
            units = jnp.broadcast_to(jnp.eye(k.shape[2], dtype=q.dtype), (*k.shape[:3], k.shape[2]))
            weights = self._attend(q, k, units, mask, noise)
        heads = self._attend(q, k, v, mask, noise) if weights is None else weights @ v
        out = heads.swapaxes(1, 2).reshape(heads.shape[0], heads.shape[2], self.embed_dim)
        out = linear(out, params["out_proj"]["weight"], params["out_proj"].get("bias"))
        if not batched:
            out, weights = out[0], None if weights is None else weights[0]
        elif not self.batch_first:
            out = out.swapaxes(0, 1)
        return (out if weights is None else (out, weights.mean(-3))), state

    def _attend(self, q: Array, k: Array, v: Array, mask: Any, noise: Any) -> Array:
        return scaled_dot_product_attention(q, k, v, mask, 0.0, self.is_causal, noise=noise)

    def _operands(self, params: Params, *given: Any) -> list[Array]:
        """Return queries, keys and values as checked arrays."""
        like = params["out_proj"]["weight"]
        arrays = [as_input(self, x, like) for x in given]
        for x, name in zip(arrays, ("embed_dim", "kdim", "vdim"), strict=True):
            check_ndim(self, x, arrays[0].ndim if arrays[0].ndim in (2, 3) else 3)
            check_size(self, x, -1, "embed_dim" if getattr(self, name) is None else name)
        return arrays

    def _project(self, params: Params, q: Array, k: Array, v: Array) -> list[Array]:
        """Return queries, keys and values (*, E); those that are one array share one product."""
        bias = params.get("in_proj_bias")
        if "in_proj_weight" in params and q is k and k is v:
            return jnp.split(linear(q, params["in_proj_weight"], bias), 3, -1)
        if "in_proj_weight" in params:
            weights = jnp.split(params["in_proj_weight"], 3)
        else:
            weights = [params[name] for name in _SEPARATE]
        biases = [None] * 3 if bias is None else jnp.split(bias, 3)
        return [linear(*each) for each in zip((q, k, v), weights, biases, strict=True)]

    def _heads(self, x: Array) -> Array:
        """(N, L, E), (L, N, E) or (L, E) -> (N, H, L, D)."""
        if x.ndim == 2:
            x = x[None]
        elif not self.batch_first:
            x = x.swapaxes(0, 1)
        return x.reshape(*x.shape[:2], self.num_heads, -1).swapaxes(1, 2)


def _merged(
    layer: Any, attn_mask: Any, padding: Any, q_shape: tuple[int, ...], sources: int
) -> Any:
    """Return one mask for (N, H, L, S) scores: True where a key takes part, or floats to add."""
    n, heads, targets, _ = q_shape
    masks = []
    if attn_mask is not None:
        mask = jnp.asarray(attn_mask)
        shape = (targets, sources)
        if mask.shape not in (shape, (n * heads, *shape)):
            raise ValueError(
                f"{layer!r}: attn_mask must have shape {shape} or {(n * heads, *shape)}, got "
                f"{mask.shape}"
            )
        masks.append(mask.reshape(n, heads, *shape) if mask.ndim == 3 else mask[None, None])
    if padding is not None:
        mask = jnp.asarray(padding)
        if mask.shape != (n, sources) and (n, mask.shape) != (1, (sources,)):
            raise ValueError(
                f"{layer!r}: key_padding_mask must have shape {(n, sources)}, got {mask.shape}"
            )
        masks.append(mask.reshape(n, 1, 1, sources))
    if not masks:
        return None
    if all(mask.dtype == jnp.bool_ for mask in masks):
        return ~functools.reduce(jnp.logical_or, masks)
    return sum(jnp.where(m, -jnp.inf, 0.0) if m.dtype == jnp.bool_ else m for m in masks)
