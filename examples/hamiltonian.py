"""Learn the laws of a pendulum from its motion, and conserve an energy that nobody named.

In the JAX style. A Hamiltonian network has one output, H(q, p); its motion is dq/dt = dH/dp,
dp/dt = -dH/dq, by ``fl.grad``, and so it conserves H whatever its weights. A plain network of the
same size predicts dq/dt and dp/dt directly, and drifts. Both learn from the same noisy slopes.
Source: Greydanus, Dzamba, Yosinski, "Hamiltonian Neural Networks", 2019 (arXiv 1906.01563).

    python examples/hamiltonian.py --out build/hamiltonian
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

SAMPLES, NOISE = 400, 0.1
TIME_STEP, MOMENTS = 0.05, 2000  # 100 seconds
HALF = MOMENTS // 2


def make_network(outputs):
    """Make a network of the state (q, p): (2,) -> (outputs,)."""
    return nn.serial(
        nn.Linear(2, 64), jnp.tanh, nn.Linear(64, 64), jnp.tanh, nn.Linear(64, outputs)
    )


scalar, direct = make_network(1), make_network(2)


def energy(state):
    """Return the true energy of a pendulum with angle q and momentum p: (2,) -> ()."""
    return state[1] ** 2 / 2 + 1 - jnp.cos(state[0])


def flow(hamiltonian, state):
    """Return (dq/dt, dp/dt) = (dH/dp, -dH/dq): (2,) -> (2,)."""
    by_q, by_p = fl.grad(hamiltonian)(state)
    return jnp.stack([by_p, -by_q])


# Each takes (params, state) to the slope of the state, (2,) -> (2,).
MODELS = {
    "true": lambda params, state: flow(energy, state),
    "plain": lambda params, state: direct(params, state),
    "Hamiltonian": lambda params, state: flow(lambda s: scalar(params, s)[0], state),
}


@fl.jit
def make_data(key):
    """Draw states of a swinging pendulum and their slopes with noise: (N, 2), (N, 2)."""
    for_states, for_noise = jax.random.split(key)
    states = jax.random.uniform(for_states, (SAMPLES, 2), minval=-2.2, maxval=2.2)
    slopes = fl.vmap(lambda state: flow(energy, state))(states)
    return states, slopes + NOISE * jax.random.normal(for_noise, slopes.shape)


def fit(name, network, batch, steps):
    """Train a model on all samples at once; return its params and its last loss."""

    def loss_fn(params, state, batch, key):
        states, slopes = batch
        found = fl.vmap(MODELS[name], in_dims=(None, 0))(params, states)  # (N, 2)
        return jnp.mean((found - slopes) ** 2), (state, None)

    tx = optim.adam(optim.cosine_decay_schedule(5e-3, steps))
    train_step = optim.make_train_step(loss_fn, tx)
    train = optim.TrainState.create(network.init(jax.random.key(0))[0], tx)
    for _ in range(steps):
        train, metrics = train_step(train, batch)
    return train.params, metrics.loss


def simulate(name, params, start):
    """Follow a model's slopes from a state (2,) by the fourth-order Runge-Kutta rule: (T, 2)."""

    def move(s, _):
        k1 = MODELS[name](params, s)
        k2 = MODELS[name](params, s + TIME_STEP / 2 * k1)
        k3 = MODELS[name](params, s + TIME_STEP / 2 * k2)
        k4 = MODELS[name](params, s + TIME_STEP * k3)
        return s + TIME_STEP / 6 * (k1 + 2 * k2 + 2 * k3 + k4), s

    return fl.scan(move, start, length=MOMENTS)[1]


def draw(paths, energies, path):
    """Draw the last 20 seconds of the angle, the whole energy, and the motion in phase space."""
    figure, cells = pyplot.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    colors = {"true": "black", "plain": "tab:orange", "Hamiltonian": "tab:blue"}
    time = TIME_STEP * jnp.arange(MOMENTS)
    for name, states in paths.items():
        style = {"color": colors[name], "linestyle": "--" if name == "true" else "-"}
        cells[0].plot(time[-400:], states[-400:, 0], label=name, **style)
        cells[1].plot(time, energies[name], **style)
        cells[2].plot(*states.T, linewidth=0.8, **style)
    cells[0].set(title="Angle, the last 20 s", xlabel="time (s)", ylabel="angle q (radians)")
    cells[0].legend(loc="lower left", fontsize=8)
    cells[1].set(title="True energy along the motion", xlabel="time (s)", ylabel="energy")
    cells[2].set(title="Phase space, 100 s", xlabel="angle q (radians)", ylabel="momentum p")
    figure.savefig(path, dpi=120)


def main():
    """Fit both networks, let each swing for 100 seconds, and print where the energy goes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--out", type=Path, default=Path("build/hamiltonian"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    batch, start = make_data(jax.random.key(1)), jnp.array([1.5, 0.0])
    learned = {"true": (None, NOISE**2)}
    for name, network in [("plain", direct), ("Hamiltonian", scalar)]:
        learned[name] = fit(name, network, batch, options.steps)
    paths, energies = {}, {}
    print("model          loss  energy after 0 s    50 s   100 s  largest change")
    for name, (params, loss) in learned.items():
        paths[name] = fl.jit(simulate, static_argnums=0)(name, params, start)  # (T, 2)
        energies[name] = e = fl.vmap(energy)(paths[name])  # (T,)
        drift = jnp.abs(e - e[0]).max() / e[0]
        line = f"{name:11}  {loss:.4f}  {e[0]:16.4f}  {e[HALF]:6.4f}  {e[-1]:6.4f}"
        print(f"{line}  {drift:14.1%}")
    if pyplot is None:
        print("no picture: matplotlib is not installed")
    else:
        picture = options.out / "hamiltonian.png"
        draw(paths, energies, picture)
        print("picture:", picture)


if __name__ == "__main__":
    main()
