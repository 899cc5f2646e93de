"""Rows 48-62: what a tensor carries."""

import numpy as np

from tests.parity import attempt

from .rows import row


@row(48)
def the_class(torch):
    x = torch.rand(2)
    print(type(x), x.__class__, torch.Tensor, isinstance(x, torch.Tensor))
    print(torch.is_tensor(x), torch.is_tensor([1]), torch.is_tensor(np.ones(1)))


@row(49)
def attributes(torch):
    x = torch.ones(2, 2, requires_grad=True)
    print(x.data, x.dtype, x.shape, x.device, x.requires_grad, x.grad, x.grad_fn, x.is_leaf)
    y = x * 2
    print(y.data, y.requires_grad, y.grad_fn, y.is_leaf, y.layout, y.is_sparse, y.is_cuda)
    print(x.itemsize, x.nbytes, x.T.shape, x.mT.shape, x.name, x._version, x.is_contiguous())
    attempt(lambda: x.strange)
    x.note = "mine"
    print(x.note)


@row(50)
def requires_grad_is_off_and_can_be_switched_on(torch):
    x = torch.ones(2)
    print(x.requires_grad)
    x.requires_grad = True
    print(x, x.requires_grad_(False), x.requires_grad_() is x)
    attempt(lambda: torch.ones(2, dtype=torch.long).requires_grad_())
    y = x * 2
    attempt(lambda: setattr(y, "requires_grad", False))
    attempt(lambda: setattr(y, "requires_grad", True))
    print(y)


@row(51)
def size_is_a_tuple(torch):
    x = torch.zeros(4, 3, 2)
    print(x.size(), x.shape, x.size(0), x.size(-1), x.size() == (4, 3, 2), x.shape == [4, 3, 2])
    a, b, c = x.size()
    print(a, b, c, x.shape[0], x.shape[1:], x.shape[-1])
    print(x.shape + (5,), (5,) + x.shape)  # noqa: RUF005 - the sum is what is shown
    print(
        x.shape.numel(), len(x.shape), 3 in x.shape, x.shape.index(2), x.shape.count(3), x.shape * 2
    )
    print(isinstance(x.shape, tuple), type(x.shape), hash(x.shape) == hash((4, 3, 2)), {x.shape: 1})
    print(
        torch.Size([1, 2]),
        torch.Size((3,)),
        torch.Size(),
        list(x.shape),
        tuple(x.shape),
        max(x.shape),
    )
    print(sorted(x.shape), x.shape < (5,), [n * 2 for n in x.shape], f"{x.shape}", str(x.size()))
    print(type(x.shape[1:]), type(x.shape + x.shape), torch.zeros(x.shape[:2]).shape)
    attempt(lambda: x.size(3))


@row(51)
def size_of_what_is_no_number(torch):
    attempt(lambda: torch.Size(["a"]))
    attempt(lambda: torch.Size([1, 2.5]))
    attempt(lambda: torch.Size([torch.tensor(1.0)]))
    attempt(lambda: torch.Size(3))
    attempt(lambda: torch.Size((1,), (2,)))
    attempt(lambda: torch.Size([2]) + [1])  # noqa: RUF005 - the sum is what is shown
    attempt(lambda: (2.5,) + torch.Size([2]))  # noqa: RUF005 - the sum is what is shown
    attempt(lambda: torch.Size([2]) * 2.5)
    print(torch.Size([torch.tensor(3), np.int64(2), True, -1]), torch.Size(range(2)))


@row(52)
def size_of_a_scalar(torch):
    x = torch.tensor(3.0)
    print(x.size(), x.shape, x.dim(), x.shape == (), x.numel())


@row(53)
def numel(torch):
    print(torch.zeros(2, 3, 4).numel(), torch.tensor(1).numel(), torch.zeros(0, 3).numel())
    print(torch.numel(torch.ones(5)), torch.zeros(2, 3).nelement())


@row(54)
def device(torch):
    x = torch.zeros(1)
    print(x.device, repr(x.device), x.device.type, x.device.index, x.get_device())
    print(x.device == torch.device("cpu"), torch.device("cpu", 0), str(torch.device("cuda:1")))
    print(torch.zeros(1, device="cpu").device, torch.zeros(1, device=torch.device("cpu")).device)
    print(hash(torch.device("cpu")) == hash(torch.device("cpu")), x.cpu() is x)
    attempt(lambda: torch.device("nowhere"))
    attempt(lambda: torch.zeros(1, device="nowhere"))


@row(55)
def text_of_numbers(torch):
    print(torch.tensor([1.0, 2.5, -3.25]), torch.tensor([1e-5, 1.0]), torch.tensor([1e8, 1.0]))
    print(torch.tensor([0.1234567, 123.4567]), torch.tensor([1.0, float("nan"), float("inf")]))
    print(torch.tensor([1e-8, 1e8]), torch.tensor([1000000.0]), torch.tensor([float("inf"), -1]))
    print(
        torch.tensor([1, -200, 30000]), torch.tensor([True, False]), torch.tensor([1 + 2j, -1.5j])
    )
    print(torch.tensor(3.14159265), torch.tensor(1e-10), torch.tensor(5), torch.tensor(-0.0))
    print(torch.arange(30.0), torch.arange(100).view(10, 10))


@row(55)
def text_of_long_and_deep_tensors(torch):
    print(torch.arange(1001))
    print(torch.zeros(20, 2000))
    print(torch.arange(24.0).view(2, 3, 4))
    print(torch.arange(2000.0).view(10, 10, 20).shape, torch.zeros(2, 2, 2, 2))
    print(torch.rand(40, 40))
    print(torch.zeros(2, 0, 3), torch.zeros(0), torch.ones(1, 1, 1))
    torch.set_printoptions(precision=2, sci_mode=True, linewidth=40)
    print(torch.rand(10))


@row(55)
def text_with_gradient(torch):
    x = torch.ones(2, 2, requires_grad=True)
    y = x + 2
    print(x, y, y * y * 3, (y * y * 3).mean(), y.detach(), x.data, y.T, y[0], y[0, 0])
    print(torch.nn.Parameter(torch.ones(2)), [x], {"a": y})
    print(
        torch.ones(2, dtype=torch.double, requires_grad=True),
        torch.ones(50, requires_grad=True) * 2,
    )
    print(str(x) == repr(x), f"{x}", "%s" % x)  # noqa: UP031
    print((x * 1000.5).exp(), torch.zeros(0, 2, requires_grad=True) * 2)


@row(56)
def formatting(torch):
    loss = torch.tensor(0.123456789)
    print("{}".format(loss), f"{loss}", f"{loss:.3f}", f"{loss:10.2e}|", f"{loss!r}")  # noqa: UP032
    print(f"{torch.tensor(5)}", f"{torch.tensor(5):4d}", f"{torch.tensor(True)}", "%.2f" % loss)  # noqa: UP031
    print(f"{torch.ones(2)}", f"{(loss * 1).requires_grad_()}", f"{torch.ones(1)}")
    print(f"{torch.tensor(2.0, dtype=torch.double)}", str(loss), f"{torch.tensor(1e-9)}")
    print("{:.2f} {:>8}".format(torch.tensor(1.5), torch.tensor(2)))  # noqa: UP032
    attempt(lambda: f"{torch.ones(2):.2f}")
    attempt(lambda: "%.2f" % torch.ones(2))  # noqa: UP031


@row(57)
def leaves(torch):
    a = torch.ones(2, requires_grad=True)
    b = torch.ones(2)
    print(
        a.is_leaf, (a * 2).is_leaf, b.is_leaf, (b * 2).is_leaf, (a + b).is_leaf, a.detach().is_leaf
    )
    print(a[0].is_leaf, b[0].is_leaf, a.view(2, 1).is_leaf, a.clone().is_leaf, a.data.is_leaf)
    with torch.no_grad():
        print((a * 2).is_leaf)


@row(58)
def grad_of_a_non_leaf_warns(torch):
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    y.sum().backward()
    print(y.grad)
    print(x.grad)


@row(59)
def grad_fn_of_leaves_is_none(torch):
    layer = torch.nn.Linear(2, 1)
    print(torch.ones(1).grad_fn, torch.ones(1, requires_grad=True).grad_fn, layer.weight.grad_fn)
    print(layer.bias.grad_fn, layer.weight.is_leaf, layer.weight.requires_grad)


@row(60)
def assigning_data_keeps_the_leaf(torch):
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    for _ in range(3):
        loss = (w * w).sum()
        loss.backward()
        w.data = w.data - 0.1 * w.grad
        print(w, w.is_leaf, w.grad_fn, w.grad)
        w.grad.zero_()
    w.data = torch.zeros(3)
    print(w)
    attempt(lambda: setattr(w, "data", [1.0]))
    w.data -= 1
    w.data[0] = 5
    print(w, w._version)


@row(61)
def reassigning_makes_a_non_leaf(torch):
    w = torch.tensor([1.0], requires_grad=True)
    (w * 3).sum().backward()
    w = w - 0.1 * w.grad
    print(w, w.is_leaf, w.requires_grad, w.grad)


@row(62)
def data_is_detached_and_shares_memory(torch):
    x = torch.ones(3, requires_grad=True)
    d = x.data
    d[0] = 7
    d.mul_(2)
    print(x, d, d.requires_grad, d.grad_fn, x.data.numpy(), type(x.data.numpy()))
    a = x.data.numpy()
    a[2] = -1
    print(x, (x * 2).data)
