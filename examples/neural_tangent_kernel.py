"""The wider a network, the less it changes while it learns: the neural tangent kernel.

A plain PyTorch script. The kernel K(x, z) = J(x) J(z)^T, from ``jacrev`` of one output by all
weights and ``vmap`` over the points, tells what training will do to a very wide network: the fit is
a solution of linear equations with K. The table shows kernel and network coming together.
Sources: Jacot et al., "Neural Tangent Kernel", 2018 (arXiv 1806.07572); Lee et al., "Wide Neural
Networks of Any Depth Evolve as Linear Models", 2019 (arXiv 1902.06720).

    python -m functorch_lite run examples/neural_tangent_kernel.py --out build/ntk
"""

import argparse
from pathlib import Path

import torch
from torch.func import grad, jacrev, vmap

try:
    import matplotlib

    matplotlib.use("Agg")  # draw to a file; no screen is needed
    from matplotlib import pyplot
except ImportError:
    pyplot = None

WIDTHS = (8, 128, 2048)
RATE = 0.5


def first_weights(width):
    """Draw weights from N(0, 1); ``output_of`` scales them, which makes the kernel's limit."""
    return {"w": torch.randn(width, 2), "b": torch.randn(width), "v": torch.randn(width)}


def output_of(params, x):
    """Return the network's output (), a number, at one point (2,)."""
    hidden = torch.tanh(params["w"] @ x + params["b"])  # (H,)
    return params["v"] @ hidden / len(hidden) ** 0.5


outputs_of = vmap(output_of, in_dims=(None, 0))  # (N, 2) -> (N,)


def kernel(params, x, z):
    """Return the tangent kernel of the points x (N, 2) and z (M, 2): (N, M)."""
    by_point = vmap(jacrev(output_of), in_dims=(None, 0))
    jx, jz = by_point(params, x), by_point(params, z)  # each {name: (N, *p)}
    return sum(jx[name].flatten(1) @ jz[name].flatten(1).T for name in params)


def loss_of(params, x, y):
    """Return half the mean squared error."""
    return (outputs_of(params, x) - y).square().mean() / 2


def train(params, x, y, steps):
    """Descend along the gradient with all points at once."""
    slope = grad(loss_of)
    for _ in range(steps):
        grads = slope(params, x, y)
        params = {name: p - RATE * grads[name] for name, p in params.items()}
    return params


def train_linear(params, x, y, z, steps):
    """Return what as many steps make of the linearized network, at the points z.

    A step moves the outputs at x by -rate/N K (f - y): the errors shrink by powers of a matrix.
    """
    error = outputs_of(params, x) - y  # (N,)
    shrink = torch.eye(len(x)) - RATE / len(x) * kernel(params, x, x)
    total = torch.zeros_like(error)  # of the errors at all steps
    for _ in range(steps):
        total, error = total + error, shrink @ error
    return outputs_of(params, z) - RATE / len(x) * kernel(params, z, x) @ total


def on_circle(angles):
    """Points of the unit circle: (N,) -> (N, 2)."""
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def draw(angles, y, grid, curves, path):
    """Draw, for each width, what the network and what the kernel make of the data."""
    figure, cells = pyplot.subplots(1, len(curves), figsize=(10, 3.2), sharey=True)
    figure.set_layout_engine("constrained")
    for cell, (width, (net, linear)) in zip(cells, curves.items(), strict=True):
        cell.plot(grid, net, color="tab:blue", linewidth=2, label="network")
        cell.plot(grid, linear, color="tab:orange", linestyle="--", label="tangent kernel")
        cell.plot(angles, y, "k.", markersize=7, label="data")
        cell.set(title=f"{width} hidden units", xlabel="angle (radians)")
    cells[0].set(ylabel="output", ylim=(-1.2, 1.9))
    cells[0].legend(fontsize=8, loc="upper right")
    figure.savefig(path, dpi=120)


def main():
    """Train networks of several widths; print how far they are from their kernels."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--out", type=Path, default=Path("build/ntk"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    torch.manual_seed(0)
    angles = torch.linspace(-2.8, 2.6, 10)  # (N,)
    grid = torch.linspace(-torch.pi, torch.pi, 101)  # (M,)
    x, y, z = on_circle(angles), torch.sin(2 * angles), on_circle(grid)
    curves = {}
    print("width  first loss  last loss  kernel moved  network - kernel")
    for width in WIDTHS:
        params = first_weights(width)
        trained = train(params, x, y, options.steps)
        before, after = kernel(params, x, x), kernel(trained, x, x)
        moved = (after - before).norm() / before.norm()
        net, linear = outputs_of(trained, z), train_linear(params, x, y, z, options.steps)
        gap = (net - linear).square().mean().sqrt()
        losses = f"{loss_of(params, x, y):10.4f}  {loss_of(trained, x, y):9.4f}"
        print(f"{width:5}  {losses}  {moved:12.4f}  {gap:16.4f}")
        curves[width] = net, linear
    if pyplot is None:
        print("no picture: matplotlib is not installed")
    else:
        picture = options.out / "neural_tangent_kernel.png"
        draw(angles, y, grid, curves, picture)
        print("picture:", picture)


if __name__ == "__main__":
    main()
