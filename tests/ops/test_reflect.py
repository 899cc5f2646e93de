"""Householder reflections."""

import numpy as np
import pytest

from tests.ops.op_parity import check, evaluate

A = np.random.default_rng(0).standard_normal((4, 3))


def test_the_packed_form_gives_q_back():
    packed, tau = evaluate("geqrf", A)
    q = evaluate("linalg.householder_product", packed, tau)
    np.testing.assert_allclose(q, evaluate("linalg.qr", A)[0], atol=1e-12)
    np.testing.assert_allclose(q @ np.triu(packed[:3]), A, atol=1e-12)


@pytest.mark.parity
def test_as_pytorch():
    torch = pytest.importorskip("torch")
    packed, tau = evaluate("geqrf", A)
    check(torch, torch.linalg.householder_product, "linalg.householder_product", packed, tau)
    check(torch, torch.ormqr, "ormqr", packed, tau, A, transpose=True)
