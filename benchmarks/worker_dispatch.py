"""Worker: seconds per call of one eager operation on 4x4 float32 tensors."""

import sys
from pathlib import Path
from time import perf_counter

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks._turns import serve

CALLS = 2000
a, leaf = torch.ones(4, 4), torch.ones(4, 4, requires_grad=True)
OPERATIONS = {
    "a + b": lambda: a + a,
    "a + b, with gradient": lambda: leaf + a,
    "a * 2.0": lambda: a * 2.0,
    "a @ b": lambda: a @ a,
    "a[1]": lambda: a[1],
    "a.sum()": lambda: a.sum(),
    "a.add_(1)": lambda: a.add_(1),
}


def one(name: str) -> float:
    """Return the least seconds per call over five batches of calls."""
    call = OPERATIONS[name]
    best = float("inf")
    for _ in range(5):
        start = perf_counter()
        for _ in range(CALLS):
            call()
        best = min(best, (perf_counter() - start) / CALLS)
    return best


if __name__ == "__main__":
    serve(one)
