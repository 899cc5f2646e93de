"""Factorizations: LAPACK's signs, info, gradients that PyTorch defines by one triangle or both."""

import numpy as np
import pytest

from tests.ops.op_parity import check, evaluate

R = np.random.default_rng(0)
A = R.standard_normal((2, 4, 3))
P = A @ A.transpose(0, 2, 1) + np.eye(4)


def test_info_is_the_order_of_the_minor_that_is_not_positive():
    bad = np.diag([1.0, 1.0, -1.0])
    found = evaluate("linalg.cholesky_ex", np.stack([np.eye(3), bad]))[1]
    np.testing.assert_array_equal(found, [0, 3])


def test_an_unknown_mode_of_qr_is_refused():
    with pytest.raises(RuntimeError, match="qr received unrecognized mode 'raw'"):
        evaluate("linalg.qr", A, "raw")


# --- beside live torch ----------------------------------------------------------------------------


@pytest.mark.parity
def test_values_as_pytorch():
    torch = pytest.importorskip("torch")
    lower = np.linalg.cholesky(P)
    check(torch, torch.cholesky_solve, "cholesky_solve", A, lower)
    check(torch, torch.cholesky_inverse, "cholesky_inverse", lower)
    check(torch, torch.linalg.svdvals, "linalg.svdvals", A)
    skewed = P + np.triu(R.standard_normal((4, 4)))  # only one triangle is read
    check(torch, torch.linalg.eigvalsh, "linalg.eigvalsh", skewed)
    check(torch, torch.linalg.eigvalsh, "linalg.eigvalsh", skewed, UPLO="U")


@pytest.mark.parity
@pytest.mark.parametrize("a", [A, A.transpose(0, 2, 1).copy()], ids=["tall", "wide"])
def test_signs_are_lapacks(a):
    torch = pytest.importorskip("torch")
    want = torch.linalg.qr(torch.tensor(a))
    for got, wanted in zip(evaluate("linalg.qr", a), want, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-12)


@pytest.mark.parity
@pytest.mark.parametrize("full", [True, False])
def test_the_svd_is_pytorchs_up_to_signs(full):
    torch = pytest.importorskip("torch")
    u, s, vh = evaluate("linalg.svd", A, full)
    np.testing.assert_allclose((u[:, :, :3] * s[:, None]) @ vh, A, atol=1e-12)
    for got, want in zip((u, s, vh), torch.linalg.svd(torch.tensor(A), full), strict=True):
        np.testing.assert_allclose(abs(got), abs(want), atol=1e-12)
