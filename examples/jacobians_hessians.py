"""Every way to a Jacobian, a Hessian and a Hessian-vector product, and one use of the last.

A plain PyTorch script. The first table times the ways and checks them against each other. Then the
largest curvature of a small network's loss is found with Hessian-vector products alone, which never
hold the Hessian; the picture shows what they avoided: most of its eigenvalues are nearly zero.
Sources: Pearlmutter, "Fast Exact Multiplication by the Hessian", 1994; Sagun et al., "Eigenvalues
of the Hessian in Deep Learning", 2016 (arXiv 1611.07476).

    python -m functorch_lite run examples/jacobians_hessians.py --out build/hessians
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vjp, vmap

try:
    import matplotlib

    matplotlib.use("Agg")  # draw to a file; no screen is needed
    from matplotlib import pyplot
except ImportError:
    pyplot = None

DATA = Path(__file__).parent / "data" / "digits.npz"
IMAGES, PIXELS, HIDDEN, CLASSES = 100, 16, 8, 3
SIZES = [(HIDDEN, PIXELS), (HIDDEN,), (CLASSES, HIDDEN), (CLASSES,)]


def load_digits():
    """Return images of the digits 0 to 2 at half resolution, and their labels: (N, 16), (N,)."""
    with np.load(DATA) as file:
        images, labels = torch.from_numpy(file["images"]), torch.from_numpy(file["labels"]).long()
    few = (labels < CLASSES).nonzero()[:IMAGES, 0]
    small = F.avg_pool2d(images[few].float().unsqueeze(1) / 16, 2)  # (N, 1, 8, 8) -> (N, 1, 4, 4)
    return small.flatten(1), labels[few]


def scores_of(flat, x):
    """Run the network whose weights are the one vector ``flat`` (P,): (N, 16) -> (N, 3)."""
    parts = flat.split([torch.Size(s).numel() for s in SIZES])
    w1, b1, w2, b2 = (p.reshape(s) for p, s in zip(parts, SIZES, strict=True))
    return F.linear(torch.tanh(F.linear(x, w1, b1)), w2, b2)


def first_weights():
    """Draw the weights as one vector: (P,)."""
    return torch.cat([torch.randn(s).flatten() / s[-1] ** 0.5 for s in SIZES])


def jacobian_by_rows(f, x):
    """One backward pass an output: what people did before jacrev."""
    x = x.clone().requires_grad_()
    y = f(x)
    rows = [torch.autograd.grad(e, x, retain_graph=True)[0] for e in y.flatten()]
    return torch.stack(rows).reshape(*y.shape, *x.shape)


def compare(title, ways):
    """Run each way, print its time and how far it is from the first one."""
    first = None
    print(f"{title:34} {'shape':>16}  {'time':>8}  agrees")
    for name, way in ways.items():
        for _ in range(2):  # the first round may compile
            start = time.perf_counter()
            result = way()
            elapsed = time.perf_counter() - start
        first = result if first is None else first
        gap = ((result - first).abs().max() / first.abs().max()).item()
        shape = "x".join(map(str, result.shape))
        print(f"  {name:32} {shape:>16}  {1e3 * elapsed:5.1f} ms  {gap < 1e-4}")
    return first


def top_curvature(product, size, steps):
    """Find the largest eigenvalue by power iteration, from products H v only."""
    v = F.normalize(torch.randn(size), dim=0)
    found = []
    for _ in range(steps):
        hv = product(v)
        found.append(torch.dot(v, hv).item())
        v = F.normalize(hv, dim=0)
    return found


def draw(matrix, values, path):
    """Draw the Hessian and its spectrum."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    limit = matrix.abs().max().item() / 4
    shown = left.imshow(matrix.numpy(), cmap="RdBu", vmin=-limit, vmax=limit)
    left.set(title="Hessian of the loss", xlabel="weight", ylabel="weight")
    figure.colorbar(shown, ax=left, shrink=0.8, extend="both")
    right.plot(values.flip(0).numpy(), ".", color="tab:blue")
    right.set(title="Its eigenvalues", xlabel="rank", ylabel="eigenvalue")
    right.set_yscale("symlog", linthresh=1e-3)
    right.axhline(0, color="gray", linewidth=0.5)
    figure.savefig(path, dpi=120)


def main():
    """Compare, train a little, and look at the curvature."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=12, help="of the power iteration")
    parser.add_argument("--out", type=Path, default=Path("build/hessians"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    torch.manual_seed(0)
    images, labels = load_digits()
    weights = first_weights()  # (P,)

    def loss(w):
        return F.cross_entropy(scores_of(w, images), labels)

    def few(w):
        return scores_of(w, images[:8])  # (8, 3)

    compare(
        "Jacobian of 8 x 3 scores",
        {
            "jacrev": lambda: jacrev(few)(weights),
            "jacfwd": lambda: jacfwd(few)(weights),
            "vmap(vjp) over a basis": lambda: vmap(vjp(few, weights)[1])(
                torch.eye(24).reshape(24, 8, 3)
            )[0].reshape(8, 3, -1),
            "torch.autograd.grad, row by row": lambda: jacobian_by_rows(few, weights),
        },
    )
    for _ in range(40):  # so that the curvature is that of a network which has learnt something
        weights = weights - 0.5 * grad(loss)(weights)
    matrix = compare(
        "Hessian of the loss",
        {
            "hessian": lambda: hessian(loss)(weights),
            "jacrev(jacrev)": lambda: jacrev(jacrev(loss))(weights),
        },
    )
    v = torch.randn_like(weights)
    compare(
        "Hessian times a vector",
        {
            "the whole Hessian @ v": lambda: hessian(loss)(weights) @ v,
            "jvp(grad): forward over reverse": lambda: jvp(grad(loss), (weights,), (v,))[1],
            "vjp(grad): reverse over reverse": lambda: vjp(grad(loss), weights)[1](v)[0],
            "grad(grad . v)": lambda: grad(lambda w: torch.dot(grad(loss)(w), v))(weights),
        },
    )

    values = torch.linalg.eigvalsh(matrix)  # (P,), ascending
    found = top_curvature(
        lambda v: jvp(grad(loss), (weights,), (v,))[1], len(weights), options.steps
    )
    print("largest eigenvalue by power iteration")
    for step, value in enumerate(found, 1):
        if step <= 3 or step % 4 == 0:
            print(f"  step {step:2}  {value:.4f}")
    print(f"  exact    {values[-1]:.4f}  and the loss is {loss(weights):.4f}")
    small = (values.abs() < 0.01 * values[-1]).sum()
    print(f"{small} of {len(values)} eigenvalues are below 1% of the largest")
    if pyplot is None:
        print("no picture: matplotlib is not installed")
    else:
        picture = options.out / "jacobians_hessians.png"
        draw(matrix, values, picture)
        print("picture:", picture)


if __name__ == "__main__":
    main()
