"""Timing in turns: A B A B ..., and the median of the ratios of neighbours.

A shared machine drifts by more than the differences of interest; neighbours in time share the
drift. Each contestant is a worker process that does one round per line on its standard input and
answers with a number (most often the seconds that it took), so that no two contestants share a
process or its threads.
"""

import os
import select
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter, sleep
from types import TracebackType

from benchmarks._quiet import Patience

ROOT = Path(__file__).parents[1]
UNDER_PYTHON = [sys.executable]
UNDER_US = [sys.executable, "-m", "functorch_lite", "run"]
UNDER_COMPILE = [*UNDER_US, "--compile"]
LIMIT_S = 400  # for one answer; compilers of whole models take long
REFUSAL = "refused: "


class RefusedError(RuntimeError):
    """A worker cannot do what it was asked; the message says why."""


class Worker:
    """A worker process: ``round()`` lets it do one round and returns its number."""

    def __init__(
        self,
        launcher: list[str],
        script: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by __exit__
        self._process = subprocess.Popen(
            [*launcher, str(ROOT / "benchmarks" / script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
        )

    def round(self, request: str = "") -> float:
        """Do one round; RefusedError if the worker cannot, takes too long or has died."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(request + "\n")
            stdin.flush()
        except BrokenPipeError:
            raise RefusedError(self._last_words()) from None
        if not select.select([stdout], [], [], LIMIT_S)[0]:
            self._process.kill()
            raise RefusedError(f"no answer within {LIMIT_S} s")
        answer = stdout.readline()
        if answer.startswith(REFUSAL):
            raise RefusedError(answer.removeprefix(REFUSAL).strip())
        if not answer:
            raise RefusedError(self._last_words())
        return float(answer)

    def quiet_round(self, request: str, patience: Patience) -> float:
        """Do one round while no other process computes, if ``patience`` allows."""
        return patience.quietly(lambda: self.round(request), self._process.pid)

    def _last_words(self) -> str:
        code = self._process.wait(timeout=60)
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines() or ["it said nothing"]
        return f"the worker ended with code {code}: {lines[-1]}"

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        except BrokenPipeError:
            self._process.wait(timeout=60)
        self._errors.close()


def serve(round_: Callable[[str], float | None]) -> None:
    """Answer each line of standard input with the number that ``round_(line)`` gives.

    If it gives none, the answer is the seconds that it took. An exception is the answer, too.
    """
    answers, sys.stdout = sys.stdout, sys.stderr  # what a program prints is no answer
    for line in sys.stdin:
        start = perf_counter()
        try:
            spent = round_(line.strip())
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            print(REFUSAL + reason, file=answers, flush=True)
        else:
            print(perf_counter() - start if spent is None else spent, file=answers, flush=True)


SPIN_S = 0.25
"""Pause before a turn: OpenMP's threads, PyTorch's, spin for 0.2 s after their work."""


def take_turns(
    contestants: Mapping[str, Callable[[], float]], rounds: int
) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Let each contestant do ``rounds`` rounds; return the numbers, and why some have none.

    Every other round goes backward, so that nobody always follows the same neighbour.
    """
    found: dict[str, list[float]] = {name: [] for name in contestants}
    refused: dict[str, str] = {}
    for index in range(rounds):
        for name in list(found)[:: -1 if index % 2 else 1]:
            sleep(SPIN_S)
            try:
                found[name].append(contestants[name]())
            except RefusedError as error:
                refused[name] = str(error)
                del found[name]
    return found, refused


def median_ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the median of the ratios of neighbours."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
