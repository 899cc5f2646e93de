"""Solve the heat equation with a network that is never shown a solution.

In the JAX style: ``fl.grad`` of ``fl.grad`` gives the second derivative by space of the network
itself, ``fl.vmap`` takes it at every point, and the loss is how far the network is from obeying

    u_t = u_xx / 10   for 0 < x < 1, 0 < t < 1,     u = 0 at both ends,     u given at t = 0.

The exact solution is known here, so that the error can be told. Source: Raissi, Perdikaris,
Karniadakis, "Physics-Informed Neural Networks", 2019 (arXiv 1711.10561).

    python examples/pinn_heat.py --out build/pinn
"""

import argparse
from pathlib import Path

import jax
import jax.numpy as jnp

import functorch_lite as fl
from functorch_lite import nn, optim

try:
    import matplotlib

    matplotlib.use("Agg")  # draw to a file; no screen is needed
    from matplotlib import pyplot
except ImportError:
    pyplot = None

CONDUCTIVITY = 0.1
POINTS = 512  # a step

network = nn.serial(
    *(nn.Linear(2, 32), jnp.tanh, nn.Linear(32, 32), jnp.tanh),
    *(nn.Linear(32, 32), jnp.tanh, nn.Linear(32, 1)),
)


def exact(x, t):
    """Return the solution: two sine waves, each of which decays at its own rate."""
    total = 0.0
    for waves, height in [(1, 1.0), (2, 0.5)]:
        decay = jnp.exp(-CONDUCTIVITY * (waves * jnp.pi) ** 2 * t)
        total = total + height * decay * jnp.sin(waves * jnp.pi * x)
    return total


def temperature(params, x, t):
    """Return u(x, t), a number; the factors make start and ends right, whatever the weights."""
    return exact(x, 0.0) + t * x * (1 - x) * network(params, 4 * jnp.stack([x, t]) - 2)[0]


def residual(params, x, t):
    """Return u_t - u_xx / 10 at one point: 0 where the equation holds."""
    u_t = fl.grad(temperature, argnums=2)(params, x, t)
    u_xx = fl.grad(fl.grad(temperature, argnums=1), argnums=1)(params, x, t)
    return u_t - CONDUCTIVITY * u_xx


def loss_fn(params, state, batch, key):
    """Return how far the network is from the equation, at points that are new at each step."""
    x, t = jax.random.uniform(key, (2, POINTS))  # each (N,)
    wrong = fl.vmap(residual, in_dims=(None, 0, 0))(params, x, t)  # (N,)
    return jnp.mean(wrong**2), (state, batch)


@fl.jit
def on_grid(params):
    """Return the network's and the exact temperatures on a grid: x by t, each (101, 101)."""
    x, t = jnp.linspace(0, 1, 101)[:, None], jnp.linspace(0, 1, 101)[None, :]
    along_t = fl.vmap(temperature, in_dims=(None, None, 0))
    found = fl.vmap(along_t, in_dims=(None, 0, None))(params, x[:, 0], t[0])
    return found, exact(x, t)


def draw(found, true, path):
    """Draw the network's solution, its error, and the temperature at four times."""
    figure, cells = pyplot.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    for cell, values, title in zip(
        cells, (found, found - true), ("Network: u(x, t)", "Error"), strict=False
    ):
        limit = float(jnp.abs(values).max())
        map_ = "inferno" if title != "Error" else "RdBu"
        low = 0 if title != "Error" else -limit
        box = {"origin": "lower", "extent": (0, 1, 0, 1), "aspect": "auto"}
        shown = cell.imshow(values, cmap=map_, vmin=low, vmax=limit, **box)
        cell.set(title=title, xlabel="time t", ylabel="place x")
        figure.colorbar(shown, ax=cell)
    x = jnp.linspace(0, 1, 101)
    for i, color in [(0, "tab:red"), (20, "tab:orange"), (50, "tab:green"), (100, "tab:blue")]:
        cells[2].plot(x, found[:, i], color=color, label=f"t = {i / 100}")
        cells[2].plot(x[::5], true[::5, i], ".", color=color)
    cells[2].set(title="Network (lines), exact (dots)", xlabel="place x", ylabel="temperature u")
    cells[2].legend(fontsize=8)
    figure.savefig(path, dpi=120)


def main():
    """Train; print the loss and the true error as it falls."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--out", type=Path, default=Path("build/pinn"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    params, _ = network.init(jax.random.key(0))
    tx = optim.adam(optim.cosine_decay_schedule(5e-3, options.steps))
    train = optim.TrainState.create(params, tx, key=jax.random.key(1))
    train_step = optim.make_train_step(loss_fn, tx)
    print("step  equation  error of u (relative)")
    for step in range(1, options.steps + 1):
        train, metrics = train_step(train, None)
        if step == 1 or step % max(1, options.steps // 6) == 0:
            found, true = on_grid(train.params)
            error = jnp.linalg.norm(found - true) / jnp.linalg.norm(true)
            print(f"{step:4}  {metrics.loss:.2e}  {error:.2e}")
    print(f"largest error anywhere: {jnp.abs(found - true).max():.1e}")
    if pyplot is None:
        print("no picture: matplotlib is not installed")
    else:
        picture = options.out / "pinn_heat.png"
        draw(found, true, picture)
        print("picture:", picture)


if __name__ == "__main__":
    main()
