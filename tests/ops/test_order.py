"""Sorting and searching."""

import numpy as np
import pytest

from tests.ops.call_parity import assert_alike
from tests.ops.op_parity import evaluate

NAN = np.nan


def test_nan_sorts_last_and_equal_elements_keep_their_order_both_ways():
    x = np.array([2.0, NAN, 1.0, 2.0])
    np.testing.assert_array_equal(evaluate("sort", x)[1], [2, 0, 3, 1])
    np.testing.assert_array_equal(evaluate("sort", x, 0, True)[1], [1, 0, 3, 2])


X = np.array([[3.0, 1.0, NAN, 2.0], [0.5, 0.5, -1.0, 9.0]], np.float32)
CALLS = [
    lambda torch, x: x.sort(),
    lambda torch, x: x.sort(0, descending=True),
    lambda torch, x: torch.sort(x, stable=True),
    lambda torch, x: x.sort(2),
    lambda torch, x: x.argsort(descending=True),
    lambda torch, x: x.msort(),
    lambda torch, x: x[0].topk(2),
    lambda torch, x: x[0].topk(3, largest=False),
    lambda torch, x: x.topk(1, dim=0),
    lambda torch, x: x.topk(5),
    lambda torch, x: x.bool().topk(2),
    lambda torch, x: x[0, 0].sort(),
    lambda torch, x: x.long().sort(),
    lambda torch, x: torch.searchsorted(torch.tensor([0.0, 1.0, 2.0]), x),
    lambda torch, x: torch.searchsorted(torch.tensor([0.0, 1.0, 2.0]), 1.0, right=True),
    lambda torch, x: torch.searchsorted(x[1:].sort()[0], x[1:], side="right"),
    lambda torch, x: torch.searchsorted(x, 1.0),
    lambda torch, x: torch.searchsorted(x[0], x, side="left", right=True),
    lambda torch, x: torch.bucketize(x, torch.tensor([0, 2]), out_int32=True),
    lambda torch, x: torch.isin(x, torch.tensor([0.5, 9.0, NAN])),
    lambda torch, x: torch.isin(x, 0.5, invert=True),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", CALLS)
def test_as_pytorch(call):
    assert_alike(call, X, grad=True)
