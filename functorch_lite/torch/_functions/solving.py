"""Linear algebra that fails for some values: ``inv``, ``solve``, ``cholesky``, ``lu_factor``.

The ops return ``info`` beside the result, as LAPACK does; here it becomes PyTorch's error.
"""

from typing import Any

import numpy as np

from ...ops._registry import OPS
from .._engine.dispatch import call, make_return_type
from .._engine.inside.values import of_all_slices
from .._engine.register import SPACES, expose
from .._engine.tensor import Tensor
from .._engine.writing import store_out


class LinAlgError(RuntimeError):
    """A matrix for which a factorization or solution does not exist
    (``torch.linalg.LinAlgError``).
    """


LinAlgError.__name__ = LinAlgError.__qualname__ = "_LinAlgError"
LinAlgError.__module__ = "torch._C"
SPACES["linalg"]["LinAlgError"] = LinAlgError


def raise_for(name: str, info: Tensor, text: str, batch_text: str = "(Batch element {}): ") -> None:
    """Raise LinAlgError with ``text`` if a number in ``info`` is not 0; ``{}`` is that number."""
    codes = of_all_slices(info._array)
    if codes is None:  # while a program is traced there is no value to look at
        return
    failed = np.flatnonzero(codes)
    if failed.size:
        where = batch_text.format(int(failed[0])) if codes.ndim else ""
        raise LinAlgError(f"{name}: {where}" + text.format(int(codes.flat[failed[0]])))


_SINGULAR = (
    "The diagonal element {} is zero, the inversion could not be completed because the input "
    "matrix is singular."
)
_NOT_POSITIVE = (
    "The factorization could not be completed because the input is not positive-definite "
    "(the leading minor of order {} is not positive-definite)."
)


def _stored(result: Tensor, out: Tensor | None) -> Tensor:
    if out is None:
        return result
    store_out(result, out)
    return out


# --- inverses -------------------------------------------------------------------------------------


def _inverse(a: Tensor, out: Tensor | None) -> Tensor:
    inverse, info = call(OPS["linalg.inv_ex"], (a,), (False,))
    raise_for("linalg.inv", info, _SINGULAR)
    return _stored(inverse, out)


@expose("f", space="linalg")
def inv(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the inverse of square matrices; LinAlgError if one is singular."""
    return _inverse(A, out)


@expose("fm")
def inverse(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the inverse of square matrices; LinAlgError if one is singular."""
    return _inverse(input, out)


@expose("f", space="linalg")
def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Tensor | None = None) -> Tensor:
    """Return the solution X of A X = B, or of X A = B; LinAlgError if A is singular."""
    result, info = call(OPS["linalg.solve_ex"], (A, B), (left, False))
    text = "The solver failed because the input matrix is singular."
    raise_for("torch.linalg.solve", info, text)
    return _stored(result, out)


LU_FACTOR = make_return_type("linalg_lu_factor", ("LU", "pivots"))

# --- factors --------------------------------------------------------------------------------------


@expose("f", space="linalg", name="cholesky")
def linalg_cholesky(A: Tensor, *, upper: bool = False, out: Tensor | None = None) -> Tensor:
    """Return the Cholesky factor; LinAlgError unless the matrices are positive-definite."""
    factor, info = call(OPS["linalg.cholesky_ex"], (A,), (upper, False))
    raise_for("linalg.cholesky", info, _NOT_POSITIVE)
    return _stored(factor, out)


@expose("fm")
def cholesky(input: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return the Cholesky factor; LinAlgError unless the matrices are positive-definite."""
    factor, info = call(OPS["linalg.cholesky_ex"], (input,), (upper, False))
    raise_for("linalg.cholesky", info, _NOT_POSITIVE)
    return _stored(factor, out)


@expose("f", space="linalg")
def lu_factor(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """Return L and U packed into one matrix, and the pivots; RuntimeError if U is singular."""
    packed, pivots, info = call(OPS["linalg.lu_factor_ex"], (A,), (pivot, False))
    codes = of_all_slices(info._array)
    if codes is not None and codes.any():
        place = int(np.flatnonzero(codes)[0])
        code = codes.flat[place]
        where = f"(Batch element {place}): " if codes.ndim else ""
        raise RuntimeError(
            f"torch.linalg.lu_factor: {where}U[{code},{code}] is zero and using it on lu_solve "
            "would result in a division by zero. If you still want to perform the factorization, "
            "consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
        )
    if out is not None:
        for source, target in zip((packed, pivots), out, strict=True):
            store_out(source, target)
        packed, pivots = out
    return LU_FACTOR((packed, pivots))


@expose("fm")
def lu(input: Tensor, pivot: bool = True, get_infos: bool = False, out: Any = None) -> Any:
    """Return the packed LU and its pivots, and the info if asked for (older spelling)."""
    packed, pivots, info = call(OPS["linalg.lu_factor_ex"], (input,), (pivot, False))
    return (packed, pivots, info) if get_infos else (packed, pivots)
