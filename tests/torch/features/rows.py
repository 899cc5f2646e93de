"""Scripts: functions of the library that they call ``torch``. What they print is compared.

``@row(17)`` puts one into the list that test_features.py runs; test_autograd.py has a list of its
own. ``python -m tests.torch.record`` records what live PyTorch prints for all of them.
"""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest


class Script(NamedTuple):
    """One script and what it is about: a row of FEATURES.md, part A, or a word.

    ``gap`` says what keeps us from printing what PyTorch prints; then the script must fail.
    """

    subject: int | str
    name: str
    run: Callable[[ModuleType], Any]
    gap: str = ""

    def __str__(self) -> str:
        subject = f"{self.subject:03d}" if isinstance(self.subject, int) else self.subject
        return f"{subject} {self.name.replace('_', ' ')}"


class Scripts(list):
    """A list of scripts that is filled by decorating functions: ``@scripts("hooks")``."""

    def __call__(self, subject: int | str, *, gap: str = "") -> Callable[[Callable], Callable]:
        """Return the decorator that adds a script."""

        def add(function: Callable) -> Callable:
            self.append(Script(subject, function.__name__, function, gap))
            return function

        return add


def with_gaps(scripts: Scripts) -> list:
    """Return the scripts as pytest parameters: those with a gap are expected to fail."""
    return [
        pytest.param(s, marks=pytest.mark.xfail(reason=s.gap, strict=True) if s.gap else ())
        for s in scripts
    ]


def read_record(path: Path) -> dict[str, str]:
    """Return the recorded texts; nothing before the first recording."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


row = SCRIPTS = Scripts()
AUTOGRAD = Scripts()
FUNC = Scripts()
MIXED = Scripts()
