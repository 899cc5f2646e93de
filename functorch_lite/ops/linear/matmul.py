"""Matrix products of every shape: ``matmul``, ``addmm``, ``linear``, ``outer``, ``kron``.

Contractions by name (``einsum``, ``tensordot``) are in ``contract.py``.  float32 products are true
float32 on every device; float16 and bfloat16 are accumulated in float32; integers wrap around.
Operands must agree in dtype: PyTorch does not promote here.  Floor 2.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax

from ..._core import dtype as dt
from .._common import broadcast_shape, kind, promoted, require, wrap_dim
from .._registry import COMMON, op

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


def require_same(text, *arrays):
    """Raise RuntimeError ``text`` with the scalar type names filled in unless the dtypes agree."""
    if any(a.dtype != arrays[0].dtype for a in arrays):
        raise RuntimeError(text.format(*map(_name, arrays)))


def require_fit(rows, inner, mat2):
    """Raise PyTorch's error unless a (rows, inner) matrix can be multiplied by ``mat2``."""
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
    require_fit(input.shape[0], input.shape[1], mat2)
    _require_c_same(input, mat2)
    require("addmm_impl_cpu_", "ifc", input)
    return product(input, mat2)


@op("fmo")
def bmm(input, mat2):
    """Product of a batch of matrices: (B, N, K) x (B, K, M) -> (B, N, M).  No broadcasting."""
    require_batches(input, mat2)
    require_same("expected scalar type {} but found {}", input, mat2)
    require("bmm", "ifc", input)
    return product(input, mat2)


def require_batches(batch1, batch2):
    """Raise PyTorch's error unless two (B, N, K) and (B, K, M) batches can be multiplied."""
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
    require_vector_fit(input.shape[0], input.shape, vec)
    if input.dtype != vec.dtype:
        names = [_name(vec), _name(input), _name(vec)]
        raise RuntimeError(
            "addmv input tensors must have the same dtype, but got {}, {}, and {}".format(*names)
        )
    require("addmv_impl_cpu", "ifc", input)
    return product(input, vec)


def require_vector_fit(size, shape, vec):
    """Raise PyTorch's error unless a matrix of ``shape`` can be multiplied by ``vec``."""
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
    require_same(
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
        flat = input.reshape(row_count(input), input.shape[-1])
        return mv(flat, other).reshape(input.shape[:-1])
    if input.ndim == 1 and other.ndim == 2:
        return jnp.squeeze(mm(input[None], other), 0)
    if other.ndim == 2:
        flat = input.reshape(row_count(input), input.shape[-1])
        return mm(flat, other).reshape(*input.shape[:-1], other.shape[1])
    if input.ndim == 1:
        shape = (int(np.prod(other.shape[:-2])) * other.shape[-1], other.shape[-2])
        require_vector_fit(shape[0], shape, input)
    return _batched(input, other)


def row_count(x):
    """Return the number of rows (vectors along the last dim) of ``x``."""
    return int(np.prod(x.shape[:-1]))


def _batched(input, other):
    """Product with a batch on the right; dims before the last two broadcast."""
    left = input[None] if input.ndim == 1 else input
    batch = broadcast_shape(left.shape[:-2], other.shape[:-2])
    count = int(np.prod(batch))
    if left.shape[-1] != other.shape[-2]:
        if left.ndim == 2:
            raise RuntimeError(
                "mat1 and mat2 shapes cannot be multiplied "
                f"({row_count(other.mT)}x{other.shape[-2]} "
                "and "
                f"{left.shape[1]}x{left.shape[0]})"
            )
        raise RuntimeError(
            "Expected size for first two dimensions of batch2 tensor to be: "
            f"[{count}, {left.shape[-1]}] but got: [{count}, {other.shape[-2]}]."
        )
    require_same("expected scalar type {} but found {}", left, other)
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
    require_same("expected scalar type {} but found {}", input, other)
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


# --- cross products -------------------------------------------------------------------------------


def _crossed(input, other, dim):
    """Return a[k+1] * b[k+2] - a[k+2] * b[k+1], indices modulo 3, along ``dim``."""
    a1, a2, b1, b2 = (jnp.roll(x, -k, axis=dim) for x in (input, other) for k in (1, 2))
    return a1 * b2 - a2 * b1


@op(
    "fmo",
    space="linalg",
    name="cross",
    node="LinalgCrossBackward0",
    promote=COMMON,
    elementwise=False,
)
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


@op("fmo", node="LinalgCrossBackward0", promote=COMMON, elementwise=False)
def cross(input, other, dim: int | None = None):
    """Cross product along ``dim``, by default the first dim of size 3."""
    if dim is None:
        threes = [d for d, n in enumerate(input.shape) if n == 3]
        if not threes:
            raise RuntimeError("no dimension of size 3 in input")
        dim = threes[0]
    return linalg_cross(input, other, dim=dim)
