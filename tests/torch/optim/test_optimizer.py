"""The base class: groups, hooks, checkpoints, errors."""

import pytest

import functorch_lite.torch as ours
from functorch_lite.torch.optim.optimizer import register_optimizer_step_post_hook
from tests.parity import live_torch


def parameter(torch, *shape):
    return torch.nn.Parameter(torch.ones(*shape))


WRONG = {
    "a tensor": lambda torch, p: torch.optim.SGD(p),
    "nothing": lambda torch, p: torch.optim.SGD([]),
    "a number": lambda torch, p: torch.optim.SGD([1]),
    "a set": lambda torch, p: torch.optim.SGD([{"params": {p}}]),
    "no leaf": lambda torch, p: torch.optim.SGD([p * 2]),
    "twice": lambda torch, p: torch.optim.SGD([{"params": [p]}, {"params": [p]}]),
    "some names": lambda torch, p: torch.optim.SGD([("a", p), parameter(torch, 2)]),
    "no names": lambda torch, p: torch.optim.SGD([("a", p)]).add_param_group(
        {"params": [parameter(torch, 2)]}
    ),
    "no dict": lambda torch, p: torch.optim.SGD([p]).add_param_group([p]),
    "other groups": lambda torch, p: torch.optim.SGD([p]).load_state_dict(
        {"state": {}, "param_groups": []}
    ),
    "other sizes": lambda torch, p: torch.optim.SGD([p]).load_state_dict(
        {"state": {}, "param_groups": [{"params": [0, 1]}]}
    ),
    "no step": lambda torch, p: torch.optim.Optimizer([p], {}).step(),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", WRONG)
def test_mistakes_have_pytorchs_errors(name):
    texts = []
    for torch in (ours, live_torch()):
        with pytest.raises(Exception) as error:
            WRONG[name](torch, parameter(torch, 3))
        texts.append((error.typename, str(error.value)))
    assert texts[0] == texts[1]


def test_duplicates_in_a_group_warn():
    p = parameter(ours, 2)
    with pytest.warns(UserWarning, match="duplicate parameters"):
        ours.optim.SGD([p, p])


def test_zero_grad_forgets_or_clears():
    p = parameter(ours, 2)
    optimizer = ours.optim.SGD([p])
    p.grad = kept = ours.ones(2)
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is kept
    assert kept.tolist() == [0.0, 0.0]
    optimizer.zero_grad()
    assert p.grad is None


def test_hooks_run_around_step_and_checkpoints():
    calls = []
    p = parameter(ours, 2)
    optimizer = ours.optim.SGD([p])
    handles = [
        optimizer.register_step_pre_hook(lambda *_: calls.append("before")),
        optimizer.register_step_post_hook(lambda *_: calls.append("after")),
        register_optimizer_step_post_hook(lambda *_: calls.append("global")),
        optimizer.register_state_dict_pre_hook(lambda *_: calls.append("save")),
        optimizer.register_load_state_dict_post_hook(lambda *_: calls.append("loaded")),
    ]
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert calls == ["before", "after", "global", "save", "loaded"]


def test_names_of_parameters_are_kept_in_the_group():
    layer = ours.nn.Linear(2, 1)
    optimizer = ours.optim.SGD(layer.named_parameters())
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]


def test_a_closure_is_called_with_gradients_on_and_its_loss_returned():
    p = parameter(ours, 2)
    optimizer = ours.optim.SGD([p], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with ours.no_grad():
        assert optimizer.step(closure).item() == 2.0
    assert p.tolist() == [0.0, 0.0]


def test_loaded_state_is_in_the_parameters_dtype():
    p = ours.nn.Parameter(ours.ones(2, dtype=ours.float64))
    p.grad = ours.ones(2, dtype=ours.float64)
    optimizer = ours.optim.Adam([p])
    optimizer.step()
    half = ours.nn.Parameter(ours.ones(2))
    other = ours.optim.Adam([half])
    other.load_state_dict(optimizer.state_dict())
    assert other.state[half]["exp_avg"].dtype is ours.float32
    assert other.state[half]["step"].item() == 1.0
