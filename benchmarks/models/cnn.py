"""A convolutional network for 28x28 grey images: two convolutions, a pooling, two linear layers."""

import torch
from torch import nn

from benchmarks._program import Program
from benchmarks.models._program import Wraps, labels, training

BATCH, CLASSES = 64, 10


def network() -> nn.Module:
    """Return the network: (B, 1, 28, 28) -> (B, 10)."""
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3), nn.ReLU()),  # (B, 32, 26, 26)
        *(nn.Conv2d(32, 64, 3), nn.ReLU()),  # (B, 64, 24, 24)
        *(nn.MaxPool2d(2), nn.Flatten()),  # (B, 9216)
        *(nn.Linear(9216, 128), nn.ReLU()),
        nn.Linear(128, CLASSES),
    )


def train(wraps: Wraps) -> Program:
    """Train it with momentum."""
    batch = torch.randn(BATCH, 1, 28, 28), labels(BATCH, CLASSES)
    net = network()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    return training(net, nn.functional.cross_entropy, optimizer, batch, wraps)
