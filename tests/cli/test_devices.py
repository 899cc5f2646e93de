"""``run --devices N``: JAX sees N devices in the program, and in the children that it starts."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import multiprocessing, subprocess, sys
import jax, numpy as np
from functorch_lite.parallel import pmap, psum

def total():
    return float(pmap(lambda x: psum(x, "i"), "i")(np.arange(jax.device_count()))[0])

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(jax.device_count(), total(), pool.apply(total))
    code = "import jax; print(jax.device_count())"
    print(subprocess.check_output([sys.executable, "-c", code], text=True).strip())
"""


def test_jax_sees_the_devices_here_and_in_children(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "functorch_lite", "run", "--devices", "3", "script.py"]
    env = {k: v for k, v in os.environ.items() if k != "XLA_FLAGS"} | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("3 3.0 3.0\n3\n", "", 0)
