"""Rows 73-95: arithmetic, indexing, shape, broadcasting."""

import copy

import numpy as np

from tests.parity import attempt

from .rows import row


@row(73)
def addition_three_ways(torch):
    x, y = torch.arange(4.0).view(2, 2), torch.ones(2, 2)
    print(x + y, torch.add(x, y), x.add(y), torch.add(x, y, alpha=3), x.add(2, alpha=0.5))
    print(x - y, torch.sub(x, y), torch.mul(x, y), torch.div(x, 2), x.sub(1), x.mul(2), x.div(4))
    attempt(lambda: torch.add(x, "1"))
    attempt(lambda: x + "1")
    attempt(lambda: x + [1, 2])  # noqa: RUF005 - x is a tensor
    attempt(lambda: x + None)


@row(74)
def in_place_returns_itself(torch):
    x, y = torch.ones(2), torch.arange(2.0)
    print(y.add_(x) is y, y)
    y.mul_(3).sub_(1).div_(2).neg_().abs_()
    print(y, y.sqrt_(), y.clamp_(max=1), y.fill_(4), y.pow_(2), y.copy_(x), y._version)
    y += 1
    y *= 2
    y -= 0.5
    y /= 2
    print(y)
    attempt(lambda: torch.ones(2).add_(torch.ones(3, 2)))
    attempt(lambda: torch.ones(2, dtype=torch.int).add_(1.5))
    attempt(lambda: torch.ones(2, dtype=torch.int).div_(2))


@row(75)
def out_takes_the_result(torch):
    x, y = torch.ones(2, 3), torch.arange(3.0)
    result = torch.empty(2, 3)
    print(torch.add(x, y, out=result) is result, result)
    print(
        torch.mul(x, 2, out=result),
        torch.exp(y, out=torch.empty(3)),
        torch.sum(x, 1, out=torch.empty(2)),
    )
    torch.add(x, y, out=torch.empty(0))
    wrong = torch.empty(5)
    torch.add(x, y, out=wrong)
    print(wrong)
    attempt(lambda: torch.add(x, y, out=torch.empty(2, 3, dtype=torch.long)))
    attempt(lambda: torch.add(x, y, out=[1]))
    attempt(lambda: torch.add(x.requires_grad_(), y, out=result))


@row(76)
def scalars_and_rows(torch):
    x = torch.arange(6.0).view(2, 3)
    print(
        x + 1,
        1 + x,
        x - 1,
        1 - x,
        x * 2,
        2 / (x + 1),
        x**2,
        2**x,
        -x,
        +x,
        x // 2,
        7 % (x + 1),
        x % 2,
    )
    print(x + torch.tensor([10.0, 20.0, 30.0]), x * torch.tensor([[1.0], [2.0]]), x + True)
    print(
        abs(-x),
        divmod(7, 2),
        round(2.5),
        torch.round(x / 2),
        x.floor_divide(2),
        x == 2,
        x != 2,
        x >= 2,
    )
    print(x @ x.T, torch.tensor(3) & 2, torch.tensor(3) | 4, torch.tensor(5) ^ 1, ~torch.tensor(5))
    print(torch.tensor(3) << 2, torch.tensor([8]) >> 1, ~torch.tensor([True, False]))
    attempt(lambda: ~x)
    attempt(lambda: torch.tensor([1.0]) & 1)


@row(77)
def clone_protects_the_source(torch):
    x = torch.ones(2)
    y = x.clone()
    y += 5
    print(x, y, torch.clone(x), x.clone().requires_grad, (x.requires_grad_() * 1).clone().grad_fn)


@row(78)
def indexing_basic(torch):
    x = torch.arange(24).view(2, 3, 4)
    print(x[0], x[:, 1], x[0, :], x[-1, -1, -1], x[..., 0], x[0, ..., 1:3], x[:, None, 0].shape)
    print(x[1:, ::2, 1:4:2], x[:, :, -2:], x[()].shape, x[None, ..., None].shape, x[True].shape)
    print(
        x[torch.tensor(1)].shape,
        x[0][1][2],
        x[:5].shape,
        x[5:].shape,
        x[-10:1].shape,
        x[False].shape,
    )
    attempt(lambda: x[2])
    attempt(lambda: x[0, 3])
    attempt(lambda: x[0, 0, 0, 0])
    attempt(lambda: x[0.5])
    attempt(lambda: x[::-1])
    attempt(lambda: torch.tensor(1)[0])
    attempt(lambda: x[:, 1.5])


@row(78)
def indexing_with_tensors_and_masks(torch):
    x = torch.arange(12).view(3, 4)
    print(
        x[torch.tensor([0, 2])],
        x[[0, 2]],
        x[:, [1, 3]],
        x[[0, 1], [1, 2]],
        x[x > 5],
        x[[True, False, True]],
    )
    print(
        x[torch.tensor([[0, 1], [2, 0]])], x[[[0], [2]], [1, 3]], x[1, [0, 0]], x[[2, 1], None, 1:3]
    )
    print(
        x[torch.tensor([-1, -3])],
        x[:, torch.tensor([True, False, True, False])],
        x[x > 100],
        x[[]].shape,
    )
    print(x[torch.tensor([True, False, True]), 1], x[..., [0]], x[torch.tensor(0), [1, 2]])
    attempt(lambda: x[[3]])
    attempt(lambda: x[torch.tensor([-4])])
    attempt(lambda: x[torch.tensor([0.5])])
    attempt(lambda: x[torch.tensor([True, False])])
    attempt(lambda: x[[0, 1], [0, 1, 2]])


@row(78)
def indexed_writing(torch):
    x = torch.zeros(3, 4)
    x[0] = 1
    x[:, 1] = torch.tensor([7.0, 8.0, 9.0])
    x[1, 2:] = torch.tensor([[5.0, 6.0]])
    x[2, 3] = torch.tensor(4)
    print(x)
    x[x > 6] = -1
    x[[0, 2], [0, 0]] = torch.tensor([20.0, 30.0])
    x[torch.tensor([1]), 1:3] += 100
    x[..., -1] *= 2
    print(x)
    x[x < 0] = torch.tensor([1.5, 2.5])
    x[:] = x + 1
    x[None, 0] = 3
    print(x, x._version)
    attempt(lambda: x.__setitem__(0, torch.ones(3)))
    attempt(lambda: x.__setitem__(5, 1))
    attempt(lambda: x.__setitem__(x > 0, torch.ones(2)))
    attempt(lambda: x.__setitem__(0, "a"))
    attempt(lambda: x.__setitem__([0, 1], torch.ones(3, 4)))


@row(79)
def a_basic_index_is_a_view(torch):
    x = torch.ones(3, 3)
    y = x[0, :]
    y += 1
    print(x, y._base is x, y._is_view())
    z = x[0, :].clone()
    z += 10
    w = copy.deepcopy(x)
    w[0] = 5
    print(x, w)
    v = x[[0]]
    v += 100
    print(x, v._base)
    x[1][2] = 7
    x[:, 0][1:].fill_(-3)
    print(x)


@row(80)
def view(torch):
    x = torch.arange(16.0).view(4, 4)
    print(
        x.view(16),
        x.view(-1, 8),
        x.view(2, -1).shape,
        x.view((2, 8)).shape,
        x.view(torch.Size([8, 2])).shape,
    )
    y = x.view(16)
    x += 1
    y[0] = 100
    print(
        y, x[0], x.view_as(torch.zeros(2, 8)).shape, y._base is x._base, x.view(torch.int32)[0, 0]
    )
    attempt(lambda: x.view(3, 5))
    attempt(lambda: x.view(-1, 5))
    attempt(lambda: x.view(-1, -1))
    attempt(lambda: x.t().view(16))
    attempt(lambda: x.view(-2))


@row(81)
def reshape(torch):
    x = torch.arange(16.0).view(4, 4)
    y = x.reshape(16)
    y[0] = 50
    z = x.t().reshape(16)
    z[1] = -1
    print(x, y.data_ptr() == x.data_ptr(), z.data_ptr() == x.data_ptr(), z)
    print(
        x.reshape(2, -1).shape, torch.reshape(x, (8, 2)).shape, x.flatten().shape, x.ravel().shape
    )
    print(x.flatten(0, 1).shape, x[:, :2].flatten().is_contiguous(), x.unflatten(0, (2, 2)).shape)
    attempt(lambda: x.reshape(7))
    attempt(lambda: x.reshape(-1, 5))


@row(82)
def clone_then_view(torch):
    x = torch.ones(2, 2)
    y = x.clone().view(4)
    y += 1
    print(x, y)


@row(83)
def resizing(torch):
    x = torch.arange(4.0)
    print(x.resize_(2, 2))
    print(x.resize_(6).shape, x.resize_((2, 3)).shape, x.resize_(2, 1))
    print(torch.arange(6).resize(2, 3))
    attempt(lambda: torch.arange(6).resize(4))


@row(83)
def resizing_there_and_back(torch):
    x = torch.arange(4.0)
    x.resize_(2)
    print(x, x.resize_(4))


@row(83)
def resizing_keeps_the_storage(torch):
    x = torch.arange(6.0)
    part = x[1:]
    x.resize_(2)
    part += 10
    print(x, part, x._version, x._base, x.untyped_storage().nbytes(), x.storage_offset())
    print(x.sum(), x * 2, x.numpy(), x.resize_(6))
    window = torch.arange(10.0)[2:5]
    print(window.resize_(5), window.storage_offset(), window._is_view(), window.resize_(2, 2))
    column = torch.arange(6.0).view(2, 3).t()
    print(column.resize_(3, 2).stride(), column.resize_(2, 3), column.stride())
    apart = torch.arange(6.0).view(2, 3).t().contiguous().t()
    print(apart.resize_(6), apart.resize_(3), apart.resize_(2, 3))
    empty = torch.arange(3.0).resize_(0)
    print(empty.numel(), empty.resize_(3), torch.tensor(3.0).resize_(()))
    out = torch.arange(6.0).resize_(0)
    torch.add(torch.ones(2), 1, out=out)
    print(out, out.untyped_storage().nbytes(), out.resize_(4))


@row(83)
def resizing_what_cannot_be(torch):
    shared = torch.from_numpy(np.arange(4.0))
    print(shared.resize_(2), shared.resize_(4))
    attempt(lambda: shared.resize_(8))
    attempt(lambda: torch.ones(3, requires_grad=True).resize_(3))
    attempt(lambda: torch.ones(3).resize_(2.5))
    attempt(lambda: torch.ones(3).resize_())
    attempt(lambda: torch.ones(3).resize_(2, memory_format=torch.preserve_format))


@row(84)
def item(torch):
    print(torch.tensor([2.5]).item(), type(torch.tensor([2.5]).item()), torch.tensor(3).item())
    print(type(torch.tensor(3).item()), torch.tensor(True).item(), torch.tensor([[0.1]]).item())
    print(
        float(torch.tensor(1.5)),
        int(torch.tensor([7.9])),
        bool(torch.tensor(0)),
        complex(torch.tensor(2.0)),
    )
    print(
        list(range(3))[torch.tensor(1)],
        torch.tensor([0.1], dtype=torch.double).item(),
        hex(torch.tensor(255)),
    )
    attempt(lambda: torch.ones(2).item())
    attempt(lambda: torch.ones(0).item())
    attempt(lambda: float(torch.ones(2)))
    attempt(lambda: [1, 2][torch.tensor(0.0)])


@row(85)
def tolist(torch):
    print(
        torch.arange(4).view(2, 2).tolist(),
        torch.tensor(1.5).tolist(),
        torch.tensor([0.1]).tolist(),
    )
    print(torch.tensor([True]).tolist(), torch.zeros(0).tolist(), torch.zeros(2, 0).tolist())
    print(list(torch.arange(2)), [float(v) for v in torch.ones(2)], torch.tensor([1 + 1j]).tolist())
    a, b = torch.arange(2)
    print(
        a,
        b,
        list(zip(torch.arange(2), "ab", strict=True)),
        1 in torch.arange(3),
        7 in torch.arange(3),
    )
    attempt(lambda: list(torch.tensor(1)))


@row(86)
def squeeze_transpose_cat(torch):
    x = torch.arange(6).view(1, 2, 3)
    print(
        x.squeeze().shape,
        x.squeeze(0).shape,
        x.squeeze(1).shape,
        x.unsqueeze(-1).shape,
        x.unsqueeze(0).shape,
    )
    print(
        x.transpose(1, 2),
        x.transpose(-1, 0).shape,
        torch.transpose(x, 0, 1).stride(),
        x.squeeze((0, 1)).shape,
    )
    print(
        torch.cat([x, x]),
        torch.cat((x, x), dim=2),
        torch.cat([x, x], -2).shape,
        torch.stack((x, x), 1).shape,
    )
    print(
        x.permute(2, 0, 1).shape,
        x.movedim(0, 2).shape,
        torch.cat([torch.ones(1), torch.ones(1).long()]).dtype,
    )
    attempt(lambda: x.unsqueeze(4))
    attempt(lambda: x.transpose(0, 3))
    attempt(lambda: torch.cat([x, x.view(1, 3, 2)]))
    attempt(lambda: torch.cat([]))
    attempt(lambda: torch.cat([x, 1]))
    attempt(lambda: x.permute(0, 1))
    attempt(lambda: x.permute(0, 0, 1))
    attempt(lambda: torch.stack([torch.ones(2), torch.ones(3)]))


@row(87)
def expand_mm_t(torch):
    x, y = torch.arange(6.0).view(2, 3), torch.ones(1, 3)
    e = y.expand_as(x)
    print(e, e.stride(), y.expand(4, 3).shape, y.expand(-1, 3).shape, y.expand(2, 2, 3).stride())
    print(
        x.mm(x.t()),
        torch.mm(x.t(), x),
        x.t(),
        x.t().stride(),
        torch.ones(3).t(),
        x.T.is_contiguous(),
    )
    print(
        x.matmul(torch.ones(3)),
        x.mv(torch.ones(3)),
        torch.bmm(torch.ones(2, 1, 3), torch.ones(2, 3, 1)),
    )
    attempt(lambda: x.mm(x))
    attempt(lambda: x.mm(torch.ones(3)))
    attempt(lambda: x.expand(3, 3))
    attempt(lambda: torch.ones(2, 2, 2).t())
    attempt(lambda: e.add_(1))
    attempt(lambda: x @ torch.ones(4))
    attempt(lambda: x.mm(torch.ones(3, 2).double()))


@row(88)
def reductions_and_powers(torch):
    x = torch.arange(1.0, 7.0).view(2, 3)
    print(
        x.mean(),
        x.sum(),
        x.mean(0),
        x.sum(1),
        x.sum(0, keepdim=True),
        x.sum((0, 1)),
        x**2,
        x * x,
        x / 2,
        -x,
    )
    print(
        torch.arange(4).sum(),
        torch.ones(3, dtype=torch.bool).sum(),
        x.prod(),
        x.max(),
        x.min(),
        x.std(),
        x.var(0),
    )
    print(
        x.max(1),
        x.min(0).indices,
        x.argmax(),
        x.cumsum(1),
        x.norm(),
        x.sum(dtype=torch.double),
        x**0.5,
        x**-1,
    )
    print(torch.zeros(0).sum(), torch.zeros(0).mean(), torch.zeros(0).prod(), torch.ones(1).std())
    attempt(lambda: torch.arange(4).mean())
    attempt(lambda: x.sum(2))
    attempt(lambda: x.sum((0, 0)))
    attempt(lambda: torch.zeros(0).max())
    attempt(lambda: torch.tensor([2]) ** -1)


@row(89)
def sin_cos_exp(torch):
    x = torch.linspace(-2, 2, 5)
    print(
        torch.sin(x),
        torch.cos(x),
        torch.exp(x),
        x.tanh(),
        x.sigmoid(),
        x.relu(),
        x.abs().sqrt(),
        (x + 3).log(),
    )
    print(
        torch.sin(torch.arange(3)),
        torch.exp(torch.tensor(1.0)),
        x.sqrt(),
        torch.log(torch.zeros(1)),
        x.sign(),
    )
    attempt(lambda: torch.sin(1.0))
    attempt(lambda: torch.exp([1.0]))


@row(90)
def a_hundred_operations(torch):
    x = torch.tensor([[2.0, 1.0], [1.0, 3.0]])
    print(
        torch.linalg.det(x),
        torch.linalg.inv(x),
        torch.linalg.solve(x, torch.ones(2)),
        torch.linalg.eigvalsh(x),
    )
    print(
        torch.linalg.cholesky(x),
        torch.trace(x),
        torch.linalg.matrix_rank(x),
        torch.linalg.norm(x, 1),
        x.inverse(),
    )
    print(
        torch.topk(x.flatten(), 2),
        torch.gather(x, 1, torch.tensor([[0], [1]])),
        x.kthvalue(1),
        x.flip(0),
    )
    print(
        x.index_select(0, torch.tensor([1])),
        torch.masked_select(x, x > 1),
        x.masked_fill(x > 1, 0),
        x.take(torch.tensor([0, 3])),
    )
    print(
        torch.zeros(2, 2).scatter_(1, torch.tensor([[0], [1]]), 5.0),
        x.tril(),
        x.diag(),
        torch.lerp(x, x * 2, 0.5),
    )
    print(
        torch.addmm(x, x, x),
        torch.baddbmm(x[None], x[None], x[None]),
        torch.cdist(x, x),
        torch.clamp(x, min=1.5),
    )
    print(
        torch.histc(x, 3, 0, 3),
        torch.bincount(torch.tensor([0, 1, 1])),
        x.logsumexp(0),
        x.softmax(1),
        x.floor(),
    )
    print(
        torch.cross(torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 1, 0]), dim=0),
        torch.atan2(x, x.T),
        torch.fmod(x, 2),
    )
    print(
        torch.allclose(x, x),
        torch.equal(x, x.T),
        torch.isfinite(x),
        x.unfold(1, 1, 1).shape,
        torch.tensordot(x, x, 1),
    )
    print(
        torch.einsum("ij,jk->ik", x, x),
        torch.cumprod(x, 0),
        torch.logical_and(x > 1, x < 3),
        torch.var_mean(x),
    )


@row(91)
def broadcasting_of_a_row_and_a_column(torch):
    x, y = torch.arange(1, 3).view(1, 2), torch.arange(1, 4).view(3, 1)
    print(x, y, x + y, (x + y).shape)
    print(
        torch.ones(2, 1, 3).add(torch.ones(4, 1)).shape,
        torch.broadcast_shapes((2, 1), (1, 5), (5,)),
    )
    print(
        torch.broadcast_tensors(x, y),
        (torch.ones(0, 3) + torch.ones(1, 3)).shape,
        (torch.ones(1) + torch.tensor(1.0)).shape,
    )


@row(92)
def broadcasting_shapes(torch):
    print(torch.ones(3) * 2, torch.ones(2, 3) + torch.arange(3))
    print(
        (torch.ones(256, 256, 3) * torch.ones(3)).shape,
        (torch.ones(8, 1, 6, 1) * torch.ones(7, 1, 5)).shape,
    )
    print(
        (torch.ones(5, 4) + torch.ones(1)).shape,
        (torch.ones(15, 3, 5) * torch.ones(15, 1, 5)).shape,
    )


@row(93)
def outer_addition(torch):
    a, b = torch.tensor([0.0, 10.0, 20.0, 30.0]), torch.tensor([1.0, 2.0, 3.0])
    print(a[:, None] + b, a[:, torch.newaxis].shape, (a.unsqueeze(1) + b).shape, torch.outer(a, b))


@row(94)
def incompatible_shapes(torch):
    attempt(lambda: torch.ones(4, 3) + torch.ones(4))
    attempt(lambda: torch.ones(2, 3) * torch.ones(3, 2))
    attempt(lambda: torch.ones(8, 4, 3).mul(torch.ones(2, 1)))
    attempt(lambda: torch.ones(2) == torch.ones(3))
    attempt(lambda: torch.where(torch.ones(2) > 0, torch.ones(3), torch.ones(2)))
    attempt(lambda: torch.broadcast_shapes((2,), (3,)))
    x = torch.ones(2)
    attempt(lambda: x.__iadd__(torch.ones(3)))


@row(95)
def gradients_of_broadcast_operands(torch):
    a = torch.ones(1, 2, requires_grad=True)
    b = torch.ones(3, 1, requires_grad=True)
    s = torch.tensor(2.0, requires_grad=True)
    (a * b * s + b).sum().backward()
    print(a.grad, b.grad, s.grad)
    row_, matrix = torch.arange(3.0, requires_grad=True), torch.arange(6.0).view(2, 3)
    (matrix * row_).sum().backward()
    print(row_.grad, row_.grad.shape)
