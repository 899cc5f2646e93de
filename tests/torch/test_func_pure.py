"""``torch.func.pure``: a module as a pure layer, beside the module itself and beside fl.nn."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import functorch_lite as fl
import functorch_lite.torch as torch
from functorch_lite.torch import nn
from functorch_lite.torch.func import pure

KEY = jax.random.key(0)
X = jnp.linspace(-1, 1, 24).reshape(8, 3)


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2)
    )


def equal(a, b, atol: float = 1e-6) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5, atol=atol)


def test_the_tree_has_the_keys_and_values_of_the_state_dict():
    net = network()
    params, state = pure(net).init()
    flat = fl.nn.to_state_dict(params, state)
    assert set(flat) == set(net.state_dict())
    for name, tensor in net.state_dict().items():
        equal(flat[name], tensor)


def test_outputs_gradients_and_statistics_are_the_modules():
    net = network().eval()
    layer = pure(net)
    params, state = layer.init()
    outputs, same_state = layer.apply(params, state, X)
    equal(outputs, net(torch.tensor(np.array(X))).detach())
    jax.tree.map(equal, same_state, state)
    net[3].p = 0.0
    _, moved = layer.apply(params, state, X, train=True, key=KEY)
    found = jax.grad(lambda p: (layer.apply(p, state, X, train=True, key=KEY)[0] ** 2).sum())(
        params
    )
    net.train()(torch.tensor(np.array(X))).pow(2).sum().backward()
    for name, parameter in net.named_parameters():
        # one is a program, the other runs op by op: what batch norm cancels differs in rounding
        equal(fl.nn.flatten(found)[name], parameter.grad, atol=2e-5)
    equal(moved["1"]["running_mean"], net[1].running_mean)
    assert int(moved["1"]["num_batches_tracked"]) == 1


def test_it_equals_the_same_layers_of_fl_nn():
    own = fl.nn.serial(
        fl.nn.Linear(3, 4),
        fl.nn.BatchNorm1d(4),
        fl.nn.ReLU(),
        fl.nn.Dropout(0.5),
        fl.nn.Linear(4, 2),
    )
    params, state = own.init(KEY)
    equal(own.apply(params, state, X)[0], pure(network()).apply(params, state, X)[0])


def test_chance_comes_from_the_key_alone():
    layer = pure(network())
    params, state = layer.init(KEY)
    run = jax.jit(lambda key: layer.apply(params, state, X, key=key, train=True)[0])
    equal(run(KEY), run(KEY))
    assert not np.allclose(run(KEY), run(jax.random.key(1)))
    with pytest.raises(ValueError, match="draws random numbers and has no key"):
        layer.apply(params, state, X, train=True)


def test_nothing_of_the_module_changes():
    net = network()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    layer = pure(net)
    params, state = layer.init(KEY)
    layer.apply(params, state, X, key=KEY, train=False)
    assert net.training and all(torch.equal(v, before[k]) for k, v in net.state_dict().items())


def test_ensembles_by_vmap_of_init():
    layer = pure(network())
    params, state = jax.vmap(layer.init)(jax.random.split(KEY, 5))
    outputs = jax.vmap(lambda p, s: layer.apply(p, s, X)[0])(params, state)
    assert outputs.shape == (5, 8, 2)
    assert np.std(np.asarray(params["0"]["weight"]), axis=0).min() > 0


def test_a_users_module_that_writes_detaches_and_draws():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.randn(3))
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x):
            self.calls += 1
            with torch.no_grad():
                shift = x * self.scale
            return x * self.scale.detach() + shift + self.scale

    with pytest.raises(NotImplementedError, match="has parameters and no reset_parameters"):
        pure(Own()).init(KEY)
    layer = pure(Own)
    params, state = layer.init(KEY)
    assert not np.allclose(params["scale"], layer.init(jax.random.key(1))[0]["scale"])
    _, state = layer.apply(params, state, X)
    assert float(state["calls"]) == 1
    grads = jax.grad(lambda p: layer.apply(p, state, X)[0].sum())(params)
    equal(grads["scale"], np.full(3, 8.0))


def test_it_trains_with_optax_and_loads_back():
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    layer = pure(net)
    params, _ = layer.init(KEY)
    tx = optax.adam(1e-1)
    target = X.sum(1, keepdims=True)

    @jax.jit
    def step(params, memory):
        loss, grads = jax.value_and_grad(lambda p: ((layer(p, X) - target) ** 2).mean())(params)
        updates, memory = tx.update(grads, memory)
        return optax.apply_updates(params, updates), memory, loss

    memory, losses = tx.init(params), []
    for _ in range(30):
        params, memory, loss = step(params, memory)
        losses.append(float(loss))
    assert losses[-1] < 0.1 * losses[0]
    equal(layer.load(params)(torch.tensor(np.array(X))).detach(), layer(params, X))


def test_load_checks_before_it_writes():
    net = nn.Linear(3, 2)
    before = net.weight.detach().clone()
    with pytest.raises(RuntimeError, match="bias has shape"):
        pure(net).load({"weight": jnp.zeros((2, 3)), "bias": jnp.zeros(5)})
    with pytest.raises(RuntimeError, match=r"missing \['bias'\]"):
        pure(net).load({"weight": jnp.zeros((2, 3))})
    assert torch.equal(net.weight, before)
