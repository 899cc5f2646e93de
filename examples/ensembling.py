"""Ten networks trained at once, and what they know that one does not: where they have no data.

A plain PyTorch script. ``stack_module_state`` stacks the parameters of ten equal networks, ``vmap``
runs them as one, and an ordinary optimizer trains the stack. They differ in their first weights
only; where there is data they agree, elsewhere each tells its own story.
Source: Lakshminarayanan et al., "Simple and Scalable Predictive Uncertainty Estimation using Deep
Ensembles", 2017 (arXiv 1612.01474).

    python -m functorch_lite run examples/ensembling.py --out build/ensembling
"""

import argparse
import time
from pathlib import Path

import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

try:
    import matplotlib

    matplotlib.use("Agg")  # draw to a file; no screen is needed
    from matplotlib import pyplot
except ImportError:
    pyplot = None

MODELS = 10
NOISE = 0.1


def make_data():
    """Draw noisy points of a wave, with a gap in the middle: (N, 1), (N, 1)."""
    left, right = torch.rand(40, 1) * 2 - 4, torch.rand(40, 1) * 3 + 1
    x = torch.cat([left, right])  # in [-4, -2] and [1, 4]
    return x, torch.sin(1.5 * x) + NOISE * torch.randn_like(x)


def make_network():
    """Make one member of the ensemble: (N, 1) -> (N, 1)."""
    return nn.Sequential(
        nn.Linear(1, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)
    )


class Ensemble:
    """Networks of one kind that run side by side."""

    def __init__(self, networks):
        """Stack the parameters: name -> (K, *p)."""
        self.params, self.buffers = stack_module_state(networks)
        self.skeleton = networks[0]  # lends its code; its own weights are not used

    def __call__(self, x):
        """(N, 1) -> (K, N, 1): the same points through each network."""

        def run(params, buffers):
            return functional_call(self.skeleton, (params, buffers), (x,))

        return vmap(run)(self.params, self.buffers)


def train(ensemble, x, y, steps):
    """Fit all networks at once; the loss is a sum, so that none feels the others."""
    optimizer = torch.optim.Adam(ensemble.params.values(), lr=5e-3)
    print("step  mean loss    best   worst")
    for step in range(1, steps + 1):
        losses = (ensemble(x) - y).square().mean(dim=(1, 2))  # (K, N, 1) -> (K,)
        optimizer.zero_grad()
        losses.sum().backward()
        optimizer.step()
        if step == 1 or step % max(1, steps // 6) == 0:
            print(f"{step:4}     {losses.mean():.4f}  {losses.min():.4f}  {losses.max():.4f}")


def compare_with_loop(ensemble, networks, x):
    """Give the networks their trained parameters back; check and time both ways."""
    for k, network in enumerate(networks):
        network.load_state_dict({name: p[k] for name, p in ensemble.params.items()})
    with torch.no_grad():
        for _ in range(2):  # the first round may compile
            start = time.perf_counter()
            mapped = ensemble(x)
            middle = time.perf_counter()
            looped = torch.stack([network(x) for network in networks])  # (K, N, 1)
            end = time.perf_counter()
    print(f"vmap {1e3 * (middle - start):.2f} ms, loop {1e3 * (end - middle):.2f} ms")
    print(f"vmap and loop agree to 1e-5: {(mapped - looped).abs().max().item() < 1e-5}")


def draw(x, y, grid, curves, path):
    """Draw the data, each network's curve, and mean and spread of all."""
    mean, spread = curves.mean(dim=0)[:, 0], curves.std(dim=0)[:, 0]
    line = grid[:, 0].numpy()
    figure, axes = pyplot.subplots(figsize=(8, 4), layout="constrained")
    axes.plot(line, curves[:, :, 0].T.numpy(), color="tab:blue", linewidth=0.6, alpha=0.6)
    low, high = (mean - 2 * spread).numpy(), (mean + 2 * spread).numpy()
    axes.fill_between(line, low, high, color="tab:blue", alpha=0.15, label="mean ± 2 deviations")
    axes.plot(line, mean.numpy(), color="tab:blue", linewidth=2, label="mean of the networks")
    axes.plot(line, torch.sin(1.5 * grid[:, 0]).numpy(), "k--", linewidth=1, label="sin(1.5 x)")
    axes.plot(x[:, 0].numpy(), y[:, 0].numpy(), "k.", markersize=5, label="data")
    axes.set(xlabel="x", ylabel="y", ylim=(-3, 3), title=f"{MODELS} networks, one training run")
    axes.legend(loc="lower right", ncols=2)
    figure.savefig(path, dpi=120)


def main():
    """Train the ensemble; print its spread where there is data, in the gap, and outside."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--out", type=Path, default=Path("build/ensembling"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    torch.manual_seed(0)
    x, y = make_data()
    networks = [make_network() for _ in range(MODELS)]
    ensemble = Ensemble(networks)
    train(ensemble, x, y, options.steps)

    grid = torch.linspace(-6, 6, 241).unsqueeze(1)  # (N, 1)
    with torch.no_grad():
        curves = ensemble(grid)  # (K, N, 1)
        for name, low, high in [("data", 1, 4), ("the gap", -2, 1), ("beyond", 4, 6)]:
            inside = (grid[:, 0] > low) & (grid[:, 0] < high)  # (N,)
            spread = curves.std(dim=0)[inside].mean()
            print(f"spread where x is in ({low:2}, {high})  {name:8} {spread:.4f}")
    compare_with_loop(ensemble, networks, x)
    if pyplot is None:
        print("no picture: matplotlib is not installed")
    else:
        picture = options.out / "ensembling.png"
        draw(x, y, grid, curves, picture)
        print("picture:", picture)


if __name__ == "__main__":
    main()
