"""Factorizations: Cholesky, QR, SVD, eigenvalues.

Signs and pivots are LAPACK's, as in PyTorch.  Where a factorization fails for a value of the input,
the ``_ex`` form says so in ``info``; the shim turns that into PyTorch's LinAlgError.  Gradients
that depend on an arbitrary phase follow PyTorch's choice.  Floor 2.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .._registry import op
from ._linalg_checks import adjoint, broadcast_batches, dot, require_matrices, require_square

# --- Cholesky -----------------------------------------------------------------------------------


@jax.custom_jvp
def cholesky_factor(a):
    """Lower Cholesky factor, which reads the lower triangle only; NaN where there is none."""
    return lax.linalg.cholesky(a, symmetrize_input=False)


@cholesky_factor.defjvp
def _cholesky_jvp(primals, tangents):
    """The gradient is spread evenly over both triangles, although only one is read."""
    (a,), (t,) = primals, tangents
    factor = cholesky_factor(a)
    half = lax.linalg.triangular_solve(factor, (t + adjoint(t)) / 2, left_side=True, lower=True)
    inner = lax.linalg.triangular_solve(
        factor, half, left_side=False, lower=True, transpose_a=True, conjugate_a=True
    )
    weight = jnp.tril(jnp.ones(a.shape[-2:], a.real.dtype)) - 0.5 * jnp.eye(
        a.shape[-1], dtype=a.real.dtype
    )
    return factor, dot(factor, inner * weight)


def _failing_order(a):
    """Return for each matrix the order of its first leading minor that is not positive (0: all
    are).
    """
    n = a.shape[-1]
    lower = jnp.tril(a)
    whole = lower + adjoint(jnp.tril(a, -1))

    def step(k, state):
        rest, info = state
        pivot = rest[..., k, k].real
        info = jnp.where((info == 0) & ~(pivot > 0), k + 1, info)
        column = rest[..., :, k] / jnp.where(pivot > 0, pivot, 1)[..., None]
        return rest - column[..., :, None] * rest[..., None, k, :], info

    start = jnp.zeros(a.shape[:-2], np.int32)
    return lax.fori_loop(0, n, step, (whole, start))[1].astype(np.int32)


@op("fo", space="linalg", node="LinalgCholeskyExBackward0", returns="L info")
def cholesky_ex(A, *, upper: bool = False, check_errors: bool = False):
    """Cholesky factor of Hermitian positive-definite matrices, and info (0, or the order that
    failed).
    """
    del check_errors  # the shim looks at info
    require_square("linalg.cholesky", A)
    if not A.size:
        return A + 0, jnp.zeros(A.shape[:-2], np.int32)
    if upper:
        A = adjoint(A)
    factor = cholesky_factor(A)
    still = lax.stop_gradient(A)
    failed = jnp.any(jnp.isnan(lax.stop_gradient(factor)))
    info = lax.cond(failed, _failing_order, lambda a: jnp.zeros(a.shape[:-2], np.int32), still)
    factor = jnp.tril(factor)
    return (adjoint(factor) if upper else factor), info


@jax.custom_jvp
def _factor_solution(b, factor):
    """Solution of L L^H x = b."""
    half = lax.linalg.triangular_solve(factor, b, left_side=True, lower=True)
    return lax.linalg.triangular_solve(
        factor, half, left_side=True, lower=True, transpose_a=True, conjugate_a=True
    )


@_factor_solution.defjvp
def _factor_solution_jvp(primals, tangents):
    """PyTorch differentiates L L^H for a full L, although only its triangle is read."""
    (b, factor), (tb, tf) = primals, tangents
    x = _factor_solution(b, factor)
    step = dot(tf, adjoint(factor)) + dot(factor, adjoint(tf))
    return x, _factor_solution(tb - dot(step, x), factor)


@op("fmo", node="CholeskySolveBackward0")
def cholesky_solve(input, L, upper: bool = False):
    """Solution X of A X = input, given the Cholesky factor of A."""
    require_matrices("cholesky_solve", input)
    require_square("cholesky_solve", L)
    b, factor = broadcast_batches(input, L)
    return _factor_solution(b, adjoint(factor) if upper else factor) if b.size else b + 0


@op("fmo")
def cholesky_inverse(input, upper: bool = False):
    """Inverse of A, given its Cholesky factor."""
    require_square("cholesky_inverse", input)
    eye = jnp.broadcast_to(jnp.eye(input.shape[-1], dtype=input.dtype), input.shape)
    return cholesky_solve(eye, input, upper)


# --- QR -------------------------------------------------------------------------------------------


def _reduced_qr(a):
    """Reduced QR; for wide matrices by the square left part, which is differentiable."""
    m, n = a.shape[-2:]
    if m >= n:
        return lax.linalg.qr(a, full_matrices=False)
    q, left = lax.linalg.qr(a[..., :m], full_matrices=False)
    return q, jnp.concatenate([left, dot(adjoint(q), a[..., m:])], axis=-1)


def _qr(a, mode):
    if mode == "reduced":
        return _reduced_qr(a)
    if mode == "complete":
        if a.shape[-2] <= a.shape[-1]:
            return _reduced_qr(a)
        return lax.linalg.qr(a, full_matrices=True)
    if mode == "r":
        return jnp.zeros((0,), a.dtype), _reduced_qr(a)[1]
    raise RuntimeError(
        f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or "
        "'complete'"
    )


@op("fo", space="linalg", node="LinalgQrBackward0", returns="Q R")
def qr(A, mode: str = "reduced"):
    """A = Q R with orthonormal columns in Q and R upper triangular: "reduced", "complete" or
    "r".
    """
    require_matrices("linalg.qr", A)
    return _qr(A, mode)


@op("fmo", name="qr", node="LinalgQrBackward0", returns="Q R")
def torch_qr(input, some: bool = True):
    """The older spelling of ``linalg.qr``; not ``some`` means "complete"."""
    require_matrices("linalg.qr", input)
    return _qr(input, "reduced" if some else "complete")


# --- SVD ------------------------------------------------------------------------------------------


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def svd_factors(a, full):
    """U, S, Vh of the singular value decomposition; ``full`` completes U and Vh to square ones."""
    u, s, vh = lax.linalg.svd(a, full_matrices=full, compute_uv=True)
    return u, s, vh


@svd_factors.defjvp
def _svd_jvp(full, primals, tangents):
    """Tangents of the thin factors, with the phase that PyTorch chooses; the completed columns
    stay.
    """
    (a,), (t,) = primals, tangents
    u, s, vh = svd_factors(a, full)
    k = s.shape[-1]
    u1, v1 = u[..., :k], adjoint(vh[..., :k, :])
    inner = dot(adjoint(u1), t, v1)  # (*, K, K)
    ds = jnp.diagonal(inner, axis1=-2, axis2=-1).real
    row, column = s[..., None, :], s[..., :, None]
    eye = jnp.eye(k, dtype=s.dtype)
    gap = (row - column) * (row + column) + eye
    gain = (1 - eye) / gap
    mixed_u, mixed_v = inner * row, column * inner
    du = dot(u1, gain * (mixed_u + adjoint(mixed_u)))
    dv = dot(v1, gain * (mixed_v + adjoint(mixed_v)))
    if jnp.iscomplexobj(a):
        turn = jnp.diagonal(inner, axis1=-2, axis2=-1).imag / s
        du = du + u1 * (1j * turn)[..., None, :]
    if a.shape[-2] > k:
        beyond = dot(t, v1)
        du = du + (beyond - dot(u1, adjoint(u1), beyond)) / row
    if a.shape[-1] > k:
        beyond = dot(adjoint(t), u1)
        dv = dv + (beyond - dot(v1, adjoint(v1), beyond)) / row
    dvh = adjoint(dv)
    if full:
        du = jnp.concatenate([du, jnp.zeros_like(u[..., k:])], axis=-1)
        dvh = jnp.concatenate([dvh, jnp.zeros_like(vh[..., k:, :])], axis=-2)
    return (u, s, vh), (du.astype(u.dtype), ds.astype(s.dtype), dvh.astype(vh.dtype))


@op("fo", space="linalg", node="LinalgSvdBackward0", returns="U S Vh")
def svd(A, full_matrices: bool = True, *, driver: str | None = None):
    """A = U diag(S) Vh with S descending; not ``full_matrices`` leaves U and Vh thin."""
    require_matrices("linalg.svd", A)
    _no_driver("linalg.svd", driver)
    return svd_factors(A, full_matrices)


def _no_driver(name, driver):
    if driver is not None:
        raise RuntimeError(
            f"{name}: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER "
            "backend."
        )


@op("fo", space="linalg", node="LinalgSvdBackward0")
def svdvals(A, *, driver: str | None = None):
    """Singular values, descending."""
    require_matrices("linalg.svdvals", A)
    _no_driver("linalg.svdvals", driver)
    return singular_values(A)


@jax.custom_jvp
def singular_values(a):
    """Singular values, whose gradient needs U and V."""
    return lax.linalg.svd(a, full_matrices=False, compute_uv=False)


@singular_values.defjvp
def _singular_values_jvp(primals, tangents):
    (a,), (t,) = primals, tangents
    u, s, vh = svd_factors(a, False)
    return s, jnp.sum((jnp.conj(u) * dot(t, adjoint(vh))).real, axis=-2).astype(s.dtype)


@op("fmo", name="svd", node="LinalgSvdBackward0", returns="U S V")
def torch_svd(input, some: bool = True, compute_uv: bool = True):
    """The older spelling of ``linalg.svd``: returns V instead of its adjoint."""
    require_matrices("linalg.svd", input)
    if not compute_uv:
        m, n = input.shape[-2:]
        empty = [jnp.zeros((*input.shape[:-2], k, k), input.dtype) for k in (m, n)]
        return empty[0], singular_values(input), empty[1]
    u, s, vh = svd_factors(input, not some)
    return u, s, adjoint(vh)


# --- eigenvalues ----------------------------------------------------------------------------------


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def hermitian_eigen(a, lower):
    """Eigenvalues, ascending, and eigenvectors; one triangle is read, the gradient is for both."""
    vectors, values = lax.linalg.eigh(a, lower=lower, symmetrize_input=False)
    return values, vectors


@hermitian_eigen.defjvp
def _hermitian_eigen_jvp(lower, primals, tangents):
    (a,), (t,) = primals, tangents
    values, vectors = hermitian_eigen(a, lower)
    inner = dot(adjoint(vectors), (t + adjoint(t)) / 2, vectors)
    eye = jnp.eye(a.shape[-1], dtype=values.dtype)
    gap = values[..., None, :] - values[..., :, None] + eye
    step = dot(vectors, inner * ((1 - eye) / gap))
    return (values, vectors), (jnp.diagonal(inner, axis1=-2, axis2=-1).real, step)


def _hermitian_eigen(name, a, uplo):
    require_square(name, a)
    if uplo.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {uplo}")
    return hermitian_eigen(a, uplo.upper() == "L")


@op("fo", space="linalg", node="LinalgEighBackward0", returns="eigenvalues eigenvectors")
def eigh(A, UPLO: str = "L"):
    """Eigenvalues, ascending, and eigenvectors of Hermitian matrices, of which one triangle is
    read.
    """
    return _hermitian_eigen("linalg.eigh", A, UPLO)


@op("fo", space="linalg", node="LinalgEighBackward0")
def eigvalsh(A, UPLO: str = "L"):
    """Eigenvalues of Hermitian matrices, ascending."""
    return _hermitian_eigen("linalg.eigvalsh", A, UPLO)[0]


@jax.custom_jvp
def eigen(a):
    """Eigenvalues and unit eigenvectors of general matrices, complex (CPU only)."""
    wide = a.astype(jnp.result_type(a.dtype, np.complex64))
    values, vectors = lax.linalg.eig(
        wide, compute_left_eigenvectors=False, compute_right_eigenvectors=True
    )
    return values, vectors


@eigen.defjvp
def _eigen_jvp(primals, tangents):
    (a,), (t,) = primals, tangents
    values, vectors = eigen(a)
    inner = jnp.linalg.solve(vectors, dot(t.astype(vectors.dtype), vectors))
    eye = jnp.eye(a.shape[-1], dtype=vectors.dtype)
    gap = values[..., None, :] - values[..., :, None] + eye
    step = dot(vectors, inner * (1 - eye) / gap)
    along = jnp.sum(jnp.conj(vectors) * step, axis=-2, keepdims=True).real
    return (values, vectors), (jnp.diagonal(inner, axis1=-2, axis2=-1), step - vectors * along)


@op("fo", space="linalg", node="LinalgEigBackward0", returns="eigenvalues eigenvectors")
def eig(A):
    """Eigenvalues and eigenvectors of general square matrices, complex."""
    require_square("linalg.eig", A)
    return eigen(A)


@op("fo", space="linalg", node="LinalgEigBackward0")
def eigvals(A):
    """Eigenvalues of general square matrices, complex."""
    require_square("linalg.eigvals", A)
    return eigen(A)[0]
