"""The four lines of the contract, for every kind of layer, under jit, vmap and grad."""

import copy
import functools
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from functorch_lite import nn
from tests.nn.against_module import QUICK, draw, error_of, fresh

KEY = jax.random.key(0)

LAYERS = [
    (nn.Bilinear(3, 3, 2), (4, 3), (4, 3)),
    (nn.Conv2d(2, 3, 3, [1, 2]), (2, 2, 5, 5)),
    (nn.InstanceNorm1d(3, track_running_stats=True), (2, 3, 4)),
    (nn.LSTM(3, 2), (4, 2, 3)),
    (nn.TransformerEncoderLayer(4, 2, 8), (3, 2, 4)),
    (nn.serial(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Tanh(), nn.Dropout(0.1)), (4, 3)),
    (nn.repeat(nn.residual(nn.Linear(3, 3)), 2), (4, 3)),
    (nn.parallel(nn.LayerNorm([3]), nn.PReLU(), nn.Unflatten(-1, [3, 1])), (4, 3)),
]
CASES = [(layer, [draw(*shape, seed=i) for i, shape in enumerate(s)]) for layer, *s in LAYERS]


@pytest.mark.parametrize(("layer", "inputs"), CASES, ids=[repr(layer) for layer, _ in CASES])
def test_the_contract_holds(layer, inputs):
    """One program: train and eval, an ensemble by vmap, gradients; nothing given is changed."""
    keys = jax.random.split(KEY, 3)
    members = jax.jit(jax.vmap(layer.init), compiler_options=QUICK)(keys)
    params, state = jax.tree.map(lambda x: x[0], members)
    before = copy.deepcopy(jax.tree.map(np.asarray, (params, state, inputs)))

    def loss(params, state, key):
        outputs, new = layer.apply(params, state, *inputs, key=key, train=True)
        return sum(x.sum() for x in jax.tree.leaves(outputs)), (outputs, new)

    def everything(params, state, members):
        plain = layer.apply(params, state, *inputs)
        return plain, jax.vmap(jax.value_and_grad(loss, has_aux=True))(*members, keys)

    run = jax.jit(everything, compiler_options=QUICK)
    plain, ensemble = run(params, state, members)
    (_, (_, new)), grads = jax.tree.map(lambda x: x[0], ensemble)

    jax.tree.map(np.testing.assert_array_equal, before, (params, state, inputs))
    assert jax.tree.structure((params, state)) == jax.tree.structure(
        jax.eval_shape(layer.init, KEY)
    )
    assert jax.tree.map(_kind, grads) == jax.tree.map(_kind, params)
    assert jax.tree.map(_kind, plain[1]) == jax.tree.map(_kind, state)
    assert jax.tree.map(_kind, new) == jax.tree.map(_kind, state)
    assert all(bool(jnp.isfinite(x).all()) for x in jax.tree.leaves(ensemble))
    assert not any(
        isinstance(node, dict) and not node for tree in (params, state) for node in _below(tree)
    )


def _below(tree):
    """Yield all that lies inside a nested dict."""
    for value in tree.values():
        yield value
        if isinstance(value, dict):
            yield from _below(value)


def _kind(x):
    return x.shape, x.dtype


@pytest.mark.parametrize("layer", [layer for layer, _ in CASES], ids=repr)
def test_layers_are_frozen_hashable_and_compare_by_their_settings(layer):
    twin = copy.copy(layer)
    assert twin == layer and hash(twin) == hash(layer)
    assert pickle.loads(pickle.dumps(layer)) == layer
    with pytest.raises(AttributeError):
        layer.train = True


def test_equal_layers_share_one_program():
    traces = []

    @functools.partial(jax.jit, static_argnums=0)
    def run(layer, x):
        traces.append(layer)
        return layer({}, x)

    assert run(nn.LeakyReLU(0.5), -2.0) == run(nn.LeakyReLU(0.5), -2.0) == -1
    assert len(traces) == 1


def test_bfloat16_layers_compute_in_bfloat16():
    layer = nn.serial(
        *(nn.Linear(3, 4, dtype=jnp.bfloat16), nn.LayerNorm(4, dtype=jnp.bfloat16), nn.ReLU()),
    )
    params, _ = fresh(layer)
    assert {x.dtype.name for x in jax.tree.leaves(params)} == {"bfloat16"}
    assert layer(params, jnp.ones((2, 3), jnp.bfloat16)).dtype == jnp.bfloat16
    assert repr(nn.Linear(3, 4, dtype=jnp.bfloat16)) == "Linear(3, 4, dtype=bfloat16)"


def test_with_64_bits_switched_on_layers_may_be_float64():
    with jax.enable_x64(True):
        layer = nn.serial(nn.Linear(3, 2, dtype=jnp.float64), nn.BatchNorm1d(2, dtype=jnp.float64))
        params, state = layer.init(KEY)
        out, state = layer.apply(params, state, np.ones((4, 3)), train=True)
        assert out.dtype == jnp.float64
        assert state["1"]["num_batches_tracked"].dtype == jnp.int64


def test_two_functions_make_a_layer():
    layer = nn.Pair(
        lambda key: ({"w": jax.random.normal(key)}, {"n": 0}),
        lambda params, state, x, *, key=None, train=False: (params["w"] * x, {"n": state["n"] + 1}),
    )
    params, state = layer.init(KEY)
    out, state = nn.serial(layer).apply({"0": params}, {"0": state}, 2.0)
    assert out == 2 * params["w"] and state == {"0": {"n": 1}}


def test_anything_with_the_two_functions_is_a_layer():
    class Own:
        def init(self, key):
            return {}, {}

        def apply(self, params, state, input, *, key=None, train=False):
            return -input, state

    assert nn.serial(Own(), abs)({}, 3.0) == 3.0


def test_a_layer_with_state_refuses_the_short_call():
    class Counter(nn.Layer):
        def apply(self, params, state, input, *, key=None, train=False):
            return input, {"n": 1}

    assert error_of(Counter(), {}, 1.0) == (
        "ValueError: Counter() keeps state, which layer(params, x) would lose: "
        "call outputs, state = layer.apply(params, state, x)"
    )


def test_a_layer_without_apply_says_so():
    class Empty(nn.Layer):
        pass

    class Open(nn.Composite):
        pass

    assert error_of(Empty(), {}, 1.0) == "NotImplementedError: Empty must define apply"
    assert error_of(Open(), {}, 1.0) == "NotImplementedError: Open must define children"
