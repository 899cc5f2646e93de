"""``benchmarks.models.lstm`` in JAX: a scan over the tokens, inputs multiplied before it."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from benchmarks._program import Program
from benchmarks.plain_jax._program import (
    Params,
    cross_entropy,
    linear,
    linear_params,
    random_tokens,
    training,
    uniform,
)

BATCH, TOKENS, VOCABULARY, WIDTH, LAYERS = 16, 32, 1000, 128, 2


def init(key: Any) -> Params:
    """Return all weights."""
    keys = iter(jax.random.split(key, 2 + 4 * LAYERS))
    gates = 4 * WIDTH
    return {
        "token": jax.random.normal(next(keys), (VOCABULARY, WIDTH)),
        "layers": [
            {
                "w": uniform(next(keys), (WIDTH, gates), WIDTH),
                "b": uniform(next(keys), (gates,), WIDTH) + uniform(next(keys), (gates,), WIDTH),
                "u": uniform(next(keys), (WIDTH, gates), WIDTH),
            }
            for _ in range(LAYERS)
        ],
        "head": linear_params(next(keys), WIDTH, VOCABULARY),
    }


def lstm(layer: Params, x: Any) -> Any:
    """Apply one layer over time: (T, B, W) -> (T, B, W)."""

    def cell(carry: Any, given: Any) -> Any:
        h, c = carry
        i, f, g, o = jnp.split(given + h @ layer["u"], 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    start = jnp.zeros(x.shape[1:])
    return jax.lax.scan(cell, (start, start), linear(layer, x))[1]


def apply(params: Params, tokens: Any) -> Any:
    """Score the token after each: (B, T) -> (B, T, V)."""
    x = params["token"][tokens].swapaxes(0, 1)
    for layer in params["layers"]:
        x = lstm(layer, x)
    return linear(params["head"], x.swapaxes(0, 1))


def train(key: Any) -> Program:
    """Train it with Adam."""

    def loss(params: Params, stats: Any, tokens: Any, targets: Any) -> Any:
        return cross_entropy(apply(params, tokens), targets), stats

    first, second = jax.random.split(key)
    shape = (BATCH, TOKENS)
    batch = random_tokens(first, shape, VOCABULARY), random_tokens(second, shape, VOCABULARY)
    return training(init(key), loss, optax.adam(1e-3), batch)
