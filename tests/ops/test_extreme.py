"""Largest and smallest elements: ties, NaN, places, errors."""

import numpy as np
import pytest

from tests.ops.call_parity import assert_alike
from tests.ops.op_parity import evaluate, gradients

NAN = np.nan


def test_equal_largest_elements_share_the_gradient_of_max():
    np.testing.assert_array_equal(gradients("max", np.array([1.0, 3.0, 3.0]))[0], [0, 0.5, 0.5])


def test_nan_is_the_largest_element_and_the_smallest():
    x = np.array([1.0, NAN, 9.0])
    assert np.isnan(evaluate("max", x)) and np.isnan(evaluate("min", x))
    assert int(evaluate("argmax", x)) == int(evaluate("argmin", x)) == 1


def test_max_along_a_dim_names_the_first_of_equals_and_cummax_the_last():
    x = np.array([3.0, 3.0, 1.0])
    assert int(evaluate("max.dim", x, 0)[1]) == 0
    np.testing.assert_array_equal(evaluate("cummax", x, 0)[1], [0, 1, 1])


X = np.array([[1.0, 3.0, 3.0, -2.0], [3.0, NAN, 0.0, NAN], [-1.0, -1.0, -1.0, -1.0]], np.float32)
CALLS = [
    lambda torch, x: x.max(),
    lambda torch, x: x[::2].max(),
    lambda torch, x: x.min(),
    lambda torch, x: x.max(1),
    lambda torch, x: x.min(0, keepdim=True),
    lambda torch, x: torch.max(x, x.flip((0,))),
    lambda torch, x: torch.min(x, x * 2),
    lambda torch, x: x.amax(),
    lambda torch, x: x.amax((0, 1), keepdim=True),
    lambda torch, x: x[::2].amin(1),
    lambda torch, x: torch.aminmax(x[::2], dim=1),
    lambda torch, x: x.argmax(),
    lambda torch, x: x.argmax(1, keepdim=True),
    lambda torch, x: x.argmin(0),
    lambda torch, x: x.cummax(1),
    lambda torch, x: x.cummin(1),
    lambda torch, x: x[:0].max(),
    lambda torch, x: x[:0].max(0),
    lambda torch, x: x[:0].max(1),
    lambda torch, x: x[:0].amax(),
    lambda torch, x: x[:0].argmax(),
    lambda torch, x: x[:0].argmin(0),
    lambda torch, x: x.max(3),
    lambda torch, x: x.bool().max(0),
    lambda torch, x: x.bool().argmax(),
    lambda torch, x: x[0, 0].max(0),
    lambda torch, x: x.nan_to_num().long().max(1),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", CALLS)
def test_as_pytorch(call):
    assert_alike(call, X, grad=True)
