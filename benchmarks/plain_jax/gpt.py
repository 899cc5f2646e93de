"""``benchmarks.models.gpt`` in JAX."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from benchmarks._program import Program
from benchmarks.plain_jax._program import (
    Params,
    calling,
    cross_entropy,
    linear,
    random_tokens,
    training,
)

BATCH, TOKENS, VOCABULARY, WIDTH, HEADS, LAYERS = 12, 64, 65, 128, 4, 4


def normal(key: Any, *shape: int) -> Any:
    """Draw small weights."""
    return 0.02 * jax.random.normal(key, shape)


def linear_params(key: Any, inputs: int, outputs: int) -> Params:
    """Draw the weights of a linear layer."""
    return {"w": normal(key, inputs, outputs), "b": jnp.zeros(outputs)}


def norm_params() -> Params:
    """Return the weights of a layer norm."""
    return {"scale": jnp.ones(WIDTH), "shift": jnp.zeros(WIDTH)}


def init(key: Any) -> Params:
    """Return all weights."""
    keys = iter(jax.random.split(key, 3 + 4 * LAYERS))
    return {
        "token": normal(next(keys), VOCABULARY, WIDTH),
        "position": normal(next(keys), TOKENS, WIDTH),
        "blocks": [
            {
                "ln1": norm_params(),
                "qkv": linear_params(next(keys), WIDTH, 3 * WIDTH),
                "proj": linear_params(next(keys), WIDTH, WIDTH),
                "ln2": norm_params(),
                "up": linear_params(next(keys), WIDTH, 4 * WIDTH),
                "down": linear_params(next(keys), 4 * WIDTH, WIDTH),
            }
            for _ in range(LAYERS)
        ],
        "norm": norm_params(),
        "head": normal(next(keys), WIDTH, VOCABULARY),
    }


def layer_norm(params: Params, x: Any) -> Any:
    """Normalize the last dimension."""
    return jax.nn.standardize(x, epsilon=1e-5) * params["scale"] + params["shift"]


def attention(block: Params, x: Any) -> Any:
    """Let each token look at itself and those before it: (B, T, W) -> (B, T, W)."""
    B, T, _ = x.shape
    parts = jnp.split(linear(block["qkv"], x), 3, axis=-1)
    q, k, v = (part.reshape(B, T, HEADS, WIDTH // HEADS) for part in parts)
    y = jax.nn.dot_product_attention(q, k, v, is_causal=True)
    return linear(block["proj"], y.reshape(B, T, WIDTH))


def apply(params: Params, tokens: Any) -> Any:
    """Score the token after each: (B, T) -> (B, T, V)."""
    x = params["token"][tokens] + params["position"][: tokens.shape[1]]
    for block in params["blocks"]:
        x = x + attention(block, layer_norm(block["ln1"], x))
        y = jax.nn.gelu(linear(block["up"], layer_norm(block["ln2"], x)), approximate=False)
        x = x + linear(block["down"], y)
    return layer_norm(params["norm"], x) @ params["head"]


def train(key: Any) -> Program:
    """Train it with AdamW."""

    def loss(params: Params, stats: Any, tokens: Any, targets: Any) -> Any:
        return cross_entropy(apply(params, tokens), targets), stats

    first, second = jax.random.split(key)
    shape = (BATCH, TOKENS)
    batch = random_tokens(first, shape, VOCABULARY), random_tokens(second, shape, VOCABULARY)
    return training(init(key), loss, optax.adamw(1e-3, b2=0.99, weight_decay=0.1), batch)


def infer(key: Any) -> Program:
    """Score a batch."""
    return calling(apply, init(key), random_tokens(key, (BATCH, TOKENS), VOCABULARY))
