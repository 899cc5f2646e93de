"""Scaled dot product attention.

Written as two products and a softmax, which XLA fuses; a row whose keys are all masked gives zeros.
"""

import math

import jax
import jax.numpy as jnp

from ..._core import dtype as dt
from .._common import widened
from .._registry import Scalar, op
from ._sums import row_sum


@op("f", space="nn.functional", node="ScaledDotProductFlashAttentionForCpuBackward0")
def scaled_dot_product_attention(
    query,
    key,
    value,
    attn_mask=None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: Scalar | None = None,
    enable_gqa: bool = False,
    noise=None,
):
    """``softmax(query key^T * scale + mask) value`` over (*, L, E), (*, S, E) and (*, S, V).

    ``attn_mask`` is added, or True where a key takes part.  ``scale`` is ``1 / sqrt(E)`` by
    default.
    With ``enable_gqa`` groups of query heads share a key head.  Dropout multiplies the weights by
    ``noise``, a drawn and already scaled mask of shape (*, L, S).
    """
    _check(query, key, value, attn_mask, is_causal, dropout_p)
    own = query.dtype
    query, key, value = widened(query), widened(key), widened(value)
    if enable_gqa:
        key, value = (jnp.repeat(x, query.shape[-3] // x.shape[-3], axis=-3) for x in (key, value))
    scale = 1 / math.sqrt(max(query.shape[-1], 1)) if scale is None else scale
    scores = jnp.matmul(query * scale, key.swapaxes(-1, -2))
    if is_causal:
        scores = jnp.where(jnp.tril(jnp.ones(scores.shape[-2:], bool)), scores, -jnp.inf)
    weights = _softmax(scores, attn_mask)
    if noise is not None:
        weights = weights * noise.astype(weights.dtype)
    return jnp.matmul(weights, value).astype(own)


def _softmax(scores, mask):
    """Softmax over the last dim in which a row without any key gives zeros."""
    if mask is not None and mask.dtype == jnp.bool_:
        scores = jnp.where(mask, scores, -jnp.inf)
    elif mask is not None:
        scores = scores + mask.astype(scores.dtype)
    top = jax.lax.stop_gradient(scores.max(-1, keepdims=True, initial=-jnp.inf))
    exps = jnp.exp(scores - jnp.where(top == -jnp.inf, 0, top))
    sums = row_sum(exps)
    return exps / jnp.where(sums == 0, 1, sums)


def _check(query, key, value, attn_mask, is_causal, dropout_p):
    if not query.dtype == key.dtype == value.dtype:
        names = [_name(x) for x in (query, key, value)]
        raise RuntimeError(
            "Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{names[0]} key.dtype: {names[1]} and value.dtype: {names[2]} instead."
        )
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: "
            f"{query.ndim} key.dim: {key.ndim} and value.dim: {value.ndim} instead."
        )
    if attn_mask is not None and is_causal and (query.ndim != 4 or dropout_p > 0):
        raise RuntimeError(
            "_scaled_dot_product_attention: Explicit attn_mask should not be set when "
            "is_causal=True"
        )
    if attn_mask is not None and attn_mask.dtype not in (jnp.bool_, jnp.float32, query.dtype):
        raise RuntimeError(
            "Expected attn_mask dtype to be bool or float or to match query dtype, but got "
            "attn_mask.dtype: "
            f"{_name(attn_mask)} and  query.dtype: {_name(query)} instead."
        )


def _name(x):
    name = dt.scalar_name(dt.from_np(x.dtype))
    return {"Half": "c10::Half", "BFloat16": "c10::BFloat16", "Long": "long int"}.get(
        name, name.lower()
    )
