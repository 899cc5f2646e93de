"""Determinants, inverses, solutions."""

import numpy as np
import pytest

from tests.ops.op_parity import check, evaluate, gradients

SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])


def test_info_names_the_zero_on_the_diagonal():
    assert int(evaluate("linalg.inv_ex", SINGULAR)[1]) == 2
    assert int(evaluate("linalg.solve_ex", SINGULAR, np.ones(2))[1]) == 2


def test_a_singular_matrix_has_a_gradient_of_the_determinant():
    np.testing.assert_allclose(gradients("linalg.det", SINGULAR)[0], [[4, -2], [-2, 1]])


def test_a_matrix_that_is_not_square_is_refused():
    with pytest.raises(RuntimeError, match=r"linalg\.det: A must be batches of square matrices"):
        evaluate("linalg.det", np.ones((2, 3)))


# --- beside live torch ----------------------------------------------------------------------------

R = np.random.default_rng(0)
A, B = R.standard_normal((2, 3, 3)), R.standard_normal((2, 3, 2))


@pytest.mark.parity
def test_as_pytorch():
    torch = pytest.importorskip("torch")
    check(torch, torch.linalg.det, "linalg.det", A)
    check(torch, torch.logdet, "logdet", A @ A.transpose(0, 2, 1))
    packed, pivots = (t.numpy() for t in torch.linalg.lu_factor(torch.tensor(A)))
    for left, b in ((True, B), (False, B.transpose(0, 2, 1).copy())):
        for adjoint in (True, False):
            options = {"left": left, "adjoint": adjoint}
            check(torch, torch.linalg.lu_solve, "linalg.lu_solve", packed, pivots, b, **options)


@pytest.mark.parity
def test_factors_as_pytorch():
    torch = pytest.importorskip("torch")
    for a in (A, A[:, :2], A[:, :, :2]):
        for got, want in zip(
            evaluate("linalg.lu", a), torch.linalg.lu(torch.tensor(a)), strict=True
        ):
            np.testing.assert_allclose(got, want, atol=1e-12)
