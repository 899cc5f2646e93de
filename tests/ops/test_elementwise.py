"""Elementwise arithmetic: kinks, dtypes and errors, recorded and beside live torch."""

import jax
import numpy as np
import pytest

from functorch_lite.ops import OPS
from tests.ops.op_parity import BEYOND, EDGES, check, evaluate, gradients

F32, F64 = np.float32, np.float64
ZERO = np.zeros(1)


def one(*values, dtype=F64):
    return np.array(values, dtype)


# --- recorded from PyTorch 2.13: no torch needed --------------------------------------------------


@pytest.mark.parametrize(
    ("name", "args", "wanted"),
    [
        ("abs", [ZERO], [0]),
        ("sgn", [np.zeros(1, np.complex128)], [0]),
        ("clamp", [one(0, 1, 2), 1, 2], [0, 1, 1]),
        ("maximum", [one(1), one(1)], [0.5]),
        ("fmax", [one(1), one(1)], [1]),
        ("pow", [ZERO, 2], [0]),
        ("pow", [ZERO, 0], [0]),
        ("sqrt", [ZERO], [np.inf]),
        ("atan2", [ZERO, ZERO], [0]),
        ("xlogy.tensor", [ZERO, ZERO], [0]),
        ("sinc", [ZERO], [0]),
        ("nan_to_num", [one(np.nan, np.inf, 1)], [0, 0, 1]),
    ],
)
def test_gradient_at_a_kink(name, args, wanted):
    np.testing.assert_array_equal(gradients(name, *args)[0], wanted)


def test_where_gives_no_gradient_to_the_untaken_side():
    taken, other = gradients("where", np.array([True]), one(1), one(np.nan))
    assert taken == 1
    assert other == 0


@pytest.mark.parametrize(
    ("name", "args", "dtype", "value"),
    [
        ("sqrt", [np.array([4])], F32, [2]),
        ("floor", [np.array([4])], np.int64, [4]),
        ("square", [np.array([True])], np.int64, [1]),
        ("neg", [np.array([1], np.uint8)], np.uint8, [255]),
        ("add", [np.array([2], np.int8), 2.5], F32, [4.5]),
        ("add", [np.array([True]), np.array([True])], np.bool_, [True]),
        ("mul", [np.array([2], F32), np.array(2.5)], F32, [5]),
        ("div", [np.array([1]), np.array([2])], F32, [0.5]),
        ("floor_divide", [np.array([-7]), np.array([2])], np.int64, [-4]),
        ("fmod", [np.array([-7]), 4], np.int64, [-3]),
        ("remainder", [np.array([-7]), 4], np.int64, [1]),
        ("float_power", [np.array([2]), -1], F64, [0.5]),
        ("pow.tensor", [np.array([1, 2, -1]), np.array([-1, -1, -3])], np.int64, [1, 0, -1]),
        ("exp2", [np.array([10, -3], F32)], F32, [1024, 0.125]),
        ("lcm", [np.array([100], np.int8), np.array([99], np.int8)], np.int8, [-84]),
        ("bitwise_right_shift", [np.array([-128], np.int8), 9], np.int8, [-1]),
        ("sign", [one(np.nan)], F64, [0]),
        ("heaviside", [one(0, np.nan), one(0.5)], F64, [0.5, 0]),
    ],
)
def test_result_dtype_and_value(name, args, dtype, value):
    result = evaluate(name, *args)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, value)


@pytest.mark.parametrize(
    ("name", "args", "options", "error", "words"),
    [
        (
            "neg",
            [np.array([True])],
            {},
            RuntimeError,
            "Negation, the `-` operator, on a bool tensor",
        ),
        (
            "abs",
            [np.array([True])],
            {},
            NotImplementedError,
            "\"abs_cpu\" not implemented for 'Bool'",
        ),
        (
            "add",
            [np.ones(3), np.ones((4, 2))],
            {},
            RuntimeError,
            r"tensor a \(3\) must match .* b \(2\)",
        ),
        ("add", [one(1, dtype=int), 1], {"alpha": 1.5}, RuntimeError, "For integral input tensors"),
        (
            "div.mode",
            [ZERO, ZERO],
            {"rounding_mode": "up"},
            RuntimeError,
            "rounding_mode to be one of",
        ),
        ("where", [ZERO, ZERO, ZERO], {}, RuntimeError, "tensor with dtype Double"),
        ("clamp", [ZERO], {}, RuntimeError, "At least one of 'min' or 'max'"),
        ("lt", [np.ones(1, complex), 1], {}, NotImplementedError, "lt_cpu"),
        ("isclose", [np.ones(1), np.ones(1, F32)], {}, RuntimeError, "Double did not match Float"),
        ("complex", [np.ones(1), np.ones(1, F32)], {}, RuntimeError, "scalar type Double but got"),
    ],
)
def test_error(name, args, options, error, words):
    with pytest.raises(error, match=words):
        evaluate(name, *args, **options)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("sub", {"input": ZERO, "other": True}, "with a bool tensor"),
        ("sub", {"input": np.array([True]), "other": np.array([True])}, "with two bool tensors"),
        ("pow", {"input": np.array([2]), "exponent": -1}, "negative integer powers"),
        ("remainder", {"input": np.array([2]), "other": 0}, "ZeroDivisionError"),
        ("isclose", {"input": ZERO, "other": ZERO, "rtol": -1}, "rtol must be greater"),
    ],
)
def test_eager_check_of_values(name, arguments, words):
    with pytest.raises(RuntimeError, match=words):
        OPS[name].check(**arguments)


def test_eager_check_lets_good_values_pass():
    OPS["sub"].check(input=ZERO, other=1)
    OPS["pow"].check(input=ZERO, exponent=-1)
    OPS["remainder"].check(input=ZERO, other=0)


def test_second_derivative_of_a_square():
    with jax.enable_x64(True):
        assert jax.grad(jax.grad(lambda x: OPS["pow"].body(x, np.float64(3))))(2.0) == 12


# --- beside live torch ----------------------------------------------------------------------------

UNARY = [
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "ceil",
    "cos",
    "cosh",
    "deg2rad",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "frac",
    "log",
    "log10",
    "log1p",
    "log2",
    "logit",
    "nan_to_num",
    "neg",
    "rad2deg",
    "reciprocal",
    "round",
    "rsqrt",
    "sgn",
    "sigmoid",
    "sign",
    "sin",
    "sinc",
    "sinh",
    "sqrt",
    "square",
    "tan",
    "tanh",
    "trunc",
    "angle",
    "isnan",
    "isinf",
    "isfinite",
    "isposinf",
    "isneginf",
    "isreal",
    "signbit",
]
BINARY = [
    "add",
    "atan2",
    "copysign.tensor",
    "eq",
    "fmax",
    "fmin",
    "fmod.tensor",
    "ge",
    "hypot",
    "logaddexp",
    "logaddexp2",
    "lt",
    "maximum",
    "minimum",
    "mul",
    "nextafter",
    "pow.tensor",
    "remainder.tensor",
    "sub",
    "xlogy.tensor",
    "ldexp",
    "logical_xor",
    "div",
]


def pairs(values):
    return np.repeat(values, len(values)), np.tile(values, len(values))


@pytest.mark.parity
@pytest.mark.parametrize("name", UNARY)
def test_unary_equals_torch(name):
    torch = pytest.importorskip("torch")
    values = np.concatenate([EDGES, BEYOND])
    check(torch, getattr(torch, name), name, values)


@pytest.mark.parity
@pytest.mark.parametrize("name", ["abs", "exp", "sgn", "sqrt", "tanh", "acosh", "angle", "sigmoid"])
def test_complex_unary_equals_torch(name):
    torch = pytest.importorskip("torch")
    values = np.array([1 + 2j, -0.5j, 0.3 - 1j, -2 + 0.1j])
    check(torch, getattr(torch, name), name, values)


@pytest.mark.parity
@pytest.mark.parametrize("name", BINARY)
def test_binary_equals_torch(name):
    torch = pytest.importorskip("torch")
    check(torch, getattr(torch, name.split(".")[0]), name, *pairs(np.concatenate([EDGES, BEYOND])))


@pytest.mark.parity
@pytest.mark.parametrize("exponent", [2, 3, 0, 1, -1, -2, 0.5, -0.5, 1.7, 4])
def test_power_by_a_number_equals_torch(exponent):
    torch = pytest.importorskip("torch")
    check(torch, torch.pow, "pow", EDGES, exponent)
    check(torch, torch.pow, "pow", np.array([1 + 2j, -0.5j, 0j]), exponent)
    check(torch, torch.pow, "pow.base", exponent, EDGES)


@pytest.mark.parity
@pytest.mark.parametrize("mode", ["trunc", "floor"])
def test_rounded_division_equals_torch(mode):
    torch = pytest.importorskip("torch")
    a, b = pairs(np.concatenate([EDGES, BEYOND]))
    check(torch, torch.div, "div.mode", a, b, rounding_mode=mode)
    a, b = pairs(np.array([7, -7, 3, -3, 1], np.int16))
    check(torch, torch.div, "div.mode", a, b, rounding_mode=mode)


@pytest.mark.parity
def test_clamping_with_tensor_bounds_equals_torch():
    torch = pytest.importorskip("torch")
    low, high = pairs(np.array([-1.0, 0, 1, 2, np.nan]))
    x = np.resize(EDGES, low.shape)
    check(torch, torch.clamp, "clamp.tensor", x, low, high)
    check(torch, torch.clamp, "clamp.tensor", x, low, None)
    check(torch, torch.lerp, "lerp.tensor", x, np.nan_to_num(low), np.nan_to_num(high) / 3)
