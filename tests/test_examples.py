"""The examples, started as a reader starts them, and the numbers they must print."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Printed by PyTorch 2.13 on CPU. They move by less than 1e-6 when every initial weight is
# disturbed by one part in ten million, so a difference here is a difference in kind.
DIGITS = [
    ("1", 1.6898, 1.1541, 75.83),
    ("2", 0.6291, 0.5030, 86.94),
    ("3", 0.2804, 0.3161, 91.11),
]


def read_digits(folder: Path, *launcher: str) -> list[tuple]:
    """Train on the digits for three epochs; return (epoch, loss, test loss, % right) of each."""
    script = ROOT / "examples" / "digits_cnn.py"
    program = [sys.executable, *launcher, str(script), "--epochs", "3", "--out", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT) if launcher else ""}
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "best.pt").stat().st_size > 0
    assert "best weights, loaded from" in done.stdout
    pattern = r"epoch +(\d+)  loss (\S+)  test (\S+)  (\S+)% right"
    lines = re.findall(pattern, done.stdout)
    return [(epoch, *map(float, numbers)) for epoch, *numbers in lines]


def same(found: list[tuple], expected: list[tuple]) -> bool:
    """Compare to the last digit printed, where rounding may go either way."""
    flat = [number for row in expected for number in row[1:]]
    return [row[0] for row in found] == [row[0] for row in expected] and (
        [number for row in found for number in row[1:]] == pytest.approx(flat, abs=1.01e-4)
    )


def test_digits_prints_the_numbers_that_pytorch_printed(tmp_path):
    assert same(read_digits(tmp_path, "-m", "functorch_lite", "run"), DIGITS)


@pytest.mark.parity
def test_digits_prints_the_same_under_a_live_pytorch(tmp_path):
    pytest.importorskip("torch")
    assert same(read_digits(tmp_path), DIGITS)
