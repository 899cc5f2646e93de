"""Worker: ``fl.pmap`` and ``fl.parallel.data_parallel`` on eight virtual CPU devices.

One request a line, one number back:

    bare SIZE     seconds a call of ``jax.jit(jax.shard_map(f))``, whose result is awaited
    pmap SIZE     the same with ``functorch_lite.parallel.pmap(f)``
    tree N, flat N    seconds a mean of N small arrays over the devices, one by one or in a bucket
    equal STEPS   the largest relative difference of parameters between STEPS data-parallel steps
                  with synchronized batch norm and as many on one device
    many STEPS    seconds a step of STEPS data-parallel steps in a row; never answers if it hangs
"""

import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"
).strip()
sys.path.insert(0, str(Path(__file__).parents[1]))

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from benchmarks._turns import serve
from functorch_lite import nn, optim, parallel

DEVICES = 8
CALLS = 200


def shift(x: Any) -> Any:
    """Do next to nothing, with one collective: the cost is that of the call."""
    return x - parallel.pmean(x, "i")


@cache
def bare() -> Callable[..., Any]:
    """Return what a user of plain JAX would write."""
    mesh, rows = Mesh(np.array(jax.devices()[:DEVICES]), ("i",)), PartitionSpec("i")
    split = jax.shard_map(
        lambda x: shift(x[0])[None], mesh=mesh, in_specs=rows, out_specs=rows, check_vma=False
    )
    return jax.jit(split)


@cache
def ours() -> Callable[..., Any]:
    """Return the same as a ``pmap``."""
    return parallel.pmap(shift, "i")


def seconds_a_call(call: Callable[..., Any], argument: Any, calls: int = CALLS) -> float:
    """Return the mean over ``calls`` calls, one at a time."""
    jax.block_until_ready(call(argument))
    start = perf_counter()
    for _ in range(calls):
        jax.block_until_ready(call(argument))
    return (perf_counter() - start) / calls


@cache
def input_of(size: int) -> Any:
    """Return an array that lies where a former call would have left it."""
    return bare()(np.ones((DEVICES, size), np.float32))


@cache
def mean_of_tree(flat: bool) -> Callable[..., Any]:
    """Return the mean over the devices of a list of arrays."""

    def mean(x: Any) -> Any:
        return parallel.pmean(x, "i")

    return parallel.pmap(parallel.bucketed(mean) if flat else mean, "i")


@cache
def arrays(count: int) -> list:
    """Return ``count`` arrays of 100 numbers for each device."""
    return [input_of(100) for _ in range(count)]


def model() -> nn.Layer:
    """Return a small network with batch norm."""
    hidden = [nn.Linear(16, 64, bias=False), nn.BatchNorm1d(64), nn.Tanh()]
    return nn.serial(*hidden, nn.Linear(64, 10))


def train_step(layer: nn.Layer) -> Any:
    """Return the training step of one device."""

    def loss_fn(params: Any, state: Any, batch: Any, key: Any) -> Any:
        x, y = batch
        outputs, state = layer.apply(params, state, x, key=key, train=True)
        return jnp.mean((outputs - y) ** 2), (state, {})

    return optim.make_train_step(loss_fn, optim.sgd(0.1, momentum=0.9))


@cache
def batches(count: int) -> list:
    """Return ``count`` batches of 64 examples."""
    rng = np.random.default_rng(0)
    shapes = [(64, 16), (64, 10)]
    return [tuple(rng.normal(size=s).astype(np.float32) for s in shapes) for _ in range(count)]


def run(step: Any, steps: int) -> Any:
    """Return the train state after ``steps`` steps."""
    params, state = model().init(jax.random.key(0))
    train_state = step.init(params, state=state)
    for batch in batches(20) * -(-steps // 20):
        train_state, _ = step(train_state, batch)
    return train_state


@cache
def on_devices() -> Any:
    """Return the data-parallel step."""
    layer = parallel.sync_batch_norm(model())
    return parallel.data_parallel(train_step(layer), jax.devices()[:DEVICES])


def difference(steps: int) -> float:
    """Return how far the parameters of both runs are apart, relative to the largest of each."""
    one, many = (run(step, steps).params for step in (train_step(model()), on_devices()))
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(many), strict=True)
    host = [(np.asarray(a), np.asarray(b)) for a, b in pairs]
    return max(float(np.abs(a - b).max() / np.abs(a).max()) for a, b in host)


def many(steps: int) -> float:
    """Return the seconds a step of a long run."""
    run(on_devices(), 1)
    start = perf_counter()
    run(on_devices(), steps)
    return (perf_counter() - start) / steps


def answer(request: str) -> float:
    """Answer one line."""
    what, number = request.split()
    n = int(number)
    requests: dict[str, Callable[[], float]] = {
        "bare": lambda: seconds_a_call(bare(), input_of(n)),
        "pmap": lambda: seconds_a_call(ours(), input_of(n)),
        "tree": lambda: seconds_a_call(mean_of_tree(False), arrays(n), 50),
        "flat": lambda: seconds_a_call(mean_of_tree(True), arrays(n), 50),
        "equal": lambda: difference(n),
        "many": lambda: many(n),
    }
    return requests[what]()


if __name__ == "__main__":
    serve(answer)
