"""Convolutions and transposed convolutions in one, two and three dims.

Every op checks shapes as ATen does, in its order and words, and ends in one
``lax.conv_general_dilated`` in channels-first layout.  Two cases go around XLA's CPU convolution
because it is several times slower there: few input channels with a small kernel, and depthwise
convolution.  Their value is a sum of shifted products; the derivative of the first stays a
convolution.
float16 and bfloat16 are computed in float32 and rounded once.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero

from .._common import require, widened
from .._registry import Dims, op
from ._conv_checks import (
    check_dims,
    check_dtypes,
    check_kernel,
    check_numbers,
    check_rank,
    check_transposed,
    check_weight,
    expand,
    named_padding,
    not_implemented,
)
from ._sums import spread
from ._windows import extent, per_dim, slices

FEW_TAPS = 27
"""Up to this many products per output element a sum of shifted slices beats XLA's convolution."""


@op("f", node="ConvolutionBackward0", aliases="nn.functional.conv1d", tuned="convolution")
def conv1d(
    input,
    weight,
    bias=None,
    stride: Dims = 1,
    padding: Dims | str = 0,
    dilation: Dims = 1,
    groups: int = 1,
):
    """Cross-correlate ``input`` (N, C, L) or (C, L) with ``weight`` (O, C / groups, K).

    ``padding`` is a number of zeros on both sides, ``"valid"`` or ``"same"``.
    """
    return _conv(1, input, weight, bias, stride, padding, dilation, groups)


@op("f", node="ConvolutionBackward0", aliases="nn.functional.conv2d", tuned="convolution")
def conv2d(
    input,
    weight,
    bias=None,
    stride: Dims = 1,
    padding: Dims | str = 0,
    dilation: Dims = 1,
    groups: int = 1,
):
    """Cross-correlate ``input`` (N, C, H, W) or (C, H, W) with ``weight`` (O, C / groups, KH, KW).

    ``padding`` is a number of zeros on both sides (one for all dims or one each), ``"valid"`` or
    ``"same"``.
    """
    return _conv(2, input, weight, bias, stride, padding, dilation, groups)


@op("f", node="ConvolutionBackward0", aliases="nn.functional.conv3d", tuned="convolution")
def conv3d(
    input,
    weight,
    bias=None,
    stride: Dims = 1,
    padding: Dims | str = 0,
    dilation: Dims = 1,
    groups: int = 1,
):
    """Cross-correlate ``input`` (N, C, D, H, W) or (C, D, H, W) with ``weight`` (O, C / groups, KD,
    KH, KW).

    ``padding`` is a number of zeros on both sides (one for all dims or one each), ``"valid"`` or
    ``"same"``.
    """
    return _conv(3, input, weight, bias, stride, padding, dilation, groups)


@op("f", node="ConvolutionBackward0", aliases="nn.functional.conv_transpose1d", tuned="convolution")
def conv_transpose1d(
    input,
    weight,
    bias=None,
    stride: Dims = 1,
    padding: Dims = 0,
    output_padding: Dims = 0,
    groups: int = 1,
    dilation: Dims = 1,
):
    """Gradient of ``conv1d`` as a map of its own: (N, C, L) with weight (C, O / groups, K)."""
    return _conv_transpose(
        1, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


@op("f", node="ConvolutionBackward0", aliases="nn.functional.conv_transpose2d", tuned="convolution")
def conv_transpose2d(
    input,
    weight,
    bias=None,
    stride: Dims = 1,
    padding: Dims = 0,
    output_padding: Dims = 0,
    groups: int = 1,
    dilation: Dims = 1,
):
    """Gradient of ``conv2d`` as a map of its own: (N, C, H, W) with weight (C, O / groups, KH,
    KW).
    """
    return _conv_transpose(
        2, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


@op("f", node="ConvolutionBackward0", aliases="nn.functional.conv_transpose3d", tuned="convolution")
def conv_transpose3d(
    input,
    weight,
    bias=None,
    stride: Dims = 1,
    padding: Dims = 0,
    output_padding: Dims = 0,
    groups: int = 1,
    dilation: Dims = 1,
):
    """Gradient of ``conv3d`` as a map of its own: (N, C, D, H, W) with weight (C, O / groups, KD,
    KH, KW).
    """
    return _conv_transpose(
        3, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def _conv(n, input, weight, bias, stride, padding, dilation, groups):
    name = f"conv{n}d"
    batched = check_rank(name, n, input)
    if isinstance(padding, str) and padding == "same" and weight.ndim != n + 2:
        raise RuntimeError(
            f"Expected {weight.ndim}-dimensional input for {weight.ndim}-dimensional weight"
            f"{list(weight.shape)}, but got {n + 2}-dimensional input of size "
            f"{list((1,) * (not batched) + input.shape)} instead"
        )
    check_dims(n, weight, stride)
    if isinstance(padding, str):
        pads = named_padding(n, padding, weight, per_dim(stride, n), per_dim(dilation, n))
    else:
        pads = [(p, p) for p in expand("padding", padding, n)]
    check_dtypes(input, weight, bias)
    require("slow_conv2d_cpu" if n < 3 else "compute_columns3d", "ifc", input)
    stride, dilation = expand("stride", stride, n), expand("dilation", dilation, n)
    check_numbers(stride, dilation, [low for low, _ in pads], groups)
    x = input if batched else input[None]
    check_weight(x, weight, groups, bias, transposed=False)
    check_kernel(x, weight, pads, dilation)
    out = _add_bias(_compute(x, weight, stride, tuple(pads), dilation, groups), bias)
    out = out.astype(input.dtype)
    return out if batched else out[0]


def _conv_transpose(n, input, weight, bias, stride, padding, output_padding, groups, dilation):
    name = f"conv_transpose{n}d"
    batched = check_rank(name, n, input)
    check_dims(n, weight, stride)
    check_dtypes(input, weight, bias)
    require(f"slow_conv_transpose{max(n, 2)}d_out_cpu", "ifc", input)
    if input.dtype in (jnp.int32, jnp.int16, jnp.int8, jnp.uint8):
        raise not_implemented(f"slow_conv_transpose{max(n, 2)}d_out_cpu", input)
    stride, padding = expand("stride", stride, n), expand("padding", padding, n)
    dilation, extra = expand("dilation", dilation, n), expand("output_padding", output_padding, n)
    check_numbers(stride, dilation, padding, groups, extra)
    x = input if batched else input[None]
    check_weight(x, weight, groups, bias, transposed=True)
    kernel = weight.shape[2:]
    check_transposed(x, kernel, stride, padding, dilation, extra)
    # A convolution over the input spread out by `stride`, with the kernel flipped and the roles of
    # its channels exchanged within each group.
    c, o = weight.shape[0] // groups, weight.shape[1]
    w = weight.reshape(groups, c, o, *kernel).swapaxes(1, 2).reshape(groups * o, c, *kernel)
    w = jnp.flip(w, tuple(range(2, n + 2)))
    ends = [extent(k, d) - 1 for k, d in zip(kernel, dilation, strict=True)]
    pads = [(e - p, e - p + x) for e, p, x in zip(ends, padding, extra, strict=True)]
    out = _lax_conv(widened(x), widened(w), (1,) * n, tuple(pads), dilation, groups, stride)
    out = _add_bias(out, bias).astype(input.dtype)
    return out if batched else out[0]


# The arithmetic.


def _compute(x, weight, stride, pads, dilation, groups) -> Any:
    x, weight = widened(x), widened(weight)
    if x.shape[1] == 0 or weight.shape[0] == 0 or x.size == 0:
        spatial = [
            (size + low + high - extent(k, d)) // s + 1
            for size, (low, high), k, d, s in zip(
                x.shape[2:], pads, weight.shape[2:], dilation, stride, strict=True
            )
        ]
        # Nothing to sum, yet the result hangs on the operands: their gradients are zeros.
        anchor = x.sum() * 0 + weight.sum() * 0
        channels = weight.shape[0] if x.shape[1] else 0
        return jnp.zeros((x.shape[0], channels, *spatial), x.dtype) + anchor
    if weight[0].size <= FEW_TAPS and jnp.issubdtype(x.dtype, jnp.floating):
        if groups == 1:
            return _few_taps(x, weight, stride, pads, dilation)
        if groups == x.shape[1] == weight.shape[0]:
            return _depthwise(x, weight, stride, pads, dilation)
    return _lax_conv(x, weight, stride, pads, dilation, groups)


def _lax_conv(x, weight, stride, pads, dilation, groups, lhs_dilation=None):
    return lax.conv_general_dilated(
        x,
        weight,
        stride,
        pads,
        lhs_dilation=lhs_dilation,
        rhs_dilation=dilation,
        feature_group_count=groups,
        precision=None,
    )


def _depthwise(x, weight, stride, pads, dilation):
    """Convolution of each channel (N, C, *) with its own kernels (O, 1, *), as a fused loop."""
    flat, ones = weight.reshape(weight.shape[0], -1), (1,) * (x.ndim - 2)
    out = 0
    for tap, window in enumerate(_taps(x, weight, stride, pads, dilation)):
        out = out + window * flat[:, tap].reshape(1, -1, *ones)
    return out


@functools.partial(jax.custom_jvp, nondiff_argnums=(2, 3, 4))
def _few_taps(x, weight, stride, pads, dilation):
    """Convolution with few products per output element, as a fused loop over shifted inputs."""
    flat = weight.reshape(*weight.shape[:2], -1)  # (O, C, taps)
    ones = (1,) * (x.ndim - 2)
    out = 0
    for tap, window in enumerate(_taps(x, weight, stride, pads, dilation)):
        for c in range(x.shape[1]):
            # (N, 1, *) x (1, O, *)
            out = out + window[:, c : c + 1] * flat[:, c, tap].reshape(1, -1, *ones)
    return out


def _taps(x, weight, stride, pads, dilation):
    """Return the input shifted to each place of the kernel: (N, C, *out) each."""
    windows = [x]
    for i, (low, high) in enumerate(pads):
        k, axis = weight.shape[2 + i], 2 + i
        count = (x.shape[axis] + low + high - extent(k, dilation[i])) // stride[i] + 1
        windows = [
            piece
            for window in windows
            for piece in slices(window, axis, k, stride[i], dilation[i], low, count)
        ]
    return windows


def _few_taps_jvp(stride, pads, dilation, primals, tangents):
    (x, weight), (dx, dweight) = primals, tangents
    config = (stride, pads, dilation)
    terms = [] if isinstance(dx, SymbolicZero) else [_lax_conv(dx, weight, *config, 1)]
    if not isinstance(dweight, SymbolicZero):
        terms.append(_lax_conv(x, dweight, *config, 1))
    return _few_taps(x, weight, *config), functools.reduce(jnp.add, terms)


_few_taps.defjvp(_few_taps_jvp, symbolic_zeros=True)


def _add_bias(out, bias):
    if bias is None:
        return out
    bias = bias.astype(out.dtype)
    if jnp.issubdtype(out.dtype, jnp.floating):
        return out + spread(bias, out.shape)
    return out + bias.reshape(-1, *(1,) * (out.ndim - 2))
