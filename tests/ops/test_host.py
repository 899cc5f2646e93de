"""Ops whose result's size depends on values."""

import numpy as np
import pytest

from tests.ops.call_parity import assert_alike

X = np.array([[3, 1, 3, 3], [3, 1, 3, 3], [0, 1, 0, 2]])
CALLS = [
    lambda torch, x: x.unique(),
    lambda torch, x: x.unique(return_inverse=True, return_counts=True),
    lambda torch, x: x.unique(dim=0, return_inverse=True),
    lambda torch, x: torch.unique(x, dim=1, return_counts=True),
    lambda torch, x: torch.unique_consecutive(x, return_inverse=True),
    lambda torch, x: torch.unique_consecutive(x, dim=0, return_counts=True),
    lambda torch, x: torch.bincount(x[0], minlength=6),
    lambda torch, x: torch.bincount(x[2], x[0].float()),
    lambda torch, x: torch.bincount(x),
    lambda torch, x: torch.bincount(x[0] - 2),
    lambda torch, x: torch.bincount(x[0].float()),
    lambda torch, x: torch.argwhere(x),
    lambda torch, x: torch.argwhere(x[0, 0]),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", CALLS)
def test_as_pytorch(call):
    assert_alike(call, X)
