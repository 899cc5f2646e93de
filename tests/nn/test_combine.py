"""Combinators: the keys and numbers of nested modules, and what is said about misuse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import functorch_lite.torch as torch
from functorch_lite import nn
from tests.nn.against_module import check_same, draw, error_of, fresh, zeros_of


def test_serial_is_the_modules_sequential_state_and_all():
    layer = nn.serial(
        *(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten()),
        head=nn.serial(nn.Linear(18, 4), jnp.tanh, out=nn.Linear(4, 2)),
    )
    head = torch.nn.Sequential(torch.nn.Linear(18, 4), torch.nn.Tanh())
    head.add_module("out", torch.nn.Linear(4, 2))
    module = torch.nn.Sequential(
        *(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.ReLU(), torch.nn.Flatten())
    )
    module.add_module("head", head)
    check_same(layer, module, draw(3, 1, 5, 5), train=True)


class ResNetBlock(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv1d(2, 4, 3, padding=1)
        self.downsample = torch.nn.Sequential(torch.nn.Conv1d(2, 4, 1), torch.nn.BatchNorm1d(4))

    def forward(self, x):
        return self.downsample(x) + self.conv1(x)


def test_residual_has_the_keys_of_a_resnet_block():
    layer = nn.residual(
        nn.serial(conv1=nn.Conv1d(2, 4, 3, padding=1)),
        downsample=nn.serial(nn.Conv1d(2, 4, 1), nn.BatchNorm1d(4)),
    )
    check_same(layer, ResNetBlock(), draw(2, 2, 5), train=True)
    assert nn.residual(nn.Linear(2, 2)).init(jax.random.key(0))[0].keys() == {"weight", "bias"}


def test_parallel_gives_each_layer_the_same_inputs():
    layer = nn.parallel(nn.Linear(3, 2), jnp.sin, twice=lambda x: 2 * x)
    params, state = fresh(layer)
    assert set(nn.flatten(params)) == {"0.weight", "0.bias"}
    x = draw(4, 3)
    outputs, _ = layer.apply(params, state, x)
    np.testing.assert_allclose(outputs[0], x @ params["0"]["weight"].T + params["0"]["bias"], 1e-5)
    np.testing.assert_allclose(outputs[1], np.sin(x), 1e-5)
    np.testing.assert_array_equal(outputs[2], 2 * x)


BLOCK = nn.serial(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))


def test_repeat_is_serial_over_copies_in_values_gradients_and_state():
    deep, flat = nn.repeat(BLOCK, 3), nn.serial(BLOCK, BLOCK, BLOCK)
    checkpointed = nn.repeat(BLOCK, 3, checkpoint=True)
    params, state = fresh(deep)
    x = draw(4, 3)

    def run(layer, params, state):
        def loss(params):
            out, new = layer.apply(params, state, x, key=None, train=False)
            return (out * out).sum(), new

        return jax.value_and_grad(loss, has_aux=True)(params)

    @jax.jit
    def everything(params, state):
        stacked = run(deep, nn.stack(params), nn.stack(state))
        return [run(layer, params, state) for layer in (flat, deep, checkpointed)], stacked

    (expected, *others), stacked = everything(params, state)
    assert set(stacked[1]) == {"*"}
    for got in (*others, stacked):
        (value, new), grads = got
        got = value, nn.flatten(new), nn.flatten(grads)
        want = expected[0][0], nn.flatten(expected[0][1]), nn.flatten(expected[1])
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, 1e-4, 1e-6), got, want)


def test_repeat_in_training_gives_each_copy_its_own_statistics_and_key():
    deep = nn.repeat(nn.serial(nn.BatchNorm1d(3), lambda x: 2 * x + 1), 3)
    params, state = fresh(deep)
    x = draw(4, 3)
    _, new = jax.jit(deep.apply, static_argnames="train")(params, state, x, train=True)
    means = [new[i]["0"]["running_mean"] for i in "012"]
    np.testing.assert_allclose(means[0], 0.1 * x.mean(0), rtol=1e-5)
    np.testing.assert_allclose(means[1], np.full(3, 0.1), rtol=1e-5)
    _, stacked = deep.apply(nn.stack(params), nn.stack(state), x, train=True)
    np.testing.assert_allclose(stacked["*"]["0"]["running_mean"], means, rtol=1e-5)
    drop = nn.repeat(nn.Dropout(0.5), 2)
    out = drop({}, jnp.ones(1000), key=jax.random.key(0), train=True)
    assert 0.15 < float((out != 0).mean()) < 0.35


def test_repeat_passes_further_inputs_and_options_to_each_copy():
    class Shift(nn.Layer):
        def apply(self, params, state, x, by, *, scale=1.0, key=None, train=False):
            return x + scale * by, state

    assert float(nn.repeat(Shift(), 3)({}, 1.0, 2.0, scale=0.5)) == 4.0


def test_repeat_of_a_deep_model_compiles_one_copy():
    layer = nn.repeat(nn.serial(nn.Linear(2, 2), nn.Tanh()), 50)
    text = jax.jit(layer).lower(zeros_of(layer)[0], jnp.ones(2)).as_text()
    assert text.count("stablehlo.tanh") == 1


def test_a_child_called_twice_has_two_keys():
    class Twice(nn.Composite):
        def children(self):
            return {"drop": nn.Dropout(0.5)}

        def forward(self, call, x):
            return call("drop", x), call("drop", x)

    a, b = Twice()({}, jnp.ones(100), key=jax.random.key(0), train=True)
    assert not jnp.array_equal(a, b)


def test_a_composite_may_have_params_of_its_own():
    class Prefixed(nn.Composite):
        def children(self):
            return {"fc": nn.Linear(2, 2)}

        def init(self, key):
            params, state = super().init(key)
            return params | {"token": jnp.zeros((1, 2))}, state

        def forward(self, call, x):
            return call("fc", jnp.concatenate([call.params["token"], x]))

    params, _ = fresh(Prefixed())
    assert set(nn.flatten(params)) == {"fc.weight", "fc.bias", "token"}
    assert Prefixed()(params, jnp.ones((3, 2))).shape == (4, 2)


def test_combinators_show_their_layers():
    assert repr(nn.serial(nn.Linear(2, 3), jnp.tanh, head=nn.repeat(nn.ReLU(), 2))) == (
        "serial(Linear(2, 3), fn(tanh), head=repeat(ReLU(), 2))"
    )
    assert repr(nn.residual(nn.parallel(nn.ReLU()), side=nn.Identity())) == (
        "residual(parallel(ReLU()), side=Identity())"
    )


MODEL = nn.serial(nn.Linear(2, 3), head=nn.serial(nn.Linear(4, 1)))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: MODEL(zeros_of(MODEL)[0], jnp.ones((5, 2))),
            "ValueError: Linear(4, 1): the last axis of the input must have size 4, got 3 in shape "
            "(5, 3): change in_features, or the input\n"
            "in layer '0': Linear(4, 1)\n"
            "in layer 'head': serial(Linear(4, 1))",
        ),
        (
            lambda: MODEL({"1": {}}, jnp.ones((5, 2))),
            "KeyError: 'weight'\nparams has no '0', only ['1']: pass what init returned\n"
            "in layer '0': Linear(2, 3)",
        ),
        (
            lambda: nn.serial(nn.Linear(2, 3), nn.ReLU),
            "TypeError: serial: layer '1' is the class ReLU: call it, ReLU(...)",
        ),
        (
            lambda: nn.serial(nn.Linear(2, 3), 7),
            "TypeError: serial: layer '1' must be a layer (with init and apply) or a function, got "
            "7: wrap a function with fn(...)",
        ),
        (
            lambda: nn.serial(),
            "ValueError: serial: give at least one layer, such as Identity()",
        ),
        (
            lambda: nn.serial(nn.ReLU(), **{"0": nn.ReLU()}),
            "ValueError: serial: two layers have the same name: ['0', '0']",
        ),
        (
            lambda: nn.serial(**{"a.b": nn.ReLU()}),
            "ValueError: serial: the name 'a.b' cannot be part of a dotted key; leave out the dot",
        ),
        (
            lambda: nn.residual(nn.Linear(2, 3))(zeros_of(nn.Linear(2, 3))[0], jnp.ones(2)),
            "ValueError: residual: the layer gives shape (3,) and the way around it (2,): add a "
            "shortcut that makes them equal, residual(layer, downsample=Conv2d(...))",
        ),
        (
            lambda: nn.residual(nn.ReLU(), a=nn.ReLU(), b=nn.ReLU()),
            "ValueError: residual: one shortcut at most, got a, b",
        ),
        (
            lambda: nn.residual(nn.serial(side=nn.Linear(2, 2)), side=nn.Linear(2, 2)).init(
                jax.random.key(0)
            ),
            "ValueError: residual: the layer has params named 'side' as well: give the shortcut "
            "another name",
        ),
        (
            lambda: nn.repeat(nn.Linear(2, 3), 2)(
                zeros_of(nn.repeat(nn.Linear(2, 3), 2))[0], jnp.ones((5, 2))
            ),
            "ValueError: repeat: the layer must return what it takes, got (5, 2) float32 -> (5, 3) "
            "float32: use serial for layers of different sizes",
        ),
        (lambda: nn.repeat(nn.ReLU(), 0), "ValueError: repeat: n must be at least 1, got 0"),
    ],
)
def test_mistakes_are_told_with_the_fix(call, said):
    assert error_of(call) == said
