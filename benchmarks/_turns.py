"""Timing in turns: A B A B ..., and the median of the ratios of neighbours.

A shared machine drifts by more than the differences of interest; neighbours in time share the
drift. Each contestant is a worker process that does one round per line on its standard input and
answers with the seconds that it took, so that PyTorch and we never share a process or its threads.
"""

import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from types import TracebackType

HERE = Path(__file__).parent
UNDER_TORCH = [sys.executable]
UNDER_US = [sys.executable, "-m", "functorch_lite", "run"]


class Worker:
    """A worker process: ``round()`` lets it do one round and returns the seconds."""

    def __init__(self, launcher: list[str], script: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [*launcher, str(HERE / script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=HERE.parent,
        )

    def round(self, request: str = "") -> float:
        """Do one round; RuntimeError if the worker has died."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(request + "\n")
        stdin.flush()
        answer = stdout.readline()
        if not answer:
            raise RuntimeError(f"the worker {self._process.args} ended early")
        return float(answer)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate(timeout=60)


def serve(round_: Callable[[str], float | None]) -> None:
    """Answer each line of standard input with the seconds of ``round_(line)``: said or measured."""
    for line in sys.stdin:
        start = perf_counter()
        spent = round_(line.strip())
        print(perf_counter() - start if spent is None else spent, flush=True)


def compare(
    script: str, *arguments: str, request: str = "", rounds: int = 15, warmup: int = 3
) -> tuple[float, float, float]:
    """Return (our median, PyTorch's median, median ratio) of a script run under both, in turns."""
    with (
        Worker(UNDER_US, script, *arguments) as ours,
        Worker(UNDER_TORCH, script, *arguments) as theirs,
    ):
        for worker in (ours, theirs):
            for _ in range(warmup):
                worker.round(request)
        pairs = [(ours.round(request), theirs.round(request)) for _ in range(rounds)]
    return (
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(a / b for a, b in pairs),
    )
