"""Worker: seconds per training step of an MLP: ``plain`` JAX + optax, and ``ours`` through fl."""

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import optax

sys.path.insert(0, str(Path(__file__).parents[1]))
import functorch_lite as fl
from benchmarks._turns import serve

CALLS = 100
X = jax.random.normal(jax.random.key(0), (256, 128))
Y = jnp.arange(256) % 10


def loss(params: Any, x: Any, y: Any) -> Any:
    """Cross entropy of a network of two hidden layers, written by hand."""
    for name in ("a", "b"):
        x = jnp.tanh(x @ params[name]["w"] + params[name]["b"])
    logits = x @ params["c"]["w"] + params["c"]["b"]
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


def initial() -> Any:
    """Return the first parameters."""
    sizes = {"a": (128, 256), "b": (256, 256), "c": (256, 10)}
    keys = jax.random.split(jax.random.key(1), 3)
    return {
        name: {"w": jax.random.normal(k, size) / 16, "b": jnp.zeros(size[1])}
        for (name, size), k in zip(sizes.items(), keys, strict=True)
    }


@cache
def stepper(kind: str) -> Callable[[], Any]:
    """Return a call that does one step and waits for it."""
    jit, value_and_grad = (
        (jax.jit, jax.value_and_grad) if kind == "plain" else (fl.jit, fl.value_and_grad)
    )
    tx = optax.adam(1e-3)

    def step(params: Any, memory: Any, x: Any, y: Any) -> Any:
        value, grads = value_and_grad(loss)(params, x, y)
        updates, memory = tx.update(grads, memory, params)
        return optax.apply_updates(params, updates), memory, value

    compiled = jit(step, donate_argnums=(0, 1))
    state = [initial(), None]
    state[1] = tx.init(state[0])

    def run() -> None:
        *state[:], value = compiled(*state, X, Y)
        value.block_until_ready()

    return run


def one(kind: str) -> float:
    """Return the mean seconds per step."""
    run = stepper(kind)
    start = perf_counter()
    for _ in range(CALLS):
        run()
    return (perf_counter() - start) / CALLS


if __name__ == "__main__":
    serve(one)
