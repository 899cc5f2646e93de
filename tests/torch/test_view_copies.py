"""Views in place, their copies and scatters, and other small relatives of views."""

import numpy as np
import pytest

import functorch_lite.torch as torch
from tests.parity import live_torch, outcome


def test_transposing_in_place_keeps_the_storage_and_the_history():
    x = torch.arange(6.0).reshape(2, 3).clone().requires_grad_()
    y = x * 2
    assert y.t_() is y
    assert (tuple(y.shape), y.stride()) == ((3, 2), (1, 3))
    (y * torch.tensor([1.0, 10.0])).sum().backward()
    assert x.grad.tolist() == [[2, 2, 2], [20, 20, 20]]


def test_a_view_made_before_a_view_in_place_still_shares_memory():
    x = torch.zeros(2, 3)
    row = x[1]
    x.transpose_(0, 1).add_(1)
    assert row.tolist() == [1, 1, 1]


def test_leaves_that_want_a_gradient_cannot_be_viewed_in_place():
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        torch.ones(2, 2, requires_grad=True).t_()


def test_copies_own_their_memory_and_carry_the_gradient():
    x = torch.arange(4.0, requires_grad=True)
    copy = torch.unfold_copy(x, 0, 2, 1)
    assert copy.grad_fn.name() == "UnfoldBackward0_copy"
    assert copy._base is None
    copy.sum().backward()
    assert x.grad.tolist() == [1, 2, 2, 1]


def test_scatters_write_into_a_copy():
    x = torch.zeros(2, 3, requires_grad=True)
    src = torch.ones(3, requires_grad=True)
    y = torch.select_scatter(x, src, 0, 1)
    assert y.tolist() == [[0, 0, 0], [1, 1, 1]]
    assert x.tolist() == [[0, 0, 0], [0, 0, 0]]
    y.pow(2).sum().backward()
    assert src.grad.tolist() == [2, 2, 2]
    assert x.grad.tolist() == [[0, 0, 0], [0, 0, 0]]


def test_writing_to_a_diagonal_writes_to_the_matrix():
    x = torch.zeros(2, 3)
    x.diagonal().fill_(2)
    x.diagonal(1).copy_(torch.tensor([3.0, 4.0]))
    assert x.tolist() == [[2, 3, 0], [0, 2, 4]]


def test_a_tall_matrix_can_be_filled_with_wrapped_diagonals():
    rows = torch.zeros(7, 3).fill_diagonal_(1, wrap=True).argmax(1).tolist()
    assert rows == [0, 1, 2, 0, 0, 1, 2]


def test_as_strided_of_a_strided_leaf_has_a_gradient():
    x = torch.arange(6.0).reshape(2, 3).t().detach().requires_grad_()
    x.as_strided((2,), (2,)).sum().backward()
    assert x.grad.tolist() == [[1, 0], [0, 0], [1, 0]]


SAME = """
torch.slice_scatter(x, torch.ones(2, 6), 0, 1, 3)
torch.slice_scatter(x, torch.ones(3, 6), 0, 1, 3)
torch.diagonal_scatter(x, torch.ones(4))
torch.select_copy(x, 0, 9)
torch.split_copy(x, 3)[1]
torch.narrow_copy(x, 1, 2, 3)
torch.unsafe_chunk(x, 3, 1)[2]
x.sum_to_size(1, 6)
x.sum_to_size(6)
x.sum_to_size(5)
x.clone().squeeze_().unsqueeze_(1)
torch.zeros(3).fill_diagonal_(1)
torch.gradient(x, spacing=(1.0, 2.0), edge_order=2)[1]
torch.gradient(x, spacing=[torch.tensor([0.0, 1, 4, 5])], dim=0)[0]
torch.gradient(x, dim=(0, 0))
torch.segment_reduce(x, "max", lengths=torch.tensor([1, 3]))
torch.segment_reduce(x, "mean", lengths=torch.tensor([0, 4]))
torch.segment_reduce(x, "prod", offsets=torch.tensor([0, 2, 4]), initial=2)
torch.segment_reduce(x, "sum", lengths=torch.tensor([1, 2]))
torch.norm_except_dim(x, 2, 1)
torch.convolution(x[None], x[:, :4, None], None, (1,), (1,), (1,), False, (0,), 1)
torch.kl_div(x.log_softmax(1), x.softmax(1), 2)
"""


@pytest.mark.parity
@pytest.mark.parametrize("call", SAME.strip().splitlines())
def test_value_gradient_and_error_equal_torch(call):
    data = np.linspace(-2, 3, 24, dtype=np.float32).reshape(4, 6) ** 3
    told = []
    for library in (live_torch(), torch):
        x = library.tensor(data, requires_grad=True)
        kind, result = outcome(lambda x=x, lib=library: eval(call, {"torch": lib, "x": x}))
        if kind == "error":
            told.append(result)
            continue
        (result * result).sum().backward()
        told.append(np.concatenate([t.detach().numpy().ravel() for t in (result, x.grad)]))
    if isinstance(told[0], str):
        assert told[1] == told[0]
    else:
        np.testing.assert_allclose(told[1], told[0], 2e-5, 2e-5)
