"""RNN, LSTM, GRU and their cells: the modules' numbers, dropout between layers, mistakes."""

import jax
import jax.numpy as jnp
import pytest

import functorch_lite.torch.nn as modules
from functorch_lite import nn
from tests.nn.against_module import check_row, check_same, draw, error_of, fresh, zeros_of


def sizes(i, h, **more):
    return {"input_size": i, "hidden_size": h, **more}


ROWS = [
    ("RNN", sizes(3, 2, nonlinearity="relu", bias=False), (5, 3)),
    ("GRU", sizes(3, 2, bidirectional=True, batch_first=True), (2, 4, 3)),
    ("GRU", sizes(3, 2), (4, 2, 3), (1, 2, 2)),
    ("LSTM", sizes(3, 4, proj_size=2, num_layers=2), (4, 2, 3)),
    ("RNNCell", sizes(3, 4, nonlinearity="relu"), (2, 3)),
    ("GRUCell", sizes(3, 4), (2, 3), (2, 4)),
    ("LSTMCell", sizes(3, 4, bias=False), (2, 3)),
]


@pytest.mark.parametrize(("name", "settings", "shapes"), [(n, s, i) for n, s, *i in ROWS])
def test_the_numbers_are_the_modules(name, settings, shapes):
    check_row(name, settings, *shapes)


def test_an_lstm_starts_from_the_given_state():
    class Started(nn.Composite):
        def children(self):
            return {"lstm": nn.LSTM(3, 2)}

        def forward(self, call, x, h, c):
            return call("lstm", x, (h, c))

    class Holder(modules.Module):
        def __init__(self):
            super().__init__()
            self.lstm = modules.LSTM(3, 2)

        def forward(self, x, h, c):
            return self.lstm(x, (h, c))

    check_same(Started(), Holder(), draw(4, 2, 3), draw(1, 2, 2), draw(1, 2, 2, seed=1))


def test_dropout_acts_between_layers_in_training_only():
    layer = nn.GRU(3, 8, num_layers=2, dropout=0.5)
    params, _ = fresh(layer)
    x, keys = draw(4, 2, 3), jax.random.split(jax.random.key(0))

    @jax.jit
    def run(params):
        noisy = [layer(params, x, key=key, train=True)[0] for key in (keys[0], keys[0], keys[1])]
        return noisy, layer(params, x)[0], layer(params, x, key=keys[0])[0]

    noisy, plain, keyed = run(params)
    assert jnp.array_equal(noisy[0], noisy[1]) and jnp.array_equal(plain, keyed)
    assert not jnp.allclose(noisy[0], noisy[2]) and not jnp.allclose(noisy[0], plain)


def test_a_single_layer_has_nothing_to_drop():
    layer = nn.GRU(3, 8, dropout=0.5)
    jax.eval_shape(lambda params: layer(params, draw(4, 2, 3), train=True), zeros_of(layer)[0])


LAYER = nn.LSTM(3, 2)
PARAMS, _ = zeros_of(LAYER)
STACK = nn.GRU(3, 2, 2, dropout=0.5)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: LAYER(PARAMS, jnp.ones((4, 2, 5))),
            "ValueError: LSTM(3, 2): the last axis of the input must have size 3, got 5 in shape "
            "(4, 2, 5): change input_size, or the input",
        ),
        (
            lambda: LAYER(PARAMS, jnp.ones((4, 2, 3)), (jnp.ones((1, 2, 2)), jnp.ones((1, 3, 2)))),
            "ValueError: LSTM(3, 2): hx must have the shapes [(1, 2, 2), (1, 2, 2)] (num_layers * "
            "directions, batch, size), got [(1, 2, 2), (1, 3, 2)]: leave it out for zeros",
        ),
        (
            lambda: nn.RNN(3, 2, nonlinearity="gelu"),
            "ValueError: RNN(3, 2, nonlinearity='gelu'): unknown nonlinearity 'gelu': use 'tanh' "
            "or 'relu'",
        ),
        (
            lambda: nn.LSTM(3, 2, proj_size=2),
            "ValueError: LSTM(3, 2, proj_size=2): proj_size must be smaller than hidden_size, or 0 "
            "for no projection",
        ),
        (
            lambda: nn.GRU(3, 0),
            "ValueError: GRU(3, 0): input_size, hidden_size and num_layers must be positive: got "
            "3, 0 and 1",
        ),
        (
            lambda: STACK(zeros_of(STACK)[0], jnp.ones((4, 3)), train=True),
            "ValueError: GRU(3, 2, num_layers=2, dropout=0.5): dropout in training needs a key: "
            "apply(params, state, x, key=jax.random.key(0), train=True), another key at each step",
        ),
    ],
)
def test_mistakes_are_told_with_the_fix(call, said):
    assert error_of(call) == said
