"""Covariance and histograms."""

import numpy as np
import pytest

from tests.ops.call_parity import assert_alike

X = np.array([[1.0, 2.0, 4.0, 8.0], [0.5, -1.0, 2.0, 2.5]], np.float32)
CALLS = [
    lambda torch, x: x.cov(correction=0).sum(),
    lambda torch, x: x.corrcoef().sum(),
    lambda torch, x: x.cov(fweights=torch.tensor([1, 2, 1, 3]), aweights=x[0]).sum(),
    lambda torch, x: x[0].cov().exp(),
    lambda torch, x: x.cov(fweights=x[0]),
    lambda torch, x: x.detach().histc(4),
    lambda torch, x: x.detach().histc(4, 0, 2),
    lambda torch, x: x.detach().histc(4, 2, 1),
    lambda torch, x: x.detach().histc(0),
    lambda torch, x: x.detach().histogram(4),
    lambda torch, x: x.detach().histogram(3, range=(0.0, 4.0), density=True),
    lambda torch, x: x.detach().histogram(torch.tensor([0.0, 1.0, 4.0]), weight=x.detach()),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", CALLS)
def test_as_pytorch(call):
    assert_alike(call, X, grad=True)
