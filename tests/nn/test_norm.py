"""Norms: the modules' numbers in training and evaluation, and their running statistics."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import functorch_lite.torch as torch
from functorch_lite import nn
from tests.nn.against_module import arrays_of, check_row, check_same, draw, error_of

PLAIN = [
    ("LayerNorm", {"normalized_shape": 4}, (2, 3, 4)),
    ("LayerNorm", {"normalized_shape": [3, 4], "bias": False, "eps": 0.1}, (2, 3, 4)),
    ("LayerNorm", {"normalized_shape": 4, "elementwise_affine": False}, (2, 4)),
    ("RMSNorm", {"normalized_shape": 4}, (2, 3, 4)),
    ("RMSNorm", {"normalized_shape": (3, 4), "eps": 0.1}, (2, 3, 4)),
    ("GroupNorm", {"num_groups": 2, "num_channels": 4}, (3, 4, 5)),
    ("GroupNorm", {"num_groups": 1, "num_channels": 2, "affine": False}, (3, 2)),
]
RUNNING = [
    (True, "BatchNorm1d", {"num_features": 3}, (5, 3)),
    (True, "BatchNorm1d", {"num_features": 3, "momentum": None}, (5, 3, 2)),
    (True, "BatchNorm2d", {"num_features": 3, "affine": False, "momentum": 0.3}, (4, 3, 2, 2)),
    (False, "BatchNorm2d", {"num_features": 3, "affine": False}, (4, 3, 2, 2)),
    (False, "BatchNorm2d", {"num_features": 3, "track_running_stats": False}, (4, 3, 2, 2)),
    (True, "BatchNorm3d", {"num_features": 2, "eps": 0.1}, (2, 2, 2, 3, 2)),
    (False, "InstanceNorm1d", {"num_features": 3, "affine": True}, (3, 5)),
    (True, "InstanceNorm2d", {"num_features": 3, "track_running_stats": True}, (2, 3, 3, 2)),
    (False, "InstanceNorm2d", {"num_features": 3, "track_running_stats": True}, (2, 3, 3, 2)),
    (True, "InstanceNorm3d", {"num_features": 2}, (2, 2, 2, 2, 2)),
]


@pytest.mark.parametrize(("name", "settings", "shape"), PLAIN)
def test_the_numbers_are_the_modules(name, settings, shape):
    check_row(name, settings, shape)


@pytest.mark.parametrize(("train", "name", "settings", "shape"), RUNNING)
def test_the_numbers_and_the_statistics_are_the_modules(train, name, settings, shape):
    check_row(name, settings, shape, train=train)


@pytest.mark.parametrize("momentum", [0.1, None])
def test_statistics_over_several_batches_are_the_modules(momentum):
    layer, module = nn.BatchNorm1d(3, momentum=momentum), torch.nn.BatchNorm1d(3, momentum=momentum)
    params, state = nn.from_state_dict(layer, arrays_of(module))
    step = jax.jit(layer.apply, static_argnames="train")
    for seed in range(3):
        x = draw(4, 3, seed=seed) + seed
        _, state = step(params, state, x, train=True)
        module(torch.tensor(x))
    for name, value in arrays_of(module).items():
        if name in state:
            np.testing.assert_allclose(state[name], value, rtol=1e-6, err_msg=name)
    assert int(state["num_batches_tracked"]) == 3
    check_same(layer, module, draw(4, 3))


@pytest.mark.parametrize("layer", [nn.LayerNorm(4), nn.RMSNorm(4), nn.GroupNorm(2, 4)], ids=repr)
def test_half_inputs_may_meet_float32_params(layer):
    params, _ = layer.init(jax.random.key(0))
    out = layer(params, jnp.ones((2, 4), jnp.bfloat16))
    assert out.dtype == jnp.bfloat16


BATCH = nn.BatchNorm1d(3)
PARAMS, STATE = BATCH.init(jax.random.key(0))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: BATCH.apply(PARAMS, STATE, jnp.ones((1, 3)), train=True),
            "ValueError: BatchNorm1d(3): needs more than one value per channel in training, got "
            "shape (1, 3): take a larger batch, or train=False",
        ),
        (
            lambda: BATCH(PARAMS, jnp.ones((2, 3))),
            "ValueError: BatchNorm1d(3): its state lacks running_mean and running_var: pass the "
            "state that init returned, outputs, state = layer.apply(params, state, x)",
        ),
        (
            lambda: nn.BatchNorm2d(3).apply(PARAMS, STATE, jnp.ones((2, 3))),
            "ValueError: BatchNorm2d(3): the input must have 4 axes, got 2 in shape (2, 3): add "
            "the missing axis with x[None], or reshape",
        ),
        (
            lambda: nn.InstanceNorm1d(3)({}, jnp.ones((2, 3, 1))),
            "ValueError: InstanceNorm1d(3): needs more than one value per channel in training, got "
            "shape (2, 3, 1): take a larger input, or train=False",
        ),
        (
            lambda: nn.LayerNorm((3, 4))({}, jnp.ones((3, 5))),
            "ValueError: LayerNorm((3, 4)): the input must end in the axes (3, 4), got shape "
            "(3, 5): change normalized_shape, or move the axes",
        ),
        (
            lambda: nn.GroupNorm(2, 3),
            "ValueError: GroupNorm(2, 3): num_channels must be a multiple of num_groups: 3 is not "
            "one of 2",
        ),
    ],
)
def test_mistakes_are_told_with_the_fix(call, said):
    assert error_of(call) == said
