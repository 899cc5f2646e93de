"""Matrix products of every shape: ``matmul``, ``addmm``, ``linear``, ``outer``, ``kron``.

Contractions by name (``einsum``, ``tensordot``) are in ``contract.py``.  float32 products are true
float32 on every device; float16 and bfloat16 are accumulated in float32; integers wrap around.
Operands must agree in dtype: PyTorch does not promote here.  Floor 2.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax

from .._core import dtype as dt
from ._common import broadcast_shape, cast, kind, promoted, require, wrap_dim
from ._registry import COMMON, Scalar, op

_C_NAMES = {
    **{"bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short"},
    **{"int32": "int", "int64": "long int", "float16": "c10::Half", "bfloat16": "c10::BFloat16"},
    **{"float32": "float", "float64": "double", "complex64": "c10::complex<float>"},
    **{"complex128": "c10::complex<double>"},
}


def product(a, b):
    """``a @ b`` in NumPy's shape rules, at full precision and in the dtype of the operands."""
    if kind(a) == "f" and a.dtype.itemsize < 4:
        wide = jnp.matmul(a, b, precision=lax.Precision.HIGHEST, preferred_element_type=np.float32)
        return wide.astype(a.dtype)
    return jnp.matmul(a, b, precision=lax.Precision.HIGHEST)


def _name(array):
    return dt.scalar_name(dt.from_np(np.dtype(array.dtype)))


def _require_same(text, *arrays):
    """Raise RuntimeError ``text`` with the scalar type names filled in unless the dtypes agree."""
    if any(a.dtype != arrays[0].dtype for a in arrays):
        raise RuntimeError(text.format(*map(_name, arrays)))


def _require_fit(rows, inner, mat2):
    if inner != mat2.shape[0]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{inner} and "
            f"{mat2.shape[0]}x{mat2.shape[1]})"
        )


def _require_c_same(a, b):
    if a.dtype != b.dtype:
        names = [_C_NAMES[np.dtype(x.dtype).name] for x in (a, b)]
        raise RuntimeError(
            f"expected m1 and m2 to have the same dtype, but got: {names[0]} != {names[1]}"
        )


# --- plain products -----------------------------------------------------------------------------


@op("fmo")
def mm(input, mat2):
    """Matrix product: (N, K) x (K, M) -> (N, M).  No broadcasting."""
    if input.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if mat2.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    _require_fit(*input.shape, mat2)
    _require_c_same(input, mat2)
    require("addmm_impl_cpu_", "ifc", input)
    return product(input, mat2)


@op("fmo")
def bmm(input, mat2):
    """Product of a batch of matrices: (B, N, K) x (B, K, M) -> (B, N, M).  No broadcasting."""
    _require_batches(input, mat2)
    _require_same("expected scalar type {} but found {}", input, mat2)
    require("bmm", "ifc", input)
    return product(input, mat2)


def _require_batches(batch1, batch2):
    for which, batch in (("batch1", batch1), ("batch2", batch2)):
        if batch.ndim != 3:
            raise RuntimeError(f"{which} must be a 3D tensor")
    if batch1.shape[0] != batch2.shape[0] or batch1.shape[2] != batch2.shape[1]:
        raise RuntimeError(
            "Expected size for first two dimensions of batch2 tensor to be: "
            f"[{batch1.shape[0]}, {batch1.shape[2]}] but got: [{batch2.shape[0]}, "
            f"{batch2.shape[1]}]."
        )


@op("fmo")
def mv(input, vec):
    """Matrix times vector: (N, K) x (K,) -> (N,)."""
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {input.ndim}, {vec.ndim}")
    _require_vector_fit(input.shape[0], input.shape, vec)
    if input.dtype != vec.dtype:
        names = [_name(vec), _name(input), _name(vec)]
        raise RuntimeError(
            "addmv input tensors must have the same dtype, but got {}, {}, and {}".format(*names)
        )
    require("addmv_impl_cpu", "ifc", input)
    return product(input, vec)


def _require_vector_fit(size, shape, vec):
    if shape[1] != vec.shape[0]:
        raise RuntimeError(
            f"size mismatch, got input ({size}), mat ({shape[0]}x{shape[1]}), vec ({vec.shape[0]})"
        )


@op("fmo")
def dot(input, tensor):
    """Sum of products of two vectors: (K,) x (K,) -> ().  Complex numbers are not conjugated."""
    _require_vectors("dot", input, tensor)
    require("dot", "ifc", input)
    return product(input, tensor)


@op("fmo")
def vdot(input, other):
    """Sum of products of two vectors, the first one conjugated: (K,) x (K,) -> ()."""
    _require_vectors("vdot" if kind(input) == "c" else "dot", input, other)
    require("dot", "ifc", input)
    return product(jnp.conj(input), other)


def _require_vectors(name, a, b):
    if a.ndim != 1 or b.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {a.ndim}D and {b.ndim}D tensors")
    _require_same(
        f"{name} : expected both vectors to have same dtype, but found {{}} and {{}}", a, b
    )
    if a.shape != b.shape:
        n, m = a.shape[0], b.shape[0]
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{n}] and src [{m}] to have the same "
            "number of "
            f"elements, but got {n} and {m} elements respectively"
        )


@op("fmo", node="MmBackward0", methods="__matmul__", aliases="linalg.matmul")
def matmul(input, other):
    """Product of vectors, matrices or batches of matrices; the batch dims broadcast."""
    if not input.ndim or not other.ndim:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {input.ndim}D and "
            f"{other.ndim}D"
        )
    if input.ndim == 1 and other.ndim == 1:
        return dot(input, other)
    if other.ndim == 1:
        flat = input.reshape(_rows(input), input.shape[-1])
        return mv(flat, other).reshape(input.shape[:-1])
    if input.ndim == 1 and other.ndim == 2:
        return jnp.squeeze(mm(input[None], other), 0)
    if other.ndim == 2:
        flat = input.reshape(_rows(input), input.shape[-1])
        return mm(flat, other).reshape(*input.shape[:-1], other.shape[1])
    if input.ndim == 1:
        shape = (int(np.prod(other.shape[:-2])) * other.shape[-1], other.shape[-2])
        _require_vector_fit(shape[0], shape, input)
    return _batched(input, other)


def _rows(x):
    return int(np.prod(x.shape[:-1]))


def _batched(input, other):
    """Product with a batch on the right; dims before the last two broadcast."""
    left = input[None] if input.ndim == 1 else input
    batch = broadcast_shape(left.shape[:-2], other.shape[:-2])
    count = int(np.prod(batch))
    if left.shape[-1] != other.shape[-2]:
        if left.ndim == 2:
            raise RuntimeError(
                f"mat1 and mat2 shapes cannot be multiplied ({_rows(other.mT)}x{other.shape[-2]} "
                "and "
                f"{left.shape[1]}x{left.shape[0]})"
            )
        raise RuntimeError(
            "Expected size for first two dimensions of batch2 tensor to be: "
            f"[{count}, {left.shape[-1]}] but got: [{count}, {other.shape[-2]}]."
        )
    _require_same("expected scalar type {} but found {}", left, other)
    require("bmm", "ifc", left)
    out = product(left, other)
    return jnp.squeeze(out, -2) if input.ndim == 1 else out


@op("m", name="__rmatmul__", node="MmBackward0")
def rmatmul(input, other):
    """``other @ input``."""
    return matmul(other, input)


@op("fmo", node="MulBackward0", aliases="ger linalg.outer")
def outer(input, vec2):
    """Products of all pairs: (N,) x (M,) -> (N, M)."""
    for name, v in (("self", input), ("vec2", vec2)):
        if v.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {v.ndim}-D")
    return _times(input[:, None], vec2[None])


def _times(a, b):
    """Multiply with PyTorch's promotion, for products that are element-wise underneath."""
    a, b = promoted(a, b)
    return a * b


@op("fmo", node="ViewBackward0")
def inner(input, other):
    """Products summed over the last dim of both: (*a, K) x (*b, K) -> (*a, *b)."""
    if not input.ndim or not other.ndim:
        return _times(input, other)
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    _require_same("expected scalar type {} but found {}", input, other)
    left, right = input.reshape(-1, input.shape[-1]), other.reshape(-1, other.shape[-1])
    return mm(left, right.T).reshape(*input.shape[:-1], *other.shape[:-1])


@op("fmo", node="UnsafeViewBackward0")
def kron(input, other):
    """Kronecker product; the operand with fewer dims is padded with leading dims of size 1."""
    rank = max(input.ndim, other.ndim)
    a, b = (x.reshape((1,) * (rank - x.ndim) + x.shape) for x in (input, other))
    spread = _times(
        a.reshape([n for size in a.shape for n in (size, 1)]),
        b.reshape([n for size in b.shape for n in (1, size)]),
    )
    return spread.reshape([n * m for n, m in zip(a.shape, b.shape, strict=True)])


# --- products that are added to something ---------------------------------------------------------


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
    _require_fit(*mat1.shape, mat2)
    _require_same("self and mat2 must have the same dtype, but got {} and {}", input, mat2)
    _require_same("mat1 and mat2 must have the same dtype, but got {} and {}", mat1, mat2)
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
    _require_vector_fit(input.shape[0] if input.ndim else 1, mat.shape, vec)
    _require_same(
        "addmv input tensors must have the same dtype, but got {}, {}, and {}", input, mat, vec
    )
    require("addmv_impl_cpu", "ifc", mat)
    return _added(input, beta, mat.shape[:1], _wide_product(mat, vec), alpha)


@op("fmio", promote=COMMON)
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
    _require_batches(batch1, batch2)
    _require_same(
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
    _require_batches(batch1, batch2)
    _require_same(
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
    flat = input.reshape(_rows(input), input.shape[-1]) if input.ndim else input
    if not input.ndim:
        raise RuntimeError(
            "both arguments to linear need to be at least 1D, but they are 0D and 2D"
        )
    _require_fit(*flat.shape, weight.T)
    if bias is None:
        return mm(flat, weight.T).reshape(*input.shape[:-1], weight.shape[0])
    _require_same("mat1 and mat2 must have the same dtype, but got {} and {}", flat, weight)
    _require_same("self and mat2 must have the same dtype, but got {} and {}", bias, weight)
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


# --- cross products -------------------------------------------------------------------------------


def _crossed(input, other, dim):
    """Return a[k+1] * b[k+2] - a[k+2] * b[k+1], indices modulo 3, along ``dim``."""
    a1, a2, b1, b2 = (jnp.roll(x, -k, axis=dim) for x in (input, other) for k in (1, 2))
    return a1 * b2 - a2 * b1


@op("fmo", space="linalg", name="cross", node="LinalgCrossBackward0", promote=COMMON)
def linalg_cross(input, other, *, dim: int = -1):
    """Cross product along a dim of size 3; the other dims broadcast."""
    if input.ndim != other.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    broadcast_shape(input.shape, other.shape)
    d = wrap_dim(dim, input.ndim)
    if input.shape[d] != 3 or other.shape[d] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[d]} and "
            f"{other.shape[d]}"
        )
    return _crossed(input, other, d)


@op("fmo", node="LinalgCrossBackward0", promote=COMMON)
def cross(input, other, dim: int | None = None):
    """Cross product along ``dim``, by default the first dim of size 3."""
    if dim is None:
        threes = [d for d, n in enumerate(input.shape) if n == 3]
        if not threes:
            raise RuntimeError("no dimension of size 3 in input")
        dim = threes[0]
    return linalg_cross(input, other, dim=dim)
