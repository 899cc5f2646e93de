"""Activations and softmax: kinks, dtypes and errors, recorded and beside live torch."""

import numpy as np
import pytest

from functorch_lite.ops import OPS
from tests.ops.op_parity import EDGES, check, evaluate, gradients

F = "nn.functional."


@pytest.mark.parametrize(
    ("name", "at", "wanted"),
    [
        ("relu", [0, -1, 1], [0, 0, 1]),
        (F + "relu6", [0, 6], [0, 0]),
        (F + "hardtanh", [-1, 1], [0, 0]),
        (F + "leaky_relu", [0, -1], [0.01, 0.01]),
        (F + "elu", [0], [1]),
        (F + "hardsigmoid", [-3, 3], [0, 0]),
        (F + "hardswish", [-3, 3], [0, 1]),
        ("hardshrink", [-0.5, 0.5, 0.6], [0, 0, 1]),
        (F + "softshrink", [-0.5, 0.5, 0.6], [0, 0, 1]),
        (F + "softsign", [0], [1]),
        (F + "softplus", [0, 21], [0.5, 1]),
    ],
)
def test_gradient_at_a_kink(name, at, wanted):
    np.testing.assert_array_equal(gradients(name, np.array(at, float))[0], wanted)


def test_prelu_at_zero_has_the_weight_as_slope():
    slope, weight = gradients("prelu", np.zeros((1, 2)), np.array([0.25, 0.5]))
    np.testing.assert_array_equal(slope, [[0.25, 0.5]])
    np.testing.assert_array_equal(weight, [0, 0])


def test_softmax_of_half_is_computed_in_float32_and_rounded_once():
    result = evaluate("softmax", np.array([1, 2, 3], np.float16), 0)
    assert result.dtype == np.float16
    np.testing.assert_array_equal(result, np.array([0.09003, 0.2447, 0.665], np.float16))


def test_softmax_of_nothing_but_minus_infinity_is_nan():
    assert np.isnan(evaluate("softmax", np.full((1, 2), -np.inf), 1)).all()


def test_functional_softmax_warns_when_the_dim_is_implicit():
    with pytest.warns(UserWarning, match="Implicit dimension choice for softmax"):
        OPS[F + "softmax"].check(input=np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("name", "args", "options", "error", "words"),
    [
        ("softmax", [np.zeros(2, int), 0], {}, NotImplementedError, "softmax_lastdim_kernel_impl"),
        ("softmax", [np.zeros(2), 3], {}, IndexError, r"range of \[-1, 0\], but got 3"),
        (F + "glu", [np.zeros(3)], {}, RuntimeError, "dimension 0 is size 3"),
        (F + "gelu", [np.zeros(3)], {"approximate": "x"}, RuntimeError, "either none or tanh"),
        ("relu", [np.zeros(1, bool)], {}, RuntimeError, "Boolean inputs not supported for relu"),
        (F + "elu", [np.zeros(1, int)], {}, NotImplementedError, "\"elu_cpu\" not .* 'Long'"),
        ("prelu", [np.zeros((2, 3)), np.zeros(2)], {}, RuntimeError, "channel size = 3"),
    ],
)
def test_error(name, args, options, error, words):
    with pytest.raises(error, match=words):
        evaluate(name, *args, **options)


# --- beside live torch ----------------------------------------------------------------------------

SMOOTH = [
    "celu",
    "elu",
    "gelu",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "logsigmoid",
    "mish",
    "relu",
    "relu6",
    "selu",
    "silu",
    "softplus",
    "softshrink",
    "softsign",
    "tanhshrink",
]


@pytest.mark.parity
@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activation_equals_torch(name, dtype):
    torch = pytest.importorskip("torch")
    check(torch, getattr(torch.nn.functional, name), F + name, EDGES.astype(dtype))


@pytest.mark.parity
@pytest.mark.parametrize("name", ["softmax", "log_softmax", F + "softmin"])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_softmax_equals_torch(name, dim):
    torch = pytest.importorskip("torch")
    functional = getattr(torch.nn.functional, name.rsplit(".")[-1])
    rows = np.linspace(-3, 4, 24).reshape(2, 3, 4) ** 3
    check(torch, functional, name, rows, dim=dim)


@pytest.mark.parity
def test_gated_activations_equal_torch():
    torch = pytest.importorskip("torch")
    check(torch, torch.nn.functional.glu, F + "glu", EDGES.reshape(2, 10), dim=1)
    check(torch, torch.prelu, "prelu", EDGES.reshape(2, 5, 2), np.linspace(-1, 1, 5))
    check(torch, torch.prelu, "prelu", EDGES, np.array([0.3]))
    check(torch, torch.nn.functional.gelu, F + "gelu", EDGES, approximate="tanh")
