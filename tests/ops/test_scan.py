"""Running sums and products, differences, integrals."""

import numpy as np
import pytest

from tests.ops.call_parity import assert_alike
from tests.ops.op_parity import evaluate, gradients


def test_the_running_product_has_a_gradient_where_elements_are_zero():
    found = gradients("cumprod", np.array([1.0, 0.0, 2.0, 0.0, 3.0]), 0)[0]
    np.testing.assert_array_equal(found, [1, 3, 0, 0, 0])


def test_bools_are_summed_in_int64():
    assert evaluate("cumsum", np.array([True, True]), 0).dtype == np.int64


X = np.array([[1.0, -2.0, 4.0], [0.5, 3.0, 0.0]], np.float32)
CALLS = [
    lambda torch, x: x.cumsum(0),
    lambda torch, x: x.cumsum(-1, dtype=torch.float64),
    lambda torch, x: x.cumprod(1),
    lambda torch, x: x.cumsum(2),
    lambda torch, x: x[0, 0].cumsum(0),
    lambda torch, x: x.int().cumsum(1),
    lambda torch, x: x.diff(),
    lambda torch, x: x.diff(n=2),
    lambda torch, x: torch.diff(x, prepend=x[:, :1]),
    lambda torch, x: x.bool().diff(),
    lambda torch, x: x.diff(n=-1),
    lambda torch, x: torch.trapezoid(x, dx=2.0),
    lambda torch, x: torch.trapezoid(x, x[0]),
    lambda torch, x: torch.cumulative_trapezoid(x, dim=0),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", CALLS)
def test_as_pytorch(call):
    assert_alike(call, X, grad=True)
