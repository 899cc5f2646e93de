"""Which options XLA gets for which program, and that every program compiles with its own."""

import jax
import jax.numpy as jnp
import pytest
from jax import lax

import functorch_lite as fl
from functorch_lite._core.xla.options import CPU_OPTIONS, joined, tuning


def barred(c, x):
    c = lax.optimization_barrier(c + x)
    return c * 2, c


WEIGHTS = jnp.cos(jnp.arange(120.0)).reshape(3, 5, 8)


def convolve(x):
    return lax.conv(x, jnp.ones((2, 1, 3, 3)), (1, 1), "SAME")


def product(x):
    return x[0, 0] @ x[0, 0].T


def loop(x):
    return lax.scan(barred, jnp.zeros(3), x[0, 0, :, :3])[1]


def checkpointed_loop(x):
    body = jax.checkpoint(lambda c, x: (c * x.sum(), c))
    return jax.grad(lambda x: lax.scan(body, 1.0, x)[1].sum())(x[0, 0])


WIDE = jnp.sin(jnp.arange(2.0 * 128 * 128)).reshape(2, 128, 128)


def ensemble(x, weights=WEIGHTS):
    return jax.vmap(lambda w: jnp.tanh(x[0, 0] @ w.T) @ w)(weights)


def wide(x, weights=WIDE):
    return jax.vmap(lambda w: jnp.tanh(jnp.tanh(jnp.tile(x[0, 0], 16) @ w) @ w))(weights)


def attention(x):
    """Of one network, whose keys look like a stack of matrices."""
    return jax.nn.softmax(x[0] @ x[0].swapaxes(1, 2))


def heads(x, w):
    q = jax.vmap(lambda w: x[0, 0] @ w.T)(w)
    q = jnp.stack([q, -q], 1)
    return q @ q.swapaxes(2, 3)


@pytest.mark.parametrize(
    ("program", "word"),
    [
        (ensemble, "stack"),
        (lambda x: jax.jit(ensemble)(x, WEIGHTS), "stack"),
        (lambda x: ensemble(jnp.tile(x, (1, 1, 20, 1))), "product"),  # small beside the results
        (wide, "stack, wide"),
        (lambda x: jax.grad(lambda w: wide(x, w).sum())(WIDE), "stack"),
        (attention, "product"),
        (lambda x: heads(x, WEIGHTS), "product"),
        (product, "product"),
        (loop, "product, loops"),
        (checkpointed_loop, "product, loops"),
        (convolve, "convolution"),
        (lambda x: (convolve(x), loop(x)), "convolution"),
        (lambda x: (convolve(x), product(x)), "convolution"),
        (jax.jit(convolve), "convolution"),
        (lambda x: lax.scan(lambda c, x: (c + x, c), 0.0, x[0, 0, 0]), "product"),
    ],
)
def test_a_program_is_known_by_what_it_contains_and_compiles(program, word):
    x = jnp.arange(64.0).reshape(1, 1, 8, 8) / 64
    assert tuning(jax.make_jaxpr(program)(x).jaxpr) == word
    for got, want in zip(
        jax.tree.leaves(fl.jit(program)(x)), jax.tree.leaves(program(x)), strict=True
    ):
        assert jnp.allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("words", "word"),
    [
        ([], ""),
        (["", ""], ""),
        (["", "product, loops"], "product, loops"),
        (["product, loops", "convolution"], "convolution"),
        (["convolution", ""], "convolution"),
    ],
)
def test_a_program_of_parts_gets_options_that_suit_them_all(words, word):
    assert joined(words) == word
    assert not word or word in CPU_OPTIONS
