"""FEATURES.md, part A, rows 1-116: each row's scripts print what PyTorch 2.13 prints.

The scripts stand in features/, one file a section; ``grep -n "row(37)" tests/torch/features/*``
finds a row's. Their text under PyTorch is recorded (record.py), so that it is compared where no
torch is installed; where one is, the record itself is checked.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import functorch_lite.torch as shim
from tests.parity import live_torch, transcript

from .features import (  # noqa: F401 - importing them fills SCRIPTS
    arithmetic,
    carried,
    creating,
    dtypes,
    gradients,
    numpy_bridge,
    regression,
    systems,
)
from .features.programs import PROGRAMS
from .features.rows import SCRIPTS, read_record, with_gaps

ROOT = Path(__file__).resolve().parents[2]
RECORD = Path(__file__).parent / "features" / "recorded.json"
RECORDED = read_record(RECORD)
LAUNCHER = ("-m", "functorch_lite", "run")

each_script = pytest.mark.parametrize("script", with_gaps(SCRIPTS), ids=str)
each_script_of_pytorch = pytest.mark.parametrize("script", SCRIPTS, ids=str)
each_program = pytest.mark.parametrize("name", PROGRAMS)


@each_script
def test_a_script_prints_what_pytorch_printed(script):
    assert transcript(script.run, shim) == RECORDED[str(script)]


@pytest.mark.parity
@each_script_of_pytorch
def test_the_record_is_what_pytorch_prints(script):
    assert transcript(script.run, live_torch()) == RECORDED[str(script)]


@each_program
def test_a_program_prints_what_pytorch_printed(name):
    number, source = PROGRAMS[name]
    assert run_program(source, *LAUNCHER) == RECORDED[f"{number:03d} {name}"]


@pytest.mark.parity
@each_program
def test_the_record_is_what_a_program_prints_under_pytorch(name):
    number, source = PROGRAMS[name]
    assert run_program(source) == RECORDED[f"{number:03d} {name}"]


def run_program(source: str, *launcher: str) -> str:
    """Run a program in a new process; return its text, its kinds of warnings, its exit code."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    env |= {"PYTHONIOENCODING": "", "PYTHONPATH": str(ROOT) if launcher else ""}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "program.py"
        path.write_text(source, encoding="utf-8")
        command = [sys.executable, *launcher, str(path)]
        done = subprocess.run(command, env=env, capture_output=True, encoding="utf-8", check=False)
    warned = re.findall(r"^\S+: (\w+Warning): ", done.stderr, re.MULTILINE)
    return f"{done.stdout}warned {warned}\nexit code {done.returncode}\n"


def test_every_row_has_a_script():
    rows = {script.subject for script in SCRIPTS} | {number for number, _ in PROGRAMS.values()}
    assert sorted(set(range(1, 117)) - rows) == []
