"""Max pooling, with and without indices, and the adaptive form.

A window's maximum is taken dim by dim from the last to the first, each as a maximum of strided
slices.  PyTorch lets the first maximum in row-major window order win, and the last NaN if there is
one; so does each of these steps, hence their composition.  The derivative routes each gradient to
that element by the recorded positions: a sum of selected slices, whose transpose is edge pads and
joins only, never a scatter.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._common import require
from .._registry import Dims, op
from . import _windows
from ._pool_checks import Window, check_max_pool1d, check_one_dim, window


@op("f", node="SqueezeBackward1")
def max_pool1d(
    input,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    dilation: Dims = 1,
    ceil_mode: bool = False,
):
    """Maximum over windows of ``input`` (N, C, L) or (C, L); padding counts as minus infinity."""
    check_max_pool1d(input.shape, kernel_size, stride, padding, dilation, ceil_mode)
    require("max_pool1d_impl", "f", input)
    return _lifted("max_pool1d", _max, input, kernel_size, stride, padding, dilation, ceil_mode)


@op("f", node="MaxPool2DWithIndicesBackward0")
def max_pool2d(
    input,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    dilation: Dims = 1,
    ceil_mode: bool = False,
):
    """Maximum over windows of ``input`` (N, C, H, W) or (C, H, W); padding counts as minus
    infinity.
    """
    return _max("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode)


@op("f", node="MaxPool3DWithIndicesBackward0")
def max_pool3d(
    input,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    dilation: Dims = 1,
    ceil_mode: bool = False,
):
    """Maximum over windows of ``input`` (N, C, D, H, W) or (C, D, H, W); padding is minus
    infinity.
    """
    return _max("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode)


@op("f", node="SqueezeBackward1")
def max_pool1d_with_indices(
    input,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    dilation: Dims = 1,
    ceil_mode: bool = False,
):
    """``max_pool1d`` and the position of each maximum along L, as (values, indices)."""
    given = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    check_one_dim("max_pool1d", input.shape, **given)
    return _lifted(
        "max_pool2d", _max_with_indices, input, kernel_size, stride, padding, dilation, ceil_mode
    )


@op(
    "f", space="nn.functional", name="max_pool2d_with_indices", node="MaxPool2DWithIndicesBackward0"
)
def max_pool2d_with_indices(
    input,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    dilation: Dims = 1,
    ceil_mode: bool = False,
):
    """``max_pool2d`` and the position of each maximum in its flattened (H, W) plane."""
    return _max_with_indices(
        "max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode
    )


@op(
    "f", space="nn.functional", name="max_pool3d_with_indices", node="MaxPool3DWithIndicesBackward0"
)
def max_pool3d_with_indices(
    input,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    dilation: Dims = 1,
    ceil_mode: bool = False,
):
    """``max_pool3d`` and the position of each maximum in its flattened (D, H, W) volume."""
    return _max_with_indices(
        "max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode
    )


@op("f", node="SqueezeBackward1")
def adaptive_max_pool1d(input, output_size: Dims):
    """Maximum over ``output_size`` windows that cover L evenly, and the position of each."""
    check_one_dim("adaptive_max_pool1d", input.shape, output_size=output_size)
    size = _windows.per_dim(output_size, 1)
    _check_adaptive("adaptive_max_pool1d", input, (2, 3), size, 1)
    values, indices = _adaptive_max(input[..., None, :], (1, *size), "adaptive_max_pool2d")
    return values.squeeze(-2), indices.squeeze(-2)


@op(
    "f",
    space="nn.functional",
    name="adaptive_max_pool2d_with_indices",
    node="AdaptiveMaxPool2DBackward0",
)
def adaptive_max_pool2d(input, output_size: Dims):
    """Maximum over (OH, OW) windows that cover (H, W) evenly, and its position in the plane."""
    size = adaptive_size(input.shape, output_size, 2)
    _check_adaptive("adaptive_max_pool2d", input, (3, 4), size, 2)
    return _adaptive_max(input, size, "adaptive_max_pool2d")


@op(
    "f",
    space="nn.functional",
    name="adaptive_max_pool3d_with_indices",
    node="AdaptiveMaxPool3DBackward0",
)
def adaptive_max_pool3d(input, output_size: Dims):
    """Maximum over (OD, OH, OW) windows that cover (D, H, W) evenly, and its position in the
    volume.
    """
    size = adaptive_size(input.shape, output_size, 3)
    _check_adaptive("adaptive_max_pool3d", input, (4, 5), size, 3)
    return _adaptive_max(input, size, "adaptive_max_pool3d_cpu")


def _lifted(name, pool, input, kernel_size, stride, padding, dilation, ceil_mode):
    """Pool (C, L) or (N, C, L) as a plane of one row."""
    (k,), (p,), (d,) = (_windows.per_dim(v, 1) for v in (kernel_size, padding, dilation))
    (s,) = _windows.per_dim(kernel_size if stride in (None, ()) else stride, 1)
    out = pool(name, 2, input[..., None, :], (1, k), (1, s), (0, p), (1, d), ceil_mode)
    return jax.tree.map(lambda x: x.squeeze(-2), out)


def _max(name, n, input, *arguments):
    config = window(name, n, input.shape, *arguments)
    require(f"max_pool{n}d", "if", input)
    return _pool(input, tuple(_axis(config, i, input.shape[i - n]) for i in range(n)))


def _max_with_indices(name, n, input, *arguments):
    config = window(name, n, input.shape, *arguments)
    require(f"max_pool{n}d", "if", input)
    axes = tuple(_axis(config, i, input.shape[i - n]) for i in range(n))
    return _pool(input, axes), _indices(input, axes)


# The arithmetic.  An axis is a hashable description of the windows on one trailing dim:
# ("steps", kernel, stride, dilation, padding, count, size) or ("ranges", starts, ends).


def _axis(config: Window, i: int, size: int) -> tuple:
    return ("steps", *config.axis(i), size)


def _pieces(x, position, axis, fill):
    """Return the list of window elements along dim ``position``; number i holds element i of
    each.
    """
    if axis[0] == "steps":
        return _windows.slices(x, position, *axis[1:6], fill=fill)
    starts, ends = (np.asarray(v) for v in axis[1:])
    # A short window repeats its last element, which changes neither the maximum nor who comes
    # first.
    return [
        jnp.take(x, np.minimum(starts + i, ends - 1), axis=position)
        for i in range(max(ends - starts))
    ]


def _whole(x, position, axis):
    """Return the elements of the only window, in order, or None if there are several or it is
    padded.
    """
    if axis[0] != "steps":
        return None
    _, kernel, _, dilation, padding, count, size = axis
    if count != 1 or padding or _windows.extent(kernel, dilation) > size:
        return None
    return jax.lax.slice_in_dim(x, 0, _windows.extent(kernel, dilation), dilation, axis=position)


def _first_real(axis):
    """Return per window the number of its first element that is not padding, or None where all are
    0.
    """
    if axis[0] != "steps" or axis[4] == 0:
        return None
    _, _, stride, dilation, padding, count, _ = axis
    return -((np.arange(count) * stride - padding).clip(max=0) // dilation)


def _lowest(dtype):
    return -np.inf if jnp.issubdtype(dtype, jnp.floating) else np.iinfo(dtype).min


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _pool(x, axes):
    """Maximum over the windows of the trailing dims."""
    for i in reversed(range(len(axes))):
        position = x.ndim - len(axes) + i
        whole = _whole(x, position, axes[i])
        if whole is not None:
            x = whole.max(position, keepdims=True)
        else:
            x = functools.reduce(jnp.maximum, _pieces(x, position, axes[i], _lowest(x.dtype)))
    return x


@_pool.defjvp
def _pool_jvp(axes, primals, tangents):
    (x,), (dx,) = primals, tangents
    for i in reversed(range(len(axes))):
        position = x.ndim - len(axes) + i
        x, chosen = _select(x, position, axes[i])
        dx = _take(dx, chosen, position, axes[i])
    return x, dx


def _indices(x, axes):
    """Return the flat position, within the trailing dims, of each window's maximum."""
    x = jax.lax.stop_gradient(x)
    spatial = x.shape[x.ndim - len(axes) :]
    where = jnp.broadcast_to(jnp.arange(np.prod(spatial), dtype=int).reshape(spatial), x.shape)
    for i in reversed(range(len(axes))):
        position = x.ndim - len(axes) + i
        x, chosen = _select(x, position, axes[i])
        where = _take(where, chosen, position, axes[i])
    return where


def _select(x, position, axis):
    """Return the maxima along one dim and the number of the winning element in each window."""
    whole = _whole(x, position, axis)
    if whole is not None:
        size = whole.shape[position]
        last_nan = (
            size - 1 - jnp.argmax(jnp.flip(whole != whole, position), position, keepdims=True)
        )
        first_max = jnp.argmax(whole, position, keepdims=True)
        best = whole.max(position, keepdims=True)
        return best, jnp.where(best != best, last_nan, first_max).astype(jnp.int32)
    pieces = _pieces(x, position, axis, _lowest(x.dtype))
    number = np.int8 if len(pieces) < 128 else np.int32
    first = _first_real(axis)
    best, chosen = pieces[0], jnp.zeros(pieces[0].shape, number)
    for i, piece in enumerate(pieces[1:], 1):
        better = (piece > best) | (piece != piece)
        if first is not None and np.any(first == i):
            # An element of minus infinity still wins over padding.
            better |= (first == i).reshape(-1, *(1,) * (best.ndim - 1 - position))
        best, chosen = jnp.where(better, piece, best), jnp.where(better, number(i), chosen)
    return best, chosen


def _take(x, chosen, position, axis):
    """Return the element number ``chosen`` of each window along one dim: linear in ``x``."""
    whole = _whole(x, position, axis)
    if whole is not None:
        shape = [1] * x.ndim
        shape[position] = -1
        numbers = np.arange(whole.shape[position], dtype=np.int32).reshape(shape)
        return jnp.where(chosen == numbers, whole, 0).sum(position, keepdims=True, dtype=x.dtype)
    pieces = _pieces(x, position, axis, 0)
    return functools.reduce(
        jnp.add, [jnp.where(chosen == i, piece, 0) for i, piece in enumerate(pieces)]
    )


def _adaptive_max(input, size, kernel_name):
    if 0 in size:
        shape = (*input.shape[: -len(size)], *size)
        return jnp.zeros(shape, input.dtype), jnp.zeros(shape, int)
    require(kernel_name, "f", input)
    axes = tuple(adaptive_axis(n, o) for n, o in zip(input.shape[-len(size) :], size, strict=True))
    return _pool(input, axes), _indices(input, axes)


def adaptive_axis(size: int, out: int) -> tuple:
    """Describe ``out`` windows that cover ``size`` elements: steps if they are equal, else
    ranges.
    """
    if size % out == 0:
        return ("steps", size // out, size // out, 1, 0, out, size)
    starts = tuple(i * size // out for i in range(out))
    ends = tuple(-(-(i + 1) * size // out) for i in range(out))
    return ("ranges", starts, ends)


def adaptive_size(shape: tuple[int, ...], output_size: Any, n: int) -> tuple[int, ...]:
    """Return the output size of ``n`` dims; None keeps that of ``shape``."""
    if isinstance(output_size, int):
        return (output_size,) * n
    if len(shape) <= len(output_size):
        raise ValueError(f"Input dimension should be at least {len(output_size) + 1}")
    own = shape[len(shape) - len(output_size) :]
    return tuple(o if s is None else s for s, o in zip(output_size, own, strict=True))


def _check_adaptive(name, input, ranks, size, n):
    if len(size) != n:
        raise RuntimeError(f"{name}(): internal error: output_size.size() must be {n}")
    if input.ndim not in ranks:
        raise RuntimeError(
            f"{name}(): Expected {ranks[0]}D or {ranks[1]}D tensor, but got: {list(input.shape)}"
        )
    for dim in range(-n - 1, 0):
        if input.shape[dim] == 0:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but "
                "input has "
                f"sizes {list(input.shape)} with dimension {input.ndim + dim} being empty"
            )
    if any(s < 0 for s in size):
        shape = [*input.shape[:-n], *(1,) * (n == 1), *size]
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(size)}: {shape}")
