"""Every optimizer against live PyTorch: five steps, state, checkpoints, one compilation."""

import copy
import pickle

import numpy as np
import pytest

import functorch_lite.torch as ours
import functorch_lite.torch.optim  # noqa: F401
from functorch_lite._core.counters import counters
from functorch_lite._core.eager import HOT
from tests.parity import live_torch

SETTINGS = {
    "SGD": [
        {},
        {"lr": 0.1, "momentum": 0.9},
        {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1},
        {"momentum": 0.9, "nesterov": True, "maximize": True},
    ],
    "Adam": [{}, {"lr": 0.1, "amsgrad": True, "weight_decay": 0.1}, {"betas": (0.3, 0.7)}],
    "AdamW": [{}, {"weight_decay": 0.5, "maximize": True}],
    "Adamax": [{}, {"weight_decay": 0.1, "maximize": True}],
    "NAdam": [{}, {"weight_decay": 0.1, "decoupled_weight_decay": True}],
    "RAdam": [{}, {"weight_decay": 0.1}, {"betas": (0.9, 0.5)}],
    "ASGD": [{}, {"t0": 2, "lambd": 0.1, "weight_decay": 0.1}],
    "Adagrad": [{}, {"lr_decay": 0.5, "initial_accumulator_value": 1.0, "weight_decay": 0.1}],
    "Adadelta": [{}, {"rho": 0.5, "weight_decay": 0.1}],
    "RMSprop": [{}, {"momentum": 0.9, "centered": True, "weight_decay": 0.1}],
    "Rprop": [{}, {"etas": (0.5, 2.0), "step_sizes": (1e-3, 0.02)}],
    "Adafactor": [{}, {"d": 2.0, "weight_decay": 0.1, "eps": (1e-6, 1e-2)}],
    "Muon": [{}, {"nesterov": False, "adjust_lr_fn": "match_rms_adamw"}],
    "LBFGS": [{}, {"line_search_fn": "strong_wolfe", "history_size": 3}],
}
CASES = [(name, options) for name, all_options in SETTINGS.items() for options in all_options]
SHAPES = [(4, 3), (5,), (), (2, 3, 2)]


def arrays(name, dtype, seed=0):
    shapes = SHAPES[:1] if name == "Muon" else SHAPES
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.standard_normal(shape)).astype(dtype) for shape in shapes]


def make(torch, name, dtype="float32", groups=False, **options):
    """Return parameters and an optimizer of them, in one group or two."""
    params = [torch.nn.Parameter(torch.tensor(a)) for a in arrays(name, dtype)]
    given = [{"params": params[:1]}, {"params": params[1:], "lr": 0.01}] if groups else params
    return params, getattr(torch.optim, name)(given, **options)


def step(torch, params, optimizer, seed):
    """Take a step on a quadratic loss that depends on ``seed``."""
    name, dtype = type(optimizer).__name__, params[0].detach().numpy().dtype
    seed = 1 if name == "LBFGS" else seed  # its history of another loss would amplify rounding
    targets = [torch.tensor(a) for a in arrays(name, dtype, seed)]

    def closure():
        optimizer.zero_grad()
        loss = sum(((p - t) ** 2).sum() for p, t in zip(params, targets, strict=True))
        loss.backward()
        return loss

    if name == "LBFGS":
        return optimizer.step(closure)
    closure()
    return optimizer.step()


def values(params):
    return [param.detach().numpy().copy() for param in params]


def assert_close(got, wanted, rtol):
    for mine, other in zip(got, wanted, strict=True):
        np.testing.assert_allclose(mine, other, rtol, rtol)


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_five_steps_give_pytorchs_parameters_and_state(name, options, dtype):
    runs = []
    for torch in (ours, live_torch()):
        params, optimizer = make(torch, name, dtype, **options)
        trace = []
        for seed in range(1, 6):
            step(torch, params, optimizer, seed)
            trace += values(params)
        runs.append((trace, optimizer.state_dict()))
    (got, state), (wanted, their_state) = runs
    rtol = 2e-5 if dtype == "float32" else 1e-8  # LBFGS and Muon go the furthest
    assert_close(got, wanted, 1e-3 if name in ("LBFGS", "Muon") else rtol)
    assert state["param_groups"] == their_state["param_groups"]
    assert list(state["state"]) == list(their_state["state"])
    for number, kept in their_state["state"].items():
        assert set(state["state"][number]) == set(kept)
        if "step" in kept:
            assert str(state["state"][number]["step"]) == str(kept["step"])


@pytest.mark.parity
@pytest.mark.parametrize("name", [n for n in SETTINGS if n not in ("LBFGS", "Muon")])
def test_two_groups_and_a_resumed_run_give_pytorchs_parameters(name):
    traces = []
    for torch in (ours, live_torch()):
        params, optimizer = make(torch, name, groups=True)
        step(torch, params, optimizer, 1)
        step(torch, params, optimizer, 2)
        state = copy.deepcopy(optimizer.state_dict())
        again = type(optimizer)([{"params": g["params"]} for g in optimizer.param_groups])
        again.load_state_dict(state)
        step(torch, params, again, 3)
        traces.append(values(params))
    assert_close(*traces, 2e-5)


@pytest.mark.parametrize("name", [n for n in SETTINGS if n != "LBFGS"])
def test_a_step_is_compiled_once_whatever_the_learning_rate(name):
    params, optimizer = make(ours, name, **({"momentum": 0.9} if name == "SGD" else {}))
    for k in range(HOT + 1):
        step(ours, params, optimizer, k)
    before = counters.compilations
    for k in range(5):
        optimizer.param_groups[0]["lr"] = 0.1 / (k + 1)
        optimizer.step()
    assert counters.compilations == before


def test_a_parameter_without_gradient_stays_and_one_that_comes_later_starts_then():
    params, optimizer = make(ours, "SGD", lr=0.5, momentum=0.9)
    before = values(params)
    for k in range(2):
        params[0].grad = ours.ones(4, 3)
        if k == 1:
            params[1].grad = ours.ones(5)
        optimizer.step()
    np.testing.assert_allclose(params[0].detach().numpy(), before[0] - 0.5 - 0.95, rtol=1e-6)
    np.testing.assert_allclose(params[1].detach().numpy(), before[1] - 0.5, rtol=1e-6)
    assert (params[2].detach().numpy() == before[2]).all()
    assert params[2] not in optimizer.state


def test_complex_parameters_are_updated_as_pairs_of_reals():
    z = ours.nn.Parameter(ours.tensor([1 + 2j, -3j]))
    pair = ours.nn.Parameter(ours.tensor([[1.0, 2.0], [0.0, -3.0]]))
    z.grad, pair.grad = ours.tensor([0.5 - 1j, 2j]), ours.tensor([[0.5, -1.0], [0.0, 2.0]])
    ours.optim.Adam([z, pair], lr=0.1).step()
    np.testing.assert_array_equal(ours.view_as_real(z.detach()).numpy(), pair.detach().numpy())


def test_the_learning_rate_may_be_a_tensor():
    p = ours.nn.Parameter(ours.zeros(3))
    p.grad = ours.ones(3)
    ours.optim.SGD([p], lr=ours.tensor(0.25)).step()
    assert p.tolist() == [-0.25, -0.25, -0.25]


def test_what_is_not_supported_says_so():
    p = ours.nn.Parameter(ours.zeros(3))
    p.grad = ours.ones(3)
    with pytest.raises(NotImplementedError, match=r"Adam\(differentiable=True\)"):
        ours.optim.Adam([p], differentiable=True).step()


@pytest.mark.parity
@pytest.mark.parametrize("name", [n for n in SETTINGS if n != "Muon"])
def test_an_optimizer_prints_and_pickles_as_in_pytorch(name):
    texts = []
    for torch in (ours, live_torch()):
        _, optimizer = make(torch, name)
        texts.append(repr(optimizer))
    assert texts[0] == texts[1]
    params, optimizer = make(ours, name)
    step(ours, params, optimizer, 1)
    twin = pickle.loads(pickle.dumps(optimizer))
    assert repr(twin) == repr(optimizer)
    assert len(twin.state) == len(optimizer.state)


@pytest.mark.parity
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"lr": -1.0}),
        ("SGD", {"momentum": -1}),
        ("SGD", {"nesterov": True}),
        ("Adam", {"betas": (1.0, 0.9)}),
        ("Adam", {"betas": (0.9, 1)}),
        ("Adam", {"eps": -1.0}),
        ("Adam", {"weight_decay": -1}),
        ("Adam", {"fused": True, "foreach": True}),
        ("Adamax", {"eps": -1}),
        ("NAdam", {"momentum_decay": -1}),
        ("Adagrad", {"lr_decay": -1}),
        ("Adadelta", {"rho": 2}),
        ("RMSprop", {"alpha": -1}),
        ("Rprop", {"etas": (2, 3)}),
        ("Adafactor", {"d": 0.5}),
        ("LBFGS", {"lr": -1}),
        ("Muon", {"lr": 0.1}),
        ("Muon", {"adjust_lr_fn": "x"}),
        ("SparseAdam", {"eps": 0}),
    ],
    ids=str,
)
def test_wrong_options_have_pytorchs_errors(name, options):
    texts = []
    for torch in (ours, live_torch()):
        p = torch.nn.Parameter(torch.zeros(3))
        with pytest.raises((ValueError, RuntimeError)) as error:
            getattr(torch.optim, name)([p], **options)
        texts.append((error.typename, str(error.value)))
    assert texts[0] == texts[1]
