"""The digits on several devices, started as a reader starts it."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_it_trains_both_networks_on_each_number_of_devices(tmp_path):
    program = ["-m", "functorch_lite", "run", "--devices", "2", "examples/pmap_digits.py"]
    options = ["--steps", "11", "--out", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, *program, *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2 of 2 devices: cpu; batches of 128 images\n")
    pattern = r"(pure layer|PyTorch module) +(\d) +(\S+) +(\S+)% +(\d+)\n"
    rows = re.findall(pattern, done.stdout)
    assert [row[:2] for row in rows] == [
        ("pure layer", "1"),
        ("pure layer", "2"),
        ("PyTorch module", "1"),
        ("PyTorch module", "2"),
    ]
    assert all(float(loss) < 2 and float(right) > 25 for _, _, loss, right, _ in rows), rows
