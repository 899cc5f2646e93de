"""LU factorization with partial pivoting, and its uses: determinants, inverses, solutions.

Pivots count from 1 and are int32, as LAPACK's.  ``info`` of the ``_ex`` forms is the first zero on
the diagonal of U (counted from 1), or 0; the shim turns it into PyTorch's error.  Floor 2.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .._registry import op
from ._linalg_checks import (
    adjoint,
    broadcast_batches,
    dot,
    require_matrices,
    require_same_dtype,
    require_square,
)

# --- factors ------------------------------------------------------------------------------------


def _require_pivot(name, pivot):
    if not pivot:
        raise RuntimeError(f"{name}: LU without pivoting is not implemented on the CPU")


def factor_info(packed):
    """Return the place (from 1) of the first zero on the diagonal, 0 if there is none."""
    zero = jnp.diagonal(lax.stop_gradient(packed), axis1=-2, axis2=-1) == 0
    if not zero.shape[-1]:
        return jnp.zeros(zero.shape[:-1], np.int32)
    return jnp.where(jnp.any(zero, -1), jnp.argmax(zero, -1) + 1, 0).astype(np.int32)


@op("fo", space="linalg", node="LinalgLuFactorExBackward0", returns="LU pivots info")
def lu_factor_ex(A, *, pivot: bool = True, check_errors: bool = False):
    """L and U packed into one matrix, the pivots (from 1), and info."""
    del check_errors  # the shim looks at info
    require_matrices("torch.lu_factor", A)
    _require_pivot("linalg.lu_factor", pivot)
    packed, pivots, _ = lax.linalg.lu(A)
    return packed, pivots + np.int32(1), factor_info(packed)


def _triangles(packed):
    m, n = packed.shape[-2:]
    k = min(m, n)
    lower = jnp.tril(packed[..., :, :k], -1) + jnp.eye(m, k, dtype=packed.dtype)
    return lower, jnp.triu(packed[..., :k, :])


def _permutation(pivots, m, np_dtype):
    order = lax.linalg.lu_pivots_to_permutation(pivots - np.int32(1), m)
    return (order[..., None, :] == jnp.arange(m)[:, None]).astype(
        np_dtype
    )  # P[i, j] = order[j] == i


@op("fo", space="linalg", name="lu", node="LinalgLuBackward0", returns="P L U")
def linalg_lu(A, *, pivot: bool = True):
    """A = P L U with a permutation P, unit lower L and upper U."""
    require_matrices("linalg.lu", A)
    _require_pivot("linalg.lu_factor", pivot)
    packed, pivots, _ = lax.linalg.lu(A)
    return _permutation(pivots + np.int32(1), A.shape[-2], A.dtype), *_triangles(packed)


@op("fo", returns="P L U")
def lu_unpack(LU_data, LU_pivots, unpack_data: bool = True, unpack_pivots: bool = True):
    """P, L and U from the packed form; a part that is not wanted is empty."""
    if unpack_pivots and LU_pivots.dtype != np.int32:
        raise RuntimeError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 "
            "dtype.\n"
            "Note: this function is intended to be used with the output produced by "
            "torch.linalg.lu_factor"
        )
    empty = jnp.zeros((0,), LU_data.dtype)
    lower, upper = _triangles(LU_data) if unpack_data else (empty, empty)
    order = _permutation(LU_pivots, LU_data.shape[-2], LU_data.dtype) if unpack_pivots else empty
    return order, lower, upper


# --- determinants ---------------------------------------------------------------------------------


@jax.custom_jvp
def determinant(a):
    """Determinant as the product of U's diagonal; its gradient is right at singular matrices
    too.
    """
    packed, pivots, _ = lax.linalg.lu(a)
    swaps = jnp.sum(pivots != jnp.arange(a.shape[-1], dtype=pivots.dtype), axis=-1)
    product = jnp.prod(jnp.diagonal(packed, axis1=-2, axis2=-1), axis=-1)
    return jnp.where(swaps % 2 == 1, -product, product)


@determinant.defjvp
def _determinant_jvp(primals, tangents):
    if not primals[0].size:
        value = determinant(*primals)
        return value, jnp.zeros_like(value)
    return determinant(*primals), jax.jvp(jnp.linalg.det, primals, tangents)[1]


@op("fo", space="linalg", name="det", node="LinalgDetBackward0")
def linalg_det(A):
    """Determinant of square matrices."""
    require_square("linalg.det", A)
    return determinant(A)


@op("fm", node="LinalgDetBackward0")
def det(input):
    """Determinant of square matrices."""
    return linalg_det(input)


@op("fo", space="linalg", name="slogdet", node="LinalgSlogdetBackward0", returns="sign logabsdet")
def linalg_slogdet(A):
    """Sign of the determinant and logarithm of its magnitude."""
    require_square("linalg.slogdet", A)
    return tuple(jnp.linalg.slogdet(A))


@op("fmo", node="LinalgSlogdetBackward0", returns="sign logabsdet")
def slogdet(input):
    """Sign of the determinant and logarithm of its magnitude."""
    return linalg_slogdet(input)


@op("fm", node="WhereBackward0")
def logdet(input):
    """Logarithm of the determinant; NaN if it is negative, -inf if it is 0."""
    require_square("logdet", input)
    sign, log = jnp.linalg.slogdet(input)
    if jnp.iscomplexobj(input):
        return jnp.log(sign) + log
    return jnp.where(sign == -1, jnp.asarray(np.nan, log.dtype), log)


# --- inverses and solutions -----------------------------------------------------------------------


def lu_solution(a, b):
    """Return (solution of a x = b by LU, info); a: (*, N, N), b: (*, N, K)."""
    if not a.size or not b.size:
        return jnp.zeros(b.shape, b.dtype), jnp.zeros(a.shape[:-2], np.int32)
    packed = lax.linalg.lu(lax.stop_gradient(a))[0]  # XLA keeps one of this and solve's own
    return jnp.linalg.solve(a, b), factor_info(packed)


@op("fo", space="linalg", node="LinalgInvExBackward0", returns="inverse info")
def inv_ex(A, *, check_errors: bool = False):
    """Inverse of square matrices, and info (0, or the zero on U's diagonal)."""
    del check_errors  # the shim looks at info
    require_square("linalg.inv", A)
    if not A.size:
        return A + 0, jnp.zeros(A.shape[:-2], np.int32)
    return _inverse(A), factor_info(lax.linalg.lu(lax.stop_gradient(A))[0])


@jax.custom_jvp
def _inverse(a):
    eye = jnp.broadcast_to(jnp.eye(a.shape[-1], dtype=a.dtype), a.shape)
    return jnp.linalg.solve(a, eye)


@_inverse.defjvp
def _inverse_jvp(primals, tangents):
    (a,), (t,) = primals, tangents
    inverse = _inverse(a)
    return inverse, -dot(inverse, t, inverse)


def is_vector(a, b):
    """Return True if ``b`` is one right-hand side a matrix instead of a matrix of columns."""
    return b.ndim == 1 or (a.ndim - 1 == b.ndim and b.shape == a.shape[:-1])


@op("fo", space="linalg", node="LinalgSolveExBackward0", returns="result info")
def solve_ex(A, B, *, left: bool = True, check_errors: bool = False):
    """Solution X of A X = B (or X A = B), and info (0, or the zero on U's diagonal)."""
    del check_errors  # the shim looks at info
    name = "linalg.solve"
    require_square(name, A)
    require_same_dtype(name, A, B)
    vector = is_vector(A, B)
    if vector and not left:
        raise RuntimeError(
            "linalg.solve: Vector broadcasting of the left hand side is not supported for "
            "left=False. In this case "
            "linalg.solve is equivalent to B / A.squeeze(-1)"
        )
    columns = B[..., None] if vector else B
    if columns.shape[-2 if left else -1] != A.shape[-1]:
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {'AX' if left else 'XA'} = B "
            f"({A.shape[-2]}x{A.shape[-1]} and {columns.shape[-2]}x{columns.shape[-1]})"
        )
    a, b = broadcast_batches(A, columns)
    if left:
        out, info = lu_solution(a, b)
    else:
        out, info = lu_solution(jnp.swapaxes(a, -1, -2), jnp.swapaxes(b, -1, -2))
        out = jnp.swapaxes(out, -1, -2)
    return (jnp.squeeze(out, -1) if vector else out), info


def _by_factors(packed, pivots, b, is_adjoint):
    """Solve with a packed LU: P L U x = b, or its adjoint."""
    lower, upper = _triangles(packed)
    order = _permutation(pivots, packed.shape[-2], packed.dtype)
    solve = lax.linalg.triangular_solve
    if is_adjoint:
        y = solve(upper, b, left_side=True, lower=False, transpose_a=True, conjugate_a=True)
        z = solve(
            lower,
            y,
            left_side=True,
            lower=True,
            transpose_a=True,
            conjugate_a=True,
            unit_diagonal=True,
        )
        return dot(order, z)
    y = solve(
        lower, dot(jnp.swapaxes(order, -1, -2), b), left_side=True, lower=True, unit_diagonal=True
    )
    return solve(upper, y, left_side=True, lower=False)


@op("fo", space="linalg", name="lu_solve", node="LinalgLuSolveBackward0")
def linalg_lu_solve(LU, pivots, B, *, left: bool = True, adjoint: bool = False):
    """Solution X of A X = B (or X A = B, or with A's adjoint) given the packed LU of A."""
    require_square("linalg.lu_solve", LU)
    require_same_dtype("linalg.lu_solve", LU, B)
    batch = np.broadcast_shapes(LU.shape[:-2], B.shape[:-2])
    packed, b = (jnp.broadcast_to(x, batch + x.shape[-2:]) for x in (LU, B))
    pivots = jnp.broadcast_to(pivots, batch + pivots.shape[-1:])
    if left:
        return _by_factors(packed, pivots, b, adjoint)
    return _conjugate_transpose(_by_factors(packed, pivots, _conjugate_transpose(b), not adjoint))


_conjugate_transpose = adjoint


@op("fmo", node="LinalgLuSolveBackward0")
def lu_solve(input, LU_data, LU_pivots):
    """Solution X of A X = input given the packed LU of A."""
    return linalg_lu_solve(LU_data, LU_pivots, input)
