"""``python -m benchmarks.functional``: the functional face beside torch.func, plain JAX and optax.

Ratios of interleaved runs. ``fl.jit`` rows compile the whole program, which torch.func has no like
of on a CPU without a C++ compiler; ``run --compile`` rows do so without touching the code.
"""

import sys
from collections.abc import Callable
from statistics import median

from benchmarks._quiet import Patience
from benchmarks._turns import (
    UNDER_COMPILE,
    UNDER_PYTHON,
    UNDER_US,
    RefusedError,
    Worker,
    median_ratio,
    take_turns,
)

PATIENCE = Patience(60)  # for the whole table
PROGRAMS = (
    *("per-sample gradients", "hessian"),
    *("10 networks of width 32, outputs", "10 networks of width 32, gradients"),
    *("10 networks of width 128, outputs", "10 networks of width 128, gradients"),
)


def turns(
    ours: Callable[[], float], theirs: Callable[[], float], rounds: int = 9
) -> tuple[float, float, float]:
    """Return (median of ours, median of theirs, median ratio), after two rounds of warm-up."""
    contestants = {"ours": ours, "theirs": theirs}
    take_turns(contestants, 2)
    found, refused = take_turns(contestants, rounds)
    if refused:
        raise RefusedError("; ".join(refused.values()))
    a, b = found.values()
    return median(a), median(b), median_ratio(a, b)


def line(what: str, found: tuple[float, float, float], other: str, unit: str = "ms") -> None:
    """Print one row of the table."""
    scale = {"ms": 1e3, "us": 1e6}[unit]
    ours, theirs, ratio = found
    row(
        what, f"{ours * scale:.2f} {unit}", f"{theirs * scale:.2f} {unit} ({other})", f"{ratio:.2f}"
    )


def row(*cells: str) -> None:
    """Print the cells of one row."""
    print(f"| {' | '.join(cells)} |", flush=True)


def transforms() -> None:
    """Print the torch.func programs: eager, captured, and compiled whole."""
    with (
        Worker(UNDER_US, "worker_functional.py") as ours,
        Worker(UNDER_COMPILE, "worker_functional.py") as captured,
        Worker(UNDER_PYTHON, "worker_functional.py") as theirs,
    ):
        forms = {
            "eager": (ours, ""),
            "run --compile": (captured, ""),
            "fl.jit": (ours, " jit"),
        }
        for name in PROGRAMS:
            for form, (worker, suffix) in forms.items():
                found = turns(
                    lambda w=worker, n=name + suffix: w.quiet_round(n, PATIENCE),
                    lambda n=name: theirs.quiet_round(n, PATIENCE),
                )
                line(f"{name}, {form}", found, "torch.func")


def step() -> None:
    """Print the training step through fl beside the same in JAX and optax."""
    with Worker([sys.executable], "worker_step.py") as worker:
        found = turns(
            lambda: worker.quiet_round("ours", PATIENCE),
            lambda: worker.quiet_round("plain", PATIENCE),
            rounds=21,
        )
    line("value_and_grad + optax step, jitted", found, "plain JAX + optax")


def devices() -> None:
    """Print the cost of a call of ``fl.pmap``, and check data-parallel training."""
    with Worker([sys.executable], "worker_pmap.py") as worker:
        for size in (1, 100_000):
            found = turns(
                lambda n=size: worker.quiet_round(f"pmap {n}", PATIENCE),
                lambda n=size: worker.quiet_round(f"bare {n}", PATIENCE),
            )
            line(f"pmap of {size} floats a device, one call", found, "jit(shard_map)", "us")
        difference = worker.round("equal 20")
        row("20 data-parallel steps, 8 devices", f"{difference:.1e} relative to one device", "", "")
        seconds = worker.round("many 1000")
        row("1,000 data-parallel steps in a row", f"{seconds * 1e3:.2f} ms a step", "", "")


PARTS = {"transforms": transforms, "step": step, "devices": devices}


def main() -> None:
    """Run the parts named on the command line, or all."""
    print("| what | ours | beside | ratio |\n|---|---|---|---|")
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()
    if PATIENCE.disturbed:
        print(f"\nOther processes computed during {PATIENCE.disturbed} rounds.")


if __name__ == "__main__":
    main()
