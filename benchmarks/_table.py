"""The table: a row for what was measured, a column for each contestant, as Markdown."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

from benchmarks._turns import median_ratio
from benchmarks._variants import REFERENCE, VARIANTS

UNITS = {"us": 1e6, "ms": 1e3, "s": 1.0, "MiB": 1.0}
PACKAGES = ("jax", "torch", "optax", "flax")


@dataclass(frozen=True)
class Row:
    """One measurement: medians and ratios by contestant, and why some have none."""

    what: str
    unit: str
    values: Mapping[str, float]  # in seconds or MiB
    ratios: Mapping[str, float] = field(default_factory=dict)  # to REFERENCE
    missing: Mapping[str, str] = field(default_factory=dict)
    disturbed: int = 0  # rounds during which other processes computed

    def cell(self, name: str) -> str:
        """Return the ratio and the value, or what stands for them."""
        if name in self.missing:
            return brief(self.missing[name])
        if name not in self.values:
            return ""
        value = f"{self.values[name] * UNITS[self.unit]:.3g} {self.unit}"
        if name == REFERENCE or name not in self.ratios:
            return value
        return f"{self.ratios[name]:.2f} ({value})"


def measured(
    what: str,
    unit: str,
    found: Mapping[str, list[float]],
    missing: Mapping[str, str] | None = None,
    disturbed: int = 0,
) -> Row:
    """Make the row of rounds that were taken in turns."""
    base = found.get(REFERENCE)
    ratios = {name: median_ratio(rounds, base) for name, rounds in found.items()} if base else {}
    values = {name: median(rounds) for name, rounds in found.items()}
    return Row(what, unit, values, ratios, missing or {}, disturbed)


def brief(reason: str) -> str:
    """Shorten a reason to what fits a cell: the kind of the error. The notes have the rest."""
    if "not installed" in reason:
        return "not installed"
    return f"n/a ({reason.split(':')[0]})"


class Table:
    """Rows that are printed as they come, and kept for a file."""

    def __init__(self, columns: Sequence[str]) -> None:
        """Print the head. ``columns`` are keys of ``VARIANTS``."""
        self.columns, self.rows, self._lines = list(columns), [], []
        titles = ["", *(VARIANTS[name].title for name in columns)]
        self._say(machine())
        self._say("")
        self._line(titles)
        self._line(["---"] * len(titles))

    def add(self, row: Row) -> None:
        """Print a row."""
        self.rows.append(row)
        self._line([row.what, *(row.cell(name) for name in self.columns)])

    def end(self) -> None:
        """Print what the numbers are, and the reasons of those that are missing."""
        self._say("")
        self._say(
            f"A number is the ratio to {VARIANTS[REFERENCE].title}: the median of pairs of "
            "neighbouring rounds; in brackets the median itself. Less is better."
        )
        if loud := [f"{row.what} ({row.disturbed})" for row in self.rows if row.disturbed]:
            self._say(f"- Other processes computed during some rounds of: {', '.join(loud)}")
        notes: dict[str, list[str]] = {}
        for row in self.rows:
            for name, reason in row.missing.items():
                if not brief(reason).endswith("installed"):
                    notes.setdefault(f"{VARIANTS[name].title}: {reason}", []).append(row.what)
        for reason, where in notes.items():
            self._say(f"- n/a for {', '.join(where)}: {reason}")

    def write(self, path: Path) -> None:
        """Write all that was printed."""
        path.write_text("\n".join(self._lines) + "\n", encoding="utf-8")

    def _line(self, cells: Sequence[str]) -> None:
        self._say(f"| {' | '.join(cells)} |")

    def _say(self, line: str) -> None:
        self._lines.append(line)
        print(line, flush=True)


def machine() -> str:
    """Name the machine and the versions."""
    versions = [f"{name} {found}" for name in PACKAGES if (found := _version(name))]
    return (
        f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{', '.join(versions)}"
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """Return the model of the CPU; Linux alone says it in a file."""
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
