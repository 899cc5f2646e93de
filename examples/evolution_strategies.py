"""Swing up a pendulum by evolution: hundreds of policies a generation, and no gradient of any.

In the JAX style. A policy's score is what it earns in a simulation of ten seconds (``fl.scan``).
``fl.vmap`` runs every pendulum of every policy of a generation as one program; the mean of the
disturbances, weighted by the ranks of their scores, is where the policy goes. The motor is too weak
to lift the pendulum at once, so it has to learn to swing.
Source: Salimans et al., "Evolution Strategies as a Scalable Alternative to Reinforcement Learning",
2017 (arXiv 1703.03864).

    python examples/evolution_strategies.py --out build/evolution
"""

import argparse
from pathlib import Path

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

import functorch_lite as fl
from functorch_lite import nn, optim

try:
    import matplotlib

    matplotlib.use("Agg")  # draw to a file; no screen is needed
    from matplotlib import pyplot
except ImportError:
    pyplot = None

PAIRS, STARTS = 128, 16  # disturbances, each in both directions; pendulums for each policy
SPREAD, RATE = 0.1, 0.05
TIME_STEP, MOMENTS = 0.05, 200  # 10 seconds
MAX_TORQUE, MAX_SPEED, GRAVITY = 2.0, 8.0, 10.0

policy = nn.serial(nn.Linear(3, 16), jnp.tanh, nn.Linear(16, 1))


def swing(params, start):
    """Let a policy drive a pendulum from (angle, speed); angle 0 is up. Returns (T,) angles, costs.

    A rod of length 1 and mass 1; the cost counts angle, speed and torque, as in OpenAI Gym.
    """

    def move(state, _):
        angle, speed = state
        seen = jnp.stack([jnp.cos(angle), jnp.sin(angle), speed / 2])  # (3,)
        torque = MAX_TORQUE * jnp.tanh(4 * policy(params, seen)[0])
        off = jnp.mod(angle + jnp.pi, 2 * jnp.pi) - jnp.pi  # in [-pi, pi)
        cost = off**2 + 0.1 * speed**2 + 0.001 * torque**2
        speed = speed + (1.5 * GRAVITY * jnp.sin(angle) + 3 * torque) * TIME_STEP
        speed = jnp.clip(speed, -MAX_SPEED, MAX_SPEED)
        return (angle + speed * TIME_STEP, speed), (off, cost)

    return fl.scan(move, (start[0], start[1]), length=MOMENTS)[1]


def draw_starts(key, count):
    """Draw (angle, speed) of pendulums that hang down, nearly at rest: (count, 2)."""
    near = jax.random.uniform(key, (count, 2), minval=-0.5, maxval=0.5)
    return near + jnp.array([jnp.pi, 0.0])


def mean_cost(params, starts):
    """Return the mean cost over pendulums (S, 2) and moments: ()."""
    return fl.vmap(swing, in_dims=(None, 0))(params, starts)[1].mean()


def make_generation(tx, unravel):
    """Return the step from one generation to the next; ``unravel`` makes params of a vector."""

    @fl.jit
    def generation(center, opt_state, key):
        for_noise, for_starts = jax.random.split(key)
        half = jax.random.normal(for_noise, (PAIRS, len(center)))
        noise = jnp.concatenate([half, -half])  # (2 N, P): mirrored, which cancels the mean cost
        starts = draw_starts(for_starts, STARTS)
        costs = fl.vmap(lambda e: mean_cost(unravel(center + SPREAD * e), starts))(noise)  # (2 N,)
        ranks = jnp.argsort(jnp.argsort(costs)) / (len(costs) - 1) - 0.5  # -0.5 for the best
        slope = ranks @ noise / (len(costs) * SPREAD)  # (2 N,) @ (2 N, P) -> (P,)
        moves, opt_state = tx.update(slope, opt_state, center)
        return optim.apply_updates(center, moves), opt_state, costs

    return generation


def draw(history, before, after, path):
    """Draw the cost by generation, and eight pendulums before and after."""
    figure, cells = pyplot.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    generations = range(1, len(history) + 1)
    mean, best, worst = zip(*history, strict=True)
    cells[0].fill_between(generations, best, worst, alpha=0.2, label="best to worst")
    cells[0].plot(generations, mean, label="mean")
    cells[0].set(title="Evolution", xlabel="generation", ylabel="mean cost of a moment")
    cells[0].legend()
    time = TIME_STEP * jnp.arange(MOMENTS)
    for cell, angles, title in [(cells[1], before, "First policy"), (cells[2], after, "Last one")]:
        for a in angles:
            jumps = jnp.abs(jnp.diff(a, prepend=a[0])) > jnp.pi  # do not join -pi with pi
            cell.plot(time, jnp.where(jumps, jnp.nan, a), linewidth=1)
        cell.axhline(0, color="black", linewidth=0.8, linestyle="--")
        cell.set(title=title, xlabel="time (s)", ylabel="angle from upright (radians)")
        cell.set_ylim(-3.3, 3.3)
    figure.savefig(path, dpi=120)


def main():
    """Evolve; then count how many of 100 pendulums end upright."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=150, help="generations")
    parser.add_argument("--out", type=Path, default=Path("build/evolution"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    first, unravel = ravel_pytree(policy.init(jax.random.key(0))[0])  # (P,)
    tx = optim.adam(RATE)
    generation = make_generation(tx, unravel)
    center, opt_state, history = first, tx.init(first), []
    print(f"{2 * PAIRS} policies of {len(first)} weights, {STARTS} pendulums each")
    print("generation  mean cost     best    worst")
    for step in range(1, options.steps + 1):
        center, opt_state, costs = generation(center, opt_state, jax.random.key(step))
        history.append((costs.mean(), costs.min(), costs.max()))
        if step == 1 or step % max(1, options.steps // 6) == 0:
            print(f"{step:10}  {costs.mean():9.3f}  {costs.min():7.3f}  {costs.max():7.3f}")

    tests = draw_starts(jax.random.key(-1), 100)
    swing_all = fl.jit(lambda flat: fl.vmap(swing, in_dims=(None, 0))(unravel(flat), tests))
    paths = []
    print("policy  mean cost  of 100 pendulums upright in the last second")
    for name, flat in [("first", first), ("last", center)]:
        angles, costs = swing_all(flat)  # each (100, T)
        upright = (jnp.abs(angles[:, -20:]) < 0.3).all(axis=1).sum()
        print(f"{name:6}  {costs.mean():9.3f}  {upright:3}")
        paths.append(angles[:8])
    if pyplot is None:
        print("no picture: matplotlib is not installed")
    else:
        picture = options.out / "evolution_strategies.png"
        draw(history, *paths, picture)
        print("picture:", picture)


if __name__ == "__main__":
    main()
