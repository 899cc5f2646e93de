"""Dropout: what is kept is scaled, whole channels where asked, and chance comes from the key."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from functorch_lite import nn
from tests.nn.against_module import error_of

KEY = jax.random.key(0)


def drop(layer, x, seed=0):
    """Return what ``layer`` makes of ``x`` in training."""
    run = jax.jit(lambda x, key: layer({}, x, key=key, train=True))
    return run(x, jax.random.key(seed))


@pytest.mark.parametrize("p", [0.25, 0.5])
def test_elements_are_zeroed_with_probability_p_and_scaled(p):
    out = np.asarray(drop(nn.Dropout(p), np.ones((100, 100), np.float32)))
    assert set(np.unique(out)) == {0, np.float32(1 / (1 - p))}
    np.testing.assert_allclose((out == 0).mean(), p, atol=0.02)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Dropout1d(), (20, 10, 3)),
        (nn.Dropout2d(), (20, 10, 3, 2)),
        (nn.Dropout2d(), (200, 3, 2)),
        (nn.Dropout3d(), (200, 3, 2, 2)),
    ],
)
def test_whole_channels_are_dropped(layer, shape):
    out = np.asarray(drop(layer, np.ones(shape))).reshape(200, -1)
    assert (out == out[:, :1]).all()
    assert 0.35 < (out[:, 0] == 0).mean() < 0.65


def test_the_mask_is_that_of_the_key():
    one, same, other = (np.asarray(drop(nn.Dropout(), np.ones(100), seed)) for seed in (0, 0, 1))
    assert (one == same).all() and (one != other).any()


@pytest.mark.parametrize(("p", "kept"), [(0.0, 1.0), (1.0, 0.0)])
def test_the_limits_keep_all_or_nothing(p, kept):
    x = jnp.ones(10)
    value, slope = jax.jit(jax.value_and_grad(lambda x: drop(nn.Dropout(p), x).sum()))(x)
    assert value == 10 * kept and slope.tolist() == [kept] * 10


def test_evaluation_needs_no_key_and_changes_nothing():
    x = jnp.arange(3.0)
    assert nn.Dropout()({}, x) is x
    assert nn.Dropout(0.0)({}, x, train=True) is x


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: nn.serial(nn.Dropout())({}, jnp.ones(3), train=True),
            "ValueError: Dropout(): dropout in training needs a key: apply(params, state, x, "
            "key=jax.random.key(0), train=True), another key at each step\n"
            "in layer '0': Dropout()",
        ),
        (
            lambda: nn.Dropout(1.5),
            "ValueError: Dropout(p=1.5): p is a probability, between 0 and 1, got 1.5",
        ),
        (
            lambda: nn.Dropout2d()({}, jnp.ones(3), key=KEY, train=True),
            "ValueError: Dropout2d(): the input must have 3 or 4 axes, got 1 in shape (3,): add "
            "the missing axis with x[None], or reshape",
        ),
    ],
)
def test_mistakes_are_told_with_the_fix(call, said):
    assert error_of(call) == said
