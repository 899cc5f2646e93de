"""Powers, pseudo-inverses, ranks, triangular systems, least squares."""

import numpy as np
import pytest

from tests.ops.op_parity import check, evaluate

R = np.random.default_rng(0)
A, B = R.standard_normal((3, 3)), R.standard_normal((3, 2))


def test_small_singular_values_do_not_count():
    a = np.diag([1.0, 1e-20])
    assert int(evaluate("linalg.matrix_rank.tolerance", a)) == 1
    np.testing.assert_allclose(evaluate("linalg.pinv.tolerance", a), np.diag([1.0, 0.0]))


def test_the_trace_of_integers_is_int64():
    assert evaluate("trace", np.eye(2, dtype=np.int32)).dtype == np.int64


# --- beside live torch ----------------------------------------------------------------------------


@pytest.mark.parity
def test_as_pytorch():
    torch = pytest.importorskip("torch")
    check(torch, torch.trace, "trace", A)
    check(torch, torch.linalg.matrix_power, "linalg.matrix_power", A, 5)
    check(torch, torch.linalg.matrix_exp, "linalg.matrix_exp", A)
    check(torch, torch.linalg.pinv, "linalg.pinv.tolerance", B)
    check(torch, torch.linalg.cond, "linalg.cond", A)
    check(torch, torch.linalg.cond, "linalg.cond", A, grad=False, p=1)
    check(torch, torch.linalg.solve_triangular, "linalg.solve_triangular", A, B, upper=True)
    check(torch, torch.linalg.vander, "linalg.vander", A, N=4)
    check(torch, torch.linalg.vecdot, "linalg.vecdot", A, A[0])
    check(torch, torch.linalg.tensorinv, "linalg.tensorinv", A.reshape(3, 1, 3), ind=1)
    check(torch, torch.linalg.tensorsolve, "linalg.tensorsolve", A.reshape(3, 3, 1), A[0])
