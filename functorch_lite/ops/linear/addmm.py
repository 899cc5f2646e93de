"""Matrix products that are added to something: ``addmm`` and kin, and the layers made of them.

Plain products are in ``matmul.py``.  A half type is rounded once, after the sum.  Floor 2.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax

from ..._core import dtype as dt
from .._common import cast, kind, require
from .._registry import COMMON, Scalar, op
from .matmul import (
    matmul,
    mm,
    product,
    require_batches,
    require_fit,
    require_same,
    require_vector_fit,
    row_count,
)

# --- products and sums ----------------------------------------------------------------------------


def _added(input, scale, shape, total, alpha):
    """Return ``scale * input + alpha * total``, in float32 inside for the half types.

    A ``scale`` of 0 ignores ``input``, NaN included, which only a run-time comparison can tell.
    """
    if broadcast_fits(input.shape, shape):
        input = jnp.broadcast_to(input, shape)
    half = kind(total) == "f" and total.dtype.itemsize < 4
    compute = np.dtype(np.float32) if half else total.dtype
    own, total = input.astype(compute), total.astype(compute)
    plain_scale, plain_alpha = _is_one(scale), _is_one(alpha)
    if not plain_alpha:
        total = total * _number(alpha, compute)
    if not plain_scale:
        factor = _number(scale, compute)
        own = jnp.where(factor == 0, jnp.zeros((), compute), own * factor)
    return (own + total).astype(input.dtype)


def _is_one(value):
    return isinstance(value, (bool, int, float)) and value == 1


def _number(value, np_dtype):
    """Return a run-time number in the dtype of the operands (an integer product truncates it)."""
    return cast(jnp.asarray(value), dt.from_np(np.dtype(np_dtype)))


def broadcast_fits(shape, target):
    """Return True if ``shape`` expands to ``target``; RuntimeError in PyTorch's words if it does
    not.
    """
    lead = len(target) - len(shape)
    if lead < 0:
        raise RuntimeError(
            f"The number of sizes provided ({len(target)}) must be greater or equal to the number "
            "of "
            f"dimensions in the tensor ({len(shape)})"
        )
    for d in reversed(range(len(shape))):
        if shape[d] not in (1, target[d + lead]):
            raise RuntimeError(
                f"The expanded size of the tensor ({target[d + lead]}) must match the existing "
                f"size ({shape[d]}) "
                f"at non-singleton dimension {d + lead}.  Target sizes: {list(target)}.  "
                f"Tensor sizes: {list(shape)}"
            )
    return True


@op("fmio")
def addmm(input, mat1, mat2, *, beta: Scalar = 1, alpha: Scalar = 1):
    """``beta * input + alpha * (mat1 @ mat2)``: (N, M) + (N, K) x (K, M); ``input`` broadcasts."""
    for name, m in (("mat1", mat1), ("mat2", mat2)):
        if m.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix, got {m.ndim}-D tensor")
    require_same("self and mat2 must have the same dtype, but got {} and {}", input, mat2)
    require_same("mat1 and mat2 must have the same dtype, but got {} and {}", mat1, mat2)
    require_fit(mat1.shape[0], mat1.shape[1], mat2)
    require("addmm_impl_cpu_", "ifc", mat1)
    shape = (mat1.shape[0], mat2.shape[1])
    return _added(input, beta, shape, _wide_product(mat1, mat2), alpha)


def _wide_product(a, b):
    """Return the product before it is rounded to a half type, so that the sum is rounded once."""
    if kind(a) == "f" and a.dtype.itemsize < 4:
        return jnp.matmul(a, b, precision=lax.Precision.HIGHEST, preferred_element_type=np.float32)
    return product(a, b)


@op("fmio")
def addmv(input, mat, vec, *, beta: Scalar = 1, alpha: Scalar = 1):
    """``beta * input + alpha * (mat @ vec)``: (N,) + (N, K) x (K,); ``input`` broadcasts."""
    if mat.ndim != 2 or vec.ndim != 1 or input.ndim > 1:
        raise RuntimeError(
            f"vector + matrix @ vector expected, got {input.ndim}, {mat.ndim}, {vec.ndim}"
        )
    require_vector_fit(input.shape[0] if input.ndim else 1, mat.shape, vec)
    require_same(
        "addmv input tensors must have the same dtype, but got {}, {}, and {}", input, mat, vec
    )
    require("addmv_impl_cpu", "ifc", mat)
    return _added(input, beta, mat.shape[:1], _wide_product(mat, vec), alpha)


@op("fmio", promote=COMMON, elementwise=False)
def addr(input, vec1, vec2, *, beta: Scalar = 1, alpha: Scalar = 1):
    """``beta * input + alpha * outer(vec1, vec2)``: (N, M) + (N,) x (M,); ``input`` broadcasts."""
    for name, v in (("vec1", vec1), ("vec2", vec2)):
        if v.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument {name}, but got {v.ndim}-D")
    shape = (vec1.shape[0], vec2.shape[0])
    if kind(input) == "b":
        pairs = vec1[:, None] & vec2[None] & (jnp.asarray(alpha) != 0)
        return (broadcast_fits(input.shape, shape) and input & (jnp.asarray(beta) != 0)) | pairs
    return _added(input, beta, shape, vec1[:, None] * vec2[None], alpha)


@op("fmio")
def baddbmm(input, batch1, batch2, *, beta: Scalar = 1, alpha: Scalar = 1):
    """``beta * input + alpha * bmm(batch1, batch2)``; ``input`` broadcasts to (B, N, M)."""
    require_batches(batch1, batch2)
    require_same(
        "Input dtypes must be the same, got: input {}, batch1: {}, batch2: {}",
        input,
        batch1,
        batch2,
    )
    require("baddbmm", "ifc", batch1)
    shape = (batch1.shape[0], batch1.shape[1], batch2.shape[2])
    return _added(input, beta, shape, _wide_product(batch1, batch2), alpha)


@op("fmio")
def addbmm(input, batch1, batch2, *, beta: Scalar = 1, alpha: Scalar = 1):
    """``beta * input + alpha * bmm(batch1, batch2).sum(0)``; ``input`` broadcasts to (N, M)."""
    require_batches(batch1, batch2)
    require_same(
        "Input dtypes must be the same, got: input {}, batch1: {}, batch2: {}",
        input,
        batch1,
        batch2,
    )
    require("addbmm", "ifc", batch1)
    rows = jnp.swapaxes(batch1, 0, 1).reshape(batch1.shape[1], -1)  # (N, B * K)
    total = _wide_product(rows, batch2.reshape(-1, batch2.shape[2]))  # (N, M)
    return _added(input, beta, total.shape, total, alpha)


# --- layers ---------------------------------------------------------------------------------------


@op("fo", space="nn.functional", node="AddmmBackward0")
def linear(input, weight, bias=None):
    """``input @ weight.T + bias``: (*, K), (M, K), (M,) -> (*, M)."""
    if weight.ndim == 1 and bias is None:
        return matmul(input, weight)
    if weight.ndim != 2:
        if bias is not None:
            raise RuntimeError(f"mat2 must be a matrix, got {weight.ndim}-D tensor")
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {weight.ndim}D")
    flat = input.reshape(row_count(input), input.shape[-1]) if input.ndim else input
    if not input.ndim:
        raise RuntimeError(
            "both arguments to linear need to be at least 1D, but they are 0D and 2D"
        )
    if bias is None:
        return mm(flat, weight.T).reshape(*input.shape[:-1], weight.shape[0])
    out = addmm(bias, flat, weight.T)
    return out.reshape(*input.shape[:-1], weight.shape[0])


@op("f", space="nn.functional", node="AddBackward0")
def bilinear(input1, input2, weight, bias=None):
    """``input1 @ weight[m] @ input2 + bias[m]``: (*, K), (*, L), (M, K, L), (M,) -> (*, M)."""
    if input1.ndim != input2.ndim:
        raise RuntimeError(
            f"bilinear(): input dimensions do not match: got {input1.ndim} and {input2.ndim}"
        )
    for d, (n, m) in enumerate(zip(input1.shape[:-1], input2.shape[:-1], strict=True)):
        if n != m:
            raise RuntimeError(
                f"bilinear(): input batch dimensions do not match at dim {d}: got {n} and {m}"
            )
    for k, x in ((1, input1), (2, input2)):
        if x.shape[-1] != weight.shape[k]:
            raise RuntimeError(
                f"bilinear(): input{k} size does not match weight size: got {x.shape[-1]} but "
                "expected "
                f"{weight.shape[k]}"
            )
    if bias is not None and bias.shape[0] != weight.shape[0]:
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {bias.shape[0]} but expected "
            f"{weight.shape[0]}"
        )
    x, y = (z.reshape(-1, z.shape[-1]) for z in (input1, input2))  # (B, K), (B, L)
    half = product(x, jnp.moveaxis(weight, 0, -1).reshape(x.shape[1], -1))  # (B, L * M)
    out = jnp.sum(
        half.reshape(x.shape[0], y.shape[1], -1) * y[:, :, None], 1, dtype=x.dtype
    )  # (B, M)
    out = out.reshape(*input1.shape[:-1], weight.shape[0])
    return out if bias is None else out + bias
