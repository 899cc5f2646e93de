"""The gradients that a captured step leaves behind: small ones come out in one array."""

import numpy as np
import pytest

import functorch_lite.torch as torch
from functorch_lite.torch import nn
from functorch_lite.torch._engine.capture.grads import PACKED_SIZE


def steps(calls: int, look=None, width: int = 4, momentum: float = 0.0):
    """Return the parameters and gradients after some steps, eager and captured."""
    found = []
    for wrap in (lambda f: f, torch.compile):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(3, width), nn.Tanh(), nn.Linear(width, 2))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=momentum)

        def step(x, net=net, optimizer=optimizer):
            optimizer.zero_grad()
            loss = net(x).square().mean()
            loss.backward()
            optimizer.step()
            return loss

        call, kept = wrap(step), []
        for i in range(calls):
            call(torch.full((2, 3), (i + 1.0) / 4))
            if look is not None:
                kept.append(look(net))
        found.append(([p.grad.tolist() for p in net.parameters()], kept))
    return found


def test_gradients_are_those_of_the_eager_step():
    eager, captured = steps(4)
    for a, b in zip(eager[0], captured[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_large_gradients_come_out_by_themselves():
    eager, captured = steps(3, width=PACKED_SIZE)
    for a, b in zip(eager[0], captured[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "look",
    [
        lambda net: net[0].weight.grad,  # held: keeps the values that it had
        lambda net: net[0].weight.grad.view(-1),
        lambda net: net[0].weight.grad.detach(),
        lambda net: [p.grad for p in net.parameters()],
        lambda net: net[0].weight.grad.norm(),
    ],
    ids=["held", "view", "detached", "all", "norm"],
)
def test_what_somebody_holds_of_an_old_gradient_stays(look):
    (_, eager), (_, captured) = steps(3, look)
    np.testing.assert_allclose(_flat(eager), _flat(captured), rtol=1e-5)


def _flat(kept):
    tensors = [t for k in kept for t in (k if isinstance(k, list) else [k])]
    return torch.cat([t.reshape(-1) for t in tensors])


def test_a_write_to_a_gradient_does_not_outlive_the_next_step():
    def spoil(net):
        for p in net.parameters():
            p.grad.fill_(7.0)

    eager, captured = steps(3, spoil)
    assert eager[0] == captured[0]
    clean = steps(3)[1][0]
    untouched = steps(1, spoil)[1][0]
    assert untouched[0] == [[7.0] * 3] * 4
    assert clean[0] != untouched[0]


def test_numpy_that_shared_a_gradient_does_not_outlive_it():
    seen = []
    eager, captured = steps(3, lambda net: seen.append(net[0].weight.grad.numpy().copy()))
    np.testing.assert_allclose(seen[:3], seen[3:], rtol=1e-5)
    np.testing.assert_allclose(eager[0][0], captured[0][0], rtol=1e-5)

    def share(net):
        shared = net[0].weight.grad.numpy()
        return shared[0, 0]  # the ndarray itself dies here

    assert steps(3, share)[0][1] == pytest.approx(steps(3, share)[1][1], rel=1e-5)


def test_a_gradient_is_read_inside_another_captured_function():
    net = nn.Linear(3, 3)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    @torch.compile
    def step(x):
        optimizer.zero_grad()
        net(x).sum().backward()
        optimizer.step()

    @torch.compile(fullgraph=True)
    def size():
        return net.weight.grad.sum() + net.bias.grad.sum()

    for i in range(3):
        step(torch.full((2, 3), float(i)))
        assert size().item() == pytest.approx(3 * 3 * 2 * i + 3 * 2)
    mapped = torch.vmap(lambda x: x * net.weight.grad.sum())(torch.ones(2))
    assert mapped.tolist() == [36.0, 36.0]


def test_results_that_share_their_memory_do_so_at_each_call():
    class Keeps(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.last = nn.Linear(3, 2), None

        def forward(self, x):
            y = self.layer(x)
            self.last = y.detach()
            return y, y.detach()

    torch.manual_seed(0)
    net = Keeps()
    call = torch.compile(net, fullgraph=True)
    for i in range(3):
        x = torch.full((4, 3), float(i))
        y, plain = call(x)
        assert torch.equal(y, net.layer(x))
        assert y.requires_grad and not plain.requires_grad
        assert y.data_ptr() == plain.data_ptr() == net.last.data_ptr()
        plain.zero_()
        assert y.sum() == 0 and net.last.sum() == 0


def test_a_returned_gradient_is_the_parameters():
    layer = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)

    @torch.compile(fullgraph=True)
    def step(x):
        optimizer.zero_grad()
        layer(x).sum().backward()
        optimizer.step()
        return layer.weight.grad.detach(), layer.bias.grad

    for i in range(3):
        weight, bias = step(torch.full((4, 3), float(i)))
        assert weight.tolist() == [[4.0 * i] * 3] * 2
        assert bias is layer.bias.grad
        assert weight.data_ptr() == layer.weight.grad.data_ptr()


def test_results_with_different_views_of_one_memory_break_the_graph():
    call = torch.compile(lambda x: ((y := x + 1)[0], y), fullgraph=True)
    with pytest.raises(Exception, match="share their memory"):
        call(torch.ones(3))
