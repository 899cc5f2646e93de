"""The allocator keeps its pages unless told not to."""

import os
import subprocess
import sys

import pytest

from functorch_lite._core.xla.memory import VARIABLE

COUNT_FAULTS = """
import resource
import functorch_lite.torch as torch
x = torch.ones(1 << 23)
for turn in range(50):
    if turn == 10:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    float((torch.exp(x) + 1)[0])
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(**environment):
    run = subprocess.run(
        [sys.executable, "-c", COUNT_FAULTS],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(run.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_large_results_reuse_their_pages_unless_asked_not_to():
    pages = 40 * 2 * (4 << 23) // 4096  # two fresh arrays of 32 MiB in each of 40 turns
    assert faults(**{VARIABLE: "0"}) > 0.9 * pages
    assert faults() < pages / 3  # a thread that comes late fills an arena of its own
