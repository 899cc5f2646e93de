"""Teach a small convolutional network to read handwritten digits.

A plain PyTorch script: 1,437 images to learn from, 360 to test on, each 8 x 8 pixels. Prints loss
and accuracy by epoch, keeps the weights of the best one, and draws the curves and some answers.

    python examples/digits_cnn.py --epochs 12 --out build/digits
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

try:
    import matplotlib

    matplotlib.use("Agg")  # draw to a file; no screen is needed
    from matplotlib import pyplot
except ImportError:
    pyplot = None

DATA = Path(__file__).parent / "data" / "digits.npz"
TRAINING_IMAGES = 1437
BATCH = 32


class DigitReader(nn.Module):
    """Two convolutions, each normalized and pooled, then two linear layers."""

    def __init__(self):
        """Make the layers; their weights are random until trained."""
        super().__init__()
        # No bias in front of a batch norm: it would be subtracted again at once.
        self.conv1 = nn.Conv2d(1, 16, kernel_size=3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(32)
        self.dropout = nn.Dropout(0.25)
        self.hidden = nn.Linear(32 * 2 * 2, 64)
        self.scores = nn.Linear(64, 10)

    def forward(self, x):
        """Score the ten digits for each image."""
        x = F.max_pool2d(F.relu(self.norm1(self.conv1(x))), 2)  # (B, 1, 8, 8) -> (B, 16, 4, 4)
        x = F.max_pool2d(F.relu(self.norm2(self.conv2(x))), 2)  # (B, 16, 4, 4) -> (B, 32, 2, 2)
        x = self.dropout(x.flatten(start_dim=1))  # (B, 128)
        return self.scores(F.relu(self.hidden(x)))  # (B, 10)


def load_digits():
    """Read the images, and return those to train with and those to test with."""
    with np.load(DATA) as file:
        images = torch.from_numpy(file["images"]).float().unsqueeze(1) / 16  # (N, 1, 8, 8)
        labels = torch.from_numpy(file["labels"]).long()  # (N,)
    n = TRAINING_IMAGES
    return TensorDataset(images[:n], labels[:n]), TensorDataset(images[n:], labels[n:])


def train(model, loader, optimizer):
    """Go through the training images once; return the mean loss."""
    model.train()
    total = 0.0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
    return total / len(loader.dataset)


@torch.no_grad()
def evaluate(model, loader):
    """Return the mean loss and the share of right answers."""
    model.eval()
    total, right = 0.0, 0
    for images, labels in loader:
        scores = model(images)
        total += F.cross_entropy(scores, labels, reduction="sum").item()
        right += (scores.argmax(dim=1) == labels).sum().item()
    return total / len(loader.dataset), right / len(loader.dataset)


@torch.no_grad()
def draw(model, history, test_set, path):
    """Draw the loss curves and what the model makes of 24 test images; wrong answers in red."""
    images, labels = test_set[:24]
    answers = model(images).argmax(dim=1)
    figure = pyplot.figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subfigures(1, 2)
    axes = left.subplots()
    axes.plot(range(1, len(history) + 1), history, label=["training", "test"])
    axes.set(xlabel="epoch", ylabel="cross-entropy", yscale="log", title="Loss")
    axes.legend()
    cells = right.subplots(4, 6).flat
    for cell, image, label, answer in zip(cells, images, labels, answers, strict=True):
        cell.imshow(image[0].numpy(), cmap="gray_r")
        cell.set_title(str(answer.item()), color="black" if answer == label else "red")
        cell.axis("off")
    figure.savefig(path, dpi=120)


def main():
    """Train, keep the best weights, load them back, and show what they can do."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--out", type=Path, default=Path("build/digits"), help="folder for results")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    weights, picture = options.out / "best.pt", options.out / "digits.png"

    torch.manual_seed(options.seed)
    train_set, test_set = load_digits()
    train_loader = DataLoader(train_set, batch_size=BATCH, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=len(test_set))
    model = DigitReader()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    print(model)
    print(sum(p.numel() for p in model.parameters()), "parameters")

    history, best = [], 0.0
    for epoch in range(1, options.epochs + 1):
        train_loss = train(model, train_loader, optimizer)
        test_loss, accuracy = evaluate(model, test_loader)
        history.append((train_loss, test_loss))
        print(
            f"epoch {epoch:2}  loss {train_loss:.4f}  test {test_loss:.4f}  {accuracy:6.2%} right"
        )
        if accuracy > best:
            best = accuracy
            torch.save(model.state_dict(), weights)

    model.load_state_dict(torch.load(weights))
    _, accuracy = evaluate(model, test_loader)
    print(f"best weights, loaded from {weights}: {accuracy:.2%} right")
    if pyplot is None:
        print("no picture: matplotlib is not installed")
    else:
        draw(model, history, test_set, picture)
        print("picture:", picture)


if __name__ == "__main__":
    main()
