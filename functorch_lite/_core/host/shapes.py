"""Rules of primitives that move elements: shapes, joins, windows at fixed or given places.

Results may be views of their operands, as NumPy makes them; ``plan`` copies what leaves a program.
Floor 0.
"""

import math
from typing import Any

import numpy as np

from .rules import Run, Unsupported, rule


@rule("reshape")
def _reshape(equation: Any) -> Run:
    if equation.params.get("dimensions") is not None:
        raise Unsupported("reshape that permutes")
    shape = equation.outvars[0].aval.shape
    return lambda x: x.reshape(shape)


@rule("squeeze", "expand_dims")
def _squeeze(equation: Any) -> Run:
    shape = equation.outvars[0].aval.shape
    return lambda x: x.reshape(shape)


@rule("broadcast_in_dim")
def _broadcast(equation: Any) -> Run:
    if len(equation.invars) != 1:
        raise Unsupported("broadcast to a shape that depends on values")
    shape = equation.params["shape"]
    dims = equation.params["broadcast_dimensions"]
    source = equation.invars[0].aval.shape
    placed = [1] * len(shape)
    for dim, size in zip(dims, source, strict=True):
        placed[dim] = size
    return lambda x: np.broadcast_to(x.reshape(placed), shape)


@rule("transpose")
def _transpose(equation: Any) -> Run:
    permutation = equation.params["permutation"]
    return lambda x: x.transpose(permutation)


@rule("rev")
def _rev(equation: Any) -> Run:
    dims = equation.params["dimensions"]
    return lambda x: np.flip(x, dims)


@rule("slice")
def _slice(equation: Any) -> Run:
    starts, limits = equation.params["start_indices"], equation.params["limit_indices"]
    strides = equation.params["strides"] or (1,) * len(starts)
    window = tuple(map(slice, starts, limits, strides))
    return lambda x: x[window]


@rule("split")
def _split(equation: Any) -> Run:
    axis, ends = equation.params["axis"], np.cumsum(equation.params["sizes"])[:-1]
    return lambda x: tuple(np.split(x, ends, axis))


@rule("concatenate")
def _concatenate(equation: Any) -> Run:
    axis = equation.params["dimension"]
    return lambda *xs: np.concatenate(xs, axis)


@rule("stack")
def _stack(equation: Any) -> Run:
    axis = equation.params["axis"]
    return lambda *xs: np.stack(xs, axis)


@rule("unstack")
def _unstack(equation: Any) -> Run:
    axis = equation.params["axis"]
    return lambda x: tuple(np.moveaxis(x, axis, 0))


@rule("tile")
def _tile(equation: Any) -> Run:
    reps = equation.params["reps"]
    return lambda x: np.tile(x, reps)


@rule("iota")
def _iota(equation: Any) -> Run:
    if equation.invars:
        raise Unsupported("iota of a shape that depends on values")
    shape, dim = equation.params["shape"], equation.params["dimension"]
    steps = np.arange(shape[dim]).astype(equation.params["dtype"])
    placed = steps.reshape([-1 if i == dim else 1 for i in range(len(shape))])
    made = np.broadcast_to(placed, shape)
    return lambda: made


@rule("pad")
def _pad(equation: Any) -> Run:
    config = equation.params["padding_config"]
    shape, dtype = equation.outvars[0].aval.shape, equation.outvars[0].aval.dtype
    source = equation.invars[0].aval.shape
    read, write = [], []
    for (low, _, interior), size, out in zip(config, source, shape, strict=True):
        step = interior + 1
        first = max(0, math.ceil(-low / step))  # a negative amount cuts off
        count = max(0, min(size, math.ceil((out - low) / step)) - first)
        start = low + first * step
        read.append(slice(first, first + count))
        write.append(slice(start, start + (count - 1) * step + 1, step) if count else slice(0, 0))
    read, write = tuple(read), tuple(write)

    def run(x: Any, value: Any) -> Any:
        out = np.full(shape, value, dtype)
        out[write] = x[read]
        return out

    return run


def _window(starts: Any, sizes: Any, shape: Any) -> tuple[slice, ...]:
    """Return the window that XLA takes: moved inwards where it would lie outside."""
    places = [
        min(max(int(start), 0), full - size)
        for start, size, full in zip(starts, sizes, shape, strict=True)
    ]
    return tuple(slice(p, p + size) for p, size in zip(places, sizes, strict=True))


@rule("dynamic_slice")
def _dynamic_slice(equation: Any) -> Run:
    sizes = equation.params["slice_sizes"]
    return lambda x, *starts: x[_window(starts, sizes, x.shape)]


@rule("dynamic_update_slice")
def _dynamic_update_slice(equation: Any) -> Run:
    def run(x: Any, update: Any, *starts: Any) -> Any:
        out = np.array(x)
        out[_window(starts, update.shape, x.shape)] = update
        return out

    return run
