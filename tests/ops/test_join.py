"""Putting tensors together."""

import numpy as np
import pytest

from tests.ops.call_parity import assert_alike

A, B = np.ones((2, 3), np.float32), np.arange(3, dtype=np.int64)
CALLS = [
    lambda torch, a, b: torch.cat([a, a], 1),
    lambda torch, a, b: torch.cat([a[0], b]),
    lambda torch, a, b: torch.cat([a, a[:, :0], torch.zeros(0)], -1),
    lambda torch, a, b: torch.cat([a, a[:, :2]]),
    lambda torch, a, b: torch.cat([a, b]),
    lambda torch, a, b: torch.cat([a, a], 2),
    lambda torch, a, b: torch.cat([a[0, 0]]),
    lambda torch, a, b: torch.stack([a, a], -1),
    lambda torch, a, b: torch.stack([a, a[0]]),
    lambda torch, a, b: torch.hstack([a[0], b]),
    lambda torch, a, b: torch.vstack([a, b]),
    lambda torch, a, b: torch.dstack([a, a]),
    lambda torch, a, b: torch.column_stack([a[:, 0], a]),
    lambda torch, a, b: torch.combinations(a[0], 2, with_replacement=True),
    lambda torch, a, b: torch.combinations(a),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", CALLS)
def test_as_pytorch(call):
    assert_alike(call, A, B, grad=True)
