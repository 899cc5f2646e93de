"""The table as a picture: ratios as bars on a logarithmic axis."""

import importlib
from collections.abc import Sequence
from pathlib import Path

from benchmarks._table import Row
from benchmarks._variants import REFERENCE, VARIANTS


def draw(rows: Sequence[Row], columns: Sequence[str], path: Path) -> bool:
    """Write a PNG of the rows that have ratios, if any; False where matplotlib is missing."""
    path.unlink(missing_ok=True)  # that of another table
    try:
        # Optional, and heavy: found only here.
        matplotlib = importlib.import_module("matplotlib")
        matplotlib.use("Agg")
        plt = importlib.import_module("matplotlib.pyplot")
        ticker = importlib.import_module("matplotlib.ticker")
    except ModuleNotFoundError:
        return False
    shown = [row for row in rows if row.ratios.keys() - {REFERENCE}]
    if not shown:
        return True
    present = {name for row in shown for name in row.ratios} - {REFERENCE}
    bars = [name for name in columns if name in present]
    height = 0.8 / len(bars)
    figure, axes = plt.subplots(figsize=(9, 1.5 + 0.55 * len(shown)), layout="constrained")
    for place, name in enumerate(bars):
        spots = [i for i, row in enumerate(shown) if name in row.ratios]
        axes.barh(
            [i + (place - (len(bars) - 1) / 2) * height for i in spots],
            # A bar starts at 1, so that shorter time points left and longer time right.
            [shown[i].ratios[name] - 1 for i in spots],
            height,
            left=1,
            label=VARIANTS[name].title,
            color=f"C{place}",
        )
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks(range(len(shown)), [row.what.replace("`", "") for row in shown])
    axes.invert_yaxis()
    axes.set_xlabel(f"ratio to {VARIANTS[REFERENCE].title} (less is better)")
    axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.grid(axis="x", which="both", alpha=0.3)
    figure.legend(loc="outside upper center", ncols=len(bars))
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return True
