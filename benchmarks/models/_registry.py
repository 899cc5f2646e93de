"""The programs by name."""

from collections.abc import Callable

import torch

from benchmarks._program import Program
from benchmarks.models import cnn, gpt, lstm, mlp, resnet
from benchmarks.models._program import Wraps

PROGRAMS: dict[str, Callable[[Wraps], Program]] = {
    "mlp": mlp.train,
    "cnn": cnn.train,
    "resnet": resnet.train,
    "gpt": gpt.train,
    "lstm": lstm.train,
    "per-sample": mlp.per_sample_gradients,
    "resnet-infer": resnet.infer,
    "gpt-infer": gpt.infer,
}


def make(name: str, wraps: Wraps | None = None) -> Program:
    """Build a program on data and parameters that depend on nothing but its name."""
    torch.manual_seed(0)
    return PROGRAMS[name](wraps or Wraps())
