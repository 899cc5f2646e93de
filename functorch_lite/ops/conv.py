"""Convolutions and transposed convolutions in one, two and three dims.

Every op checks shapes as ATen does, in its order and words, and ends in one
``lax.conv_general_dilated`` in channels-first layout.  Two cases go around XLA's CPU convolution
because it is several times slower there: few input channels with a small kernel, and depthwise
convolution; their value is a sum of shifted products, their derivatives stay convolutions.
float16 and bfloat16 are computed in float32 and rounded once.
"""

import functools
import warnings

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero

from .._core import dtype as dt
from ._common import require, widened
from ._registry import Dims, op
from ._sums import spread
from ._windows import extent, per_dim, slices

SHIFTED_TAPS = 27
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


def _check_dims(n, weight, stride):
    """Check that the weight has as many dims as the function convolves over."""
    dims = weight.ndim - 2
    if dims < 1:
        raise RuntimeError("weight should have at least three dimensions")
    if dims != n:
        raise RuntimeError(
            f"expected stride to be a single integer value or a list of {dims} values to match the "
            f"convolution dimensions, but got stride={list(per_dim(stride, n))}"
        )


def _conv(n, input, weight, bias, stride, padding, dilation, groups):
    name = f"conv{n}d"
    batched = _check_rank(name, n, input)
    if isinstance(padding, str) and padding == "same" and weight.ndim != n + 2:
        raise RuntimeError(
            f"Expected {weight.ndim}-dimensional input for {weight.ndim}-dimensional weight"
            f"{list(weight.shape)}, but got {n + 2}-dimensional input of size "
            f"{list((1,) * (not batched) + input.shape)} instead"
        )
    _check_dims(n, weight, stride)
    if isinstance(padding, str):
        pads = _named_padding(n, padding, weight, per_dim(stride, n), per_dim(dilation, n))
    else:
        pads = [(p, p) for p in _expand("padding", padding, n)]
    _check_dtypes(input, weight, bias)
    require("slow_conv2d_cpu" if n < 3 else "compute_columns3d", "ifc", input)
    stride, dilation = _expand("stride", stride, n), _expand("dilation", dilation, n)
    _check_numbers(stride, dilation, [low for low, _ in pads], groups)
    x = input if batched else input[None]
    _check_weight(x, weight, groups, bias, transposed=False)
    _check_kernel(x, weight, pads, dilation)
    out = _add_bias(_compute(x, weight, stride, tuple(pads), dilation, groups), bias)
    out = out.astype(input.dtype)
    return out if batched else out[0]


def _conv_transpose(n, input, weight, bias, stride, padding, output_padding, groups, dilation):
    name = f"conv_transpose{n}d"
    batched = _check_rank(name, n, input)
    _check_dims(n, weight, stride)
    _check_dtypes(input, weight, bias)
    require(f"slow_conv_transpose{max(n, 2)}d_out_cpu", "ifc", input)
    if input.dtype in (jnp.int32, jnp.int16, jnp.int8, jnp.uint8):
        raise _not_implemented(f"slow_conv_transpose{max(n, 2)}d_out_cpu", input)
    stride, padding = _expand("stride", stride, n), _expand("padding", padding, n)
    dilation, extra = _expand("dilation", dilation, n), _expand("output_padding", output_padding, n)
    _check_numbers(stride, dilation, padding, groups, extra)
    x = input if batched else input[None]
    _check_weight(x, weight, groups, bias, transposed=True)
    kernel = weight.shape[2:]
    _check_transposed(name, x, kernel, stride, padding, dilation, extra)
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


def _compute(x, weight, stride, pads, dilation, groups):
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
    taps = weight[0].size
    depthwise = groups == x.shape[1] == weight.shape[0] and groups > 1
    if (
        taps <= SHIFTED_TAPS
        and (depthwise or groups == 1)
        and jnp.issubdtype(x.dtype, jnp.floating)
    ):
        return _shifted_conv(x, weight, stride, pads, dilation, groups)
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


@functools.partial(jax.custom_jvp, nondiff_argnums=(2, 3, 4, 5))
def _shifted_conv(x, weight, stride, pads, dilation, groups):
    """Convolution as a sum of shifted products: one fused loop, good for few taps an output."""
    windows = [x]
    for i, (low, high) in enumerate(pads):
        k, axis = weight.shape[2 + i], 2 + i
        count = (x.shape[axis] + low + high - extent(k, dilation[i])) // stride[i] + 1
        windows = [
            piece
            for window in windows
            for piece in slices(window, axis, k, stride[i], dilation[i], low, count)
        ]
    flat = weight.reshape(*weight.shape[:2], -1)  # (O, C / groups, taps)
    ones = (1,) * (x.ndim - 2)
    total = 0
    for tap, window in enumerate(windows):
        for c in range(weight.shape[1]):
            # (N, 1, *) x (1, O, *), or (N, C, *) x (1, C, *) for a depthwise convolution
            part = window if groups > 1 else window[:, c : c + 1]
            total = total + part * flat[:, c, tap].reshape(1, -1, *ones)
    return total


def _shifted_conv_jvp(stride, pads, dilation, groups, primals, tangents):
    (x, weight), (dx, dweight) = primals, tangents
    config = (stride, pads, dilation, groups)
    terms = [] if isinstance(dx, SymbolicZero) else [_lax_conv(dx, weight, *config)]
    if not isinstance(dweight, SymbolicZero):
        terms.append(_lax_conv(x, dweight, *config))
    return _shifted_conv(x, weight, *config), functools.reduce(jnp.add, terms)


_shifted_conv.defjvp(_shifted_conv_jvp, symbolic_zeros=True)


def _add_bias(out, bias):
    if bias is None:
        return out
    bias = bias.astype(out.dtype)
    if jnp.issubdtype(out.dtype, jnp.floating):
        return out + spread(bias, out.shape)
    return out + bias.reshape(-1, *(1,) * (out.ndim - 2))


# The checks, in ATen's order.


def _check_rank(name, n, input):
    if input.ndim not in (n + 1, n + 2):
        raise RuntimeError(
            f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {name}, "
            f"but got input of size: {list(input.shape)}"
        )
    return input.ndim == n + 2


def _check_dtypes(input, weight, bias):
    if bias is not None and bias.dtype != input.dtype:
        names = [
            _TYPE_NAMES.get(dt.from_np(x.dtype).name, dt.from_np(x.dtype).name)
            for x in (input, bias)
        ]
        raise RuntimeError(f"Input type ({names[0]}) and bias type ({names[1]}) should be the same")
    if weight.dtype != input.dtype:
        names = [dt.scalar_name(dt.from_np(x.dtype)) for x in (input, weight)]
        raise RuntimeError(f"expected scalar type {names[0]} but found {names[1]}")


_TYPE_NAMES = {
    "float32": "float",
    "float64": "double",
    "int64": "long",
    "int32": "int",
    "float16": "c10::Half",
}


def _not_implemented(kernel, input):
    return NotImplementedError(
        f"\"{kernel}\" not implemented for '{dt.scalar_name(dt.from_np(input.dtype))}'"
    )


def _expand(name, value, n):
    values = per_dim(value, n)
    if len(values) != n:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {n} values to match the "
            f"convolution dimensions, but got {name}={list(values)}"
        )
    return values


def _named_padding(n, padding, weight, stride, dilation):
    if padding == "valid":
        return [(0, 0)] * n
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [
        extent(k, d) - 1
        for k, d in zip(weight.shape[2:], _expand("dilation", dilation, n), strict=True)
    ]
    if any(total % 2 for total in totals):
        warnings.warn(
            "Using padding='same' with even kernel lengths and odd dilation may require a "
            "zero-padded "
            "copy of the input be created",
            UserWarning,
            stacklevel=2,
        )
    return [(total // 2, total - total // 2) for total in totals]


def _check_numbers(stride, dilation, padding, groups, output_padding=()):
    if any(s <= 0 for s in stride):
        raise RuntimeError("non-positive stride is not supported")
    if any(p < 0 for p in padding):
        raise RuntimeError("negative padding is not supported")
    if any(p < 0 for p in output_padding):
        raise RuntimeError("negative output_padding is not supported")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if any(d <= 0 for d in dilation):
        shown = [1, *dilation] if len(dilation) == 1 else list(dilation)
        raise RuntimeError(f"dilation should be greater than zero, but got {shown}")


def _check_weight(x, weight, groups, bias, transposed):
    size, given = list(weight.shape), f"Given transposed={int(transposed)}"
    if size[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, "
            f"but got weight of size {size} instead"
        )
    if size[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
            f"but got weight of size [{size}] instead"
        )
    wanted = size[0] if transposed else size[1] * groups
    if x.shape[1] != wanted:
        given = given if transposed else f"Given groups={groups}"
        raise RuntimeError(
            f"{given}, weight of size {size}, expected input{list(x.shape)} to have {wanted} "
            "channels, "
            f"but got {x.shape[1]} channels instead"
        )
    outputs = size[1] * groups if transposed else size[0]
    if bias is not None and bias.shape != (outputs,):
        given = f"{given}, weight" if transposed else "Given weight"
        raise RuntimeError(
            f"{given} of size {size}, expected bias to be 1-dimensional with {outputs} elements, "
            f"but got bias of size {list(bias.shape)} instead"
        )


def _check_kernel(x, weight, pads, dilation):
    padded = [size + low + high for size, (low, high) in zip(x.shape[2:], pads, strict=True)]
    kernel = [extent(k, d) for k, d in zip(weight.shape[2:], dilation, strict=True)]
    if any(k > p for k, p in zip(kernel, padded, strict=True)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({_times(padded)}). Kernel size: "
            f"({_times(kernel)}). "
            "Kernel size can't be greater than actual input size"
        )
    if 0 in weight.shape[2:]:
        size = (1, *weight.shape[2:])[-max(len(kernel), 2) :]
        text = (
            f": {_times(size)} (TxHxW)"
            if len(size) == 3
            else f" kernel_height: {size[0]} kernel_width: {size[1]}"
        )
        raise RuntimeError(f"kernel size should be greater than zero, but got{text}")


def _check_transposed(name, x, kernel, stride, padding, dilation, extra):
    if 0 in x.shape[2:]:
        shown = [*x.shape[:2], *(1,) * (len(kernel) == 1), *x.shape[2:]]
        raise RuntimeError(
            f"Only zero batch or zero channel inputs are supported, but got input shape: {shown}"
        )
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation, strict=True)):
        names = {1: ("height", "width"), 2: ("height", "width"), 3: ("depth", "height", "width")}[
            len(kernel)
        ]
        rows = (("output_padding", extra, 0), ("stride", stride, 1), ("dilation", dilation, 1))
        text = " ".join(
            f"{row}_{dim}: {value}"
            for row, values, first in rows
            for dim, value in zip(
                names, (*(first,) * (len(names) - len(values)), *values), strict=True
            )
        )
        raise RuntimeError(
            f"output padding must be smaller than either stride or dilation, but got {text}"
        )
    out = [
        (size - 1) * s - 2 * p + extent(k, d) + e
        for size, s, p, k, d, e in zip(
            x.shape[2:], stride, padding, kernel, dilation, extra, strict=True
        )
    ]
    if any(size < 1 for size in out):
        low, high = list(x.shape[2:]), out
        if len(out) == 1:
            low, high = [1, *low], [1, *high]
        raise RuntimeError(
            f"Given input size per channel: ({_times(low)}). Calculated output size per channel: "
            f"({_times(high)}). Output size is too small"
        )


def _times(sizes):
    return " x ".join(str(size) for size in sizes)
