"""Functions that take any number of tensors: ``einsum``, ``meshgrid``, ``block_diag``,
``atleast_2d``.
"""

import warnings
from collections.abc import Sequence
from typing import Any

from ...ops._common import broadcast_shape
from ...ops._registry import OPS
from .._engine.dispatch import call, type_name
from .._engine.register import expose
from .._engine.tensor import Tensor
from .._engine.writing import call_out


def gathered(tensors: tuple) -> tuple:
    """Return the tensors of ``f(a, b)`` and of ``f([a, b])`` alike."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        return tuple(tensors[0])
    return tensors


# --- at least so many dims ----------------------------------------------------------------------


def _at_least(tensors: tuple, rank: int) -> Any:
    if len(tensors) == 1 and isinstance(tensors[0], Tensor):
        return _raised(tensors[0], rank)
    return tuple(_raised(t, rank) for t in gathered(tensors))


def _raised(input: Any, rank: int) -> Tensor:
    if not isinstance(input, Tensor):
        raise TypeError(
            f"atleast_{rank}d(): argument 'tensors' must be Tensor, not {type_name(input)}"
        )
    x: Any = input
    if x.ndim == 0:
        return x.reshape((1,) * rank)
    if x.ndim < rank and rank >= 2:
        x = x.unsqueeze(0) if x.ndim == 1 else x
        x = x.unsqueeze(-1) if x.ndim < rank else x
    return x


@expose("f")
def atleast_1d(*tensors: Any) -> Any:
    """Return the tensors with at least one dim, as views."""
    return _at_least(tensors, 1)


@expose("f")
def atleast_2d(*tensors: Any) -> Any:
    """Return the tensors with at least two dims, as views; a vector becomes a row."""
    return _at_least(tensors, 2)


@expose("f")
def atleast_3d(*tensors: Any) -> Any:
    """Return the tensors with at least three dims, as views; a vector gets a dim on either side."""
    return _at_least(tensors, 3)


# --- grids and blocks -----------------------------------------------------------------------------


@expose("f")
def block_diag(*tensors: Any) -> Tensor:
    """Return the matrix with the given matrices along its diagonal."""
    return call(OPS["_block_diag"], (tuple(tensors),), ())


@expose("f")
def broadcast_tensors(*tensors: Any) -> tuple:
    """Return the tensors expanded to their common shape, as views."""
    given = gathered(tensors)
    shape = broadcast_shape(*(tuple(t.shape) for t in given))
    return tuple(t.expand(shape) for t in given)


@expose("f")
def cartesian_prod(*tensors: Any) -> Tensor:
    """Return all tuples of one element from each vector: (product of sizes, number of vectors)."""
    return call(OPS["_cartesian_prod"], (gathered(tensors),), ())


@expose("f")
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple:
    """Return coordinate grids of vectors; ``indexing`` is "ij" (as matrices) or "xy" (as plots)."""
    if indexing is None:
        warnings.warn(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing "
            "argument.",
            UserWarning,
            stacklevel=2,
        )
        indexing = "ij"
    return call(OPS["_meshgrid"], (gathered(tensors),), (indexing,))


# --- contractions ---------------------------------------------------------------------------------


def _letter(index: int) -> str:
    if not 0 <= index < 52:
        raise ValueError(
            "einsum(): subscript in subscript list is not within the valid range [0, 52), but "
            f"got {index}"
        )
    return chr(ord("A") + index) if index < 26 else chr(ord("a") + index - 26)


def _from_lists(args: tuple) -> tuple[str, tuple]:
    """Return (equation, operands) of ``einsum(a, [0, 1], b, [1, 2], [0, 2])``."""

    def text(subscripts: Sequence[Any]) -> str:
        return "".join("..." if s is Ellipsis else _letter(s) for s in subscripts)

    equation = ",".join(text(s) for s in args[1::2][: len(args) // 2])
    if len(args) % 2:
        equation += "->" + text(args[-1])
    return equation, tuple(args[0 : len(args) - len(args) % 2 : 2])


@expose("f")
def einsum(*args: Any) -> Tensor:
    """Return the sum of products that an equation such as ``"ij,jk->ik"`` describes."""
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one "
            "operand and its "
            "subscripts list"
        )
    if isinstance(args[0], Tensor):
        equation, operands = _from_lists(args)
    else:
        equation, operands = args[0], gathered(args[1:])
    return call(OPS["_einsum"], (tuple(operands),), (equation,))


@expose("f")
def chain_matmul(*matrices: Any, out: Tensor | None = None) -> Tensor:
    """Return the product of matrices in the cheapest order (deprecated for
    ``linalg.multi_dot``).
    """
    if out is not None:
        return call_out(OPS["_chain_matmul"], (gathered(matrices),), (), out)
    return call(OPS["_chain_matmul"], (gathered(matrices),), ())
