"""Worker: steps of one program of ``benchmarks.models`` or of its likes in plain JAX.

``worker_program.py KIND NAME``; a request is one line:

    build         import and build the program; seconds
    ready         build it and run it twice; seconds
    loss          run a step; the loss, or whatever number the program settles on
    rounds S      find how many steps make a round of about S seconds; the number of steps
    go            one round, at whose end all is waited for; seconds a step
    memory        the most that was resident so far; MiB
"""

import importlib
import resource
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks._program import Program
from benchmarks._turns import serve

JAX = {"jax": "benchmarks.plain_jax", "nnx": "benchmarks.plain_jax.flax_nnx"}
KINDS = ("eager", "model", "step", *JAX)  # bare; the model compiled; the whole step compiled
SETTLING_STEPS = 5  # until caches are warm and what is compiled at a second sight has been


def build(kind: str, name: str) -> Program:
    """Build a program; RuntimeError if what it needs is not installed."""
    try:
        # By name and here: a worker imports either PyTorch or JAX.
        if kind in JAX:
            return importlib.import_module(JAX[kind]).make(name)
        models = importlib.import_module("benchmarks.models")
        torch = importlib.import_module("torch")
    except ModuleNotFoundError as error:
        raise RuntimeError(f"{error.name} is not installed") from error
    wraps = models.Wraps() if kind == "eager" else models.Wraps(**{kind: torch.compile})
    return models.make(name, wraps)


class Rounds:
    """Answers the requests, with one program and the number of steps in a round."""

    def __init__(self, kind: str, name: str) -> None:
        """Remember what to build."""
        self.kind, self.name, self.count = kind, name, 1
        self.program: Any = None

    def run(self, steps: int) -> float:
        """Return the mean seconds of ``steps`` steps, all of which have happened."""
        start = perf_counter()
        result = None
        for _ in range(steps):
            result = self.program.step()
        self.program.settle(result)
        return (perf_counter() - start) / steps

    def __call__(self, request: str) -> float | None:
        """Answer one request."""
        match request.split():
            case ["build"]:
                self.program = build(self.kind, self.name)
                return None  # the seconds that it took
            case ["ready"]:
                self.program = build(self.kind, self.name)
                self.run(1), self.run(1)
                return None
            case ["loss"]:
                return self.program.settle(self.program.step())
            case ["rounds", seconds]:
                self.run(SETTLING_STEPS)
                self.count = max(1, round(float(seconds) / self.run(2)))
                return self.count
            case ["go"]:
                return self.run(self.count)
            case ["memory"]:
                return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        raise ValueError(f"no such request: {request}")


if __name__ == "__main__":
    serve(Rounds(*sys.argv[1:]))
