"""Flat and nested dicts, stacked copies, and the way to a checkpoint and back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import functorch_lite.torch as torch
from functorch_lite import nn
from tests.nn.against_module import arrays_of, error_of, fresh

FLAT = {"0.weight": 1, "0.bias": 2, "blocks.0.a": 3, "blocks.1.a": 4, "scale": 5}


def test_unflatten_undoes_flatten():
    tree = {"0": {"weight": 1, "bias": 2}, "blocks": {"0": {"a": 3}, "1": {"a": 4}}, "scale": 5}
    assert nn.unflatten(FLAT) == tree
    assert nn.flatten(tree) == FLAT


def test_stacked_copies_have_the_keys_of_single_ones():
    tree = {"0": {"w": jnp.arange(2.0)}, "1": {"w": jnp.arange(2.0) + 5}}
    stacked = nn.stack(tree)
    assert stacked["*"]["w"].tolist() == [[0, 1], [5, 6]]
    assert nn.stack(stacked) == stacked and nn.stack({}) == {} == nn.unstack({})
    for back in (nn.flatten({"b": stacked}), nn.flatten({"b": nn.unstack(stacked)})):
        assert {k: v.tolist() for k, v in back.items()} == {"b.0.w": [0, 1], "b.1.w": [5, 6]}


MODEL = nn.serial(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.repeat(nn.Linear(3, 3), 2))


def module():
    linears = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    return torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3), linears)


def test_a_modules_state_dict_goes_in_and_comes_out():
    given = arrays_of(module())
    params, state = nn.from_state_dict(MODEL, given)
    assert jax.tree.structure((params, state)) == jax.tree.structure(fresh(MODEL))
    assert state["1"]["num_batches_tracked"].dtype == jnp.int32
    back = nn.to_state_dict(params, state)
    assert back.keys() == given.keys()
    for name, value in given.items():
        np.testing.assert_array_equal(back[name], value)


def test_what_was_drawn_here_loads_into_a_module():
    flat = nn.to_state_dict(*fresh(MODEL))
    target = module()
    target.load_state_dict({name: torch.tensor(np.asarray(x)) for name, x in flat.items()})
    np.testing.assert_array_equal(arrays_of(target)["2.1.weight"], flat["2.1.weight"])


def test_tensors_of_a_state_dict_are_read_as_they_are():
    params, _ = nn.from_state_dict(MODEL, module().state_dict())
    assert params["0"]["weight"].shape == (3, 2)


def test_values_take_the_dtype_of_the_layer():
    layer = nn.Linear(2, 1, bias=False, dtype=jnp.bfloat16)
    params, _ = nn.from_state_dict(layer, {"weight": np.ones((1, 2), np.float32)})
    assert params["weight"].dtype == jnp.bfloat16


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: nn.from_state_dict(nn.Linear(2, 3), {"weight": np.ones((3, 2)), "bais": 1}),
            "ValueError: from_state_dict: the keys are not those of Linear(2, 3): missing "
            "['bias'], unexpected ['bais']",
        ),
        (
            lambda: nn.from_state_dict(nn.Linear(2, 3, False), {"weight": np.ones((2, 3))}),
            "ValueError: from_state_dict: Linear(2, 3, bias=False) has other shapes: weight is "
            "(2, 3) and should be (3, 2)",
        ),
        (
            lambda: nn.unflatten({"a": 1, "a.b": 2}),
            "ValueError: unflatten: 'a.b' lies below another key, which is an array",
        ),
        (
            lambda: nn.unflatten({"a.b": 1, "a": 2}),
            "ValueError: unflatten: 'a' is an array and also the beginning of a key",
        ),
        (
            lambda: nn.stack({"0": {}, "head": {}}),
            "ValueError: stack: the keys must be those of copies, '0' to '1', got ['0', 'head']: "
            "stack the params of a repeat layer",
        ),
    ],
)
def test_mistakes_are_told_with_the_fix(call, said):
    assert error_of(call) == said
