"""The type stub is what ``make stubs`` would write, in a fresh process."""

import subprocess
import sys
from pathlib import Path


def test_the_stub_of_the_torch_namespace_is_fresh():
    check = [sys.executable, "-m", "tools.stubs", "--check"]
    done = subprocess.run(
        check, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "fresh\n"), done.stdout + done.stderr
