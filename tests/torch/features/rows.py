"""``@row(17)`` puts a short script into the list that test_features.py runs and record.py records.

A script is a function of the library that it calls ``torch``. What it prints is what is compared.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple


class Script(NamedTuple):
    """One script and the row of FEATURES.md, part A, that it shows."""

    row: int
    name: str
    run: Callable[[ModuleType], Any]

    def __str__(self) -> str:
        return f"{self.row:03d} {self.name.replace('_', ' ')}"


SCRIPTS: list[Script] = []


def row(number: int) -> Callable[[Callable], Callable]:
    """Return the decorator that adds a script for a row."""

    def add(function: Callable) -> Callable:
        SCRIPTS.append(Script(number, function.__name__, function))
        return function

    return add
