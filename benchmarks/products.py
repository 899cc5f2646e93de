"""``python -m benchmarks.products gpt lstm``: what of a step's time its matrix products take.

A captured step can be no faster than its products alone, which are XLA's on one side and MKL's, in
PyTorch, on the other. The table sets them beside the whole steps; products inside loops count as
often as the loop runs. Convolutions are not looked at.
"""

import json
import statistics
import subprocess
import sys
from contextlib import ExitStack

from benchmarks._programs import TITLES
from benchmarks._quiet import Patience
from benchmarks._turns import ROOT, UNDER_PYTHON, UNDER_US, Worker, take_turns
from benchmarks.worker_products import Product

ROUNDS = 9
STEP_S = 0.3


def table(name: str) -> None:
    """Print the row of one program."""
    listed = subprocess.run(
        [*UNDER_US, str(ROOT / "benchmarks" / "worker_products.py"), "list", name],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    ).stdout
    products = [Product(*product) for product in json.loads(listed)]
    patience = Patience(30)
    with ExitStack() as stack:
        workers = {
            "products, XLA": Worker(UNDER_US, "worker_products.py", "xla", listed),
            "products, PyTorch": Worker(UNDER_PYTHON, "worker_products.py", "torch", listed),
            "step, captured": Worker(UNDER_US, "worker_program.py", "step", name),
            "step, PyTorch": Worker(UNDER_PYTHON, "worker_program.py", "eager", name),
        }
        for worker in workers.values():
            stack.enter_context(worker)
        for key in ("step, captured", "step, PyTorch"):
            workers[key].round("ready")
            workers[key].round(f"rounds {STEP_S}")
        found, refused = take_turns(
            {k: lambda w=w: w.quiet_round("go", patience) for k, w in workers.items()}, ROUNDS
        )
    if refused:
        raise RuntimeError("; ".join(refused.values()))
    times = {key: statistics.median(values) * 1e3 for key, values in found.items()}
    flops = sum(product.flops() for product in products)
    shares = [f"{times[key]:.2f} ms ({times[key] / times['step, PyTorch']:.2f})" for key in workers]
    count = sum(product.count for product in products)
    print(f"| {TITLES[name]} | {count} | {flops / 1e9:.2f} | {' | '.join(shares)} |", flush=True)


def main() -> None:
    """Print a table of the programs on the command line."""
    columns = ["products, XLA", "products, PyTorch", "step, captured", "step, PyTorch"]
    print(f"| program | products | GFLOP | {' | '.join(columns)} |\n|{'---|' * 7}")
    for name in sys.argv[1:] or ("mlp", "gpt", "lstm"):
        table(name)
    print("\nIn brackets: the ratio to PyTorch's step.")


if __name__ == "__main__":
    main()
