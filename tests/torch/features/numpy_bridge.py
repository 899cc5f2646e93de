"""Rows 63-72: between NumPy and tensors."""

import numpy as np

from tests.parity import attempt

from .rows import row

DTYPES = ("float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool")


@row(63)
def tensor_copies_an_array(torch):
    a = np.array([1.0, 2.0, 3.0])
    t = torch.tensor(a)
    a[0] = 99
    print(t, a, t.dtype)


@row(64)
def from_numpy_shares_array_to_tensor(torch):
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    t = torch.from_numpy(a)
    a[0, 0] = 99
    a += 1
    print(t, t.dtype, t.is_contiguous(), torch.as_tensor(a).data_ptr() == t.data_ptr())
    s = torch.from_numpy(a[:, ::2])
    a[1, 2] = -5
    print(s, s.stride(), torch.from_numpy(a.T).stride())
    attempt(lambda: torch.from_numpy([1, 2]))
    attempt(lambda: torch.from_numpy(a[::-1]))
    attempt(lambda: torch.from_numpy(np.array(["x"])))


@row(65)
def from_numpy_shares_tensor_to_array(torch):
    a = np.array([1, 2, 3])
    t = torch.from_numpy(a)
    t[-1] = 999
    print(a)
    t += 1
    t[:2].mul_(10)
    print(a, t)
    torch.add(t, 1, out=t)
    print(a)


@row(66)
def numpy_shares_memory(torch):
    t = torch.ones(2, 3)
    a = t.numpy()
    print(type(a), a.dtype, a.shape, a)
    t.add_(1)
    print(a)
    a[0, 0] = 50
    print(t)
    v = t[1].numpy()
    v[:] = -1
    print(t, t.T.numpy().strides, t.t().numpy().flags["C_CONTIGUOUS"])
    print(np.asarray(t), np.array(t).sum(), np.add(t.numpy(), 1))
    print(torch.tensor(5).numpy(), torch.tensor(5).numpy().shape)


@row(67)
def dtype_is_carried_over(torch):
    for name in DTYPES:
        a = np.ones(2, dtype=name)
        print(torch.from_numpy(a).dtype, torch.tensor(a).dtype, torch.from_numpy(a).numpy().dtype)
    print(torch.tensor(np.float64(2)).dtype, torch.tensor(np.int32(2)).dtype)


@row(68)
def loss_as_a_loop_condition(torch):
    loss = torch.tensor(0.5, requires_grad=True) * 1
    print(loss.data.numpy() < 1, bool(loss.data.numpy() < 1), loss < 1, bool(loss < 1))
    if loss.data.numpy() < 1:
        print("stop")
    attempt(lambda: bool(torch.ones(2) < 1))
    attempt(lambda: bool(torch.ones(0)))


@row(69)
def channel_order(torch):
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)  # H, W, C
    x = torch.from_numpy(image).permute(2, 0, 1)
    print(x.shape, x.stride(), x.is_contiguous(), x.contiguous().stride(), x[0])
    batch = x.unsqueeze(0).float() / 255
    print(batch.shape, batch.dtype, batch.stride(), batch[0, 1, 1])
    print(x.transpose(0, 2).shape, x.contiguous().view(-1)[:5])
    attempt(lambda: x.view(-1))


@row(70)
def numpy_names_shape(torch):
    x = torch.arange(6.0).reshape(2, 3)
    print(torch.reshape(x, (3, 2)), torch.swapaxes(x, 0, 1), torch.concatenate([x, x], axis=1))
    print(torch.stack([x, x]).shape, torch.tile(x, (2, 1)), x.repeat(1, 2), torch.flip(x, (0,)))
    print(
        torch.roll(x, 1),
        torch.roll(x, 1, 0),
        torch.where(x > 2, x, 0),
        torch.moveaxis(x, 0, 1).shape,
    )
    print(torch.hstack([x, x]), torch.vstack([x, x]).shape, torch.dstack([x, x]).shape)
    print(torch.split(x, 2, dim=1), torch.chunk(x, 2), torch.squeeze(x[None]), torch.ravel(x))
    print(torch.tril(x), torch.triu(x), torch.diag(torch.ones(2)), torch.rot90(x), torch.fliplr(x))
    print(torch.repeat_interleave(torch.tensor([1, 2]), 2), torch.broadcast_to(x[0], (2, 3)))
    print(torch.atleast_2d(torch.tensor(1.0)), torch.meshgrid(x[0], x[1], indexing="ij")[0])
    print(
        torch.nn.functional.pad(x, (1, 1)), torch.outer(x[0], x[1]), torch.kron(torch.eye(2), x[:1])
    )


@row(70)
def numpy_names_values(torch):
    x = torch.tensor([[3.0, 1.0, 2.0], [6.0, 5.0, 4.0]])
    print(
        torch.clip(x, 2, 5),
        torch.sort(x),
        torch.argsort(x),
        torch.argmax(x),
        torch.argmin(x, axis=1),
    )
    print(torch.cumsum(x, axis=0), torch.cumprod(x, 1), torch.unique(torch.tensor([3, 1, 3, 2])))
    print(torch.sum(x, axis=1), x.mean(axis=0), x.max(axis=1), torch.amax(x, axis=1, keepdims=True))
    print(x.std(axis=1), torch.prod(x), torch.median(x), torch.all(x > 0), torch.any(x > 5, axis=1))
    print(
        torch.sum(x, axis=(0, 1)), torch.concat([x, x], axis=0).shape, torch.absolute(-x).equal(x)
    )
    print(torch.square(x), torch.sqrt(x), torch.maximum(x, torch.tensor(3.0)), torch.isnan(x).any())
    print(
        torch.count_nonzero(x),
        torch.nonzero(x > 3),
        torch.isclose(x, x + 1e-9).all(),
        torch.fix(x / 2),
    )
    print(
        torch.unique(torch.tensor([3, 1, 3]), return_inverse=True, return_counts=True),
        torch.diff(x),
    )
    print(
        torch.searchsorted(torch.tensor([1.0, 3.0, 5.0]), torch.tensor([2.0, 5.0])), torch.trace(x)
    )
    print(
        torch.dot(x[0], x[1]),
        torch.matmul(x, x.T),
        torch.einsum("ij,kj->ik", x, x),
        torch.linalg.norm(x),
    )
    attempt(lambda: torch.sum(x, axis=2))
    attempt(lambda: torch.sum(x, strange=2))


@row(71)
def numpy_itself_still_works(torch):
    a = np.arange(4)[:, np.newaxis]
    b = np.arange(3)
    print(a + b, (a + b).shape)
    attempt(lambda: np.ones((4, 3)) + np.ones(4))
    print(torch.from_numpy(a) + torch.from_numpy(b))
    x = torch.arange(4)[:, None] + torch.arange(3)
    print(x.equal(torch.from_numpy(a + b)), np.add.outer(np.arange(2), np.arange(2)))
    t = torch.ones(2)
    print(
        np.sum(t.numpy()),
        np.exp(np.asarray(t)),
        np.float32(2) * t,
        t * np.float64(2),
        t + np.ones(2, np.float32),
    )


@row(72)
def numpy_of_a_tensor_with_gradient(torch):
    x = torch.ones(2, requires_grad=True)
    attempt(lambda: x.numpy())
    attempt(lambda: np.asarray(x))
    attempt(lambda: (x * 2).numpy())
    print(x.detach().numpy(), x.data.numpy(), x.numpy(force=True))
    with torch.no_grad():
        attempt(lambda: x.numpy())
        print((x * 2).numpy())
