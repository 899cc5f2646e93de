"""Distances and similarities beside live torch, at zero vectors too."""

import numpy as np
import pytest

from tests.ops.op_parity import check, evaluate

X, Y = (np.random.default_rng(seed).standard_normal((3, 4)) for seed in (0, 1))


@pytest.mark.parity
@pytest.mark.parametrize("p", [0.0, 0.5, 1.0, 2.0, 3.0, np.inf])
def test_norms(p):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    name = "pairwise_distance"
    check(torch, functional.pairwise_distance, name, X, Y, p, keepdim=True)
    check(torch, functional.pairwise_distance, name, X, X, p, eps=0.0)
    check(torch, functional.pdist, "pdist", np.concatenate([X, Y]), p)
    check(torch, functional.pdist, "pdist", np.ones((3, 2)), p)
    if p:
        check(torch, functional.normalize, "nn.functional.normalize", X, p)


@pytest.mark.parity
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_cosine_similarity(dim):
    torch = pytest.importorskip("torch")
    fun = torch.nn.functional.cosine_similarity
    check(torch, fun, "cosine_similarity", X, Y, dim)
    check(torch, fun, "cosine_similarity", X, np.zeros((3, 4)), dim)


def test_error():
    with pytest.raises(RuntimeError, match="pdist only supports 2D tensors, got: 1D"):
        evaluate("pdist", np.zeros(3))
