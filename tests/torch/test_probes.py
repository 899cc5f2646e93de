"""The same number or an error (FEATURES.md B3): where other ports of PyTorch go silently wrong.

The expected values are PyTorch 2.13's.
"""

import numpy as np
import pytest

import functorch_lite.torch as torch
from tests.parity import live_torch, outcome

functional = torch.nn.functional


def a_matrix():
    return torch.arange(9.0).view(3, 3)


VIEW_WRITES = {
    "select": lambda x: x[1].fill_(-1),
    "slice": lambda x: x[1:, ::2].zero_(),
    "column": lambda x: x[:, 1].mul_(10),
    "transpose": lambda x: x.t()[0].add_(1),
    "view": lambda x: x.view(9)[4:].neg_(),
    "reshape": lambda x: x.reshape(-1).add_(1),
    "permute": lambda x: x.permute(1, 0).sub_(torch.arange(3.0)),
    "diagonal": lambda x: x.diagonal().zero_(),
    "unsqueeze": lambda x: x.unsqueeze(0)[0, 2].mul_(2),
    "narrow": lambda x: x.narrow(1, 0, 2).copy_(torch.ones(3, 2)),
    "unbind": lambda x: x.unbind(1)[2].fill_(7),
    "split": lambda x: x.split(2)[0].fill_(5),
    "unfold": lambda x: x.unfold(0, 1, 2)[1].fill_(3),
    "detach": lambda x: x.detach().add_(100),
    "data": lambda x: x.data.mul_(0),
    "augmented item": lambda x: x.__setitem__(0, x[0].add_(5)),
    "mask": lambda x: x.__setitem__(x > 4, -1.0),
    "index tensors": lambda x: x.__setitem__(([0, 2], [2, 0]), torch.tensor([50.0, 60.0])),
    "out": lambda x: torch.add(x[0], 1, out=x[2]),
    "numpy": lambda x: x.numpy().__setitem__(0, 8),
    "expand of a row": lambda x: x[0].view(1, 3).add_(1),
    "view of view of view": lambda x: x.t()[1:].t()[0].view(2).fill_(-9),
}
WRITTEN = {
    "select": [[0, 1, 2], [-1, -1, -1], [6, 7, 8]],
    "slice": [[0, 1, 2], [0, 4, 0], [0, 7, 0]],
    "column": [[0, 10, 2], [3, 40, 5], [6, 70, 8]],
    "transpose": [[1, 1, 2], [4, 4, 5], [7, 7, 8]],
    "view": [[0, 1, 2], [3, -4, -5], [-6, -7, -8]],
    "reshape": [[1, 2, 3], [4, 5, 6], [7, 8, 9]],
    "permute": [[0, 1, 2], [2, 3, 4], [4, 5, 6]],
    "diagonal": [[0, 1, 2], [3, 0, 5], [6, 7, 0]],
    "unsqueeze": [[0, 1, 2], [3, 4, 5], [12, 14, 16]],
    "narrow": [[1, 1, 2], [1, 1, 5], [1, 1, 8]],
    "unbind": [[0, 1, 7], [3, 4, 7], [6, 7, 7]],
    "split": [[5, 5, 5], [5, 5, 5], [6, 7, 8]],
    "unfold": [[0, 1, 2], [3, 4, 5], [3, 3, 3]],
    "detach": [[100, 101, 102], [103, 104, 105], [106, 107, 108]],
    "data": [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
    "augmented item": [[5, 6, 7], [3, 4, 5], [6, 7, 8]],
    "mask": [[0, 1, 2], [3, 4, -1], [-1, -1, -1]],
    "index tensors": [[0, 1, 50], [3, 4, 5], [60, 7, 8]],
    "out": [[0, 1, 2], [3, 4, 5], [1, 2, 3]],
    "numpy": [[8, 8, 8], [3, 4, 5], [6, 7, 8]],
    "expand of a row": [[1, 2, 3], [3, 4, 5], [6, 7, 8]],
    "view of view of view": [[0, -9, -9], [3, 4, 5], [6, 7, 8]],
}


@pytest.mark.parametrize("kind", VIEW_WRITES)
def test_a_write_through_a_view_reaches_the_base(kind):
    x = a_matrix()
    VIEW_WRITES[kind](x)
    assert x.tolist() == WRITTEN[kind]


def test_batch_norm_keeps_running_statistics_in_training_only():
    norm = torch.nn.BatchNorm1d(2)
    x = torch.tensor([[1.0, 10.0], [3.0, 30.0]])
    norm(x)
    assert norm.num_batches_tracked.item() == 1
    np.testing.assert_allclose(norm.running_mean.numpy(), [0.2, 2.0], 1e-6)
    np.testing.assert_allclose(norm.running_var.numpy(), [1.1, 20.9], 1e-6)
    norm.eval()
    before = norm.running_mean.clone()
    norm(x)
    assert norm.running_mean.equal(before)
    assert norm.num_batches_tracked.item() == 1


def test_a_seed_decides_every_draw():
    def draw():
        layer = torch.nn.Linear(3, 3)
        dropped = functional.dropout(torch.ones(50))
        return [torch.rand(3), torch.randn(20), torch.randperm(9), layer.weight.detach(), dropped]

    torch.manual_seed(3)
    first = draw()
    torch.manual_seed(4)
    other = draw()
    torch.manual_seed(3)
    again = draw()
    assert all(a.equal(b) for a, b in zip(first, again, strict=True))
    assert not any(a.equal(b) for a, b in zip(first, other, strict=True))


def test_64_bit_types_stay_64_bit():
    big = 2**53 + 1
    x = torch.tensor([big])
    assert x.dtype is torch.int64
    assert (x + 1).item() == big + 1
    assert (x * 2).sum().item() == 2 * big
    assert x.clone()[0].item() == big
    third = torch.tensor([1.0], dtype=torch.float64) / 3
    assert third.item() == 1 / 3
    assert third.exp().dtype is torch.float64
    third.requires_grad_()
    (third**2).sum().backward()
    assert third.grad.dtype is torch.float64
    assert third.grad.item() == 2 / 3
    assert torch.arange(3).cumsum(0).dtype is torch.int64
    assert torch.tensor([1.0]).argmax().dtype is torch.int64
    assert torch.from_numpy(np.array([1.5])).dtype is torch.float64


def test_the_backward_of_a_custom_function_is_the_one_that_runs():
    class Straight(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.round()

        @staticmethod
        def backward(ctx, gradient):
            return gradient * 42

    x = torch.tensor([0.3, 1.7], requires_grad=True)
    for _ in range(3):
        x.grad = None
        (Straight.apply(x) * 2).sum().backward()
        assert x.grad.tolist() == [84.0, 84.0]


OUT_OF_RANGE = {
    "int index": (lambda x: x[3], IndexError, "index 3 is out of bounds"),
    "negative index": (lambda x: x[-4], IndexError, "index -4 is out of bounds"),
    "list index": (lambda x: x[[0, 3]], IndexError, "index 3 is out of bounds"),
    "index tensor": (lambda x: x[:, torch.tensor([5])], IndexError, "index 5 is out of bounds"),
    "setitem": (lambda x: x.__setitem__(7, 0.0), IndexError, "index 7 is out of bounds"),
    "setitem with tensor": (
        lambda x: x.__setitem__(torch.tensor([7]), 0.0),
        IndexError,
        "index 7 is out of bounds",
    ),
    "index_put_": (
        lambda x: x.index_put_((torch.tensor([9]),), torch.ones(3)),
        IndexError,
        "index 9 is out of bounds",
    ),
    "select": (lambda x: x.select(0, 3), IndexError, "out of range"),
    "narrow": (lambda x: x.narrow(0, 2, 2), RuntimeError, "exceeds dimension size"),
    "gather": (lambda x: x.gather(0, torch.tensor([[3]])), RuntimeError, "out of bounds"),
    "take": (lambda x: x.take(torch.tensor([9])), IndexError, "out of range"),
    "index_select": (lambda x: x.index_select(0, torch.tensor([3])), IndexError, "out of range"),
    "scatter": (
        lambda x: x.scatter(0, torch.tensor([[3]]), torch.ones(1, 1)),
        RuntimeError,
        "out of bounds",
    ),
    "scatter_add": (
        lambda x: x.scatter_add(0, torch.tensor([[5]]), torch.ones(1, 1)),
        RuntimeError,
        "out of bounds",
    ),
    "index_add": (
        lambda x: x.index_add(0, torch.tensor([3]), torch.ones(1, 3)),
        RuntimeError,
        "out of bounds",
    ),
    "index_fill": (lambda x: x.index_fill(0, torch.tensor([3]), 0.0), IndexError, "out of"),
    "embedding": (lambda x: functional.embedding(torch.tensor([3]), x), IndexError, "out of range"),
    "embedding layer": (
        lambda x: torch.nn.Embedding(3, 2)(torch.tensor([[-1]])),
        IndexError,
        "out of range",
    ),
    "cross_entropy": (
        lambda x: functional.cross_entropy(x, torch.tensor([0, 1, 3])),
        IndexError,
        "Target 3 is out of bounds.",
    ),
    "nll_loss": (
        lambda x: functional.nll_loss(x, torch.tensor([0, -1, 1])),
        IndexError,
        "Target -1 is out of bounds.",
    ),
    "one_hot": (
        lambda x: functional.one_hot(torch.tensor([4]), 3),
        RuntimeError,
        "Class values must be smaller than num_classes.",
    ),
    "bincount": (lambda x: torch.bincount(torch.tensor([-1])), RuntimeError, "non-negative"),
    "kthvalue": (lambda x: x.kthvalue(4), RuntimeError, "out of range"),
    "topk": (lambda x: x.topk(4), RuntimeError, "out of range"),
    "dim": (lambda x: x.sum(2), IndexError, "Dimension out of range"),
    "multinomial": (
        lambda x: torch.multinomial(torch.ones(2), 3),
        RuntimeError,
        "cannot sample n_sample > prob_dist",
    ),
}


@pytest.mark.parametrize("kind", OUT_OF_RANGE)
def test_what_is_out_of_range_raises(kind):
    call, error, text = OUT_OF_RANGE[kind]
    with pytest.raises(error, match=text):
        call(a_matrix())


@pytest.mark.parity
@pytest.mark.parametrize("kind", OUT_OF_RANGE)
def test_what_is_out_of_range_raises_what_pytorch_raises(kind, monkeypatch):
    here = outcome(lambda: OUT_OF_RANGE[kind][0](a_matrix()))
    monkeypatch.setitem(globals(), "torch", live_torch())
    monkeypatch.setitem(globals(), "functional", live_torch().nn.functional)
    assert here == outcome(lambda: OUT_OF_RANGE[kind][0](a_matrix()))


@pytest.mark.parity
@pytest.mark.parametrize("kind", VIEW_WRITES)
def test_the_expected_writes_are_those_of_pytorch(kind, monkeypatch):
    monkeypatch.setitem(globals(), "torch", live_torch())
    test_a_write_through_a_view_reaches_the_base(kind)


def test_a_dropped_gradient_never_goes_unnoticed():
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    y[0] = 0.0
    y[1:] *= 5
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 10.0, 10.0]


def test_a_modified_saved_value_is_an_error():
    x = torch.ones(3, requires_grad=True)
    y = x.exp()
    y.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_dropout_differs_from_call_to_call_and_is_off_in_eval():
    layer = torch.nn.Dropout(0.5)
    x = torch.ones(100)
    assert not layer(x).equal(layer(x))
    assert layer.eval()(x).equal(x)


def test_momentum_and_weights_are_carried_from_step_to_step():
    w = torch.tensor([1.0], requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)
    seen = []
    for _ in range(3):
        optimizer.zero_grad()
        (w * 2).sum().backward()
        optimizer.step()
        seen.append(round(w.item(), 4))
    assert seen == [0.8, 0.42, -0.122]
