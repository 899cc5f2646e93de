"""Householder reflections: QR in LAPACK's packed form and products with its Q.  Floor 2."""

import jax.numpy as jnp
from jax import lax

from .._registry import op
from ..indexing.index import scalar_name
from ._linalg_checks import adjoint, dot, require_matrices


@op("fmo", returns="a tau")
def geqrf(input):
    """QR in LAPACK's packed form: R above Householder vectors, and their scales ``tau``."""
    require_matrices("torch.geqrf", input)
    packed, tau = jnp.linalg.qr(input, mode="raw")
    return jnp.swapaxes(packed, -1, -2), tau


def _reflected(vectors, tau, target):
    """Apply the product of Householder reflections I - tau v v^H to ``target`` from the left."""
    k = tau.shape[-1]
    if not k or not target.size:
        return target
    rows = jnp.arange(vectors.shape[-2])

    def step(i, out):
        j = k - 1 - i
        v = jnp.where(rows > j, jnp.take(vectors, j, axis=-1), (rows == j).astype(vectors.dtype))[
            ..., None
        ]
        return out - jnp.take(tau, j, axis=-1)[..., None, None] * dot(v, dot(adjoint(v), out))

    return lax.fori_loop(0, k, step, target)


@op("fo", space="linalg", node="LinalgHouseholderProductBackward0")
def householder_product(input, tau):
    """The first columns of the product of Householder reflections, as ``geqrf`` packs them."""
    require_matrices("torch.linalg.householder_product", input, "input")
    m, n = input.shape[-2:]
    if m < n:
        raise RuntimeError(
            "torch.linalg.householder_product: input.shape[-2] must be greater than or equal to "
            "input.shape[-1]"
        )
    if tau.shape[-1] > n:
        raise RuntimeError(
            "torch.linalg.householder_product: input.shape[-1] must be greater than or equal to "
            "tau.shape[-1]"
        )
    if tau.shape[:-1] != input.shape[:-2]:
        raise RuntimeError(
            "torch.linalg.householder_product: Expected batch dimensions of tau to be equal to "
            "input.shape[:-2], "
            f"but got {list(tau.shape[:-1])}"
        )
    if tau.dtype != input.dtype:
        raise RuntimeError(
            f"torch.linalg.householder_product: tau dtype {scalar_name(tau)} does not match input "
            f"dtype {scalar_name(input)}"
        )
    eye = jnp.broadcast_to(jnp.eye(m, n, dtype=input.dtype), input.shape)
    return _reflected(input, tau, eye)


@op("fmo", node="LinalgHouseholderProductBackward0")
def orgqr(input, input2):
    """The older spelling of ``linalg.householder_product``."""
    return householder_product(input, input2)


def _check_ormqr(a, tau, other, left):
    name, side = "torch.ormqr", -2 if left else -1
    for what, x, rank in (("input", a, 2), ("other", other, 2)):
        if x.ndim < rank:
            raise RuntimeError(f"{name}: {what} must have at least {rank} dimensions.")
    if other.shape[side] < tau.shape[-1]:
        raise RuntimeError(
            f"{name}: other.shape[{side}] must be greater than or equal to tau.shape[-1]"
        )
    if other.shape[side] != a.shape[-2]:
        raise RuntimeError(f"{name}: other.shape[{side}] must be equal to input.shape[-2]")
    if tau.shape[-1] > a.shape[-1]:
        raise RuntimeError(f"{name}: tau.shape[-1] must be less than or equal to input.shape[-1]")
    for what, x in (("tau", tau), ("other", other)):
        batch = x.shape[: x.ndim - (1 if what == "tau" else 2)]
        if batch != a.shape[:-2]:
            raise RuntimeError(
                f"{name}: Expected batch dimensions of {what} to be equal to input.shape[:-2], "
                f"but got {list(batch)}"
            )
        if x.dtype != a.dtype:
            raise RuntimeError(
                f"{name}: Expected input and {what} to have the same dtype, but input has dtype"
                f"{scalar_name(a)} and {what} has dtype {scalar_name(x)}"
            )


@op("fmo")
def ormqr(input, tau, other, left: bool = True, transpose: bool = False):
    """Multiply ``other`` by the Q of ``geqrf``'s packed form, or by its adjoint, from one side."""
    _check_ormqr(input, tau, other, left)
    m = other.shape[-2 if left else -1]
    eye = jnp.broadcast_to(jnp.eye(m, dtype=input.dtype), (*input.shape[:-2], m, m))
    q = _reflected(input, tau, eye)
    q = adjoint(q) if transpose else q
    return dot(q, other) if left else dot(other, q)
