"""The front door in fifteen small checks: under five seconds, run at every commit."""

import copy
import pickle

import numpy as np
import pytest

import functorch_lite.torch as torch


def test_tensors_add():
    assert (torch.tensor([1, 2]) + torch.tensor([3, 4])).tolist() == [4, 6]


def test_text_is_that_of_pytorch():
    assert (
        repr(torch.tensor([[1.0, 2.5], [3.0, 4.0]]))
        == "tensor([[1.0000, 2.5000],\n        [3.0000, 4.0000]])"
    )


def test_a_seed_gives_the_numbers_of_pytorch():
    torch.manual_seed(1)
    assert repr(torch.rand(3)) == "tensor([0.7576, 0.2793, 0.4031])"
    assert repr(torch.randn(3)) == "tensor([ 0.7244, -0.7022,  1.1661])"


def test_types_promote():
    assert (torch.tensor([1]) + 1.5).dtype is torch.float32
    assert (torch.tensor([1]) / 2).item() == 0.5


def test_a_view_shares_memory():
    x = torch.zeros(2, 3)
    x[:, 1].add_(1)
    x.t()[2] = 5
    assert x.tolist() == [[0, 1, 5], [0, 1, 5]]


def test_numpy_shares_memory():
    a = np.zeros(3, np.float32)
    t = torch.from_numpy(a)
    t[0] = 1
    a[1] = 2
    assert t.tolist() == [1, 2, 0] == a.tolist()


def test_masks_and_index_tensors():
    x = torch.arange(6).view(2, 3)
    assert x[x > 3].tolist() == [4, 5]
    assert x[[1, 0], [0, 2]].tolist() == [3, 2]


def test_shapes_broadcast_or_fail_in_the_words_of_pytorch():
    assert (torch.ones(3, 1) + torch.ones(1, 2)).shape == (3, 2)
    with pytest.raises(RuntimeError, match=r"The size of tensor a \(3\) must match"):
        torch.ones(4, 3) + torch.ones(4)


def test_gradients():
    x = torch.ones(2, 2, requires_grad=True)
    ((x + 2) ** 2 * 3).mean().backward()
    assert x.grad.tolist() == [[4.5, 4.5], [4.5, 4.5]]


def test_the_graph_shows_its_nodes():
    x = torch.ones(1, requires_grad=True)
    assert (x * 2).grad_fn.name() == "MulBackward0"
    assert not (x * 2).is_leaf


def test_no_graph_under_no_grad():
    x = torch.ones(1, requires_grad=True)
    with torch.no_grad():
        assert not (x * 2).requires_grad


def test_a_leaf_may_not_be_written_to():
    x = torch.ones(1, requires_grad=True)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        x.add_(1)


def test_a_net_learns():
    torch.manual_seed(0)
    net = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(net(x), x[:, :1])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses == sorted(losses, reverse=True)


def test_tensors_copy_and_pickle():
    x = torch.arange(3.0)
    assert copy.deepcopy(x).equal(x)
    assert pickle.loads(pickle.dumps(x)).equal(x)


def test_missing_names_are_missing():
    with pytest.raises(AttributeError, match="module 'torch' has no attribute 'tong'"):
        _ = torch.tong
