"""Flips, rolls, repeats, triangles, diagonals."""

import numpy as np
import pytest

from tests.ops.call_parity import assert_alike
from tests.ops.op_parity import evaluate


def test_a_vector_is_embedded_above_its_diagonal():
    found = evaluate("diag_embed", np.array([1, 2]), 1)
    np.testing.assert_array_equal(found, [[0, 1, 0], [0, 0, 2], [0, 0, 0]])


X = np.arange(6, dtype=np.float32).reshape(2, 3)
CALLS = [
    lambda torch, x: x.flip(0, 1),
    lambda torch, x: x.flip((1,)),
    lambda torch, x: x.flip(0, 0),
    lambda torch, x: x.fliplr(),
    lambda torch, x: x[0].fliplr(),
    lambda torch, x: x.roll(1),
    lambda torch, x: x.roll((1, -1), (0, 1)),
    lambda torch, x: x.roll((1, 2), (0,)),
    lambda torch, x: x.rot90(3),
    lambda torch, x: x.rot90(1, (0, 0)),
    lambda torch, x: x.repeat(2, 1, 2),
    lambda torch, x: x.repeat(2),
    lambda torch, x: x.repeat(-1, 2),
    lambda torch, x: x.tile(2),
    lambda torch, x: x.tril(1),
    lambda torch, x: x.triu_(-1) if not x.requires_grad else x.triu(-1),
    lambda torch, x: x[0].tril(),
    lambda torch, x: x[0].detach().diag(-1),
    lambda torch, x: torch.diag(x, 1).sum(),
    lambda torch, x: x.diagflat(-1),
    lambda torch, x: torch.diag_embed(x, -2, 0, 2),
    lambda torch, x: torch.diag_embed(x, dim1=1, dim2=1),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", CALLS)
def test_as_pytorch(call):
    assert_alike(call, X, grad=True)
