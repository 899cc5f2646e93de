"""A program whose values are held in another order computes what it did."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from functorch_lite._core.xla.layout import relaid

KEY = jax.random.key(0)


def normal(*shape):
    return jax.random.normal(jax.random.fold_in(KEY, int(np.prod(shape))), shape)


def conv(x, w, stride=1, groups=1):
    n = x.ndim - 2
    pads = [(w.shape[2] // 2,) * 2] * n
    return lax.conv_general_dilated(x, w, (stride,) * n, pads, feature_group_count=groups)


def block(x, w, scale):
    """Convolution, batch norm and a residual."""
    y = conv(x, w)
    mean = y.mean((0, 2, 3))
    centered = y - mean[:, None, None]
    spread = jnp.sqrt((centered**2).mean((0, 2, 3), keepdims=True) + 1e-5)
    return jax.nn.relu(centered / spread * scale.reshape(1, -1, 1, 1) + x)


def sums_as_products(x, w):
    """Sum and spread by products with ones, as ``ops/layers/_sums.py`` does."""
    y = conv(x, w)
    n, c, h, width = y.shape
    sums = (y.reshape(n, c, -1) @ jnp.ones(h * width)).T @ jnp.ones(n)
    row = lax.dot(jnp.ones((n, 1)), sums[None])
    return 1e-2 * y * (row[..., None] @ jnp.ones((1, h * width))).reshape(y.shape)


def max_pool(x, w):
    y = conv(x, w).reshape(2, 4, 4, 2, 4, 2)
    return jnp.maximum(y[..., 0], y[..., 1]).max(3)


def mixed(x, w):
    """Operations with and without a rule, over every dim."""
    y = conv(x, w)
    y = jnp.concatenate([y, y[:, ::-1]], 1)[:, 1:7:2]
    y = jnp.pad(y, [(0, 0), (1, 0), (0, 1), (2, 0)], constant_values=2)
    y = jnp.where(y > 0, y, jnp.sort(y, 2)) + jnp.cumsum(y, 1)
    best = jnp.argmax(y, 1).astype(y.dtype)
    windows = lax.reduce_window(y, 0.0, lax.add, (1, 1, 2, 2), (1, 1, 2, 2), "valid")
    a, b = jnp.split(y.transpose(3, 1, 0, 2), 2, 1)
    return best, windows, a @ b.swapaxes(2, 3), y[0], y[:, 0], y.min((1, 3)), y.reshape(2, -1)


def network(x, layers):
    """Some layers with biases; the weights are (features out, features in)."""
    for w, b in layers:
        x = jnp.tanh(x @ w.T + b)
    return x


def deep(x, layers):
    """Operations with and without a rule between products, over examples and over features."""
    x = network(x, layers[:1])
    x = jax.nn.softmax((x - x.mean(0)) / x.std(1, keepdims=True), 1)
    x = jnp.concatenate([x, jnp.sort(x, 0)[:, ::-1]], 1) @ jnp.ones((6, 3))
    best = jnp.argmax(network(x, layers[1:]), 1)
    return network(x.reshape(-1, 3), layers[1:]), best.astype(x.dtype), x.T @ x


def layers(models, *sizes):
    """Stacks of weights and biases."""
    return [(normal(models, o, i), normal(models, o)) for i, o in pairwise(sizes)]


CASES = {
    "block": (block, normal(2, 4, 8, 8), normal(4, 4, 3, 3), normal(4)),
    "two blocks": (
        lambda x, w, s: block(block(x, w, s), w + 1, s),
        *(normal(2, 4, 8, 8), normal(4, 4, 3, 3), normal(4)),
    ),
    "sums as products": (sums_as_products, normal(2, 4, 8, 8), normal(4, 4, 3, 3)),
    "max pool": (max_pool, normal(2, 4, 8, 8), normal(4, 4, 3, 3)),
    "mixed": (mixed, normal(2, 4, 8, 8), normal(4, 4, 3, 3)),
    "groups and stride": (
        lambda x, w: jnp.tanh(conv(x, w, 2, 2)),
        *(normal(2, 4, 8, 8), normal(6, 2, 3, 3)),
    ),
    "one dim": (lambda x, w: jnp.exp(conv(x, w)).sum(2), normal(2, 4, 8), normal(4, 4, 3)),
    "three dims": (
        lambda x, w: conv(jnp.sin(conv(x, w)), w),
        *(normal(2, 3, 4, 4, 4), normal(3, 3, 3, 3, 3)),
    ),
    "outer product": (
        lambda x, w: conv(x * w[:, :, :1, :1].reshape(1, -1, 1, 1), w.reshape(1, 4, 3, 3)),
        *(normal(2, 1, 8, 8), normal(4, 1, 3, 3)),
    ),
    "in a loop": (
        lambda x, w: lax.scan(lambda c, _: (jnp.tanh(conv(c, w)), c.sum()), x, None, 3),
        *(normal(2, 4, 8, 8), normal(4, 4, 3, 3)),
    ),
    "mapped": (
        jax.vmap(lambda x, w: jax.nn.relu(conv(x, w)).mean((2, 3)), (0, 0)),
        *(normal(3, 2, 4, 8, 8), normal(3, 4, 4, 3, 3)),
    ),
    "networks": (jax.vmap(network, (None, 0)), normal(8, 4), layers(5, 4, 3, 6, 2)),
    "networks with their own examples": (jax.vmap(network), normal(5, 8, 4), layers(5, 4, 3, 6, 2)),
    "networks of more than layers": (jax.vmap(deep, (None, 0)), normal(6, 4), layers(5, 4, 3, 2)),
    "large networks": (jax.vmap(network, (None, 0)), normal(2, 40), layers(3, 40, 30, 50)),
    "networks of one weight": (
        lambda x, w: jnp.tanh(x @ w) @ w.swapaxes(1, 2) + w.sum(),
        *(normal(3, 4), normal(2, 4, 5)),
    ),
    "a number times a stack": (
        lambda x, w, s: lax.dot_general(s, x @ w, (((), ()), ((), ()))),
        *(normal(3, 4), normal(2, 4, 5), jnp.float32(2)),
    ),
    "stacks of two kinds": (
        jax.vmap(lambda a, b: (a @ b, b.T @ jnp.sin(a).T, jnp.exp(a) @ b, b)),
        *(normal(3, 4, 5), normal(3, 5, 2)),
    ),
    "networks in a call": (
        jax.jit(jax.vmap(jax.checkpoint(network), (None, 0))),
        *(normal(8, 4), layers(5, 4, 3, 6)),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_are_those_of_the_program_as_written(name):
    function, *arguments = CASES[name]

    def with_gradients(*args):
        total = lambda *a: sum(jnp.sin(y).sum() for y in jax.tree.leaves(function(*a)))  # noqa: E731
        return function(*args), jax.grad(total, tuple(range(len(args))))(*args)

    wanted = jax.jit(with_gradients)(*arguments)
    found = jax.jit(relaid(with_gradients))(*arguments)
    assert jax.tree.structure(found) == jax.tree.structure(wanted)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-4)


def test_no_transpose_is_left_between_convolutions():
    function, *arguments = CASES["two blocks"]
    closed = jax.make_jaxpr(relaid(function))(*arguments)
    moved = [
        e for e in closed.eqns if e.primitive.name == "transpose" and e.invars[0].aval.ndim > 3
    ]
    images = [e for e in moved if e.invars[0].aval.size == arguments[0].size]
    assert len(images) == 3  # the input for each of its uses, and the output


def test_the_weights_of_an_ensemble_are_not_transposed():
    function, x, stack = CASES["networks"]
    closed = jax.make_jaxpr(relaid(function))(x, stack)
    moved = [e.outvars[0].aval.shape for e in closed.eqns if e.primitive.name == "transpose"]
    assert moved == [(5, 8, 2)]  # the outputs, at the end
    weights = {v for v in closed.jaxpr.invars if v.aval.ndim == 3}
    products = [e for e in closed.eqns if e.primitive.name == "dot_general"]
    assert len(products) == 3
    assert all(e.invars[0] in weights for e in products)


def test_a_program_without_convolutions_or_stacks_is_left_alone():
    function = lambda x, y: x[:, None] * y[None]  # noqa: E731
    plain, laid = (
        str(jax.make_jaxpr(f)(jnp.ones(2), jnp.ones(3))) for f in (function, relaid(function))
    )
    assert plain == laid
