"""Writes that combine: gradients at ties and zeros."""

import numpy as np
import pytest

from tests.ops.call_parity import assert_alike
from tests.ops.op_parity import evaluate


def test_a_mean_of_integers_is_rounded_down():
    x, i, v = np.array([1, 5]), np.array([0, 0]), np.array([-4, 2])
    np.testing.assert_array_equal(evaluate("scatter_reduce", x, 0, i, v, "mean"), [-1, 5])


X = np.array([[1.0, 0.0, 3.0], [4.0, 4.0, 0.0]], np.float32)
V = np.array([[0.0, 3.0, 1.0], [4.0, 0.0, 0.0]], np.float32)
PLACES = np.array([[0, 2, 2], [0, 1, 1]])


@pytest.mark.parity
@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
def test_as_pytorch(reduce, include_self):
    def scatter(_, x, v, i):
        return x.scatter_reduce(1, i, v, reduce, include_self=include_self)

    def index(_, x, v, i):
        return x.index_reduce(1, i[0], v, reduce, include_self=include_self)

    assert_alike(scatter, X, V, PLACES, grad=True)
    assert_alike(index, X, V, PLACES, grad=True)
