"""Everyday calls in PyTorch and here, through the one helper: value, text, layout, gradient, error.

Each call runs on every set of inputs of its row; kinks, ties, bounds, NaN and infinity are among
them. Floating-point inputs require grad, and their gradients are compared as well.
"""

import numpy as np
import pytest

from tests.parity import assert_same

pytestmark = pytest.mark.parity

KINKS = np.array([-2.5, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 3.0], np.float32)
SPECIAL = np.array([np.nan, np.inf, -np.inf, 1.0], np.float32)
TIES = np.array([[2.0, 1.0, 2.0], [0.0, 3.0, 3.0]], np.float32)
MATRIX = np.linspace(-1, 2, 12, dtype=np.float32).reshape(3, 4)
DOUBLE = np.linspace(0.1, 0.9, 5)
WHOLE = np.array([[3, -1, 2], [7, 0, -5]])
EMPTY = np.zeros((0, 3), np.float32)
SCALAR = np.array(0.7, np.float32)
POSITIVE = np.array([0.25, 0.5, 1.0, 4.0], np.float32)

ELEMENTWISE = "abs neg relu sigmoid tanh exp floor ceil round trunc sign square sin cos".split()  # noqa: SIM905
ROOTS = ("sqrt", "log", "log2", "log10", "log1p", "rsqrt", "reciprocal")
REDUCTIONS = ("sum", "mean", "amax", "amin", "argmax", "argmin", "cumsum", "logsumexp", "softmax")


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("x", [KINKS, SPECIAL, MATRIX, DOUBLE, EMPTY, SCALAR], ids=repr)
def test_elementwise(name, x):
    assert_same(lambda torch, x: getattr(x, name)(), x, grad=True)


@pytest.mark.parametrize("name", ROOTS)
def test_roots_and_logarithms(name):
    for x in (POSITIVE, SPECIAL, DOUBLE):
        assert_same(lambda torch, x: getattr(torch, name)(x), x, grad=True)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "maximum", "minimum", "atan2", "pow"])
@pytest.mark.parametrize("other", [TIES, TIES[0], TIES[:, :1], np.float32(2) * np.ones(()), WHOLE])
def test_pairs_broadcast_and_promote(name, other):
    def call(torch, a, b):
        return getattr(torch, name)(a, b)

    wide = np.float64 if np.ndim(other) else np.float32  # a 0-d double computes in float32
    assert_same(call, TIES + 1, np.asarray(other + 1, wide), grad=True)
    assert_same(call, WHOLE + 6, np.asarray(np.abs(other) + 1, np.int32))


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize(
    "x", [TIES, MATRIX, DOUBLE.reshape(5, 1)], ids=["ties", "matrix", "double"]
)
def test_reductions(name, x):
    for dim in (0, -1):
        assert_same(lambda torch, x, dim=dim: getattr(x, name)(dim), x, grad=True)


CALLS = {
    "max and where": lambda torch, x: x.max(1),
    "min of all": lambda torch, x: x.min(),
    "sort": lambda torch, x: torch.sort(x, dim=1, stable=True),
    "topk": lambda torch, x: x.topk(2, 1),
    "median": lambda torch, x: x.median(1).values,
    "std": lambda torch, x: x.std(1),
    "var of all": lambda torch, x: x.var(unbiased=False),
    "norm": lambda torch, x: x.norm(),
    "prod": lambda torch, x: x.prod(1),
    "cumprod": lambda torch, x: x.cumprod(1),
    "clamp": lambda torch, x: x.clamp(1, 2),
    "matmul": lambda torch, x: x @ x.t(),
    "transposed arithmetic": lambda torch, x: x.t() * 2 + 1,
    "flip": lambda torch, x: x.flip(1),
    "gather": lambda torch, x: x.gather(1, torch.tensor([[0, 0], [2, 1]])),
    "index": lambda torch, x: x[[1, 0, 1], [2, 2, 0]],
    "mask": lambda torch, x: x[x > 1],
    "permuted index": lambda torch, x: x.t()[[0, 2]],
    "cat": lambda torch, x: torch.cat([x, x * 2], 1),
    "stack": lambda torch, x: torch.stack([x, x], -1),
    "view": lambda torch, x: x.view(3, 2),
    "expand": lambda torch, x: x[None].expand(2, 2, 3),
    "unfold": lambda torch, x: x.unfold(1, 2, 1),
    "where": lambda torch, x: torch.where(x > 1, x, -x),
    "masked_fill": lambda torch, x: x.masked_fill(x == 3, 0.5),
    "scatter": lambda torch, x: x.scatter(1, torch.tensor([[0], [2]]), 9.0),
    "tril": lambda torch, x: x.tril(),
    "repeat": lambda torch, x: x.repeat(2, 1),
    "log_softmax": lambda torch, x: torch.nn.functional.log_softmax(x, 1),
    "layer_norm": lambda torch, x: torch.nn.functional.layer_norm(x.double(), (3,)),
    "gelu": lambda torch, x: torch.nn.functional.gelu(x),
    "leaky_relu": lambda torch, x: torch.nn.functional.leaky_relu(x - 2),
    "mse": lambda torch, x: torch.nn.functional.mse_loss(x, x.detach() + 1),
    "smooth_l1": lambda torch, x: torch.nn.functional.smooth_l1_loss(x, x.detach() * 0),
    "cross_entropy": lambda torch, x: torch.nn.functional.cross_entropy(x, torch.tensor([2, 0])),
    "einsum": lambda torch, x: torch.einsum("ij,kj->ik", x, x) + 1,
    "in place": lambda torch, x: (x * 1).mul_(3).add_(x),
    "in place part": lambda torch, x: (x * 1).index_fill_(1, torch.tensor([0]), 4.0),
    "view as bad shape": lambda torch, x: x.view(4, 2),
    "bad broadcast": lambda torch, x: x + torch.ones(2),
    "bad dim": lambda torch, x: x.sum(5),
    "bad product": lambda torch, x: x @ x,
    "bad cat": lambda torch, x: torch.cat([x, x[0]]),
    "leaf write": lambda torch, x: x.add_(1),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_calls(call):
    assert_same(call, TIES, grad=True)
