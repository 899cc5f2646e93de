"""Teach a small network to read digits on 1, 2, 4 and 8 devices, and see how fast each goes.

The network is written twice: as a pure layer of ``functorch_lite.nn`` and as a PyTorch module,
which ``torch.func.pure`` turns into such a layer. Both have the same keys, so they begin with the
same weights. ``data_parallel`` splits each batch over the devices and averages the gradients;
``sync_batch_norm`` lets all devices normalise as one; ``pmap`` counts the right answers.

    python -m functorch_lite run --devices 8 examples/pmap_digits.py --out build/pmap

The devices of ``--devices`` are threads of this machine's processor: more of them than it has cores
cannot be faster, and show what the splitting itself costs.
"""

import argparse
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import torch
import torch.nn.functional as F

from functorch_lite import nn, optim
from functorch_lite.parallel import data_parallel, pmap, psum, shard_batch, sync_batch_norm

try:
    import matplotlib

    matplotlib.use("Agg")  # draw to a file; no screen is needed
    from matplotlib import pyplot
except ImportError:
    pyplot = None

DATA = Path(__file__).parent / "data" / "digits.npz"
TRAINING_IMAGES = 1437
BATCH = 128
BLOCK = 10  # steps that are timed together


def pure_reader():
    """Make the network from pure layers: (B, 1, 8, 8) -> (B, 10)."""
    layer = nn.serial(
        conv1=nn.Conv2d(1, 16, 3, padding=1, bias=False),
        norm1=nn.BatchNorm2d(16),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(2),  # (B, 16, 4, 4)
        conv2=nn.Conv2d(16, 32, 3, padding=1, bias=False),
        norm2=nn.BatchNorm2d(32),
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(2),  # (B, 32, 2, 2)
        flatten=nn.Flatten(),  # (B, 128)
        dropout=nn.Dropout(0.25),
        hidden=nn.Linear(128, 64),
        relu3=nn.ReLU(),
        scores=nn.Linear(64, 10),
    )
    return sync_batch_norm(layer)


class TorchReader(torch.nn.Module):
    """The same network as a PyTorch module."""

    def __init__(self):
        """Make the layers, under the names that the pure ones have."""
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.norm1 = torch.nn.BatchNorm2d(16)
        self.conv2 = torch.nn.Conv2d(16, 32, 3, padding=1, bias=False)
        self.norm2 = torch.nn.BatchNorm2d(32)
        self.dropout = torch.nn.Dropout(0.25)
        self.hidden = torch.nn.Linear(128, 64)
        self.scores = torch.nn.Linear(64, 10)

    def forward(self, x):
        """Score the ten digits for each image."""
        x = F.max_pool2d(F.relu(self.norm1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.norm2(self.conv2(x))), 2)
        x = self.dropout(x.flatten(1))
        return self.scores(F.relu(self.hidden(x)))


def load_digits():
    """Return (images, labels) to train with and to test on: (N, 1, 8, 8) and (N,)."""
    with np.load(DATA) as file:
        images = file["images"].astype(np.float32)[:, None] / 16
        labels = file["labels"].astype(np.int32)
    n = TRAINING_IMAGES
    return (images[:n], labels[:n]), (images[n:], labels[n:])


def batches(data, steps, seed):
    """Yield ``steps`` batches, shuffled anew in each epoch."""
    images, labels = data
    rng, order = np.random.default_rng(seed), []
    for _ in range(steps):
        if len(order) < BATCH:
            order = list(rng.permutation(len(labels)))
        chosen, order = order[:BATCH], order[BATCH:]
        yield images[chosen], labels[chosen]


def make_step(layer):
    """Return the training step of one device."""

    def loss_fn(params, state, batch, key):
        images, labels = batch
        scores, state = layer.apply(params, state, images, key=key, train=True)
        losses = optim.softmax_cross_entropy_with_integer_labels(scores, labels)
        return losses.mean(), (state, {})

    return optim.make_train_step(loss_fn, optim.adam(2e-3), tuned="convolution")


def train(layer, start, data, devices, steps):
    """Train on ``devices``; return the train state, the last loss and the images a second."""
    step = data_parallel(make_step(layer), devices)
    params, state = start
    train_state = step.init(params, state=state, key=jax.random.key(1))
    marks = []
    for i, batch in enumerate(batches(data, steps, seed=0)):
        train_state, metrics = step(train_state, batch)
        if i % BLOCK == 0:  # the first step compiles, and lies before the first mark
            loss = float(metrics.loss)  # waits for the step
            marks.append(time.perf_counter())
    if len(marks) < 2:
        return train_state, loss, float("nan")
    return train_state, loss, BLOCK * BATCH / np.median(np.diff(marks))


def accuracy(layer, train_state, data, devices):
    """Return the share of right answers; every device counts those in its part."""

    def count(params, state, batch, weights):
        images, labels = batch
        scores, _ = layer.apply(params, state, images)
        return psum(jnp.sum((scores.argmax(1) == labels) * weights), "data")

    # The filled-up examples of the last shard have weight 0.
    shards, weights = shard_batch(data, devices, pad="repeat")
    options = {"in_axes": (None, None, 0, 0), "out_axes": None, "devices": devices}
    right = pmap(count, "data", **options)(train_state.params, train_state.state, shards, weights)
    return float(right) / len(data[1])


def draw(table, path):
    """Draw images a second by number of devices."""
    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    styles = {"pure layer": ("o-", "#1b4f9c"), "PyTorch module": ("s--", "#b3400f")}
    for kind, (marks, color) in styles.items():
        rows = [(count, speed) for k, count, _, _, speed in table if k == kind]
        axes.plot(*zip(*rows, strict=True), marks, color=color, label=kind)
    counts = sorted({row[1] for row in table})
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set(xlabel="devices", ylabel="training images a second")
    axes.set_title(f"Digits CNN, batches of {BATCH} split over the devices")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)


def main():
    """Train both networks on each number of devices; print and draw the throughput."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--devices", type=int, help="the largest number; all there are if absent")
    parser.add_argument("--steps", type=int, default=81, help="training steps of each run")
    parser.add_argument("--out", type=Path, default=Path("build/pmap"), help="folder for results")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    there = jax.local_devices()
    most = min(options.devices or len(there), len(there))
    counts = [n for n in (1, 2, 4, 8) if n <= most]
    train_data, test_data = load_digits()
    layers = {"pure layer": pure_reader(), "PyTorch module": torch.func.pure(TorchReader)}
    start = layers["pure layer"].init(jax.random.key(0))

    print(f"{most} of {len(there)} devices: {there[0].platform}; batches of {BATCH} images")
    print("network         devices    loss  right answers  images/s")
    table = []
    for kind, layer in layers.items():
        for count in counts:
            devices = there[:count]
            trained, loss, speed = train(layer, start, train_data, devices, options.steps)
            right = accuracy(layer, trained, test_data, devices)
            table.append((kind, count, loss, right, speed))
            print(f"{kind:14}  {count:7}  {loss:6.4f}  {right:13.2%}  {speed:8.0f}", flush=True)

    if pyplot is None:
        print("no picture: matplotlib is not installed")
    else:
        draw(table, options.out / "throughput.png")
        print("picture:", options.out / "throughput.png")


if __name__ == "__main__":
    main()
