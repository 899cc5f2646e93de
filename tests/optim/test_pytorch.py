"""``optim.pytorch``: PyTorch's rules as optax transformations, against the shim's optimizers."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import functorch_lite.torch as torch
from functorch_lite import optim

CLASSES = {
    "adadelta": "Adadelta",
    "adafactor": "Adafactor",
    "adagrad": "Adagrad",
    "adam": "Adam",
    "adamax": "Adamax",
    "adamw": "AdamW",
    "asgd": "ASGD",
    "muon": "Muon",
    "nadam": "NAdam",
    "radam": "RAdam",
    "rmsprop": "RMSprop",
    "rprop": "Rprop",
    "sgd": "SGD",
}
SETTINGS = {
    "adadelta": [{"rho": 0.5, "weight_decay": 0.1, "maximize": True}],
    "adafactor": [{}, {"d": 2.0, "weight_decay": 0.1, "eps": (1e-6, 1e-2)}],
    "adagrad": [{"lr_decay": 0.5, "initial_accumulator_value": 1.0, "weight_decay": 0.1}],
    "adam": [{}, {"lr": 0.1, "amsgrad": True, "weight_decay": 0.1}, {"betas": (0.3, 0.7)}],
    "adamax": [{"weight_decay": 0.1, "maximize": True}],
    "adamw": [{"weight_decay": 0.5, "maximize": True}],
    "asgd": [{"t0": 2, "lambd": 0.1, "weight_decay": 0.1}],
    "muon": [{}, {"nesterov": False, "adjust_lr_fn": "match_rms_adamw"}],
    "nadam": [{"weight_decay": 0.1, "decoupled_weight_decay": True}],
    "radam": [{"weight_decay": 0.1}, {"betas": (0.9, 0.5)}],
    "rmsprop": [{}, {"momentum": 0.9, "centered": True, "weight_decay": 0.1}],
    "rprop": [{"etas": (0.5, 2.0), "step_sizes": (1e-3, 0.02)}],
    "sgd": [
        {},
        {"lr": 0.1, "momentum": 0.9},
        {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1},
        {"momentum": 0.9, "nesterov": True, "maximize": True},
    ],
}
CASES = [(name, options) for name, all_options in SETTINGS.items() for options in all_options]
SHAPES = {"w": (4, 3), "b": (5,)}


def trees(name, count, dtype="float32"):
    """Return ``count`` trees of random arrays."""
    rng = np.random.default_rng(0)
    shapes = {"w": SHAPES["w"]} if name == "muon" else SHAPES
    return [
        {k: np.asarray(rng.standard_normal(s)).astype(dtype) for k, s in shapes.items()}
        for _ in range(count)
    ]


def of_the_shim(name, options, params, grads, lrs=None):
    """Return the parameters and the optimizer after a step with each of ``grads``."""
    params = {k: torch.nn.Parameter(torch.tensor(p)) for k, p in params.items()}
    optimizer = getattr(torch.optim, CLASSES[name])(params.values(), **options)
    for i, grad in enumerate(grads):
        if lrs:
            optimizer.param_groups[0]["lr"] = lrs[i]
        for k, p in params.items():
            p.grad = torch.tensor(grad[k])
        optimizer.step()
    return {k: p.detach().numpy() for k, p in params.items()}, list(optimizer.state.values())


def in_optax(rule):
    """Return a compiled step of any transformation, by ``apply_updates``."""

    def step(grads, state, params):
        updates, state = rule.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    return jax.jit(step)


def run(step, state, params, grads):
    for grad in grads:
        params, state = step(grad, state, params)
    return params, state


def assert_close(got, wanted):
    """To the bit, but for a last digit where XLA fuses the two programs differently."""
    for key, value in wanted.items():
        np.testing.assert_allclose(got[key], value, 3e-7, 1e-8)


def test_every_rule_has_a_function():
    assert set(CLASSES) - {"adamw"} == set(optim.RULES)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_the_defaults_are_pytorchs(name):
    ours = inspect.signature(getattr(optim.pytorch, name)).parameters
    theirs = inspect.signature(getattr(torch.optim, CLASSES[name])).parameters
    implementation = {"params", "foreach", "fused", "capturable", "differentiable"}
    assert {k: p.default for k, p in ours.items()} == {
        k: p.default for k, p in theirs.items() if k not in implementation
    }


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_five_steps_are_those_of_the_optimizer(name, options):
    params, *grads = trees(name, 6)
    rule = getattr(optim.pytorch, name)(**options)
    wanted, kept = of_the_shim(name, options, params, grads)
    state = rule.init(params)

    @jax.jit
    def step(grads, state, params):
        updates, _ = rule.update(grads, state, params)
        return *rule.step(grads, state, params), optax.apply_updates(params, updates)

    for grad in grads:
        params, state, updated = step(grad, state, params)
        for key, value in params.items():  # what optax arrives at
            np.testing.assert_allclose(updated[key], value, 1e-6, 1e-7)
    assert_close(params, wanted)
    for key, theirs in zip(wanted, kept or [{}] * len(wanted), strict=True):
        for slot, value in theirs.items():
            mine = {"step": state.step, **state.scalars, **state.slots}[slot]
            mine = mine[key] if slot in state.slots else mine
            np.testing.assert_allclose(mine, value.detach().numpy(), 1e-5, 1e-7)


@pytest.mark.parametrize("dtype", ["float64", "complex64"])
def test_other_dtypes_are_updated_as_in_the_shim(dtype):
    options = {"lr": 0.1, "initial_accumulator_value": 0.5}
    params, *grads = [
        {k: np.asarray(x * (1 + 0.5j) if dtype == "complex64" else x, dtype) for k, x in t.items()}
        for t in trees("adagrad", 4)
    ]
    rule = optim.pytorch.adagrad(**options)
    wanted, _ = of_the_shim("adagrad", options, params, grads)
    with jax.enable_x64(dtype == "float64"):
        got, _ = run(jax.jit(rule.step), rule.init(params), params, grads)
    for key, value in wanted.items():
        assert got[key].dtype == dtype
        np.testing.assert_allclose(got[key], value, 3e-7, 1e-8)


def test_a_schedule_gives_the_rate_of_each_step():
    params, *grads = trees("adamw", 6)
    rates = [0.1 / (k + 1) for k in range(5)]
    rule = optim.pytorch.adamw(lambda step: 0.1 / (step + 1))
    wanted, _ = of_the_shim("adamw", {}, params, grads, rates)
    got, _ = run(jax.jit(rule.step), rule.init(params), params, grads)
    for key, value in wanted.items():
        np.testing.assert_allclose(got[key], value, rtol=1e-6)


def test_an_injected_rate_changes_without_compiling_again():
    params, *grads = trees("nadam", 6)
    rule = optim.inject_hyperparams(optim.pytorch.nadam)(lr=0.1)
    traces = []

    @jax.jit
    def step(grads, state, params):
        traces.append(1)
        updates, state = rule.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    rates = [0.1 / (k + 1) for k in range(5)]
    wanted, _ = of_the_shim("nadam", {}, params, grads, rates)
    state = rule.init(params)
    for rate, grad in zip(rates, grads, strict=True):
        state.hyperparams["lr"] = jnp.float32(rate)
        params, state = step(grad, state, params)
    assert len(traces) == 1
    for key, value in wanted.items():
        np.testing.assert_allclose(params[key], value, rtol=2e-6)


def test_a_rate_may_be_an_operand():
    params, grads = jnp.ones(3), jnp.ones(3)

    @jax.jit
    def step(lr):
        rule = optim.pytorch.sgd(lr)
        return rule.step(grads, rule.init(params), params)[0]

    assert step(0.25).tolist() == [0.75] * 3
    assert step(0.5).tolist() == [0.5] * 3
    assert step._cache_size() == 1


def test_a_rule_is_at_home_in_optax():
    params, grads = {"w": jnp.ones((2, 2)), "b": jnp.ones(2)}, {"w": 9.0, "b": 9.0}
    grads = jax.tree.map(lambda g, p: jnp.full_like(p, g), grads, params)
    labels = {"w": "matrix", "b": "rest"}
    rules = {"matrix": optim.pytorch.muon(), "rest": optim.pytorch.sgd(0.5)}
    tx = optim.chain(optim.clip(1.0), optim.partition(rules, labels))
    new, _ = in_optax(tx)(grads, tx.init(params), params)
    assert new["b"].tolist() == [0.5, 0.5]
    assert (new["w"] < 1).all()
    adam = optim.pytorch.adam()
    specs = optim.tree_map_params(adam, lambda _: "sharded", adam.init(params))
    assert specs.slots["exp_avg"] == {"w": "sharded", "b": "sharded"}


def test_a_rule_is_differentiable_and_can_be_mapped():
    rule, params = optim.pytorch.adam(0.1), jnp.array([1.0, 2.0])
    state = rule.init(params)

    def after(grads):
        return rule.step(grads, state, params)[0].sum()

    assert jnp.isfinite(jax.jit(jax.grad(after))(jnp.array([0.5, -0.5]))).all()
    many = jax.vmap(rule.step, (0, None, None))(jnp.ones((3, 2)), state, params)
    assert many[0].shape == (3, 2)


def test_half_precision_parameters_keep_their_dtype():
    params = {"w": jnp.ones(4, jnp.bfloat16)}
    rule = optim.pytorch.adam(0.1)
    new, state = jax.jit(rule.step)({"w": jnp.ones(4)}, rule.init(params), params)
    assert new["w"].dtype == state.slots["exp_avg"]["w"].dtype == jnp.bfloat16
    assert new["w"].tolist() == pytest.approx([0.9] * 4, rel=1e-2)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda o: o.adam(-1.0), "optim.pytorch.adam: lr must not be negative, got -1.0"),
        (lambda o: o.adamw(betas=(0.9, 1.0)), r"betas\[1\] must be at least 0 and below 1"),
        (lambda o: o.sgd(nesterov=True), "needs a momentum above 0 and no dampening, got mom"),
        (lambda o: o.rprop(etas=(2.0, 3.0)), r"etas must lie on both sides of 1, got \(2.0, 3.0\)"),
        (lambda o: o.muon(adjust_lr_fn="x"), "adjust_lr_fn is .original. or"),
        (lambda o: o.muon().init(jnp.ones(3)), r"updates matrices.*shape \(3,\).*optim.partition"),
        (lambda o: o.adafactor().init(jnp.ones(3, complex)), "does not update complex"),
        (lambda o: o.sgd().update(1.0, o.sgd().init(1.0)), r"tx.update\(grads, state, params\)"),
    ],
)
def test_errors_say_what_to_do(make, text):
    with pytest.raises(ValueError, match=text):
        make(optim.pytorch)
