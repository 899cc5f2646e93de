"""``benchmarks.models.resnet`` in JAX, images as (B, H, W, C)."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from benchmarks._program import Program
from benchmarks.plain_jax._program import (
    Params,
    calling,
    conv,
    cross_entropy,
    image_batch,
    linear,
    linear_params,
    training,
    uniform,
)

BATCH, CLASSES = 32, 10
STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))  # channels and first stride; two blocks each
KEPT = 0.9  # of the running statistics at each step


def blocks() -> list[tuple[str, int, int, int]]:
    """Return (name, channels in, channels out, stride) of each block."""
    found, channels = [], 64
    for stage, (outside, first) in enumerate(STAGES):
        for place, stride in enumerate((first, 1)):
            found.append((f"{stage}.{place}", channels, outside, stride))
            channels = outside
    return found


def init(key: Any) -> tuple[Params, Params]:
    """Return the parameters and the running statistics of the norms."""
    params: Params = {}
    stats: Params = {}
    keys = iter(jax.random.split(key, 64))

    def layer(name: str, inside: int, outside: int, size: int = 3) -> None:
        fan_in = size * size * inside
        weight = uniform(next(keys), (size, size, inside, outside), fan_in)
        params[name] = {"w": weight, "scale": jnp.ones(outside), "shift": jnp.zeros(outside)}
        stats[name] = {"mean": jnp.zeros(outside), "var": jnp.ones(outside)}

    layer("stem", 3, 64)
    for name, inside, outside, stride in blocks():
        layer(name + ".a", inside, outside)
        layer(name + ".b", outside, outside)
        if stride != 1 or inside != outside:
            layer(name + ".shortcut", inside, outside, size=1)
    params["head"] = linear_params(next(keys), 512, CLASSES)
    return params, stats


def apply(params: Params, stats: Params, x: Any, train: bool) -> tuple[Any, Params]:
    """Return logits and new statistics: (B, 32, 32, 3) -> (B, 10)."""
    new = dict(stats)

    def layer(name: str, x: Any, stride: int = 1) -> Any:
        x = conv(params[name]["w"], x, stride, "SAME" if stride == 1 else padding_of(params[name]))
        mean, var = stats[name]["mean"], stats[name]["var"]
        if train:
            mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
            new[name] = moved(stats[name], mean, var, x.size // x.shape[-1])
        scale = params[name]["scale"] * jax.lax.rsqrt(var + 1e-5)
        return x * scale + (params[name]["shift"] - mean * scale)

    x = jax.nn.relu(layer("stem", x))
    for name, _, _, stride in blocks():
        y = layer(name + ".b", jax.nn.relu(layer(name + ".a", x, stride)))
        short = name + ".shortcut"
        x = jax.nn.relu(y + (layer(short, x, stride) if short in params else x))
    return linear(params["head"], x.mean((1, 2))), new


def padding_of(layer: Params) -> Any:
    """Return PyTorch's padding of a strided convolution: the same on both sides."""
    return [(layer["w"].shape[0] // 2,) * 2] * 2


def moved(old: Params, mean: Any, var: Any, count: int) -> Params:
    """Return the running statistics after one more batch of ``count`` values a channel."""
    fresh = {"mean": mean, "var": var * count / (count - 1)}
    return jax.tree.map(lambda a, b: KEPT * a + (1 - KEPT) * b, old, fresh)


def train(key: Any) -> Program:
    """Train it with momentum and weight decay."""

    def loss(params: Params, stats: Params, x: Any, y: Any) -> Any:
        logits, stats = apply(params, stats, x, train=True)
        return cross_entropy(logits, y), stats

    tx = optax.chain(optax.add_decayed_weights(5e-4), optax.sgd(0.01, momentum=0.9))
    params, stats = init(key)
    return training(params, loss, tx, image_batch(key, (BATCH, 32, 32, 3), CLASSES), stats)


def infer(key: Any) -> Program:
    """Classify a batch."""
    x, _ = image_batch(key, (BATCH, 32, 32, 3), CLASSES)
    return calling(lambda params, stats, x: apply(params, stats, x, False)[0], *init(key), x)
