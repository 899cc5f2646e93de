"""Rearrangements of image tensors: pixel and channel shuffles, sliding blocks and their sum.

``unfold`` lists the blocks of a convolution as columns, ``fold`` sums columns back into an image;
each is the transpose of the other.
"""

import math

import jax
import jax.numpy as jnp

from .._common import require
from .._registry import Dims, op
from . import _windows


@op("f", aliases="nn.functional.pixel_shuffle")
def pixel_shuffle(input, upscale_factor: int):
    """Move blocks of ``r * r`` channels into space: (*, C r^2, H, W) to (*, C, H r, W r)."""
    r = upscale_factor
    if input.ndim < 3:
        raise RuntimeError(
            "pixel_shuffle expects input to have at least 3 dimensions, but got input with "
            f"{input.ndim} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    *batch, c, h, w = input.shape
    if c % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square "
            "of "
            f"upscale_factor, but input.size(-3)={c} is not divisible by {r * r}"
        )
    split = input.reshape(math.prod(batch), c // (r * r), r, r, h, w)
    return split.transpose(0, 1, 4, 2, 5, 3).reshape(*batch, c // (r * r), h * r, w * r)


@op("f", aliases="nn.functional.pixel_unshuffle")
def pixel_unshuffle(input, downscale_factor: int):
    """Move ``r * r`` pixels into channels: (*, C, H r, W r) to (*, C r^2, H, W)."""
    r = downscale_factor
    if input.ndim < 3:
        raise RuntimeError(
            "pixel_unshuffle expects input to have at least 3 dimensions, "
            f"but got input with {input.ndim} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    *batch, c, h, w = input.shape
    for name, dim, size in (("height", -2, h), ("width", -1, w)):
        if size % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, "
                f"but input.size({dim})={size} is not divisible by {r}"
            )
    split = input.reshape(math.prod(batch), c, h // r, r, w // r, r)
    return split.transpose(0, 1, 3, 5, 2, 4).reshape(*batch, c * r * r, h // r, w // r)


@op(
    "f",
    aliases=(
        "nn.functional.channel_shuffle native_channel_shuffle nn.functional.native_channel_shuffle"
    ),
)
def channel_shuffle(input, groups: int):
    """Interleave ``groups`` groups of channels of (N, C, *)."""
    if input.ndim <= 2:
        raise RuntimeError(
            "channel_shuffle expects input with > 2 dims, but got input with sizes "
            f"{list(input.shape)}"
        )
    if groups <= 0:
        raise RuntimeError(
            f"Number of groups to divide channels in must be positive. Value of groups:{groups}"
        )
    n, c = input.shape[:2]
    if c % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {c} channels and {groups} groups."
        )
    split = input.reshape(n, groups, c // groups, *input.shape[2:])
    return split.swapaxes(1, 2).reshape(input.shape)


@op("f", space="nn.functional", node="Im2ColBackward0")
def unfold(input, kernel_size: Dims, dilation: Dims = 1, padding: Dims = 0, stride: Dims = 1):
    """Blocks of (N, C, H, W) as columns: (N, C * KH * KW, L)."""
    numbers = _numbers(kernel_size, dilation, padding, stride)
    if input.ndim < 3:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [-{input.ndim}, "
            f"{input.ndim - 1}], but got 2)"
        )
    if input.ndim > 4 or 0 in input.shape[-3:]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
            "dimensions "
            f"for input, but got: {list(input.shape)}"
        )
    counts = _counts(input.shape[-2:], numbers)
    if min(counts) < 1:
        texts = [f"({a}, {b})" for a, b in (input.shape[-2:], *numbers[:3], counts)]
        raise RuntimeError(
            f"Given input with spatial size {texts[0]}, kernel_size={texts[1]}, "
            f"dilation={texts[2]}, "
            f"padding={texts[3]}, calculated shape of the array of sliding blocks as {texts[4]}, "
            "but its components must be at least one."
        )
    require("im2col_out_cpu", "fcb", input)
    return _unfold(input, numbers, counts)


@op("f", space="nn.functional", node="Col2ImBackward0")
def fold(
    input,
    output_size: Dims,
    kernel_size: Dims,
    dilation: Dims = 1,
    padding: Dims = 0,
    stride: Dims = 1,
):
    """Sum columns (N, C * KH * KW, L) into blocks of an image (N, C, H, W)."""
    size = _pair("output_size", output_size)
    numbers = _numbers(kernel_size, dilation, padding, stride)
    counts = _counts(size, numbers)
    channels = _check_columns(input, size, numbers, counts)
    image = jax.ShapeDtypeStruct((*input.shape[:-2], channels, *size), input.dtype)
    transpose = jax.linear_transpose(lambda x: _unfold(x, numbers, counts), image)
    return transpose(input)[0]


def _unfold(x, numbers, counts):
    kernel, dilation, padding, stride = numbers
    rows = _windows.slices(x, x.ndim - 2, kernel[0], stride[0], dilation[0], padding[0], counts[0])
    blocks = [
        block
        for row in rows
        for block in _windows.slices(
            row, x.ndim - 1, kernel[1], stride[1], dilation[1], padding[1], counts[1]
        )
    ]
    stacked = jnp.stack(blocks, x.ndim - 2)  # (*, C, KH * KW, OH, OW)
    return stacked.reshape(*x.shape[:-3], x.shape[-3] * len(blocks), counts[0] * counts[1])


def _pair(name, value):
    pair = _windows.per_dim(value, 2)
    if len(pair) != 2:
        raise RuntimeError(f"It is expected {name} equals to 2, but got size {len(pair)}")
    return pair


def _numbers(kernel_size, dilation, padding, stride):
    """Check and return (kernel, dilation, padding, stride) as pairs."""
    kernel, dilation = _pair("kernel_size", kernel_size), _pair("dilation", dilation)
    padding, stride = _pair("padding", padding), _pair("stride", stride)
    for name, short, pair in (
        ("kernel size", "kernel", kernel),
        ("dilation", "dilation", dilation),
        ("padding", "pad", padding),
        ("stride", "stride", stride),
    ):
        if min(pair) < (0 if name == "padding" else 1):
            rule = "non-negative" if name == "padding" else "greater than zero"
            raise RuntimeError(
                f"{name} should be {rule}, but got {short}_height: {pair[0]} {short}_width: "
                f"{pair[1]}"
            )
    return kernel, dilation, padding, stride


def _counts(size, numbers):
    return tuple(
        (n + 2 * p - _windows.extent(k, d)) // s + 1
        for n, k, d, p, s in zip(size, *numbers, strict=True)
    )


def _check_columns(input, size, numbers, counts):
    kernel, dilation, padding, stride = numbers
    if input.ndim not in (2, 3) or 0 in input.shape[-2:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and "
            "non-zero dimensions "
            f"for input, but got: {list(input.shape)}"
        )
    block = kernel[0] * kernel[1]
    dim = input.ndim - 2
    if input.shape[dim] % block:
        raise RuntimeError(
            f"Expected size of input's dimension 1 to be divisible by the product of kernel_size, "
            f"but got input.size(1)={input.shape[dim]} and kernel_size={tuple(kernel)}."
        )
    wanted = counts[0] * counts[1]
    if input.shape[-1] != wanted:
        raise RuntimeError(
            f"Given output_size={tuple(size)}, kernel_size={tuple(kernel)}, "
            f"dilation={tuple(dilation)}, "
            f"padding={tuple(padding)}, stride={tuple(stride)}, expected size of input's dimension "
            "2 to match the "
            f"calculated number of sliding blocks {counts[0]} * {counts[1]} = {wanted}, "
            f"but got input.size(2)={input.shape[-1]}."
        )
    return input.shape[dim] // block
