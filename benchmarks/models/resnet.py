"""ResNet-18 for 32x32 images (a 3x3 stem, no pooling after it). Source: arXiv:1512.03385."""

import torch
from torch import nn

from benchmarks._program import Program
from benchmarks.models._program import Wraps, inference, labels, training

BATCH, CLASSES = 32, 10
STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))  # channels and first stride; two blocks each


class Block(nn.Module):
    """Two 3x3 convolutions beside a short cut: (B, C, H, W) -> (B, D, H / stride, W / stride)."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        """Make the layers, for channels ``inside`` and ``outside``."""
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.shortcut = nn.Identity()
        if stride != 1 or inside != outside:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Add what the convolutions make of ``x`` to it."""
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


def network() -> nn.Module:
    """Return the network: (B, 3, 32, 32) -> (B, 10)."""
    layers = [nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    channels = 64
    for outside, stride in STAGES:
        layers += [Block(channels, outside, stride), Block(outside, outside, 1)]
        channels = outside
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES)
    )


def train(wraps: Wraps) -> Program:
    """Train it with momentum and weight decay."""
    batch = torch.randn(BATCH, 3, 32, 32), labels(BATCH, CLASSES)
    net = network()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    return training(net, nn.functional.cross_entropy, optimizer, batch, wraps)


def infer(wraps: Wraps) -> Program:
    """Classify a batch."""
    return inference(network(), torch.randn(BATCH, 3, 32, 32), wraps)
