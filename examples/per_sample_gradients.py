"""The gradient of every single image in a batch, and what it is good for: private training.

A plain PyTorch script. ``vmap(grad(loss))`` gives one gradient an image in one go; each is clipped
to the same length, so that no image can say more than any other, and noise hides the rest. A wrong
label shouts: the images with the longest gradients are those that the network misreads.
Source: Abadi et al., "Deep Learning with Differential Privacy", 2016 (arXiv 1607.00133).

    python -m functorch_lite run examples/per_sample_gradients.py --out build/per_sample
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call, grad_and_value, vmap

try:
    import matplotlib

    matplotlib.use("Agg")  # draw to a file; no screen is needed
    from matplotlib import pyplot
except ImportError:
    pyplot = None

DATA = Path(__file__).parent / "data" / "digits.npz"
BATCH = 120
MAX_NORM = 1.0
NOISE = 0.4  # standard deviation of the noise, in units of MAX_NORM


def load_digits():
    """Return training images and labels, then test images and labels."""
    with np.load(DATA) as file:
        images = torch.from_numpy(file["images"]).float().unsqueeze(1) / 16  # (N, 1, 8, 8)
        labels = torch.from_numpy(file["labels"]).long()  # (N,)
    return images[:1437], labels[:1437], images[1437:], labels[1437:]


def make_reader():
    """Make a small convolutional network: (B, 1, 8, 8) -> (B, 10)."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.Tanh(),
        nn.AvgPool2d(2),  # (B, 8, 4, 4)
        nn.Conv2d(8, 16, 3, padding=1),
        nn.Tanh(),
        nn.AvgPool2d(2),  # (B, 16, 2, 2)
        nn.Flatten(),  # (B, 64)
        nn.Linear(64, 10),
    )


def loss_of_one(params, model, image, label):
    """Return the loss of a single image (1, 8, 8)."""
    scores = functional_call(model, params, (image.unsqueeze(0),))  # (1, 10)
    return F.cross_entropy(scores, label.unsqueeze(0))


# params and model are the same for all images; images and labels are mapped over dimension 0,
# a batch at a time, so that many images need no more memory than few.
per_sample = vmap(grad_and_value(loss_of_one), in_dims=(None, None, 0, 0), chunk_size=BATCH)


def norms_of(grads):
    """Return the length of each image's gradient over all parameters: {name: (B, *p)} -> (B,)."""
    return torch.stack([g.flatten(1).norm(dim=1) for g in grads.values()]).norm(dim=0)


def private_gradient(grads, norms):
    """Clip each image's gradient to MAX_NORM, add up, add noise and divide by the batch size."""
    factors = (MAX_NORM / norms).clamp(max=1.0)  # (B,)
    mean = {}
    for name, g in grads.items():
        total = torch.einsum("b,b...->...", factors, g)  # (B, *p) -> (*p)
        mean[name] = (total + NOISE * MAX_NORM * torch.randn_like(total)) / len(norms)
    return mean


def loop_over(model, images, labels):
    """Return the same gradients by one backward pass an image: a list of (B, *p)."""
    rows = []
    for i in range(len(images)):
        loss = F.cross_entropy(model(images[i : i + 1]), labels[i : i + 1])
        rows.append(torch.autograd.grad(loss, list(model.parameters())))
    return [torch.stack(column) for column in zip(*rows, strict=True)]


def compare_with_loop(model, images, labels):
    """Time both ways, and check that they agree."""
    params = {name: p.detach() for name, p in model.named_parameters()}
    for _ in range(2):  # the first round may compile
        start = time.perf_counter()
        grads, _ = per_sample(params, model, images, labels)
        middle = time.perf_counter()
        looped = loop_over(model, images, labels)
        end = time.perf_counter()
    gaps = [(a - b).abs().max().item() for a, b in zip(grads.values(), looped, strict=True)]
    print(f"vmap {1e3 * (middle - start):.1f} ms, loop {1e3 * (end - middle):.1f} ms")
    print(f"vmap and loop agree to 1e-5: {max(gaps) < 1e-5}")


def draw(images, labels, guesses, norms, path):
    """Draw how long the gradients are, and the images with the longest ones."""
    order = norms.argsort(descending=True)[:24]
    figure = pyplot.figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subfigures(1, 2)
    axes = left.subplots()
    axes.hist(norms.clamp(min=1e-3).log10().numpy(), bins=40, color="tab:blue")
    axes.set(xlabel="log10 of gradient length", ylabel="test images", title="All test images")
    right.suptitle("Longest gradients: what is read (the label)")
    for cell, i in zip(right.subplots(4, 6).flat, order.tolist(), strict=True):
        cell.imshow(images[i, 0].numpy(), cmap="gray_r")
        wrong = guesses[i] != labels[i]
        cell.set_title(f"{guesses[i]} ({labels[i]})", color="red" if wrong else "black", size=9)
        cell.axis("off")
    figure.savefig(path, dpi=120)


def main():
    """Train with clipped and noisy gradients, then look at the gradients of the test images."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--out", type=Path, default=Path("build/per_sample"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    torch.manual_seed(0)
    images, labels, test_images, test_labels = load_digits()
    model = make_reader()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    print("step    loss  median norm  clipped")
    for step in range(1, options.steps + 1):
        chosen = torch.randint(len(images), (BATCH,))
        params = {name: p.detach() for name, p in model.named_parameters()}
        grads, losses = per_sample(params, model, images[chosen], labels[chosen])
        norms = norms_of(grads)
        mean = private_gradient(grads, norms)
        for name, p in model.named_parameters():
            p.grad = mean[name]
        optimizer.step()
        if step == 1 or step % max(1, options.steps // 6) == 0:
            clipped = (norms > MAX_NORM).float().mean()
            print(f"{step:4}  {losses.mean():.4f}       {norms.median():.4f}  {clipped:7.1%}")

    params = {name: p.detach() for name, p in model.named_parameters()}
    grads, losses = per_sample(params, model, test_images, test_labels)
    norms = norms_of(grads)
    guesses = model(test_images).argmax(dim=1)
    wrong = guesses != test_labels
    print(f"test loss {losses.mean():.4f}, {1 - wrong.float().mean():.2%} right")
    print(f"median norm {norms.median():.4f}; of misread images {norms[wrong].median():.4f}")
    compare_with_loop(model, test_images[:BATCH], test_labels[:BATCH])
    if pyplot is None:
        print("no picture: matplotlib is not installed")
    else:
        picture = options.out / "per_sample_gradients.png"
        draw(test_images, test_labels, guesses, norms, picture)
        print("picture:", picture)


if __name__ == "__main__":
    main()
