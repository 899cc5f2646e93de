"""Teach a network the wind that blows noise into two spirals: a generative model in the plane.

In the JAX style. A point of noise z and a point of data x are joined by a straight line; the
network learns the velocity x - z at places (1 - t) z + t x on it. It can only learn the mean over
all lines through a place, and following that mean carries noise to data: an ordinary differential
equation, solved by ``fl.scan`` for all samples at once.
Source: Lipman et al., "Flow Matching for Generative Modeling", 2022 (arXiv 2210.02747).

    python examples/flow_matching_2d.py --out build/flow
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

BATCH, SAMPLES = 512, 2000
FREQUENCIES = 2.0 ** jnp.arange(4)


def add_waves(place, t):
    """Give the network sines of place and time to work with: (2,), () -> (27,)."""
    inputs = jnp.append(place, t)  # (3,)
    angles = jnp.outer(FREQUENCIES, inputs).ravel()  # (12,)
    return jnp.concatenate([inputs, jnp.sin(angles), jnp.cos(angles)])


velocity = nn.serial(
    add_waves, nn.Linear(27, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 2)
)


def draw_spirals(key, count):
    """Draw points of two spirals: (count, 2)."""
    for_turn, for_arm, for_noise = jax.random.split(key, 3)
    turn = 1.7 * jnp.pi * jnp.sqrt(jax.random.uniform(for_turn, (count,), minval=0.03))
    arm = jnp.pi * jax.random.bernoulli(for_arm, shape=(count,))  # half a turn apart
    places = jnp.stack([turn * jnp.cos(turn + arm), turn * jnp.sin(turn + arm)], axis=1) / 2.7
    return places + 0.05 * jax.random.normal(for_noise, places.shape)


def loss_fn(params, state, batch, key):
    """Return the squared error of the velocity, at new places on new lines."""
    for_data, for_noise, for_time = jax.random.split(key, 3)
    x = draw_spirals(for_data, BATCH)  # (N, 2)
    z = jax.random.normal(for_noise, x.shape)
    t = jax.random.uniform(for_time, (BATCH, 1))
    found = fl.vmap(velocity, in_dims=(None, 0, 0))(params, (1 - t) * z + t * x, t[:, 0])
    return jnp.mean((found - (x - z)) ** 2), (state, batch)


def generate(params, z, moves):
    """Carry noise (N, 2) along the flow from t = 0 to 1 by Heun's rule: (moves + 1, N, 2)."""
    wind = fl.vmap(velocity, in_dims=(None, 0, None))

    def move(place, t):
        first = wind(params, place, t)
        second = wind(params, place + first / moves, t + 1 / moves)
        place = place + (first + second) / (2 * moves)
        return place, place

    _, places = fl.scan(move, z, jnp.arange(moves) / moves)
    return jnp.concatenate([z[None], places])


def energy_distance(a, b):
    """Return how unlike two clouds of points are, (N, 2), (M, 2) -> (): 0 if alike.

    Source: Szekely and Rizzo, "Energy statistics", 2013.
    """

    def mean_gap(a, b):
        return jnp.mean(jnp.linalg.norm(a[:, None] - b[None], axis=-1))  # (N, M, 2) -> ()

    return 2 * mean_gap(a, b) - mean_gap(a, a) - mean_gap(b, b)


def draw(places, data, path):
    """Draw the samples at five moments of the flow, and the data."""
    figure, cells = pyplot.subplots(1, 6, figsize=(14, 2.9), layout="constrained")
    moves = len(places) - 1
    for cell, i in zip(cells, range(0, moves + 1, moves // 4), strict=False):
        cell.plot(*places[i].T, ".", color="tab:blue", markersize=1.5)
        cell.set_title(f"samples, t = {i / moves:.2f}")
    cells[5].plot(*data.T, ".", color="black", markersize=1.5)
    cells[5].set_title("data")
    for cell in cells:
        cell.set(xlim=(-2.8, 2.8), ylim=(-2.8, 2.8), aspect="equal", xticks=[], yticks=[])
    figure.savefig(path, dpi=120)


def main():
    """Train; print how far samples are from data, by step and by moves of the solver."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--out", type=Path, default=Path("build/flow"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    data, other = (draw_spirals(jax.random.key(k), SAMPLES) for k in (1, 2))
    z = jax.random.normal(jax.random.key(3), (SAMPLES, 2))
    sample, distance = fl.jit(generate, static_argnames="moves"), fl.jit(energy_distance)
    params, _ = velocity.init(jax.random.key(0))
    tx = optim.adam(optim.cosine_decay_schedule(5e-3, options.steps))
    train = optim.TrainState.create(params, tx, key=jax.random.key(4), ema=True)
    train_step = optim.make_train_step(loss_fn, tx, ema_decay=0.99)
    print("step    loss  distance of samples from data")
    print(f"   0               {distance(z, data):.4f}  (noise)")
    for step in range(1, options.steps + 1):
        train, metrics = train_step(train, None)
        if step % max(1, options.steps // 6) == 0:
            places = sample(train.ema, z, moves=40)  # (41, N, 2)
            print(f"{step:4}  {metrics.loss:.4f}       {distance(places[-1], data):.4f}")
    print(f"                   {distance(other, data):.4f}  (other data)")
    print("moves of the solver  distance")
    for moves in (1, 2, 4, 8, 16, 40):
        print(f"{moves:19}  {distance(sample(train.ema, z, moves=moves)[-1], data):.4f}")
    if pyplot is None:
        print("no picture: matplotlib is not installed")
    else:
        picture = options.out / "flow_matching_2d.png"
        draw(places, data, picture)
        print("picture:", picture)


if __name__ == "__main__":
    main()
