"""``torch.gradient``: finite differences, central inside and one-sided at both ends."""

import math
from typing import Any

from ...ops._common import wrap_dims
from .._engine.register import SPACES, expose
from .._engine.tensor import Tensor


def _dims(input: Tensor, dim: Any, edge_order: int) -> tuple[int, ...]:
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    rank = len(input._sizes)
    dims = tuple(range(rank)) if dim is None else wrap_dims(dim, rank)
    for d in dims:
        if input._sizes[d] < edge_order + 1:
            raise RuntimeError(
                "torch.gradient expected each dimension size to be at least edge_order+1"
            )
    return dims


def _spacings(spacing: Any, dims: tuple[int, ...], rank: int, chosen: bool) -> list[Any]:
    """Return one spacing (a number, or a tensor of coordinates) a dim."""
    if spacing is None or isinstance(spacing, (int, float, complex)):
        return [1.0 if spacing is None else spacing] * len(dims)
    if isinstance(spacing, Tensor):
        spacing = [spacing.item()] * len(dims)
    given = list(spacing)
    if len(given) != len(dims):
        wanted = "the same length" if chosen else f"length equal to 'self.dim() = {rank}'"
        if chosen:
            raise RuntimeError(
                "torch.gradient expected spacing to be unspecified, a scalar or it's spacing and "
                "dim "
                "arguments to have the same length, but got a spacing argument of length "
                f"{len(given)} and "
                f"a dim argument of length {len(dims)}."
            )
        raise RuntimeError(
            f"torch.gradient expected spacing to be unspecified, a scalar, or a list of {wanted}, "
            "since dim "
            f"argument was not given, but got a list of length {len(given)}"
        )
    return given


def _along_even(x: Tensor, d: int, h: float, edge_order: int) -> list[Tensor]:
    """Return the parts (first, middle, last) for samples ``h`` apart."""
    n = x._sizes[d]

    def at(start: int, length: int = 1) -> Any:
        return x.narrow(d, start, length)

    middle = (at(2, n - 2) - at(0, n - 2)) / (2 * h)
    if edge_order == 1:
        return [(at(1) - at(0)) / h, middle, (at(n - 1) - at(n - 2)) / h]
    first = (at(0) * -1.5 + at(1) * 2 - at(2) * 0.5) / h
    last = (at(n - 3) * 0.5 - at(n - 2) * 2 + at(n - 1) * 1.5) / h
    return [first, middle, last]


def _along_coordinates(x: Tensor, d: int, coordinates: Any, edge_order: int) -> list[Tensor]:
    """Return the parts (first, middle, last) for samples at ``coordinates``."""
    n = x._sizes[d]
    if len(coordinates._sizes) != 1:
        raise RuntimeError(
            "torch.gradient expected each element of spacing to have one dimension, but got an "
            "element with "
            f"{len(coordinates._sizes)} dimensions!"
        )
    step = coordinates.diff()
    shape = [1] * len(x._sizes)
    shape[d] = -1

    def at(start: int, length: int = 1) -> Any:
        return x.narrow(d, start, length)

    left, right = step[:-1], step[1:]
    low = (-right / (left * (left + right))).reshape(shape)
    mid = ((right - left) / (left * right)).reshape(shape)
    high = (left / (right * (left + right))).reshape(shape)
    middle = low * at(0, n - 2) + mid * at(1, n - 2) + high * at(2, n - 2)
    if edge_order == 1:
        return [(at(1) - at(0)) / step[0], middle, (at(n - 1) - at(n - 2)) / step[-1]]
    a, b, y, z = step[0], step[1], step[-2], step[-1]
    first = at(0) * (-(2 * a + b) / (a * (a + b))) + at(1) * ((a + b) / (a * b))
    first = first + at(2) * (-a / (b * (a + b)))
    last = at(n - 3) * (z / (y * (y + z))) - at(n - 2) * ((y + z) / (y * z))
    last = last + at(n - 1) * ((2 * z + y) / (z * (y + z)))
    return [first, middle, last]


@expose("f")
def gradient(
    input: Tensor, *, spacing: Any = None, dim: Any = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """Estimate the derivative of samples along each of ``dim`` (default: all).

    Args:
        input: samples of a function on a grid.
        spacing: distance of the samples, for all dims or one each, or 1-d tensors of coordinates.
        dim: an int or several.
        edge_order: 1 or 2, the order of the one-sided differences at both ends.
    """
    dims = _dims(input, dim, edge_order)
    found = []
    cat = SPACES[""]["cat"]
    spacings = _spacings(spacing, dims, len(input._sizes), dim is not None)
    for d, h in zip(dims, spacings, strict=True):
        if isinstance(h, Tensor):
            parts = _along_coordinates(input, d, h, edge_order)
        else:
            parts = _along_even(input, d, h, edge_order)
        found.append(cat(parts, d))
    return tuple(found) if math.prod(input._sizes) or found else ()
