"""``python -m benchmarks``: print the table of ratios to PyTorch (which must be installed).

python -m benchmarks            everything
python -m benchmarks dispatch   one part: dispatch, digits, imports or memory
"""

import os
import platform
import statistics
import subprocess
import sys
from time import perf_counter

from benchmarks._turns import UNDER_US, Worker, compare
from benchmarks.operations import DISPATCHED

COLUMNS = "| what | ours | PyTorch | ratio |\n|---|---|---|---|"


def dispatch() -> None:
    """Print the cost of one eager call per operation."""
    for name in DISPATCHED:
        ours, theirs, ratio = compare("worker_dispatch.py", request=name, rounds=7, warmup=1)
        print(
            f"| `{name}` on 4x4 float32 | {ours * 1e6:.1f} us | {theirs * 1e6:.1f} us | "
            f"{ratio:.1f} |"
        )


def digits() -> None:
    """Print the time of one epoch of the digits CNN, eager and unmodified."""
    ours, theirs, ratio = compare("worker_digits.py", rounds=15, warmup=3)
    print(f"| digits CNN, one epoch | {ours * 1e3:.0f} ms | {theirs * 1e3:.0f} ms | {ratio:.2f} |")


def imports(rounds: int = 7) -> None:
    """Print the time of importing the shim, as a ratio to importing JAX, both from bytecode."""
    bytecode = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def seconds(module: str) -> float:
        start = perf_counter()
        subprocess.run([sys.executable, "-c", f"import {module}"], check=True, env=bytecode)
        return perf_counter() - start

    for module in ("functorch_lite.torch", "jax"):
        seconds(module)  # the first import fills the caches
    pairs = [(seconds("functorch_lite.torch"), seconds("jax")) for _ in range(rounds)]
    ratio = statistics.median(a / b for a, b in pairs)
    ours, theirs = (statistics.median(p[i] for p in pairs) for i in (0, 1))
    print(
        f"| `import functorch_lite.torch` beside `import jax` | {ours:.2f} s | {theirs:.2f} s | "
        f"{ratio:.2f} |"
    )


def memory() -> None:
    """Print the growth of resident memory over 10,000 training steps, after the first 500."""
    with Worker(UNDER_US, "worker_memory.py") as worker:
        start = worker.round("500")
        end = worker.round("9500")
    print(f"| resident memory, step 500 to 10,000 | {start:.0f} to {end:.0f} MiB | | |")


PARTS = {"dispatch": dispatch, "digits": digits, "imports": imports, "memory": memory}


def main() -> None:
    """Run the parts named on the command line, or all."""
    wanted = sys.argv[1:] or list(PARTS)
    print(
        f"{platform.processor() or platform.machine()}, Python {platform.python_version()}\n"
        "\n"
        f"{COLUMNS}"
    )
    for name in wanted:
        PARTS[name]()


if __name__ == "__main__":
    main()
