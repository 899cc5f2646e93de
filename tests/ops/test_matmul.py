"""Matrix products: shapes, dtypes that must agree, PyTorch's words."""

import numpy as np
import pytest

from tests.ops.call_parity import assert_alike
from tests.ops.op_parity import evaluate


def test_integer_products_wrap_around():
    x = np.full((1, 3), 10, np.uint8)
    assert int(evaluate("mm", x, x.T)[0, 0]) == 300 % 256


def test_a_half_product_is_accumulated_in_float32():
    x = np.full((1, 4096), 1.0, np.float16)
    assert float(evaluate("mm", x, x.T)[0, 0]) == 4096


R = np.random.default_rng(0)
A, B = R.standard_normal((2, 3), np.float32), R.standard_normal((3, 2), np.float32)
CALLS = [
    lambda torch, a, b: a @ b,
    lambda torch, a, b: a @ a,
    lambda torch, a, b: torch.dot(a[0], b[0]),
    lambda torch, a, b: torch.mv(a, b[0]),
    lambda torch, a, b: a @ b.double(),
    lambda torch, a, b: a.double().matmul(b),
    lambda torch, a, b: a.long() @ b,
    lambda torch, a, b: a.bool() @ b.bool(),
    lambda torch, a, b: a.long() @ b.long(),
    lambda torch, a, b: a[None].bmm(b[None]),
    lambda torch, a, b: a[None].bmm(a[None]),
    lambda torch, a, b: a.bmm(b),
    lambda torch, a, b: a[0, 0] @ b,
    lambda torch, a, b: torch.mm(a[0], b),
    lambda torch, a, b: torch.vdot(a[0], a[1]),
    lambda torch, a, b: torch.outer(a[0], a[1]),
    lambda torch, a, b: torch.outer(a, a[1]),
    lambda torch, a, b: torch.inner(a, b),
    lambda torch, a, b: torch.cross(a, a.flip((1,)), dim=1),
    lambda torch, a, b: torch.cross(b[:2], b[:2]),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", CALLS)
def test_as_pytorch(call):
    assert_alike(call, A, B, grad=True)
