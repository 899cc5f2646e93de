"""Everyday linear algebra: powers, pseudo-inverses, ranks, triangular systems, least squares.

Factorizations are in ``linalg_factor.py``, LU and what needs it in ``lu.py``, norms in ``norm.py``.
Floor 2.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..._core import dtype as dt
from .._common import kind, promoted, wrap_dim
from .._registry import Dims, op
from ..reduction.norm import matrix_norm
from ._linalg_checks import (
    adjoint,
    broadcast_batches,
    dot,
    require_inexact,
    require_matrices,
    require_rank,
    require_same_dtype,
    require_square,
)
from .linalg_factor import hermitian_eigen, singular_values
from .lu import inv_ex, solve_ex

# --- simple -------------------------------------------------------------------------------------


@op("fm")
def trace(input):
    """Sum of the diagonal of a matrix; integers are summed in int64."""
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    result = np.int64 if kind(input) in "bi" else input.dtype
    return jnp.sum(jnp.diagonal(input), dtype=result)


@op("fo", space="linalg", node="SumBackward1")
def vecdot(x, y, *, dim: int = -1):
    """Sum of conj(x) * y over ``dim``; the other dims broadcast."""
    for v in (x, y):
        require_inexact("linalg.vecdot", v, low_precision=True)
    x, y = promoted(x, y)
    product = jnp.conj(x) * y
    return jnp.sum(product, axis=wrap_dim(dim, product.ndim), dtype=product.dtype)


def _powers(x, count, increasing):
    exponents = np.arange(count) if increasing else np.arange(count)[::-1]
    base = x.astype(np.int64) if kind(x) in "bi" else x
    columns = [jnp.ones_like(base)]
    for _ in range(count - 1):
        columns.append(columns[-1] * base)
    if not count:
        return jnp.zeros((*x.shape, 0), base.dtype)
    return jnp.stack([columns[e] for e in exponents], axis=-1)


@op("f", space="linalg", name="vander", node="CatBackward0")
def linalg_vander(x, *, N: int | None = None):
    """Matrices whose rows are 1, x, x**2, ... up to the power N - 1."""
    x = x.reshape(1) if not x.ndim else x
    count = x.shape[-1] if N is None else N
    if N is not None and N <= 1:
        raise RuntimeError(f"N must be greater than 1. Got {N}")
    return _powers(x, count, True)


@op("f", node="FlipBackward0")
def vander(x, N: int | None = None, increasing: bool = False):
    """Matrix whose columns are powers of a vector, the highest first unless ``increasing``."""
    if x.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x.shape[0] if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    return _powers(x, count, increasing)


def _matrix_power(a, n):
    if n == 0:
        return jnp.broadcast_to(jnp.eye(a.shape[-1], dtype=a.dtype), a.shape) + a * 0
    if n < 0:
        a, n = inv_ex(a)[0], -n
    result = a
    for bit in bin(n)[3:]:  # the binary digits after the first
        result = dot(result, result)
        if bit == "1":
            result = dot(result, a)
    return result + np.zeros((), a.dtype)


def _power_of(name, a, n):
    require_rank(name, a)
    if a.shape[-1] != a.shape[-2]:
        raise RuntimeError(
            f"{name}: A must be batches of square matrices, but they are {a.shape[-2]} by "
            f"{a.shape[-1]} matrices"
        )
    return _matrix_power(a, n)


@op("fo", space="linalg", name="matrix_power", node="MmBackward0")
def linalg_matrix_power(A, n: int):
    """The ``n``-th power of square matrices; negative powers are powers of the inverse."""
    return _power_of("linalg.matrix_power", A, n)


@op("fmo", node="MmBackward0")
def matrix_power(input, n: int):
    """The ``n``-th power of square matrices; negative powers are powers of the inverse."""
    return _power_of("linalg.matrix_power", input, n)


@op("f", space="linalg", name="matrix_exp", node="LinalgMatrixExpBackward0")
def linalg_matrix_exp(A):
    """Matrix exponential of square matrices."""
    require_square("linalg.matrix_exp", A)
    return jax.scipy.linalg.expm(A, max_squarings=48) if A.size else A + 0


@op("fm", node="LinalgMatrixExpBackward0")
def matrix_exp(input):
    """Matrix exponential of square matrices."""
    return linalg_matrix_exp(input)


# --- pseudo-inverse, rank, condition --------------------------------------------------------------


@functools.partial(jax.custom_jvp, nondiff_argnums=(3,))
def _pseudo_inverse(a, atol, rtol, hermitian):
    """Moore-Penrose inverse without the singular values up to max(atol, rtol * largest)."""
    if hermitian:
        values, left = hermitian_eigen(a, True)
        right, size = adjoint(left), jnp.abs(values)
    else:
        left, values, right = lax.linalg.svd(a, full_matrices=False)
        size = values
    tolerance = jnp.maximum(atol[..., None], rtol[..., None] * jnp.max(size, -1, keepdims=True))
    keep = size > tolerance
    inverse = jnp.where(keep, 1 / jnp.where(keep, values, 1), 0)[..., None, :]
    return dot(adjoint(right) * inverse, adjoint(left))


@_pseudo_inverse.defjvp
def _pseudo_inverse_jvp(hermitian, primals, tangents):
    (a, atol, rtol), (t, *_) = primals, tangents
    p = _pseudo_inverse(a, atol, rtol, hermitian)
    rows, columns = (jnp.eye(n, dtype=a.dtype) for n in a.shape[-2:])
    left = dot(p, adjoint(p), adjoint(t), rows - dot(a, p))
    right = dot(columns - dot(p, a), adjoint(t), adjoint(p), p)
    return p, left + right - dot(p, t, p)


def _tolerances(a, atol, rtol):
    """Return (atol, rtol) as arrays of the parts' dtype; PyTorch's defaults where they are None."""
    real = a.real.dtype
    absolute = jnp.asarray(0 if atol is None else atol, real)
    default = float(jnp.finfo(real).eps) * max(a.shape[-2:])
    if rtol is not None:
        return absolute, jnp.asarray(rtol, real)
    return absolute, jnp.where(
        absolute > 0, 0, jnp.asarray(default, real)
    ) if atol is not None else jnp.asarray(default, real)


def _pinv(a, atol, rtol, hermitian):
    require_matrices("linalg.pinv", a)
    if not a.size:
        return jnp.swapaxes(a, -1, -2) + 0
    batch = a.shape[:-2]
    atol, rtol = (
        jnp.broadcast_to(t, np.broadcast_shapes(t.shape, batch)) for t in _tolerances(a, atol, rtol)
    )
    a = jnp.broadcast_to(a, np.broadcast_shapes(atol.shape, rtol.shape, batch) + a.shape[-2:])
    return _pseudo_inverse(a, atol, rtol, hermitian)


@op("fo", space="linalg", name="pinv.tolerance", node="LinalgPinvBackward0", numbers="atol rtol")
def linalg_pinv(A, *, atol=None, rtol=None, hermitian: bool = False):
    """Pseudo-inverse; singular values up to max(atol, rtol * largest) count as 0."""
    return _pinv(A, atol, rtol, hermitian)


@op("fo", space="linalg", name="pinv.rcond", node="LinalgPinvBackward0", numbers="rcond")
def linalg_pinv_rcond(A, rcond, hermitian: bool = False):
    """Pseudo-inverse; singular values up to rcond * largest count as 0."""
    return _pinv(A, None, rcond, hermitian)


@op("fm", node="LinalgPinvBackward0", numbers="rcond")
def pinverse(input, rcond=1e-15):
    """Pseudo-inverse; singular values up to rcond * largest count as 0."""
    return _pinv(input, None, rcond, False)


def _rank(a, atol, rtol, hermitian):
    require_matrices("linalg.matrix_rank", a)
    if not a.size:
        return jnp.zeros(a.shape[:-2], np.int64)
    size = jnp.abs(hermitian_eigen(a, True)[0]) if hermitian else singular_values(a)
    atol, rtol = _tolerances(a, atol, rtol)
    tolerance = jnp.maximum(atol, rtol * jnp.max(size, -1))
    return jnp.sum(size > tolerance[..., None], axis=-1, dtype=np.int64)


@op("fo", space="linalg", name="matrix_rank.tolerance", grad=False, numbers="atol rtol")
def matrix_rank(A, *, atol=None, rtol=None, hermitian: bool = False):
    """Number of singular values above max(atol, rtol * largest)."""
    return _rank(A, atol, rtol, hermitian)


@op("fo", space="linalg", name="matrix_rank.tol", grad=False, numbers="tol")
def matrix_rank_tol(A, tol, hermitian: bool = False):
    """Number of singular values above ``tol``."""
    return _rank(A, tol, 0.0, hermitian)


@op("fo", space="linalg", node="SqueezeBackward1")
def cond(A, p: str | None = None):
    """Condition number with respect to a matrix norm; the 2-norm's by default."""
    require_rank("linalg.cond", A)
    require_inexact("linalg.cond", A)
    if p in (None, 2, -2):
        values = singular_values(A)
        if not values.shape[-1]:
            return jnp.zeros(values.shape[:-1], values.dtype)
        ends = values[..., 0], values[..., -1]
        return ends[1] / ends[0] if p == -2 else ends[0] / ends[1]
    require_square("linalg.cond", A)
    if not A.size:
        return jnp.zeros(A.shape[:-2], A.real.dtype)
    inverse, info = inv_ex(A)
    out = matrix_norm(A, p) * matrix_norm(inverse, p)
    return jnp.where(info > 0, jnp.asarray(np.inf, out.dtype), out)


# --- triangular systems ---------------------------------------------------------------------------


@op("fo", space="linalg", node="LinalgSolveTriangularBackward0")
def solve_triangular(A, B, *, upper: bool, left: bool = True, unitriangular: bool = False):
    """Solution X of A X = B (or X A = B) for triangular A, of which one triangle is read."""
    name = "linalg.solve_triangular"
    require_rank(name, A)
    require_rank(name, B, "B")
    require_same_dtype(name, A, B)
    require_square(name, A)
    if B.shape[-2 if left else -1] != A.shape[-1]:
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {'AX' if left else 'XA'} = B "
            f"({A.shape[-2]}x{A.shape[-1]} and {B.shape[-2]}x{B.shape[-1]})"
        )
    a, b = broadcast_batches(A, B)
    if not b.size:
        return b + 0
    return lax.linalg.triangular_solve(
        a, b, left_side=left, lower=not upper, unit_diagonal=unitriangular
    )


@op("fmo", returns="solution cloned_coefficient")
def triangular_solve(
    input, A, upper: bool = True, transpose: bool = False, unitriangular: bool = False
):
    """The older triangular solver: A X = input, or with A transposed; also returns A."""
    a, b = broadcast_batches(A, input)
    out = lax.linalg.triangular_solve(
        a, b, left_side=True, lower=not upper, transpose_a=transpose, unit_diagonal=unitriangular
    )
    return out, a + 0


# --- least squares --------------------------------------------------------------------------------


def _check_lstsq(a, b, driver):
    require_rank("torch.linalg.lstsq", a)
    require_inexact("torch.linalg.lstsq", a)
    if b.ndim < 1:
        raise RuntimeError("torch.linalg.lstsq: other must have at least 1 dimension")
    if a.dtype != b.dtype:
        raise RuntimeError(
            "torch.linalg.lstsq: Expected input and other to have the same dtype, but got "
            f"input's dtype {_name(a)} and other's dtype {_name(b)}"
        )
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(
            "torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)"
        )


def _name(a):
    return dt.scalar_name(dt.from_np(np.dtype(a.dtype)))


@op("fo", space="linalg", returns="solution residuals rank singular_values")
def lstsq(A, B, rcond: float | None = None, *, driver: str | None = None):
    """Least-squares solution of A X = B, with residuals, rank and singular values where the driver
    has them.
    """
    _check_lstsq(A, B, driver)
    driver = driver or "gelsy"
    vector = A.ndim - B.ndim == 1 and A.shape[:-1] == B.shape
    b = B[..., None] if vector else B
    if A.shape[-2] != b.shape[-2]:
        raise RuntimeError(
            f"torch.linalg.lstsq: input.size(-2) should match other.size({-1 if vector else -2})"
        )
    m, n = A.shape[-2:]
    a, b = broadcast_batches(A, b)
    cutoff = float(jnp.finfo(A.dtype).eps) * max(m, n) if rcond is None else rcond
    solution = dot(_pinv(a, None, cutoff, False), b)
    values = singular_values(lax.stop_gradient(A))
    empty = jnp.zeros((0,), A.real.dtype)
    rank = jnp.sum(values > cutoff * values[..., :1], -1, dtype=np.int64)
    off = dot(a, solution) - b
    has_residuals = m > n and driver != "gelsy"
    residuals = jnp.sum((off * jnp.conj(off)).real, axis=-2) if has_residuals else empty
    if vector:
        solution = jnp.squeeze(solution, -1)
    return (
        solution,
        residuals,
        rank if driver != "gels" else jnp.zeros((0,), np.int64),
        values if driver in ("gelsd", "gelss") else empty,
    )


# --- tensors as matrices --------------------------------------------------------------------------


@op("fo", space="linalg", node="ViewBackward0")
def tensorinv(A, ind: int = 2):
    """Inverse of A as a matrix between its first ``ind`` dims and the others."""
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    rows, columns = math.prod(A.shape[:ind]), math.prod(A.shape[ind:])
    if rows != columns:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == "
            "prod(self.shape[:ind]), but got "
            f"{columns} != {rows}"
        )
    return inv_ex(A.reshape(rows, columns))[0].reshape(A.shape[ind:] + A.shape[:ind])


@op("fo", space="linalg", node="ViewBackward0")
def tensorsolve(A, B, dims: Dims | None = None):
    """Solution X of tensordot(A, X, X.ndim) = B; ``dims`` of A are moved to its end first."""
    if dims is not None:
        A = jnp.moveaxis(A, dims, range(-len(dims), 0))
    shape = A.shape[B.ndim :]
    if math.prod(shape) != math.prod(A.shape[: B.ndim]):
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), but got {math.prod(shape)} != "
            f"{math.prod(A.shape[: B.ndim])}"
        )
    return solve_ex(A.reshape(-1, math.prod(shape)), B.reshape(-1))[0].reshape(shape)
