"""What several op families share: dtype checks in PyTorch's words, shapes, casts, gradients.

Everything here works on JAX arrays or tracers and looks only at shapes and dtypes, so it costs
nothing once a program is compiled.  No op is declared here.  Floor 1.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

from .._core import dtype as dt

# --- dtypes ---------------------------------------------------------------------------------------


def kind(array: Any) -> str:
    """Return the category of an array's dtype: ``"b"``, ``"i"``, ``"f"`` or ``"c"``.

    Unlike NumPy's letter it counts unsigned integers as ``"i"`` and bfloat16 as ``"f"``.
    """
    return "bifc"[dt.from_np(np.dtype(array.dtype)).category]


def require(kernel: str, kinds: str, *arrays: Any) -> None:
    """Raise PyTorch's NotImplementedError unless each array's dtype is of one of ``kinds``.

    ``kernel`` is the name of PyTorch's CPU kernel, which its message quotes.
    """
    for array in arrays:
        if kind(array) not in kinds:
            name = dt.scalar_name(dt.from_np(np.dtype(array.dtype)))
            raise NotImplementedError(f"\"{kernel}\" not implemented for '{name}'")


def only(kernel: str, kinds: str, fun: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``fun`` with :func:`require` before it, for the rows of a table."""

    @functools.wraps(fun)
    def checked(*arrays: Any) -> Any:
        require(kernel, kinds, *arrays)
        return fun(*arrays)

    return checked


def refuse(kinds: str, error: Exception, *arrays: Any) -> None:
    """Raise ``error`` if an array's dtype is of one of ``kinds``."""
    if any(kind(array) in kinds for array in arrays):
        raise error


def cast(array: Any, dtype: dt.dtype) -> Any:
    """Convert ``array`` to ``dtype`` as PyTorch's CPU copy does.

    Float to integer truncates toward zero through int32 (int64 for int64 and the wide unsigned
    types); NaN and values out of that range become its minimum, and a narrower integer keeps the
    low bits.  Complex to real drops the imaginary part.  Anything to bool is ``!= 0``.
    """
    source = kind(array)
    if dtype is dt.bool_:
        return array if source == "b" else array != 0
    if source == "c" and not dtype.is_complex:
        array, source = array.real, "f"
    if source == "f" and dtype.category == dt.INTEGRAL:
        array = _float_to_int(
            array, np.int32 if dtype.itemsize <= 4 and dtype is not dt.uint32 else np.int64
        )
    return array.astype(dtype.np)


def _float_to_int(array: Any, wide: type) -> Any:
    """Truncate to ``wide`` (int32 or int64); what does not fit becomes its minimum, as on x86."""
    if array.dtype.itemsize < 4:
        array = array.astype(np.float32)
    limit = np.asarray(2.0 ** (8 * np.dtype(wide).itemsize - 1), array.dtype)
    fits = (array < limit) & (array > -limit)
    lowest = np.asarray(np.iinfo(wide).min, wide)
    return jnp.where(fits, jnp.where(fits, array, 0).astype(wide), lowest)


# --- shapes ---------------------------------------------------------------------------------------


def contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides of a C-contiguous tensor, in elements, as PyTorch computes them.

    >>> contiguous_strides((2, 0, 3))
    (3, 3, 1)
    """
    strides = []
    step = 1
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return tuple(reversed(strides))


def broadcast_shape(*shapes: Sequence[int]) -> tuple[int, ...]:
    """Return the shape that ``shapes`` broadcast to, or raise PyTorch's RuntimeError."""
    result: list[int] = []
    for shape in shapes:
        result = _broadcast_pair(result, list(shape))
    return tuple(result)


def _broadcast_pair(a: list[int], b: list[int]) -> list[int]:
    rank = max(len(a), len(b))
    a, b = [1] * (rank - len(a)) + a, [1] * (rank - len(b)) + b
    for dim in reversed(range(rank)):
        if a[dim] != b[dim] and a[dim] != 1 and b[dim] != 1:
            raise RuntimeError(
                f"The size of tensor a ({a[dim]}) must match the size of tensor b ({b[dim]}) "
                f"at non-singleton dimension {dim}"
            )
    return [n if m == 1 else m for m, n in zip(a, b, strict=True)]


def broadcasting(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Return the elementwise ``fun`` with a check that the shapes of its arrays broadcast."""

    @functools.wraps(fun)
    def checked(*arrays: Any, **more: Any) -> Any:
        operands = (*arrays, *more.values())
        broadcast_shape(*(a.shape for a in operands if hasattr(a, "shape")))
        return fun(*arrays, **more)

    return checked


def wrap_dim(dim: int, rank: int) -> int:
    """Return ``dim`` counted from the front; IndexError in PyTorch's words if there is no such dim.

    A 0-d tensor counts as having one dim here.
    """
    size = max(rank, 1)
    if not -size <= dim < size:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-size}, {size - 1}], "
            f"but got {dim})"
        )
    return dim % size


def wrap_dims(dims: int | Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """Return the dims to reduce, counted from the front; None and the empty tuple mean all of them.

    >>> wrap_dims(-1, 3), wrap_dims(None, 2), wrap_dims((0, -1), 3)
    ((2,), (0, 1), (0, 2))
    """
    if rank > 64:
        raise RuntimeError("only tensors with up to 64 dims are supported")
    if dims is None or (not isinstance(dims, int) and not len(dims)):
        return tuple(range(rank))
    wrapped = tuple(wrap_dim(d, rank) for d in ((dims,) if isinstance(dims, int) else dims))
    for d in wrapped:
        if wrapped.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return wrapped if rank else ()


def promoted(*arrays: Any) -> list[Any]:
    """Return ``arrays`` cast to the dtype that PyTorch's promotion of tensors gives them all."""
    common = functools.reduce(dt.promote, (dt.from_np(np.dtype(a.dtype)) for a in arrays))
    return [a.astype(common.np) for a in arrays]


def widened(array: Any) -> Any:
    """Return a float16 or bfloat16 array as float32, in which it is computed; else itself."""
    return array.astype(np.float32) if kind(array) == "f" and array.dtype.itemsize < 4 else array


# --- gradients ------------------------------------------------------------------------------------


def with_derivative(
    fun: Callable[..., Any], *rules: Callable[..., Any] | None
) -> Callable[..., Any]:
    """Return the elementwise ``fun`` with PyTorch's derivative instead of JAX's.

    Each rule ``(tangent, result, *arrays) -> tangent of the result`` belongs to one argument and is
    linear in the tangent; None means that no gradient flows.  Works under every transform.  Write
    ``t * where(mask, slope, 0)``, not ``where(mask, t * slope, 0)``: the latter's transpose
    multiplies 0 by a slope that may be infinite.
    """
    wrapped = jax.custom_jvp(fun)

    def jvp(primals: tuple, tangents: tuple) -> tuple:
        result = wrapped(*primals)
        parts = [
            rule(t, result, *primals)
            for rule, t in zip(rules, tangents, strict=True)
            if rule is not None and not isinstance(t, SymbolicZero)
        ]
        tangent = functools.reduce(jnp.add, parts) if parts else jnp.zeros((), result.dtype)
        return result, jnp.broadcast_to(tangent.astype(result.dtype), result.shape)

    wrapped.defjvp(jvp, symbolic_zeros=True)
    return wrapped


def no_derivative(name: str) -> Callable[..., Any]:
    """Return a rule for :func:`with_derivative` that raises as PyTorch does where it has none."""

    def rule(*_: Any) -> Any:
        raise RuntimeError(f"derivative for aten::{name} is not implemented")

    return rule


def flat(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``fun`` with gradient zero everywhere (``floor``, ``sign``), as PyTorch defines it."""

    @functools.wraps(fun)
    def body(*arrays: Any) -> Any:
        return fun(*(jax.lax.stop_gradient(a) for a in arrays))

    return body
