"""The k-th value, median, mode and quantiles."""

import numpy as np
import pytest

from tests.ops.call_parity import assert_alike
from tests.ops.op_parity import evaluate, gradients

NAN = np.nan


def test_the_median_is_the_lower_one_and_shares_its_gradient():
    assert float(evaluate("median", np.array([4.0, 1.0, 3.0, 2.0]))) == 2
    found = gradients("median", np.array([1.0, 3.0, 3.0, 3.0, 5.0]))[0]
    np.testing.assert_allclose(found, [0, 1 / 3, 1 / 3, 1 / 3, 0])


def test_the_mode_is_the_smallest_of_the_most_frequent_and_its_last_place():
    value, place = evaluate("mode", np.array([2, 1, 2, 1, 0]))
    assert (int(value), int(place)) == (1, 3)


X = np.array([[5.0, 1.0, 3.5, 2.0], [NAN, 2.0, 7.0, -1.0]], np.float32)
CALLS = [
    lambda torch, x: x.kthvalue(2),
    lambda torch, x: x.kthvalue(1, 0, True),
    lambda torch, x: x.kthvalue(5),
    lambda torch, x: x.median(),
    lambda torch, x: x.median(1),
    lambda torch, x: x.nanmedian(1, keepdim=True),
    lambda torch, x: x.nanmedian(),
    lambda torch, x: x[0].mode(),
    lambda torch, x: x.quantile(0.3),
    lambda torch, x: x.quantile(torch.tensor([0.0, 0.4, 1.0]), dim=1),
    lambda torch, x: x.nanquantile(0.3, 1, keepdim=True),
    lambda torch, x: x[0].quantile(0.4, interpolation="nearest"),
    lambda torch, x: x[0].quantile(0.4, interpolation="midpoint"),
    lambda torch, x: x[0].quantile(0.4, interpolation="lower"),
    lambda torch, x: x.quantile(1.5),
    lambda torch, x: x.quantile(torch.tensor([2.0])),
    lambda torch, x: x.long().quantile(0.5),
    lambda torch, x: x.quantile(0.5, interpolation="cubic"),
    lambda torch, x: x[:, :0].median(),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", CALLS)
def test_as_pytorch(call):
    assert_alike(call, X, grad=True)
