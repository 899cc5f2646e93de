"""Contractions of named dims."""

import jax
import numpy as np
import pytest

from functorch_lite.ops.linear.contract import einsum, multi_dot
from tests.ops.op_parity import check

R = np.random.default_rng(0)
A, B = R.standard_normal((2, 3)), R.standard_normal((3, 4))


@pytest.mark.parametrize(
    "equation",
    ["ij,jk", "ij,jk->ki", "ij,jk->", "...j,jk->k...", "Ij,jK", "ij , jk -> ik", "i...,jk->ij"],
)
@pytest.mark.parity
def test_einsum_as_pytorch(equation):
    torch = pytest.importorskip("torch")
    want = torch.einsum(equation, torch.tensor(A), torch.tensor(B))
    with jax.enable_x64(True):
        np.testing.assert_allclose(einsum(equation, [A, B]), want, atol=1e-12)


@pytest.mark.parametrize(
    ("equation", "words"),
    [
        ("ij,jk,kl", "fewer operands were provided"),
        ("ij", "more operands were provided"),
        ("ij,jk->ikz", "output subscript z does not appear"),
        ("ij,jk->ii", "output subscript i appears more than once"),
        ("ij,ik", "subscript i has size 3 for operand 1 which does not broadcast"),
        ("i,jk", "the number of subscripts in the equation"),
        ("i1,jk", "invalid subscript given at index 1"),
    ],
)
def test_a_bad_equation_is_refused(equation, words):
    with pytest.raises(RuntimeError, match=words):
        einsum(equation, [A, B])


def test_a_chain_is_multiplied_in_the_cheapest_order():
    with jax.enable_x64(True):
        found = multi_dot([A[0], B, np.ones((4, 2)), np.ones(2)])
    np.testing.assert_allclose(found, A[0] @ B @ np.ones((4, 2)) @ np.ones(2))


@pytest.mark.parity
def test_tensordot_as_pytorch():
    torch = pytest.importorskip("torch")
    check(torch, lambda a, b, dims: torch.tensordot(a, b, dims), "tensordot", A, B, dims=1)
    check(
        torch,
        lambda a, b, dims: torch.tensordot(a, b, [list(d) for d in dims]),
        "tensordot",
        A,
        A,
        dims=((0, 1), (0, 1)),
    )
