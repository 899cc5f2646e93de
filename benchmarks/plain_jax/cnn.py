"""``benchmarks.models.cnn`` in JAX, images as (B, H, W, C)."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from benchmarks._program import Program
from benchmarks.plain_jax._program import (
    Params,
    conv,
    cross_entropy,
    image_batch,
    linear,
    linear_params,
    training,
    uniform,
)

BATCH, CLASSES = 64, 10


def conv_params(key: Any, inputs: int, outputs: int) -> Params:
    """Draw the weights of a 3x3 convolution."""
    weight, bias = jax.random.split(key)
    return {
        "w": uniform(weight, (3, 3, inputs, outputs), 9 * inputs),
        "b": uniform(bias, (outputs,), 9 * inputs),
    }


def init(key: Any) -> Params:
    """Return the weights of four layers."""
    a, b, c, d = jax.random.split(key, 4)
    return {
        "conv1": conv_params(a, 1, 32),
        "conv2": conv_params(b, 32, 64),
        "fc1": linear_params(c, 9216, 128),
        "fc2": linear_params(d, 128, CLASSES),
    }


def max_pool(x: Any) -> Any:
    """Take the maximum of each 2x2 square."""
    square = (1, 2, 2, 1)
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, square, square, "VALID")


def apply(params: Params, x: Any) -> Any:
    """Return logits: (B, 28, 28, 1) -> (B, 10)."""
    for name in ("conv1", "conv2"):
        x = jax.nn.relu(conv(params[name]["w"], x) + params[name]["b"])
    x = max_pool(x).reshape(x.shape[0], -1)
    return linear(params["fc2"], jax.nn.relu(linear(params["fc1"], x)))


def train(key: Any) -> Program:
    """Train it with momentum."""

    def loss(params: Params, stats: Any, x: Any, y: Any) -> Any:
        return cross_entropy(apply(params, x), y), stats

    batch = image_batch(key, (BATCH, 28, 28, 1), CLASSES)
    return training(init(key), loss, optax.sgd(0.01, momentum=0.9), batch)
