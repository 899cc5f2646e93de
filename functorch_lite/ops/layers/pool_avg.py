"""Average pooling: windows, adaptive, and the power average (``lp_pool``).

Sums are taken dim by dim, each as a sum of strided slices; the divisor of each window is known from
the shapes.  The whole is linear, so its transpose, edge pads and joins, is the backward.
"""

import functools

import jax.numpy as jnp
import numpy as np
from jax import lax

from .._common import require, widened
from .._registry import Dims, op
from ..pointwise.elementwise import absolute
from . import _windows
from ._pool_checks import Window, check_one_dim, window
from .pool_max import adaptive_axis, adaptive_size, max_pool1d_with_indices, max_pool2d, max_pool3d

MANY = 16
"""A window longer than this is summed by ``lax.reduce_window`` instead of slice by slice."""


@op("f", node="SqueezeBackward1", aliases="nn.functional.avg_pool1d")
def avg_pool1d(
    input,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
):
    """Mean over windows of ``input`` (N, C, L) or (C, L)."""
    given = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    check_one_dim("avg_pool1d", input.shape, **given)
    (k,), (p,) = (_windows.per_dim(v, 1) for v in (kernel_size, padding))
    (s,) = (k,) if stride in (None, ()) else _windows.per_dim(stride, 1)
    plane = input[..., None, :]
    out = _avg("avg_pool2d", 2, plane, (1, k), (1, s), (0, p), ceil_mode, count_include_pad, None)
    return out.squeeze(-2)


@op("fo", space="nn.functional", node="AvgPool2DBackward0")
def avg_pool2d(
    input,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
):
    """Mean over windows of ``input`` (N, C, H, W) or (C, H, W)."""
    return _avg(
        "avg_pool2d",
        2,
        input,
        kernel_size,
        stride,
        padding,
        ceil_mode,
        count_include_pad,
        divisor_override,
    )


@op("fo", space="nn.functional", node="AvgPool3DBackward0")
def avg_pool3d(
    input,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
):
    """Mean over windows of ``input`` (N, C, D, H, W) or (C, D, H, W)."""
    return _avg(
        "avg_pool3d",
        3,
        input,
        kernel_size,
        stride,
        padding,
        ceil_mode,
        count_include_pad,
        divisor_override,
    )


@op("f", node="SqueezeBackward1", aliases="nn.functional.adaptive_avg_pool1d")
def adaptive_avg_pool1d(input, output_size: Dims):
    """Mean over ``output_size`` windows that cover L evenly."""
    check_one_dim("adaptive_avg_pool1d", input.shape, output_size=output_size)
    size = (1, *_windows.per_dim(output_size, 1))
    plane = input[..., None, :]
    _check_adaptive("adaptive_avg_pool2d", plane, size, 2)
    return _adaptive_avg(plane, size, "adaptive_avg_pool2d").squeeze(-2)


@op("f", space="nn.functional", node="AdaptiveAvgPool2DBackward0")
def adaptive_avg_pool2d(input, output_size: Dims):
    """Mean over (OH, OW) windows that cover (H, W) evenly; None keeps a size."""
    size = adaptive_size(input.shape, output_size, 2)
    _check_adaptive("adaptive_avg_pool2d", input, size, 2)
    return _adaptive_avg(input, size, "adaptive_avg_pool2d")


@op("f", space="nn.functional", node="AdaptiveAvgPool3DBackward0")
def adaptive_avg_pool3d(input, output_size: Dims):
    """Mean over (OD, OH, OW) windows that cover (D, H, W) evenly; None keeps a size."""
    size = adaptive_size(input.shape, output_size, 3)
    _check_adaptive("adaptive_avg_pool3d", input, size, 3)
    return _adaptive_avg(input, size, "adaptive_avg_pool3d_cpu")


@op("f", space="nn.functional", node="PowBackward0")
def lp_pool1d(
    input, norm_type: float, kernel_size: Dims, stride: Dims | None = None, ceil_mode: bool = False
):
    """``norm_type`` root of the sum of powers over windows of (N, C, L); infinity is a maximum."""
    return _lp(1, input, norm_type, kernel_size, stride, ceil_mode)


@op("f", space="nn.functional", node="PowBackward0")
def lp_pool2d(
    input, norm_type: float, kernel_size: Dims, stride: Dims | None = None, ceil_mode: bool = False
):
    """``norm_type`` root of the sum of powers over windows of (N, C, H, W); infinity is a
    maximum.
    """
    return _lp(2, input, norm_type, kernel_size, stride, ceil_mode)


@op("f", space="nn.functional", node="PowBackward0")
def lp_pool3d(
    input, norm_type: float, kernel_size: Dims, stride: Dims | None = None, ceil_mode: bool = False
):
    """``norm_type`` root of the sum of powers over windows of (N, C, D, H, W); infinity is a
    maximum.
    """
    return _lp(3, input, norm_type, kernel_size, stride, ceil_mode)


# The arithmetic.


def _avg(name, n, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor):
    if divisor == 0:
        raise RuntimeError("divisor must be not zero")
    config = window(name, n, input.shape, kernel_size, stride, padding, 1, ceil_mode)
    if input.dtype != jnp.int64:
        require("avg_pool3d_out_frame" if n == 3 else name, "f", input)
    x = widened(input)
    for i in reversed(range(n)):
        x = _window_sums(x, x.ndim - n + i, *config.axis(i))
    counts = divisor or _divisors(config, input.shape[-n:], count_include_pad)
    if input.dtype == jnp.int64:
        return lax.div(x, jnp.broadcast_to(jnp.asarray(counts, jnp.int64), x.shape))
    return (x / np.asarray(counts, x.dtype)).astype(input.dtype)


def _window_sums(x, position, kernel, stride, dilation, padding, count):
    if kernel == 1 and stride == 1 and padding == 0:
        return x
    if kernel <= MANY:
        return functools.reduce(
            jnp.add, _windows.slices(x, position, kernel, stride, dilation, padding, count)
        )
    x = _windows.fit(x, position, padding, (count - 1) * stride + kernel, 0)
    if count == 1:
        return x.sum(position, keepdims=True, dtype=x.dtype)
    size, step = [1] * x.ndim, [1] * x.ndim
    size[position], step[position] = kernel, stride
    return lax.reduce_window(x, np.zeros((), x.dtype), lax.add, size, step, "valid")


def _divisors(config: Window, spatial, count_include_pad):
    """Return how many elements each window counts, as an array over the output's trailing dims."""
    sizes = []
    for i, size in enumerate(spatial):
        kernel, stride, _, padding, count = config.axis(i)
        starts = np.arange(count) * stride - padding
        ends = np.minimum(starts + kernel, size + padding)
        if not count_include_pad:
            starts, ends = np.maximum(starts, 0), np.minimum(ends, size)
        sizes.append(ends - starts)
    return functools.reduce(np.multiply.outer, sizes)


def _adaptive_avg(input, size, kernel_name):
    if 0 in size or input.size == 0:
        return (
            jnp.zeros((*input.shape[: -len(size)], *size), input.dtype) + widened(input).sum() * 0
        )
    require(kernel_name, "f", input)
    x = widened(input)
    for i in reversed(range(len(size))):
        position = x.ndim - len(size) + i
        x = _adaptive_means(x, position, adaptive_axis(x.shape[position], size[i]))
    return x.astype(input.dtype)


def _adaptive_means(x, position, axis):
    if axis[0] == "steps":
        _, kernel, stride, dilation, padding, count, _ = axis
        return _window_sums(x, position, kernel, stride, dilation, padding, count) / kernel
    starts, ends = (np.asarray(v) for v in axis[1:])
    shape = (-1, *(1,) * (x.ndim - 1 - position))
    pieces = [
        jnp.where(
            (starts + i < ends).reshape(shape),
            jnp.take(x, np.minimum(starts + i, ends - 1), axis=position),
            0,
        )
        for i in range(max(ends - starts))
    ]
    return functools.reduce(jnp.add, pieces) / np.asarray(ends - starts, x.dtype).reshape(shape)


def _lp(n, input, norm_type, kernel_size, stride, ceil_mode):
    if abs(norm_type) == float("inf"):
        sign = 1 if norm_type > 0 else -1
        if n == 1:
            return (
                sign
                * max_pool1d_with_indices(
                    sign * absolute(input), kernel_size, stride, 0, 1, ceil_mode
                )[0]
            )
        pool = max_pool2d if n == 2 else max_pool3d
        return sign * pool(sign * absolute(input), kernel_size, stride, 0, 1, ceil_mode)
    x = widened(input)
    power = x * x if norm_type == 2 else x**norm_type
    if n == 1:
        out = avg_pool1d(power, kernel_size, stride, 0, ceil_mode)
    else:
        out = _avg(f"avg_pool{n}d", n, power, kernel_size, stride, 0, ceil_mode, True, None)
    # The gradient is zero where the sum of powers is zero.
    return _root(out * int(np.prod(_windows.per_dim(kernel_size, n))), norm_type).astype(
        input.dtype
    )


def _root(x, norm_type):
    safe = jnp.where(x == 0, 1, x)
    return jnp.where(x == 0, 0, safe ** (1.0 / norm_type))


def _check_adaptive(name, input, size, n):
    if len(size) != n:
        raise RuntimeError(f"{name}: output_size must be {n}")
    if input.ndim not in (n + 1, n + 2):
        raise RuntimeError(
            f"{name}(): Expected {n + 1}D or {n + 2}D tensor, but got {list(input.shape)}"
        )
    for dim in range(-n - (n == 3), 0):
        if input.shape[dim] == 0:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but "
                "input has "
                f"sizes {list(input.shape)} with dimension {input.ndim + dim} being empty"
            )
    if any(s < 0 for s in size):
        text = ", ".join(map(str, size)) if n == 2 else f"{size[0]}, {size[1]},{size[2]}"
        raise RuntimeError(
            f"{name}: elements of output_size must be greater than or equal to 0 but received "
            f"{{{text}}}"
        )
