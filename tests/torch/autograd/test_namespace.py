"""``Variable``, ``once_differentiable``, the graph's own functions, and ``.data`` as autograd
sees it."""

import pytest

import functorch_lite.torch as torch
from functorch_lite.torch.autograd import Variable, graph
from functorch_lite.torch.autograd.function import once_differentiable


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * x * g


def test_variable_is_another_name_for_a_tensor():
    data = torch.ones(2)
    x = Variable(data, requires_grad=True)
    assert type(x) is torch.Tensor
    assert x.requires_grad
    assert not data.requires_grad
    assert x.data_ptr() == data.data_ptr()
    assert isinstance(data, Variable)
    assert not isinstance(3, Variable)
    with pytest.raises(TypeError, match=r"^Variable data has to be a tensor, but got list$"):
        Variable([1.0])
    with pytest.warns(UserWarning, match="volatile was removed"):
        Variable(data, volatile=True)


def test_once_differentiable_refuses_a_second_time():
    x = torch.ones(2, requires_grad=True)
    w = torch.ones(2, requires_grad=True)
    (g,) = torch.autograd.grad((Double.apply(x) * w).sum(), x, create_graph=True)
    assert g.tolist() == [2.0, 2.0]
    with pytest.raises(
        RuntimeError, match="trying to differentiate twice a function that was marked with"
    ):
        g.sum().backward()


def test_gradients_that_depend_on_nothing_do_not_require_grad():
    x = torch.ones(2, requires_grad=True)
    (g,) = torch.autograd.grad((2 * x).sum(), x, create_graph=True)
    assert not g.requires_grad
    (g,) = torch.autograd.grad((x * x).sum(), x, create_graph=True)
    assert g.requires_grad


def test_writing_to_data_is_not_seen_by_autograd():
    x = torch.ones(2, requires_grad=True)
    y = x.exp()
    x.data[0].fill_(3)
    x.data.mul_(2)
    assert x._version == 0
    assert x.tolist() == [6.0, 2.0]
    y.sum().backward()


def test_gradient_edges():
    x = torch.ones(2, requires_grad=True)
    edge = graph.get_gradient_edge(x * 2)
    assert isinstance(edge.node, graph.Node)
    assert edge.node.name() == "MulBackward0"
    assert edge.output_nr == 0
    with pytest.raises(RuntimeError, match="It is not possible to get the gradient edge"):
        graph.get_gradient_edge(torch.ones(1))


def test_increment_version_makes_a_saved_value_stale():
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    z = y * y
    graph.increment_version(y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_multi_grad_hook_waits_for_all_that_take_part():
    a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    seen, first = [], []
    with graph.register_multi_grad_hook((a, b), seen.append):
        graph.register_multi_grad_hook((a, b), first.append, mode="any")
        a.sum().backward()
        (a * b).sum().backward()
    a.sum().backward()
    assert [[g is None for g in gradients] for gradients in seen] == [[False, True], [False, False]]
    assert len(first) == 3
    with pytest.raises(ValueError, match="Expects mode to be one of"):
        graph.register_multi_grad_hook((a,), seen.append, mode="some")
