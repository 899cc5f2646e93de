"""The programs by the names of ``benchmarks.models``."""

from collections.abc import Callable
from typing import Any

import jax

from benchmarks._program import Program
from benchmarks.plain_jax import cnn, gpt, lstm, mlp, resnet

PROGRAMS: dict[str, Callable[[Any], Program]] = {
    "mlp": mlp.train,
    "cnn": cnn.train,
    "resnet": resnet.train,
    "gpt": gpt.train,
    "lstm": lstm.train,
    "per-sample": mlp.per_sample_gradients,
    "resnet-infer": resnet.infer,
    "gpt-infer": gpt.infer,
}


def make(name: str) -> Program:
    """Build a program on data and parameters that depend on nothing but its name."""
    return PROGRAMS[name](jax.random.key(0))
