"""``python -m benchmarks``: print one table of times as ratios to PyTorch's.

python -m benchmarks                    everything, in about ten minutes
python -m benchmarks train              one part: train, dispatch, digits, imports, cold, memory
python -m benchmarks gpt cnn            some programs of ``train``
python -m benchmarks train cnn --variants ours,torch,jax --quick

Contestants that are not installed say so. flax adds a column, matplotlib a picture:
``pip install flax matplotlib``.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks import _costs
from benchmarks._chart import draw
from benchmarks._programs import TITLES, compete
from benchmarks._quiet import Patience
from benchmarks._table import Row, Table
from benchmarks._turns import ROOT
from benchmarks._variants import VARIANTS

# Name -> (what makes the rows, how many rounds each, how many when quick).
COSTS: dict[str, tuple[Callable[[int, Patience], Iterable[Row]], int, int]] = {
    "dispatch": (_costs.dispatch, 7, 3),
    "digits": (_costs.digits, 15, 3),
    "imports": (_costs.imports, 7, 3),
    "cold": (_costs.cold, 5, 1),
    "memory": (_costs.memory, 1, 1),
}
TRAIN = "train"
ROUNDS, ROUND_S = 11, 0.4
QUICK_ROUNDS, QUICK_ROUND_S = 5, 0.2


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the command line names, or all, and write it under ``build/bench``."""
    given = _parser().parse_args(arguments)
    programs, costs = chosen(given.what)
    given.out.mkdir(parents=True, exist_ok=True)
    table = Table(given.variants)
    details: list[Row] = []  # of programs, shown once all of their times are
    with tempfile.TemporaryDirectory() as empty:
        for program in programs:
            # The quick form spares the compilers what they have done before.
            caches = _costs.caches_in(given.out / "caches" if given.quick else empty)
            rounds = (QUICK_ROUNDS, QUICK_ROUND_S) if given.quick else (ROUNDS, ROUND_S)
            time, *rest = compete(
                program, given.variants, *rounds, caches, Patience(given.patience)
            )
            table.add(time)
            details += rest
    for row in [] if given.quick else details:
        table.add(row)
    for name in costs:
        rows, many, few = COSTS[name]
        for row in rows(few if given.quick else many, Patience(given.patience)):
            table.add(row)
    table.end()
    table.write(given.out / "table.md")
    if not draw(table.rows, table.columns, given.out / "table.png"):
        print("No picture: matplotlib is not installed.")


def chosen(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return (programs, costs) that the words name: parts, or programs of the part ``train``."""
    programs = [word for word in words if word in TITLES]
    costs = [word for word in words if word in COSTS]
    if not words or (TRAIN in words and not programs):
        programs = list(TITLES)
    return programs, costs if words else list(COSTS)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Print a table of times as ratios to PyTorch's."
    )
    parser.add_argument(
        "what",
        nargs="*",
        metavar="WHAT",
        choices=[[], TRAIN, *TITLES, *COSTS],
        help=f"parts ({', '.join([TRAIN, *COSTS])}) or programs ({', '.join(TITLES)})",
    )
    parser.add_argument(
        "--variants",
        type=_variants,
        default=list(VARIANTS),
        metavar="A,B",
        help=f"columns: {', '.join(VARIANTS)}",
    )
    parser.add_argument("--quick", action="store_true", help="few rounds, compilers' caches kept")
    parser.add_argument(
        "--patience",
        type=float,
        default=30,
        metavar="S",
        help="seconds a row waits, in all, for other processes to be still",
    )
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench", metavar="FOLDER")
    return parser


def _variants(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in VARIANTS]:
        raise argparse.ArgumentTypeError(f"no such column: {', '.join(unknown)}")
    return [name for name in VARIANTS if name in names]


if __name__ == "__main__":
    main()
