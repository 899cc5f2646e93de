"""Sums, means, products, spreads and log-sums: dtypes, empty dims, kinks, errors."""

import numpy as np
import pytest

from functorch_lite.ops import OPS
from tests.ops.call_parity import assert_alike
from tests.ops.op_parity import evaluate, gradients

NAN, INF = np.nan, np.inf


def test_integers_are_summed_in_int64_and_bools_counted():
    total = evaluate("sum", np.array([200, 100], np.uint8))
    assert (total.dtype, int(total)) == (np.int64, 300)
    assert int(evaluate("sum", np.array([True, False, True]))) == 2


def test_half_precision_is_summed_in_float32():
    total = evaluate("sum", np.full(4096, 1.0, np.float16))
    assert (total.dtype, float(total)) == (np.float16, 4096.0)


def test_the_spread_of_equal_elements_has_gradient_zero():
    np.testing.assert_array_equal(gradients("std.correction", np.ones(3))[0], np.zeros(3))


def test_the_product_has_a_gradient_where_one_factor_is_zero():
    np.testing.assert_array_equal(gradients("prod", np.array([1.0, 0.0, 2.0]))[0], [0, 2, 0])


def test_a_spread_without_degrees_of_freedom_warns():
    with pytest.warns(UserWarning, match=r"std\(\): degrees of freedom is <= 0"):
        OPS["std"].check(input=np.ones(1), unbiased=True)


def test_nan_gets_no_gradient_from_nansum():
    np.testing.assert_array_equal(gradients("nansum", np.array([1.0, NAN]))[0], [1, 0])


X = np.array([[1.5, -2.0, 0.5], [3.0, 3.0, -1.0]], np.float32)
Z = np.array([[0.0, 2.0, NAN], [0.0, INF, -INF]], np.float32)
EMPTY = np.zeros((0, 3), np.float32)
INTS = np.array([[3, 0, -2], [7, 7, 1]], np.int64)

FLOAT_CALLS = [
    lambda torch, x: x.sum(),
    lambda torch, x: x.sum(0),
    lambda torch, x: x.sum((0, -1), keepdim=True),
    lambda torch, x: x.sum(dim=()),
    lambda torch, x: torch.sum(x, axis=1, keepdims=True),
    lambda torch, x: x.sum(1, dtype=torch.float64),
    lambda torch, x: x.sum(2),
    lambda torch, x: x.sum((0, 0)),
    lambda torch, x: x.mean(),
    lambda torch, x: x.mean(1, True),
    lambda torch, x: x.mean(dtype=torch.int32),
    lambda torch, x: x.prod(),
    lambda torch, x: x.prod(1),
    lambda torch, x: x.std(),
    lambda torch, x: x.std(False),
    lambda torch, x: x.std(0, unbiased=False),
    lambda torch, x: x.var(1, correction=0, keepdim=True),
    lambda torch, x: x.detach().var(correction=9),
    lambda torch, x: torch.std_mean(x, 1),
    lambda torch, x: torch.var_mean(x),
    lambda torch, x: x.nansum(0),
    lambda torch, x: x.nanmean(1),
    lambda torch, x: x.logsumexp(0),
    lambda torch, x: x.logsumexp((0, 1), keepdim=True),
    lambda torch, x: x.logcumsumexp(1),
    lambda torch, x: torch.count_nonzero(x, 0),
    lambda torch, x: x.all(),
    lambda torch, x: x.any(1, keepdim=True),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", FLOAT_CALLS)
@pytest.mark.parametrize("x", [X, EMPTY], ids=["values", "empty"])
def test_floats_as_pytorch(call, x):
    assert_alike(call, x, grad=True)


@pytest.mark.parity
@pytest.mark.parametrize(
    "call",
    [
        lambda torch, x: x.sum(),
        lambda torch, x: x.int().sum(0),
        lambda torch, x: x.to(torch.uint8).prod(1),
        lambda torch, x: x.mean(),
        lambda torch, x: x.mean(dtype=torch.float32),
        lambda torch, x: x.std(),
        lambda torch, x: x.to(torch.uint8).all(1),
        lambda torch, x: x.any(),
        lambda torch, x: x.nansum(),
        lambda torch, x: x.nanmean(),
        lambda torch, x: x.logsumexp(0),
        lambda torch, x: x.bool().sum(1),
    ],
)
def test_integers_as_pytorch(call):
    assert_alike(call, INTS)


@pytest.mark.parity
@pytest.mark.parametrize(
    "call",
    [
        lambda torch, x: x.sum(1),
        lambda torch, x: x.nansum(1),
        lambda torch, x: x.nanmean(1),
        lambda torch, x: x[0, :2].prod(),
        lambda torch, x: x.logsumexp(1),
        lambda torch, x: x.var(1),
    ],
)
def test_nan_and_infinity_as_pytorch(call):
    assert_alike(call, Z, grad=True)
