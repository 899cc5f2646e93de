"""The programs by name."""

from collections.abc import Callable

import torch

from benchmarks._program import Program, by_name
from benchmarks.models import cnn, gpt, lstm, mlp, resnet
from benchmarks.models._program import Wraps

PROGRAMS: dict[str, Callable[[Wraps], Program]] = by_name(cnn, gpt, lstm, mlp, resnet)


def make(name: str, wraps: Wraps | None = None) -> Program:
    """Build a program on data and parameters that depend on nothing but its name."""
    torch.manual_seed(0)
    return PROGRAMS[name](wraps or Wraps())
