"""The one training step, and the one inference, that all workloads share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from benchmarks._program import Program

Wrap = Callable[[Any], Any]


def bare(program: Any) -> Any:
    """Leave a model or a step as it is."""
    return program


@dataclass(frozen=True)
class Wraps:
    """Where a compiler is put: around the model (PyTorch's usual way), or around the whole step."""

    model: Wrap = bare
    step: Wrap = bare


def training(
    model: nn.Module,
    criterion: Callable[[Any, Any], Any],
    optimizer: torch.optim.Optimizer,
    batch: tuple[Any, Any],
    wraps: Wraps,
) -> Program:
    """Train ``model`` on ``(inputs, targets)``, again and again."""
    forward = wraps.model(model)

    def step(inputs: Any, targets: Any) -> Any:
        optimizer.zero_grad()
        loss = criterion(forward(inputs), targets)
        loss.backward()
        optimizer.step()
        return loss

    whole = wraps.step(step)
    *_, last = model.parameters()

    def settle(loss: Any) -> float:
        one_element(last.detach())  # the loss is known before the parameters have moved
        return loss.item()

    return Program(lambda: whole(*batch), settle)


def inference(model: nn.Module, inputs: Any, wraps: Wraps) -> Program:
    """Call ``model`` in evaluation mode, without gradients."""
    forward = wraps.model(model.eval())

    def step(inputs: Any) -> Any:
        with torch.no_grad():
            return forward(inputs)

    whole = wraps.step(step)
    return Program(lambda: whole(inputs), one_element)


def one_element(result: Any) -> float:
    """Wait for a tensor: return its first element."""
    return float(result[(0,) * result.dim()])


def labels(count: int, classes: int) -> Any:
    """Return random class numbers: ``(count,)``, int64."""
    return torch.randint(0, classes, (count,))


def token_loss(logits: Any, tokens: Any) -> Any:
    """Return the mean cross entropy of ``(B, T, V)`` logits and ``(B, T)`` tokens."""
    return nn.functional.cross_entropy(logits.flatten(0, 1), tokens.flatten())
