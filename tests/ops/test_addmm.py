"""Products that are added to something, and linear layers."""

import numpy as np
import pytest

from tests.ops.call_parity import assert_alike
from tests.ops.op_parity import evaluate


def test_a_beta_of_zero_ignores_nan():
    x = np.ones((2, 2), np.float32)
    out = evaluate("addmm", np.full((2, 2), np.nan, np.float32), x, x, beta=0)
    np.testing.assert_array_equal(out, 2)


def test_integer_products_truncate_their_scale():
    x = np.ones((2, 2), np.int64)
    np.testing.assert_array_equal(evaluate("addmm", x, x, x, beta=0.5), 2)


R = np.random.default_rng(0)
C, A, B = (R.standard_normal(s).astype(np.float32) for s in ((2,), (2, 3), (3, 2)))
CALLS = [
    lambda torch, c, a, b: torch.addmm(c, a, b),
    lambda torch, c, a, b: torch.addmm(c, a, b, beta=0.5, alpha=2),
    lambda torch, c, a, b: torch.addmm(c, a, a),
    lambda torch, c, a, b: torch.addmm(a, a, b),
    lambda torch, c, a, b: torch.addmm(c.double(), a, b),
    lambda torch, c, a, b: torch.addmm(c, a, b[0]),
    lambda torch, c, a, b: torch.addmv(c, a, b[:, 0], alpha=3),
    lambda torch, c, a, b: torch.addr(a, c, b[:, 0], beta=2),
    lambda torch, c, a, b: torch.baddbmm(c, a[None], b[None]),
    lambda torch, c, a, b: torch.addbmm(c, a[None], b[None], beta=2),
    lambda torch, c, a, b: torch.nn.functional.linear(a, a, c),
    lambda torch, c, a, b: torch.nn.functional.linear(a, b),
    lambda torch, c, a, b: torch.nn.functional.linear(a, b.double(), c),
    lambda torch, c, a, b: torch.nn.functional.bilinear(a, a, a.new_ones(4, 3, 3)).sum(),
    lambda torch, c, a, b: torch.nn.functional.bilinear(a, b, a.new_ones(4, 3, 3)),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", CALLS)
def test_as_pytorch(call):
    assert_alike(call, C, A, B, grad=True)
