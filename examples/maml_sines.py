"""Learn to learn: first weights from which one step of descent fits a new sine wave.

A plain PyTorch script. The loss of a wave is taken after a step of gradient descent on ten of its
points, and its gradient goes through that step: ``grad`` in ``grad``, and ``vmap`` over the waves.
Source: Finn, Abbeel, Levine, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks",
2017 (arXiv 1703.03400), section 5.1.

    python -m functorch_lite run examples/maml_sines.py --out build/maml
"""

import argparse
from pathlib import Path

import torch
from torch.func import grad, vmap
from torch.nn.functional import linear

try:
    import matplotlib

    matplotlib.use("Agg")  # draw to a file; no screen is needed
    from matplotlib import pyplot
except ImportError:
    pyplot = None

WAVES = 25  # in a batch of tasks
POINTS = 10  # to learn a wave from, and to test on
HIDDEN = 40
INNER_RATE = 0.02
OUTER_RATE = 1e-2


def first_weights():
    """Draw the weights of a network 1 -> 40 -> 40 -> 1."""
    sizes = [(HIDDEN, 1), (HIDDEN, HIDDEN), (1, HIDDEN)]
    weights = [torch.randn(n, m) * (1.0 if m == 1 else m**-0.5) for n, m in sizes]
    return weights, [torch.zeros(n) for n, _ in sizes]


def predict(params, x):
    """(N, 1) -> (N, 1)."""
    (w1, w2, w3), (b1, b2, b3) = params
    return linear(torch.tanh(linear(torch.tanh(linear(x, w1, b1)), w2, b2)), w3, b3)


def loss_of(params, x, y):
    """Return the mean squared error on the points of one wave."""
    return (predict(params, x) - y).square().mean()


def adapt(params, x, y):
    """Take one step of gradient descent on the points of one wave."""
    weights, biases = params
    by_weight, by_bias = grad(loss_of)(params, x, y)
    return (
        [w - INNER_RATE * g for w, g in zip(weights, by_weight, strict=True)],
        [b - INNER_RATE * g for b, g in zip(biases, by_bias, strict=True)],
    )


def loss_after_adapting(params, x, y, new_x, new_y):
    """Learn from the first points of a wave, be judged on the others."""
    return loss_of(adapt(params, x, y), new_x, new_y)


def draw_waves(count):
    """Draw waves A sin(x + phase) and points on them: x and y for learning, x and y for tests."""
    amplitude = 0.1 + 4.9 * torch.rand(count, 1, 1)
    phase = torch.pi * torch.rand(count, 1, 1)
    x, new_x = 10 * torch.rand(2, count, POINTS, 1) - 5  # each (T, N, 1), in [-5, 5]
    return x, amplitude * torch.sin(x + phase), new_x, amplitude * torch.sin(new_x + phase)


def meta_loss(params, waves):
    """Return the mean loss over waves, each after a step of its own."""
    return vmap(loss_after_adapting, in_dims=(None, 0, 0, 0, 0))(params, *waves).mean()


def losses_by_step(params, waves, steps):
    """Return the mean loss on new points after 0, 1, ... steps of descent on each wave."""
    x, y, new_x, new_y = waves
    found = [vmap(loss_of, in_dims=(None, 0, 0))(params, new_x, new_y).mean().item()]
    each = vmap(adapt, in_dims=(None, 0, 0))(params, x, y)  # params for each wave: (T, *p)
    for _ in range(steps):
        found.append(vmap(loss_of)(each, new_x, new_y).mean().item())
        each = vmap(adapt)(each, x, y)
    return found


def draw(params, history, path):
    """Draw the losses and one new wave, before and after learning from ten of its points."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.plot(history, color="tab:blue", linewidth=0.8)
    left.set(xlabel="step", ylabel="squared error after one step", yscale="log", title="Training")
    x, grid = torch.linspace(-4, 0, POINTS).unsqueeze(1), torch.linspace(-5, 5, 200).unsqueeze(1)
    right.plot(grid[:, 0], 3 * torch.sin(grid[:, 0] + 1), "k--", linewidth=1, label="the wave")
    right.plot(
        x[:, 0], 3 * torch.sin(x[:, 0] + 1), "k.", markersize=8, label="points to learn from"
    )
    for steps, color in [(0, "tab:gray"), (1, "tab:orange"), (5, "tab:blue")]:
        adapted = params
        for _ in range(steps):
            adapted = adapt(adapted, x, 3 * torch.sin(x + 1))
        curve = predict(adapted, grid)[:, 0].detach()
        right.plot(grid[:, 0], curve, color=color, label=f"network after {steps} steps")
    right.set(xlabel="x", ylabel="y", ylim=(-5, 5), title="A new wave")
    right.legend(fontsize=8, loc="upper right")
    figure.savefig(path, dpi=120)


def main():
    """Find first weights for waves; compare them with random ones on waves never seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--out", type=Path, default=Path("build/maml"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    torch.manual_seed(0)
    start = first_weights()
    params = [[p.clone().requires_grad_() for p in part] for part in start]
    optimizer = torch.optim.Adam([p for part in params for p in part], lr=OUTER_RATE)
    history = []
    print("step  error after one step")
    for step in range(1, options.steps + 1):
        loss = meta_loss(params, draw_waves(WAVES))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
        if step == 1 or step % max(1, options.steps // 6) == 0:
            recent = history[-max(1, options.steps // 6) :]
            print(f"{step:4}  {sum(recent) / len(recent):.4f}")

    waves = draw_waves(100)
    with torch.no_grad():
        random, learned = (losses_by_step(p, waves, 5) for p in (start, params))
    print("on 100 new waves: descent steps  from random weights  from learned ones")
    for step, (a, b) in enumerate(zip(random, learned, strict=True)):
        print(f"                  {step:13}  {a:19.4f}  {b:17.4f}")
    if pyplot is None:
        print("no picture: matplotlib is not installed")
    else:
        picture = options.out / "maml_sines.png"
        draw(params, history, picture)
        print("picture:", picture)


if __name__ == "__main__":
    main()
