"""What the linear-algebra families share: argument checks in PyTorch's words, adjoints, products.

No op is declared here.  Floor 1.
"""

import functools

import jax.numpy as jnp
import numpy as np
from jax import lax

from ..._core import dtype as dt


def adjoint(a):
    """Return the conjugate transpose of the last two dims."""
    return jnp.conj(jnp.swapaxes(a, -1, -2))


def dot(*matrices):
    """Return the product of matrices at full precision."""
    return functools.reduce(
        lambda a, b: jnp.matmul(a, b, precision=lax.Precision.HIGHEST), matrices
    )


def require_inexact(name, a, low_precision=False):
    """Raise PyTorch's RuntimeError unless ``a`` is float32, float64 or complex."""
    own = dt.from_np(np.dtype(a.dtype))
    if own.category < dt.FLOATING:
        raise RuntimeError(
            f"{name}: Expected a floating point or complex tensor as input. Got "
            f"{dt.scalar_name(own)}"
        )
    if not low_precision and own in dt.REDUCED_FLOATS:
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got {dt.scalar_name(own)}")


def require_rank(name, a, letter="A"):
    """Raise PyTorch's RuntimeError unless ``a`` has at least two dims."""
    if a.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor {letter} must have at least 2 dimensions.")


def require_matrices(name, a, letter="A"):
    """Raise PyTorch's RuntimeError unless ``a`` holds float or complex matrices."""
    require_rank(name, a, letter)
    require_inexact(name, a)


def require_square(name, a):
    """Raise PyTorch's RuntimeError unless ``a`` holds square float or complex matrices."""
    require_rank(name, a)
    if a.shape[-1] != a.shape[-2]:
        raise RuntimeError(
            f"{name}: A must be batches of square matrices, but they are {a.shape[-2]} by "
            f"{a.shape[-1]} matrices"
        )
    require_inexact(name, a)


def require_same_dtype(name, a, b):
    """Raise PyTorch's RuntimeError unless ``a`` and ``b`` have one dtype."""
    if a.dtype != b.dtype:
        names = [dt.scalar_name(dt.from_np(np.dtype(x.dtype))) for x in (a, b)]
        raise RuntimeError(
            f"{name}: Expected A and B to have the same dtype, but found A of type {names[0]} and "
            "B of type "
            f"{names[1]} instead"
        )


def broadcast_batches(*arrays):
    """Return ``arrays`` with the dims before their last two broadcast."""
    batch = np.broadcast_shapes(*(a.shape[:-2] for a in arrays))
    return [jnp.broadcast_to(a, batch + a.shape[-2:]) for a in arrays]
