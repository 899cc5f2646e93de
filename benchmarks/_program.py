"""What a timed program is, whoever computes it. Knows neither PyTorch nor JAX."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Program:
    """A program: ``step()`` runs it once, ``settle(result)`` waits until all of it has happened.

    ``settle`` gives a number by which two runs can be compared: the loss, or an element of what
    was computed.
    """

    step: Callable[[], Any]
    settle: Callable[[Any], float]
