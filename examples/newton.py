"""Newton's method with ``fl.hessian`` beside L-BFGS and gradient descent.

In the JAX style, in double precision. Two problems: Rosenbrock's banana valley, whose paths are
drawn, and telling the digit 8 from the others by logistic regression (65 weights). Newton doubles
the number of right digits with every step once it is close; the table shows the distance from the
least loss. Source: Nocedal, Wright, "Numerical Optimization", 2nd edition, 2006, chapters 3 and 7.

    python examples/newton.py --out build/newton
"""

import argparse
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import functorch_lite as fl
from functorch_lite import optim

try:
    import matplotlib

    matplotlib.use("Agg")  # draw to a file; no screen is needed
    from matplotlib import pyplot
except ImportError:
    pyplot = None

DATA = Path(__file__).parent / "data" / "digits.npz"


def rosenbrock(x):
    """Return the height of a bent valley, (2,) -> (): the least, 0, is at (1, 1)."""
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def make_digit_loss(digit=8):
    """Return the loss of a logistic regression that knows one digit: weights (65,) -> ()."""
    with np.load(DATA) as file:
        images, labels = file["images"].reshape(-1, 64) / 16.0, file["labels"]
    x = jnp.asarray(np.c_[images, np.ones(len(images))])  # (N, 65)
    sign = jnp.where(jnp.asarray(labels) == digit, 1.0, -1.0)  # (N,)

    def loss(w):
        return jnp.mean(jnp.logaddexp(0.0, -sign * (x @ w))) + 1e-3 * jnp.sum(w**2)

    return loss


def halved(loss, w, step):
    """Return w - step, the step halved until the loss falls as a straight slope promises."""
    promised = 1e-4 * fl.grad(loss)(w) @ step

    def is_too_long(size):
        return (loss(w - size * step) > loss(w) - size * promised) & (size > 1e-10)

    return w - fl.while_loop(is_too_long, lambda size: size / 2, jnp.ones(())) * step


def newton(loss):
    """Go to the least point of the parabola that touches the loss, or downhill at least."""

    def step(w, state):
        slope, curvature = fl.grad(loss)(w), fl.hessian(loss)(w)  # (D,), (D, D)
        values, vectors = jnp.linalg.eigh(curvature)
        uphill = vectors.T @ slope / jnp.maximum(jnp.abs(values), 1e-8)
        return halved(loss, w, vectors @ uphill), state

    return step, ()


def gradient_descent(loss):
    """Go downhill, as far as a line search allows."""
    return lambda w, state: (halved(loss, w, fl.grad(loss)(w)), state), ()


def from_optax(make, loss, w):
    """Run an optimizer of optax whose line search asks for the loss."""
    tx = make()

    def step(w, state):
        value, slope = fl.value_and_grad(loss)(w)
        moves, state = tx.update(slope, state, w, value=value, grad=slope, value_fn=loss)
        return optim.apply_updates(w, moves), state

    return step, tx.init(w)


def minimize(way, loss, w, steps):
    """Return all points on the way, (steps + 1, D), as one compiled loop."""
    step, state = from_optax(optim.lbfgs, loss, w) if way == "L-BFGS" else WAYS[way](loss)

    def move(carry, _):
        w, state = step(*carry)
        return (w, state), w

    _, points = fl.jit(lambda w: fl.scan(move, (w, state), length=steps))(w)
    return jnp.concatenate([w[None], points])


WAYS = {"gradient descent": gradient_descent, "L-BFGS": None, "Newton": newton}
COLORS = {"gradient descent": "tab:gray", "L-BFGS": "tab:orange", "Newton": "tab:blue"}


def run(title, loss, w, steps, least=None):
    """Minimize in every way; print the distance from the least loss; return the paths."""
    paths = {way: minimize(way, loss, w, steps) for way in WAYS}
    values = {way: np.asarray(fl.vmap(loss)(path)) for way, path in paths.items()}  # (steps + 1,)
    least = min(v.min() for v in values.values()) if least is None else least
    print(title)
    print("  step  " + "  ".join(f"{way:>16}" for way in WAYS))
    for i in [i for i in (0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 40, 50) if i <= steps]:
        print(f"  {i:4}  " + "  ".join(f"{v[i] - least:16.1e}" for v in values.values()))
    return paths, {way: v - least for way, v in values.items()}


def draw(paths, gaps, path):
    """Draw the paths through the valley, and the loss of the digit problem by step."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    x, y = np.meshgrid(np.linspace(-1.6, 1.6, 200), np.linspace(-0.7, 1.7, 200))
    height = (1 - x) ** 2 + 100 * (y - x**2) ** 2
    left.contour(x, y, np.log10(height + 1e-3), levels=14, colors="lightgray", linewidths=0.8)
    for way, points in paths.items():
        left.plot(*points.T, ".-", color=COLORS[way], linewidth=1, markersize=5, label=way)
        right.plot(np.where(gaps[way] > 0, gaps[way], np.nan), ".-", color=COLORS[way], label=way)
    left.plot(1, 1, "k*", markersize=10)
    left.set(
        title="Rosenbrock's valley", xlabel="x", ylabel="y", xlim=(-1.6, 1.6), ylim=(-0.7, 1.7)
    )
    right.set(title="Is it an 8?", xlabel="step", ylabel="loss above the least", yscale="log")
    right.legend(loc="lower center")
    figure.savefig(path, dpi=120)


def main():
    """Solve both problems in three ways."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--out", type=Path, default=Path("build/newton"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    with jax.enable_x64(True):
        start = jnp.array([-1.2, 1.0])
        paths, _ = run("Rosenbrock's valley", rosenbrock, start, options.steps, least=0.0)
        _, gaps = run("is it an 8?", make_digit_loss(), jnp.zeros(65), options.steps)
    if pyplot is None:
        print("no picture: matplotlib is not installed")
    else:
        picture = options.out / "newton.png"
        draw(paths, gaps, picture)
        print("picture:", picture)


if __name__ == "__main__":
    main()
