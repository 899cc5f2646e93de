"""Activations: the modules' numbers and slopes, at the kinks as well."""

import inspect

import jax.numpy as jnp
import numpy as np
import pytest

import functorch_lite.torch as torch
from functorch_lite import nn
from functorch_lite.nn._activation import Activation
from tests.nn.against_module import check_row

KINKS = np.array([[-9.0, -3.0, -1.0, -0.5, 0.0, 0.5], [1.0, 3.0, 6.0, 30.0, 0.25, -0.0]], "f4")

SETTINGS = {
    "LeakyReLU": {"negative_slope": 0.3},
    "Hardtanh": {"min_val": -0.5, "max_val": 3.0},
    "Hardshrink": {"lambd": 1.0},
    "Softshrink": {"lambd": 1.0},
    "Threshold": {"threshold": 0.25, "value": 7.0},
    "ELU": {"alpha": 0.5},
    "CELU": {"alpha": 0.5},
    "GELU": {"approximate": "tanh"},
    "Softplus": {"beta": 2.0, "threshold": 5.0},
    "Softmax": {"dim": -1},
    "LogSoftmax": {"dim": 0},
    "Softmin": {"dim": 1},
    "GLU": {"dim": 1},
}
TABLE = [
    name
    for name, value in vars(nn).items()
    if inspect.isclass(value) and issubclass(value, Activation)
]


@pytest.mark.parametrize("name", TABLE)
def test_the_numbers_are_the_modules(name):
    check_row(name, SETTINGS.get(name, {}), KINKS)


def test_gelu_is_exact_by_default():
    check_row("GELU", {}, KINKS)


def test_prelu_has_one_weight_or_one_a_channel():
    check_row("PReLU", {}, KINKS)
    check_row("PReLU", {"num_parameters": 6}, KINKS)


@pytest.mark.parametrize("name", ["GELU", "Softmax", "Mish"])
def test_half_types_are_rounded_once(name):
    settings = {} if name == "Mish" else SETTINGS[name]
    x = np.linspace(-2, 2, 7, dtype=np.float32)
    ours = getattr(nn, name)(**settings)({}, jnp.asarray(x, jnp.bfloat16))
    theirs = getattr(torch.nn, name)(**settings)(torch.tensor(x).bfloat16())
    assert ours.dtype == jnp.bfloat16
    assert ours.astype(jnp.float32).tolist() == theirs.float().tolist()


def test_activations_show_their_settings_and_compare_by_them():
    assert repr([nn.ReLU(), nn.GELU("tanh"), nn.Softmax(-1)]) == (
        "[ReLU(), GELU(approximate='tanh'), Softmax(-1)]"
    )
    assert nn.ELU(0.5) == nn.ELU(alpha=0.5) != nn.ELU()
