"""Reading at index tensors: placement of dims, negative indices, ranges."""

import numpy as np
import pytest

from tests.ops.call_parity import assert_alike

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
PLACES = np.array([1, 0, -1])
J = np.array([[0], [2]])
CALLS = [
    lambda torch, x, i, j: x[i],
    lambda torch, x, i, j: x[:, i],
    lambda torch, x, i, j: x[i, j],
    lambda torch, x, i, j: x[i, :, i],
    lambda torch, x, i, j: x[:, i, i],
    lambda torch, x, i, j: x[0, :, i],
    lambda torch, x, i, j: x[i + 2],
    lambda torch, x, i, j: x[:, i + 3],
    lambda torch, x, i, j: x[i, i[:2]],
    lambda torch, x, i, j: x[0].gather(1, j),
    lambda torch, x, i, j: x[0].gather(0, j.int()),
    lambda torch, x, i, j: x[0].gather(1, j + 3),
    lambda torch, x, i, j: x[0].gather(1, j - 1),
    lambda torch, x, i, j: x[0].gather(1, i.abs()),
    lambda torch, x, i, j: x[0].gather(1, j.short()),
    lambda torch, x, i, j: x.take(i),
    lambda torch, x, i, j: x.take(i + 24),
    lambda torch, x, i, j: x.index_select(2, i.abs()),
    lambda torch, x, i, j: x.index_select(2, i),
    lambda torch, x, i, j: x.index_select(1, j),
    lambda torch, x, i, j: torch.take_along_dim(x[0], j[:, :, None][0], 0),
    lambda torch, x, i, j: torch.take_along_dim(x[0], j.t(), 0),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", CALLS)
def test_as_pytorch(call):
    assert_alike(call, X, PLACES, J, grad=True)
