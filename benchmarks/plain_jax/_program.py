"""The training step and the pieces of networks that the programs share."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax

from benchmarks._program import Program

Params = dict[str, Any]


def training(
    params: Params,
    loss_of: Callable[..., Any],
    tx: optax.GradientTransformation,
    batch: tuple[Any, Any],
    stats: Any = (),
) -> Program:
    """Train on one batch, again and again, with everything that changes donated.

    ``loss_of(params, stats, inputs, targets)`` gives the loss and the new ``stats``: what a model
    changes besides its parameters.
    """

    @partial(jax.jit, donate_argnums=0)
    def train_step(state: Any, inputs: Any, targets: Any) -> Any:
        params, stats, memory = state
        differentiate = jax.value_and_grad(loss_of, has_aux=True)
        (loss, stats), grads = differentiate(params, stats, inputs, targets)
        updates, memory = tx.update(grads, memory, params)
        return (optax.apply_updates(params, updates), stats, memory), loss

    state: Any = (params, stats, tx.init(params))

    def step() -> Any:
        nonlocal state
        state, loss = train_step(state, *batch)
        return loss

    def settle(loss: Any) -> float:
        jax.block_until_ready(state)
        return loss.item()

    return Program(step, settle)


def calling(function: Callable[..., Any], *operands: Any) -> Program:
    """Call a jitted function, again and again."""
    jitted = jax.jit(function)
    return Program(lambda: jitted(*operands), first_element)


def first_element(result: Any) -> float:
    """Wait for a tree of arrays; return an element."""
    leaf = jax.block_until_ready(jax.tree.leaves(result))[0]
    return float(leaf[(0,) * leaf.ndim])


def cross_entropy(logits: Any, targets: Any) -> Any:
    """Return the mean over all leading dimensions."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, targets).mean()


def uniform(key: Any, shape: tuple[int, ...], fan_in: int) -> Any:
    """Draw weights as PyTorch's layers do: up to 1 / sqrt(fan_in) either way."""
    bound = fan_in**-0.5
    return jax.random.uniform(key, shape, minval=-bound, maxval=bound)


def linear_params(key: Any, inputs: int, outputs: int) -> Params:
    """Draw the weights of a linear layer."""
    weight, bias = jax.random.split(key)
    return {
        "w": uniform(weight, (inputs, outputs), inputs),
        "b": uniform(bias, (outputs,), inputs),
    }


def linear(params: Params, x: Any) -> Any:
    """Apply a linear layer."""
    return x @ params["w"] + params["b"]


def conv(weight: Any, x: Any, stride: int = 1, padding: str = "VALID") -> Any:
    """Convolve (B, H, W, C) images with (h, w, C, D) weights."""
    layout = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(
        x, weight, (stride, stride), padding, dimension_numbers=layout
    )


def random_tokens(key: Any, shape: tuple[int, int], vocabulary: int) -> Any:
    """Draw tokens: int32."""
    return jax.random.randint(key, shape, 0, vocabulary)


def image_batch(key: Any, shape: tuple[int, ...], classes: int) -> tuple[Any, Any]:
    """Draw inputs of ``shape`` and a class for each."""
    return jax.random.normal(key, shape), jnp.arange(shape[0]) % classes
