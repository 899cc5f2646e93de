"""``DataLoader`` with worker processes: seeds, order, errors, ends; scripts as users have."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.parity import live_torch

ROOT = Path(__file__).resolve().parents[3]
TIMEOUT_S = 120

pytestmark = pytest.mark.slow

HEAD = """
import os, random, signal, sys, time
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info
"""

SEEDS = """
class Draws(Dataset):
    def __len__(self):
        return 11
    def __getitem__(self, i):
        info = get_worker_info()
        return i, info.id, info.num_workers, torch.rand(2), random.random(), np.random.rand()

print("this line is printed once")
torch.manual_seed(3)
for persistent in (False, True):
    loader = DataLoader(Draws(), 2, shuffle=True, num_workers=2, persistent_workers=persistent)
    for epoch in range(2):
        for batch in loader:
            print([part.tolist() for part in batch])
print(torch.rand(1).item())
"""

ERRORS = """
class Bad(Dataset):
    def __init__(self, kind):
        self.kind = kind
    def __len__(self):
        return 8
    def __getitem__(self, i):
        if i == 3:
            if self.kind == "value":
                raise ValueError("bad three")
            if self.kind == "key":
                raise KeyError("three")
            if self.kind == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.kind == "sleep":
                time.sleep(60)
        return i

if __name__ == "__main__":
    for kind in ("value", "key", "kill", "sleep"):
        options = {"timeout": 1} if kind == "sleep" else {}
        try:
            print([b.tolist() for b in DataLoader(Bad(kind), 2, num_workers=2, **options)])
        except Exception as error:
            lines = str(error).splitlines()
            text = "".join(c for c in lines[0] if not c.isdigit() or kind != "kill")
            print(kind, type(error).__name__, text, lines[-1] if len(lines) > 1 else "")
"""

STREAM = """
class Numbers(IterableDataset):
    def __iter__(self):
        info = get_worker_info()
        return iter(range(info.id, 10, info.num_workers))

def say(worker_id):
    np.random.seed(worker_id)

if __name__ == "__main__":
    loader = DataLoader(Numbers(), batch_size=2, num_workers=2, worker_init_fn=say)
    for _ in range(2):
        print([batch.tolist() for batch in loader])
    for batch in loader:
        break
    print(batch.tolist(), [b.tolist() for b in loader])
    iterator = iter(loader)
    next(iterator)
    print("ends with an iterator at work")
"""


def run(tmp_path, body, *launcher):
    """Run a script and return what it prints."""
    script = tmp_path / "script.py"
    script.write_text(HEAD + body)
    done = subprocess.run(
        [sys.executable, *launcher, str(script)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parity
@pytest.mark.parametrize("body", [SEEDS, ERRORS, STREAM], ids=["seeds", "errors", "stream"])
def test_a_script_with_workers_prints_what_it_prints_under_pytorch(tmp_path, body):
    live_torch()
    assert run(tmp_path, body, "-m", "functorch_lite", "run") == run(tmp_path, body)


def test_a_script_without_main_guard_defines_its_dataset_in_the_workers(tmp_path):
    printed = run(tmp_path, SEEDS, "-m", "functorch_lite", "run").splitlines()
    assert printed.count("this line is printed once") == 1
    assert len(printed) == 2 + 4 * 6


def test_a_dead_worker_and_a_late_one_are_reported(tmp_path):
    printed = run(tmp_path, ERRORS, "-m", "functorch_lite", "run")
    assert "value ValueError Caught ValueError in DataLoader worker process 1." in printed
    assert "kill RuntimeError DataLoader worker (pid(s) ) exited unexpectedly" in printed
    assert "sleep RuntimeError DataLoader timed out after 1 seconds" in printed
