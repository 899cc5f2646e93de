"""``benchmarks.models.mlp`` in JAX."""

from typing import Any

import jax
import optax

from benchmarks._program import Program
from benchmarks.plain_jax._program import (
    Params,
    calling,
    cross_entropy,
    image_batch,
    linear,
    linear_params,
    training,
)

BATCH, INPUTS, WIDTH, CLASSES = 64, 64, 128, 10


def init(key: Any) -> Params:
    """Return the weights of three layers."""
    keys = jax.random.split(key, 3)
    sizes = ((INPUTS, WIDTH), (WIDTH, WIDTH), (WIDTH, CLASSES))
    return {name: linear_params(k, *size) for name, k, size in zip("abc", keys, sizes, strict=True)}


def apply(params: Params, x: Any) -> Any:
    """Return logits: (..., 64) -> (..., 10)."""
    x = jax.nn.relu(linear(params["a"], x))
    x = jax.nn.relu(linear(params["b"], x))
    return linear(params["c"], x)


def train(key: Any) -> Program:
    """Train it with Adam."""

    def loss(params: Params, stats: Any, x: Any, y: Any) -> Any:
        return cross_entropy(apply(params, x), y), stats

    batch = image_batch(key, (BATCH, INPUTS), CLASSES)
    return training(init(key), loss, optax.adam(1e-3), batch)


def per_sample_gradients(key: Any) -> Program:
    """Find the gradient of each example's loss."""

    def loss(params: Params, x: Any, y: Any) -> Any:
        return cross_entropy(apply(params, x), y)

    each = jax.vmap(jax.grad(loss), (None, 0, 0))
    return calling(each, init(key), *image_batch(key, (BATCH, INPUTS), CLASSES))
