"""Worker: the matrix products of one step of a program, alone, under XLA or under PyTorch.

``worker_products.py list NAME`` prints the products of the captured step as JSON, a list of
``Product``; ``worker_products.py xla|torch JSON`` answers each line with the seconds that all
products of the list take together.
"""

import json
import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks._turns import serve

SETTLING_STEPS = 3
TOGETHER = 8  # so many equal products in one timing, so that calling costs little
ROUND_S = 0.01


class Product(NamedTuple):
    """A product of two arrays as ``jax.lax.dot_general`` takes it, and how often a step does it."""

    left: list[int]
    right: list[int]
    contracted: list[list[int]]  # dims of the left, of the right
    batch: list[list[int]]
    count: int

    def flops(self) -> float:
        """Return the multiplications and additions of all."""
        return self.count * 2 * math.prod(self.left) * self.free(1)

    def free(self, side: int) -> int:
        """Return how many rows, or columns, an operand brings into the result."""
        shape = (self.left, self.right)[side]
        dims = set(range(len(shape))) - {*self.contracted[side], *self.batch[side]}
        return math.prod(shape[d] for d in dims)


def products_of(name: str) -> list[Product]:
    """Capture a step of the program and return the matrix products that XLA makes of it."""
    import torch  # here and below: a worker imports either PyTorch or JAX

    from benchmarks import models

    program = models.make(name, models.Wraps(step=torch.compile))
    for _ in range(SETTLING_STEPS):
        program.settle(program.step())
    (text,) = _texts()
    computations = {m[1]: m[2] for m in _COMPUTATION.finditer(text)}
    entry = _ENTRY.search(text)
    assert entry is not None
    found = Counter(_products(computations, entry[1]))
    return [Product(*json.loads(key), count) for key, count in found.items()]


def _texts() -> Iterator[str]:
    """Yield the optimized programs of what has been captured."""
    import gc

    from functorch_lite.torch._engine.capture.program import Program

    found = (o for o in gc.get_objects() if isinstance(o, Program))
    return (program.lowered().compile().as_text() for program in found)


# XLA's text: computations in braces, one line an instruction.
_COMPUTATION = re.compile(r"^(?:ENTRY )?(%[\w.\-]+) \(.*?\{\n(.*?)^\}", re.M | re.S)
_ENTRY = re.compile(r"^ENTRY (%[\w.\-]+)", re.M)
_RESULT = re.compile(r"(%[\w.\-]+) = \w+\[([\d,]*)\]")
_DOT = re.compile(r" dot\((%[\w.\-]+), (%[\w.\-]+)\)")
_CALLED = re.compile(r"(?:calls|body|to_apply)=(%[\w.\-]+)")
_TRIPS = re.compile(r'known_trip_count":\{"n":"(\d+)"')


def _products(computations: dict[str, str], name: str) -> Iterator[str]:
    """Yield each product that a computation does, as often as it does it."""
    text = computations[name]
    shapes = {m[1]: _numbers(m[2]) for m in _RESULT.finditer(text)}
    for line in text.splitlines():
        if dot := _DOT.search(line):
            sides = [shapes[dot[1]], shapes[dot[2]]]
            dims = [
                [_numbers(_attribute(line, f"{side}_{kind}_dims")) for side in ("lhs", "rhs")]
                for kind in ("contracting", "batch")
            ]
            yield json.dumps([*sides, *dims])
        trips = _TRIPS.search(line)
        for called in _CALLED.findall(line):
            for key in _products(computations, called):
                yield from repeat(key, int(trips[1]) if trips else 1)


def _attribute(line: str, name: str) -> str:
    found = re.search(name + r"=\{([\d,]*)\}", line)
    return found[1] if found else ""


def _numbers(text: str) -> list[int]:
    return [int(n) for n in text.split(",") if n]


def under_xla(product: Product, pair: tuple) -> Callable[[], None]:
    """Return a call that computes the product ``TOGETHER`` times, as one program."""
    import jax

    from functorch_lite._core.execute import compile

    numbers = (tuple(map(tuple, product.contracted)), tuple(map(tuple, product.batch)))
    compiled = compile(lambda ps: [jax.lax.dot_general(a, b, numbers) for a, b in ps], "product")
    operands = [jax.device_put(pair)] * TOGETHER  # XLA cannot see that they are the same
    return lambda: jax.block_until_ready(compiled(operands))


def under_torch(product: Product, pair: tuple) -> Callable[[], None]:
    """Return a call that computes the product ``TOGETHER`` times."""
    import torch

    a, b = (_matrices(torch, array, product, side) for side, array in enumerate(pair))

    def call() -> None:
        for _ in range(TOGETHER):
            torch.matmul(a, b.mT)

    return call


def _matrices(torch: Any, array: np.ndarray, product: Product, side: int) -> Any:
    """Return an operand as (batch, free, contracted), a transposed view if it lies so."""
    contracted, batch = product.contracted[side], product.batch[side]
    free = [d for d in range(array.ndim) if d not in {*contracted, *batch}]
    sizes = [math.prod(array.shape[d] for d in dims) for dims in (batch, free, contracted)]
    turned = bool(free) and min(contracted) < min(free)
    last = [*contracted, *free] if turned else [*free, *contracted]
    matrices = torch.from_numpy(np.ascontiguousarray(array.transpose(*batch, *last)))
    shape = (sizes[0], sizes[2], sizes[1]) if turned else sizes
    matrices = matrices.reshape(*shape)
    matrices = matrices.mT if turned else matrices
    return matrices if batch else matrices[0]


class Products:
    """Answers each request with the seconds of all products."""

    def __init__(self, prepare: Callable[..., Callable[[], None]], products: list[Product]) -> None:
        """Draw operands."""
        draw = np.random.default_rng(0)
        self.calls = []
        for product in products:
            pair = tuple(draw.standard_normal(s, np.float32) for s in product[:2])
            self.calls.append((prepare(product, pair), product.count / TOGETHER))

    def __call__(self, _request: str) -> float:
        """Time each for a moment."""
        total = 0.0
        for call, times in self.calls:
            call(), call()
            start, rounds = perf_counter(), 0
            while (spent := perf_counter() - start) < ROUND_S:
                call()
                rounds += 1
            total += spent / rounds * times
        return total


if __name__ == "__main__":
    what, given = sys.argv[1:]
    if what == "list":
        print(json.dumps(products_of(given)))
    else:
        listed = [Product(*product) for product in json.loads(given)]
        serve(Products({"xla": under_xla, "torch": under_torch}[what], listed))
