"""A network of three linear layers for 8x8 digits, and the gradients of each of its examples."""

import torch
from torch import nn
from torch.func import functional_call, grad, vmap

from benchmarks._program import Program
from benchmarks.models._program import Wraps, labels, one_element, training

BATCH, INPUTS, WIDTH, CLASSES = 64, 64, 128, 10


def network() -> nn.Module:
    """Return the network: (B, 64) -> (B, 10)."""
    return nn.Sequential(
        *(nn.Linear(INPUTS, WIDTH), nn.ReLU()),
        *(nn.Linear(WIDTH, WIDTH), nn.ReLU()),
        nn.Linear(WIDTH, CLASSES),
    )


def train(wraps: Wraps) -> Program:
    """Train it with Adam."""
    batch = torch.randn(BATCH, INPUTS), labels(BATCH, CLASSES)
    net = network()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    return training(net, nn.functional.cross_entropy, optimizer, batch, wraps)


def per_sample_gradients(wraps: Wraps) -> Program:
    """Find the gradient of each example's loss with ``torch.func``."""
    x, y = torch.randn(BATCH, INPUTS), labels(BATCH, CLASSES)
    net = network()
    params = {name: p.detach() for name, p in net.named_parameters()}

    def loss(params: dict, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(functional_call(net, params, (x[None],)), y[None])

    step = wraps.step(wraps.model(vmap(grad(loss), (None, 0, 0))))
    return Program(lambda: step(params, x, y), lambda result: one_element(result["0.weight"]))
