"""The parts that time what surrounds a program: dispatch, starts, imports, growth of memory."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

from benchmarks._quiet import Patience
from benchmarks._table import Row, measured
from benchmarks._turns import ROOT, UNDER_PYTHON, UNDER_US, RefusedError, Worker, take_turns
from benchmarks.operations import DISPATCHED

LAUNCHERS = {"torch": UNDER_PYTHON, "ours": UNDER_US}
IMPORTED = {"torch": "torch", "ours": "functorch_lite.torch", "jax": "jax"}


def both_ways(
    script: str, what: Mapping[str, str], unit: str, rounds: int, warmup: int, patience: Patience
) -> Iterator[Row]:
    """Time a worker script under PyTorch and under us; a row for each title and its request."""
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(Worker(launcher, script))
            for name, launcher in LAUNCHERS.items()
        }
        for title, request in what.items():

            def asking(worker: Worker, request: str = request) -> Callable[[], float]:
                return lambda: worker.quiet_round(request, patience)

            asked = {name: asking(worker) for name, worker in workers.items()}
            take_turns(asked, warmup)
            before = patience.disturbed
            found, missing = take_turns(asked, rounds)
            yield measured(title, unit, found, missing, patience.disturbed - before)


def dispatch(rounds: int, patience: Patience) -> Iterator[Row]:
    """Time one eager call per operation."""
    titles = {f"`{name}` on 4x4 float32": name for name in DISPATCHED}
    return both_ways("worker_dispatch.py", titles, "us", rounds, 1, patience)


def digits(rounds: int, patience: Patience) -> Iterator[Row]:
    """Time an epoch of the digits example, eager and unmodified, with its loader."""
    titles = {"digits example, one epoch": ""}
    return both_ways("worker_digits.py", titles, "ms", rounds, 3, patience)


def imports(rounds: int, patience: Patience) -> Iterator[Row]:
    """Time imports from bytecode, as whole processes."""

    def importing(module: str) -> Callable[[], float]:
        return lambda: process_s([sys.executable, "-c", f"import {module}"], patience)

    asked = {name: importing(module) for name, module in IMPORTED.items()}
    take_turns(asked, 1)  # the first import writes the bytecode
    yield measured("import, whole process", "s", *take_turns(asked, rounds), patience.disturbed)


def cold(rounds: int, patience: Patience) -> Iterator[Row]:
    """Time a script of forty operations, whole process, with our disk cache empty and filled."""
    script = str(ROOT / "benchmarks" / "cold_script.py")

    def under_torch() -> float:
        return process_s([*UNDER_PYTHON, script], patience)

    def under_us(folder: str) -> float:
        return process_s([*UNDER_US, script], patience, caches_in(folder))

    def from_nothing() -> float:
        with tempfile.TemporaryDirectory() as folder:
            return under_us(folder)

    with tempfile.TemporaryDirectory() as filled:
        for state, ours in (("empty", from_nothing), ("filled", lambda: under_us(filled))):
            asked = {"torch": under_torch, "ours": ours}
            take_turns(asked, 1)
            before = patience.disturbed
            found, missing = take_turns(asked, rounds)
            title = f"40-operation script, disk cache {state}"
            yield measured(title, "s", found, missing, patience.disturbed - before)


def memory(rounds: int, patience: Patience) -> Iterator[Row]:
    """Measure the growth of resident memory over 10,000 eager steps, after the first 500."""
    del rounds, patience
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


def process_s(
    command: Sequence[str], patience: Patience, environment: Mapping[str, str] | None = None
) -> float:
    """Run a process to its end; return the seconds. RefusedError if it fails."""
    given = {**os.environ, **(environment or {})}
    given.pop("PYTHONDONTWRITEBYTECODE", None)

    def run() -> float:
        start = perf_counter()
        done = subprocess.run(command, env=given, cwd=ROOT, capture_output=True, text=True)
        spent = perf_counter() - start
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["it said nothing"]
            raise RefusedError(f"ended with code {done.returncode}: {lines[-1]}")
        return spent

    return patience.quietly(run, os.getpid())


def caches_in(folder: str | Path) -> dict[str, str]:
    """Return the environment in which compilers keep their files in ``folder``."""
    return {
        "FUNCTORCH_LITE_CACHE_DIR": str(Path(folder, "ours")),
        "JAX_COMPILATION_CACHE_DIR": "",  # JAX keeps none unless told, and ours gives way to it
        "TORCHINDUCTOR_CACHE_DIR": str(Path(folder, "inductor")),
    }
