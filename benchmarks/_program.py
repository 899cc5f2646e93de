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


def by_name(cnn: Any, gpt: Any, lstm: Any, mlp: Any, resnet: Any) -> dict[str, Callable[..., Any]]:
    """Return what makes each program, of modules that hold one contestant's models."""
    return {
        "mlp": mlp.train,
        "cnn": cnn.train,
        "resnet": resnet.train,
        "gpt": gpt.train,
        "lstm": lstm.train,
        "per-sample": mlp.per_sample_gradients,
        "resnet-infer": resnet.infer,
        "gpt-infer": gpt.infer,
    }
