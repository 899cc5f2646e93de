"""Rows 113-116: regression by hand, and plotting."""

import numpy as np
import pytest

from .rows import row


def house_prices(torch):
    """Return areas (10, 1) and their prices."""
    torch.manual_seed(1)
    areas = torch.randint(low=10, high=40, size=(10, 1))
    return areas, 5 * areas + torch.randn(10, 1)


@row(113)
def house_price(torch):
    x, y = house_prices(torch)
    w = torch.tensor([2.0], requires_grad=True)
    b = torch.tensor([0.0], requires_grad=True)
    print(x.view(-1), y.view(-1))
    for _ in range(6):
        loss = 0.5 * ((x * w + b - y) ** 2).mean()
        loss.backward()  # gradients pile up, on purpose
        w.data = w.data - 0.0001 * w.grad
        b.data = b.data - 0.0001 * b.grad
        print(f"{loss.item():.3f}", w, b, w.grad, b.grad)


@row(114)
def stop_when_below_one(torch):
    x, y = house_prices(torch)
    w = torch.tensor([2.0], requires_grad=True)
    b = torch.zeros(1, requires_grad=True)
    loss, step = torch.tensor(2.0), 0
    while not loss.data.numpy() < 1:
        prediction = x * w + b
        loss = 0.5 * ((prediction - y) ** 2).mean()
        loss.backward()
        w.data.sub_(0.0001 * w.grad.data)
        b.data.sub_(0.0001 * b.grad.data)
        step += 1
        print("{} {:.2f}".format(step, loss))  # noqa: UP032
    print(f"w {w.item():.4f}, b {b.item():.4f}", w.is_leaf, loss.grad_fn)


@row(115)
def plotting_through_numpy(torch):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    plt = pytest.importorskip("matplotlib.pyplot")
    x = torch.linspace(0, 1, 5).view(-1, 1).requires_grad_()
    y = x * 3 + 1
    figure = plt.figure()
    points = plt.scatter(x.data.numpy(), y.data.numpy())
    (line,) = plt.plot(x.data.numpy(), y.data.numpy(), "r-")
    print(points.get_offsets().tolist(), line.get_ydata().ravel().tolist())
    plt.show()
    plt.close(figure)


@row(116)
def plotting_tensors(torch):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    plt = pytest.importorskip("matplotlib.pyplot")
    figure = plt.figure()
    x = torch.linspace(0, 1, 5)
    points = plt.scatter(x, x**2)
    (line,) = plt.plot(x, x * 2)
    bars = plt.bar(torch.arange(3), torch.tensor([1.0, 2.0, 3.0]))
    image = plt.imshow(torch.arange(6).view(2, 3))
    counts, _, _ = plt.hist(torch.tensor([1.0, 1.0, 2.0]), bins=2)
    print(
        points.get_offsets().tolist(),
        line.get_xdata().tolist(),
        [float(bar.get_height()) for bar in bars],
    )
    print(image.get_array().tolist(), counts.tolist())
    plt.close(figure)


@row(116)
def what_plotting_libraries_ask_of_a_tensor(torch):
    x = torch.arange(3.0)
    print(
        np.asarray(x),
        np.asanyarray(x),
        np.array(x, dtype=float),
        np.column_stack([x, x]),
        len(x),
        x.ndim,
    )
    print(np.isfinite(x), np.min(np.asarray(x)), np.iterable(x), np.ravel(x), [v.item() for v in x])
    print(x.__array__(), x.__array__(np.float64).dtype, np.atleast_1d(torch.tensor(1.0)))
