"""Writing at index tensors: the last write wins, sums add up, errors."""

import numpy as np
import pytest

from tests.ops.call_parity import assert_alike
from tests.ops.op_parity import evaluate, gradients


def test_the_last_of_two_writes_wins_and_both_values_get_the_gradient():
    x, i, v = np.zeros(3), np.array([1, 1]), np.array([5.0, 7.0])
    np.testing.assert_array_equal(evaluate("index_copy", x, 0, i, v), [0, 7, 0])
    of_x, of_v = gradients("index_copy", x, 0, i, v)
    np.testing.assert_array_equal(of_x, [1, 0, 1])
    np.testing.assert_array_equal(of_v, [1, 1])


def test_a_mask_stops_a_nan_gradient():
    mask = np.array([True, False])
    of_x = gradients("masked_fill", np.array([np.nan, 2.0]), mask, 0.0)[0]
    np.testing.assert_array_equal(of_x, [0, 1])


X = np.arange(6, dtype=np.float32).reshape(2, 3)
V = np.array([[10.0, 20.0], [30.0, 40.0]], np.float32)
PLACES = np.array([2, 0])
CALLS = [
    lambda torch, x, v, i: x.index_add(1, i, v, alpha=2),
    lambda torch, x, v, i: x.index_add(0, i // 2, v),
    lambda torch, x, v, i: x.index_add(1, i + 2, v),
    lambda torch, x, v, i: x.index_add(1, i, v.double()),
    lambda torch, x, v, i: x.index_copy(1, i, v),
    lambda torch, x, v, i: x.index_copy(1, i - 1, v),
    lambda torch, x, v, i: x.index_copy(0, i[1:], v[:1]),
    lambda torch, x, v, i: x.index_fill(1, i, 9.5),
    lambda torch, x, v, i: x.index_fill(1, i + 3, 1),
    lambda torch, x, v, i: x.long().index_fill(0, i[1:], 2.5),
    lambda torch, x, v, i: x.scatter(1, torch.stack([i, i]), v),
    lambda torch, x, v, i: x.scatter(1, torch.stack([i, i]), 1.5),
    lambda torch, x, v, i: x.scatter(1, torch.stack([i, i]) - 1, v),
    lambda torch, x, v, i: x.scatter(1, torch.stack([i, i]), v.double()),
    lambda torch, x, v, i: x.detach().scatter(1, torch.stack([i, i]), v.detach(), reduce="add"),
    lambda torch, x, v, i: x.scatter(1, torch.stack([i, i]), v, reduce="mean"),
    lambda torch, x, v, i: x.scatter_add(0, torch.stack([i * 0, i // 2]), v),
    lambda torch, x, v, i: x.put(i, v[0]),
    lambda torch, x, v, i: x.put(i * 0, v[0], accumulate=True),
    lambda torch, x, v, i: x.put(i, v),
    lambda torch, x, v, i: x.masked_fill(x > 2, 7),
    lambda torch, x, v, i: x.masked_fill(i > 1, 7),
    lambda torch, x, v, i: x.masked_fill(x.long(), 7),
    lambda torch, x, v, i: x.masked_fill(x > 2, v[0]),
    lambda torch, x, v, i: x.masked_scatter(x > 2, v),
    lambda torch, x, v, i: x.masked_scatter(x >= 0, v),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", CALLS)
def test_as_pytorch(call):
    assert_alike(call, X, V, PLACES, grad=True)
