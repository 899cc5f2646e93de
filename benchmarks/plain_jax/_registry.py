"""The programs by the names of ``benchmarks.models``."""

from collections.abc import Callable
from typing import Any

import jax

from benchmarks._program import Program, by_name
from benchmarks.plain_jax import cnn, gpt, lstm, mlp, resnet

PROGRAMS: dict[str, Callable[[Any], Program]] = by_name(cnn, gpt, lstm, mlp, resnet)


def make(name: str) -> Program:
    """Build a program on data and parameters that depend on nothing but its name."""
    return PROGRAMS[name](jax.random.key(0))
