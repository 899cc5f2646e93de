"""Jacobians for ``gradcheck``: by finite differences, and by backward.

A Jacobian here has one row per element of the input and one column per element of the output.  For
a complex input the numerical one is the conjugate Wirtinger derivative, which is what backward
gives.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .. import _api as torch
from .._engine.autograd import grad as _grad

Function = Callable[..., Any]


def as_tuple(value: Any) -> tuple:
    """Return a tuple of one or several values."""
    return (
        value if isinstance(value, tuple) else tuple(value) if isinstance(value, list) else (value,)
    )


def wanting(inputs: Sequence[Any]) -> list[int]:
    """Return the indices of the inputs that require grad."""
    return [i for i, t in enumerate(inputs) if isinstance(t, torch.Tensor) and t.requires_grad]


# --- finite differences --------------------------------------------------------------------------


def _same_kind(low: Any, high: Any, eps: float, index: Any) -> None:
    where = "" if index is None else f"on index {index} "
    for word, a, b in (("shape", low.shape, high.shape), ("dtype", low.dtype, high.dtype)):
        if a != b:
            raise AssertionError(
                f"Expected `func` to return outputs with the same {word} when inputs are "
                f"perturbed {where}by "
                f"{eps}, but got: {word}s {a} and {b}."
            )


def _difference(call: Function, entry: Any, step: Any, eps: float, index: Any) -> list[Any]:
    """Return the central difference of each output when ``entry`` is moved by ``step`` both
    ways."""
    original = entry.clone()
    entry.copy_(original - step)
    low = [o.clone() for o in as_tuple(call())]
    entry.copy_(original + step)
    high = [o.clone() for o in as_tuple(call())]
    entry.copy_(original)
    for a, b in zip(low, high, strict=True):
        _same_kind(a, b, eps, index)
    return [((b - a) / (2 * eps)).detach().reshape(-1) for a, b in zip(low, high, strict=True)]


def _derivative(call: Function, entry: Any, step: Any, eps: float, index: Any) -> list[Any]:
    """Return the derivative of each output along ``step``; of a complex entry, both ways joined."""
    along = step[0] if isinstance(step, tuple) else step
    real = _difference(call, entry, along, eps, index)
    if not entry.is_complex():
        return real
    across = (step[1] if isinstance(step, tuple) else step) * 1j
    imaginary = _difference(call, entry, across, eps, index)
    return [a + b * 1j for a, b in zip(real, imaginary, strict=True)]


def _elements(tensor: Any) -> Iterator[tuple[int, ...]]:
    return itertools.product(*[range(n) for n in tensor.shape])


def numerical(func: Function, inputs: Sequence[Any], outputs: tuple, eps: float) -> list[list[Any]]:
    """Return the Jacobians by finite differences: per input that requires grad, one per output."""
    found = []
    for place in wanting(inputs):
        memory = inputs[place].data
        kind = inputs[place].dtype if inputs[place].is_complex() else None
        rows = [
            _derivative(lambda: func(*inputs), memory[index], eps, eps, index)
            for index in _elements(memory)
        ]
        found.append(
            [
                torch.stack([row[i].to(kind or o.dtype) for row in rows])
                if rows
                else torch.zeros((0, o.numel()), dtype=kind or o.dtype)
                for i, o in enumerate(outputs)
            ]
        )
    return found


def numerical_along(
    func: Function, inputs: Sequence[Any], directions: Sequence[Any], eps: float
) -> list[list[Any]]:
    """Return the derivative of each output along one direction per input that requires grad."""
    found = []
    for place, u in zip(wanting(inputs), directions, strict=True):
        memory = inputs[place].data
        parts = u if isinstance(u, tuple) else (u,)
        steps = tuple(p.reshape(memory.shape) * eps for p in parts)
        step = steps if isinstance(u, tuple) else steps[0]
        found.append(_derivative(lambda: func(*inputs), memory, step, eps, None))
    return found


# --- backward ------------------------------------------------------------------------------------


def pull_back(inputs: Sequence[Any], output: Any, cotangent: Any) -> tuple:
    """Return the gradients of ``output`` for one cotangent, keeping the graph."""
    tensors = [inputs[i] for i in wanting(inputs)]
    return _grad(output, tensors, cotangent, retain_graph=True, allow_unused=True)


def _rows(inputs: Sequence[Any], output: Any) -> list[list[Any]]:
    """Return, per input, its gradient for each element of the output."""
    rows: list[list[Any]] = [[] for _ in wanting(inputs)]
    for place in range(output.numel()):
        one = torch.zeros(output.numel(), dtype=output.dtype)
        one[place] = 1.0
        for held, gradient in zip(
            rows, pull_back(inputs, output, one.reshape(output.shape)), strict=True
        ):
            held.append(gradient)
    return rows


def analytical(inputs: Sequence[Any], output: Any) -> tuple[list[Any], bool, bool]:
    """Return the Jacobians of ``output`` by backward, and whether dtypes and sizes are right."""
    return stacked(inputs, _rows(inputs, output.clone()), output.numel())


def stacked(
    inputs: Sequence[Any], columns: list[list[Any]], width: int
) -> tuple[list[Any], bool, bool]:
    """Put gradients (None: zeros) side by side; also return whether dtypes and sizes are right."""
    types_ok = sizes_ok = True
    jacobians = []
    for place, gradients in zip(wanting(inputs), columns, strict=True):
        like = inputs[place]
        jacobian = torch.zeros((like.numel(), width), dtype=like.dtype)
        for column, gradient in enumerate(gradients):
            if gradient is None:
                continue
            types_ok &= gradient.dtype == like.dtype
            if gradient.shape != like.shape:
                sizes_ok = False
                continue
            jacobian[:, column] = gradient.detach().reshape(-1)
        jacobians.append(jacobian)
    return jacobians, types_ok, sizes_ok
