"""The table as a picture: ratios as bars on a logarithmic axis."""

import importlib
from collections.abc import Sequence
from pathlib import Path

from benchmarks._table import Row
from benchmarks._variants import REFERENCE, VARIANTS


def draw(rows: Sequence[Row], columns: Sequence[str], path: Path) -> bool:
    """Write a PNG of the rows that have ratios; return False where matplotlib is missing."""
    try:
        # Optional, and heavy: found only here.
        matplotlib = importlib.import_module("matplotlib")
        matplotlib.use("Agg")
        plt = importlib.import_module("matplotlib.pyplot")
    except ModuleNotFoundError:
        return False
    shown = [row for row in rows if row.ratios.keys() - {REFERENCE}]
    bars = [name for name in columns if name != REFERENCE]
    height = 0.8 / max(1, len(bars))
    figure, axes = plt.subplots(figsize=(9, 1.5 + 0.55 * max(1, len(shown))), layout="constrained")
    for place, name in enumerate(bars):
        spots = [i for i, row in enumerate(shown) if name in row.ratios]
        axes.barh(
            [i + (place - (len(bars) - 1) / 2) * height for i in spots],
            # A bar starts at 1, so that shorter time points left and longer time right.
            [shown[i].ratios[name] - 1 for i in spots],
            height,
            left=1,
            label=VARIANTS[name].title,
        )
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks(range(len(shown)), [row.what.replace("`", "") for row in shown])
    axes.invert_yaxis()
    axes.set_xlabel(f"ratio to {VARIANTS[REFERENCE].title} (less is better)")
    for labels in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        labels("{x:g}")
    axes.grid(axis="x", which="both", alpha=0.3)
    figure.legend(loc="outside upper center", ncols=len(bars))
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return True
