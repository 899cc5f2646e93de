"""The parts that time what surrounds a program: dispatch, starts, imports, growth of memory."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

from benchmarks._table import Row, measured
from benchmarks._turns import ROOT, UNDER_PYTHON, UNDER_US, RefusedError, Worker, take_turns
from benchmarks.operations import DISPATCHED

LAUNCHERS = {"torch": UNDER_PYTHON, "ours": UNDER_US}
IMPORTED = {"torch": "torch", "ours": "functorch_lite.torch", "jax": "jax"}


def both_ways(
    script: str, what: Mapping[str, str], unit: str, rounds: int, warmup: int
) -> Iterator[Row]:
    """Time a worker script under PyTorch and under us; a row for each title and its request."""
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(Worker(launcher, script))
            for name, launcher in LAUNCHERS.items()
        }
        for title, request in what.items():

            def asking(worker: Worker, request: str = request) -> Callable[[], float]:
                return lambda: worker.round(request)

            asked = {name: asking(worker) for name, worker in workers.items()}
            take_turns(asked, warmup)
            yield measured(title, unit, *take_turns(asked, rounds))


def dispatch(rounds: int) -> Iterator[Row]:
    """Time one eager call per operation."""
    titles = {f"`{name}` on 4x4 float32": name for name in DISPATCHED}
    return both_ways("worker_dispatch.py", titles, "us", rounds, warmup=1)


def digits(rounds: int) -> Iterator[Row]:
    """Time an epoch of the digits example, eager and unmodified, with its loader."""
    titles = {"digits example, one epoch": ""}
    return both_ways("worker_digits.py", titles, "ms", rounds, warmup=3)


def imports(rounds: int) -> Iterator[Row]:
    """Time imports from bytecode, as whole processes."""

    def importing(module: str) -> Callable[[], float]:
        return lambda: process_s([sys.executable, "-c", f"import {module}"])

    asked = {name: importing(module) for name, module in IMPORTED.items()}
    take_turns(asked, 1)  # the first import writes the bytecode
    yield measured("import, whole process", "s", *take_turns(asked, rounds))


def cold(rounds: int) -> Iterator[Row]:
    """Time a script of forty operations, whole process, with our disk cache empty and filled."""
    command = [str(ROOT / "benchmarks" / "cold_script.py")]

    def under_torch() -> float:
        return process_s([*UNDER_PYTHON, *command])

    with tempfile.TemporaryDirectory() as filled:

        def empty() -> float:
            with tempfile.TemporaryDirectory() as folder:
                return process_s([*UNDER_US, *command], caches_in(folder))

        def warm() -> float:
            return process_s([*UNDER_US, *command], caches_in(filled))

        for title, ours in (("empty", empty), ("filled", warm)):
            asked = {"torch": under_torch, "ours": ours}
            take_turns(asked, 1)
            found, missing = take_turns(asked, rounds)
            yield measured(f"40-operation script, disk cache {title}", "s", found, missing)


def memory(rounds: int) -> Iterator[Row]:
    """Measure the growth of resident memory over 10,000 eager steps, after the first 500."""
    del rounds
    with ExitStack() as stack:
        grown: dict[str, list[float]] = {}
        missing: dict[str, str] = {}
        for name, launcher in LAUNCHERS.items():
            worker = stack.enter_context(Worker(launcher, "worker_memory.py"))
            try:
                start = worker.round("500")
                grown[name] = [worker.round("9500") - start]
            except RefusedError as error:
                missing[name] = str(error)
    values = {name: mib for name, (mib,) in grown.items()}
    yield Row("growth of memory, step 500 to 10,000", "MiB", values, missing=missing)


def process_s(command: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
    """Run a process to its end; return the seconds. RefusedError if it fails."""
    given = {**os.environ, **(environment or {})}
    given.pop("PYTHONDONTWRITEBYTECODE", None)
    start = perf_counter()
    done = subprocess.run(command, env=given, cwd=ROOT, capture_output=True, text=True)
    spent = perf_counter() - start
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        raise RefusedError(f"ended with code {done.returncode}: {lines[-1]}")
    return spent


def caches_in(folder: str | Path) -> dict[str, str]:
    """Return the environment in which compilers keep their files in ``folder``."""
    return {
        "XDG_CACHE_HOME": str(folder),
        "TORCHINDUCTOR_CACHE_DIR": str(Path(folder, "inductor")),
    }
