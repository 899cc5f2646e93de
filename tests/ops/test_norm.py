"""Norms: the gradient at 0, ties of the maximum norm, empty dims."""

import numpy as np
import pytest

from tests.ops.op_parity import check, evaluate, gradients


@pytest.mark.parametrize("order", [0.5, 1, 2, 3, np.inf])
def test_every_norm_has_gradient_zero_at_zero(order):
    found = gradients("linalg.vector_norm", np.zeros(2), order)[0]
    np.testing.assert_array_equal(found, [0, 0])


def test_the_maximum_norm_shares_its_gradient_among_equal_magnitudes():
    found = gradients("linalg.vector_norm", np.array([3.0, 1.0, -3.0]), np.inf)[0]
    np.testing.assert_allclose(found, [0.5, 0, -0.5])


def test_equal_rows_are_at_distance_zero_with_gradient_zero():
    x = np.ones((2, 3))
    np.testing.assert_array_equal(gradients("cdist", x, x)[0], 0)


def test_a_norm_without_identity_refuses_an_empty_dim():
    with pytest.raises(RuntimeError, match="cannot compute the inf norm on the dimension 1"):
        evaluate("linalg.vector_norm", np.zeros((2, 0)), np.inf, 1)


# --- beside live torch ----------------------------------------------------------------------------

X = np.array([[1.0, -2.0, 0.0], [4.0, 0.5, -4.0]])


@pytest.mark.parity
@pytest.mark.parametrize("order", [-np.inf, -1.5, 0.5, 1, 2, 3.5, np.inf])
@pytest.mark.parametrize("dim", [None, 1, (0, 1)])
def test_vector_norms_as_pytorch(order, dim):
    torch = pytest.importorskip("torch")
    fun = torch.linalg.vector_norm
    check(
        torch,
        lambda x, ord, dim: fun(x, ord, dim),
        "linalg.vector_norm",
        X + 0.25,
        ord=order,
        dim=dim,
    )


@pytest.mark.parity
@pytest.mark.parametrize("order", ["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_matrix_norms_as_pytorch(order):
    torch = pytest.importorskip("torch")
    fun = torch.linalg.matrix_norm
    check(torch, lambda x, ord: fun(x, ord), "linalg.matrix_norm", X, ord=order)
