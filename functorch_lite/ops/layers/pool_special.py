"""Unpooling from recorded indices, and fractional max pooling from given random samples.

These are the kernels under ``nn.functional.max_unpool*`` and ``fractional_max_pool*``, which work
out sizes and draw the samples.  Indices are flat positions within the trailing dims.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from .._common import require
from .._registry import Dims, op
from ._windows import per_dim


def _check_places(input, indices, output_size, **_):
    places, size = np.asarray(indices), tuple(output_size)
    if places.dtype != np.int64 or input.ndim - len(size) not in (1, 2):
        return
    wrong = (places < 0) | (places >= int(np.prod(size)))
    if wrong.any():
        raise RuntimeError(
            f"Found an invalid max index: {places[wrong][0]} (output volumes are of size "
            f"{'x'.join(map(str, size))})"
        )


@op("f", name="_max_unpool2d", node="MaxUnpool2DBackward0", check=_check_places)
def max_unpool2d(input, indices, output_size: Dims):
    """Zeros of (N, C, *output_size) with ``input`` (N, C, H, W) put at ``indices``."""
    _check_unpool("max_unpooling2d", 2, input, indices, output_size)
    require("max_unpool2d", "f", input)
    return _unpool(input, indices, tuple(output_size))


@op("f", name="_max_unpool3d", node="MaxUnpool3DBackward0", check=_check_places)
def max_unpool3d(input, indices, output_size: Dims, stride: Dims, padding: Dims):
    """Zeros of (N, C, *output_size) with ``input`` (N, C, D, H, W) put at ``indices``."""
    _check_unpool("max_unpooling3d", 3, input, indices, output_size)
    for name, value in (("stride", stride), ("padding", padding)):
        if len(value) != 3:
            raise RuntimeError(
                f"There should be exactly three elements (depth, height, width) in {name}, "
                f"but got: {len(value)} elements."
            )
    if min(stride) <= 0:
        raise RuntimeError(f"strides should be greater than zero, but got stride: {list(stride)}")
    require("max_unpool3d", "f", input)
    return _unpool(input, indices, tuple(output_size))


@op("f", name="_fractional_max_pool2d", node="FractionalMaxPool2DBackward0")
def fractional_max_pool2d(input, kernel_size: Dims, output_size: Dims, _random_samples):
    """Maximum over windows that the samples (N, C, 2) shift pseudo-randomly: (values, indices)."""
    return _fractional(2, input, kernel_size, output_size, _random_samples)


@op("f", name="_fractional_max_pool3d", node="FractionalMaxPool3DBackward0")
def fractional_max_pool3d(input, kernel_size: Dims, output_size: Dims, _random_samples):
    """Maximum over windows that the samples (N, C, 3) shift pseudo-randomly: (values, indices)."""
    return _fractional(3, input, kernel_size, output_size, _random_samples)


def _unpool(x, indices, size):
    batch = x.shape[: x.ndim - len(size)]
    rows, places = x.reshape(int(np.prod(batch)), -1), indices.reshape(int(np.prod(batch)), -1)
    # Places met twice come from overlapping windows with the same maximum.
    empty = jnp.zeros((rows.shape[0], int(np.prod(size))), x.dtype)
    put = jax.vmap(lambda row, at, values: row.at[at].set(values, mode="drop", unique_indices=True))
    return put(empty, places, rows).reshape(*batch, *size)


def _fractional(n, input, kernel_size, output_size, samples):
    kernel, out = per_dim(kernel_size, n), per_dim(output_size, n)
    _check_fractional(n, input, kernel, out, samples)
    require(f"fractional_max_pool{n}d_out_frame", "f", input)
    x = input if input.ndim == n + 2 else input[None]
    spatial = x.shape[2:]
    order = range(n) if n == 3 else (1, 0)  # the two-dim kernel draws for the width first
    starts = [
        _starts(samples[..., at], size, k, o)
        for at, size, k, o in zip(order, spatial, kernel, out, strict=True)
    ]
    offsets = itertools.product(*(range(k) for k in kernel))
    places = jnp.stack([_flat(starts, offset, spatial) for offset in offsets], -1)
    flat = x.reshape(*x.shape[:2], 1, int(np.prod(spatial)))
    values = jnp.take_along_axis(
        flat, places.reshape(*x.shape[:2], int(np.prod(out)), places.shape[-1]), axis=-1
    )
    fixed = jax.lax.stop_gradient(values)
    last_nan = values.shape[-1] - 1 - jnp.argmax(jnp.flip(fixed != fixed, -1), -1)
    best = jnp.where((fixed != fixed).any(-1), last_nan, jnp.argmax(fixed, -1))[..., None]
    shape = (*input.shape[: input.ndim - n], *out)
    chosen = jnp.take_along_axis(places.reshape(*values.shape), best, axis=-1)
    return jnp.take_along_axis(values, best, axis=-1).reshape(shape), chosen.reshape(shape)


def _starts(sample, size, kernel, out):
    """Return where the ``out`` windows of one dim begin, from one number in [0, 1) a plane."""
    if out == 1:
        return jnp.full((*sample.shape, 1), size - kernel, jnp.int64)
    alpha = jnp.asarray((size - kernel) / (out - 1), sample.dtype)
    steps = jnp.arange(out - 1, dtype=sample.dtype)
    first = jnp.trunc(sample[..., None] * alpha)
    begin = jnp.trunc((steps + sample[..., None]) * alpha) - first
    end = jnp.full((*sample.shape, 1), size - kernel, sample.dtype)
    return jnp.concatenate([begin, end], -1).astype(jnp.int64)


def _flat(starts, offset, spatial):
    """Return the flat positions (N, C, *out) of the element at ``offset`` of every window."""
    n = len(spatial)
    total = jnp.zeros((), jnp.int64)
    for i, (start, by, size) in enumerate(zip(starts, offset, spatial, strict=True)):
        shape = (*start.shape[:2], *(start.shape[2] if j == i else 1 for j in range(n)))
        total = total * size + (start + by).reshape(shape)
    return total


def _check_unpool(name, n, input, indices, output_size):
    if len(output_size) != n:
        words = {2: "two elements (height, width)", 3: "three elements (depth, height, width)"}[n]
        raise RuntimeError(
            f"There should be exactly {words} in output_size, but got {len(output_size)} elements."
        )
    if indices.dtype != jnp.int64:
        name = dt.scalar_name(dt.from_np(indices.dtype))
        raise RuntimeError(f"elements in indices should be type int64 but got: {name}")
    if input.ndim not in (n + 1, n + 2):
        raise RuntimeError(
            f"Input to {name} should be a {n + 1}d or {n + 2}d Tensor, but got a tensor with "
            f"{input.ndim} dimensions."
        )
    if input.shape != indices.shape:
        raise RuntimeError(
            "Expected shape of indices to be same as that of the input tensor "
            f"({list(input.shape)}) "
            f"but got indices tensor with shape: {list(indices.shape)}"
        )
    for dim in range(1, input.ndim):
        if input.shape[dim] == 0:
            raise RuntimeError(
                f"{name}_forward_out_cpu(): Expected input to have non-zero size for non-batch "
                "dimensions, "
                f"but got {list(input.shape)} with dimension {dim} being empty."
            )


def _check_fractional(n, input, kernel, out, samples):
    name = f"fractional_max_pool{n}d"
    for what, value in (("kernel_size", kernel), ("output_size", out)):
        if len(value) != n:
            raise RuntimeError(f"{name}: {what} must either be a single Int or tuple of Ints")
    if input.ndim not in (n + 1, n + 2):
        raise RuntimeError(
            f"{name}(): Expected {n + 1}D or {n + 2}D tensor, but got: {list(input.shape)}"
        )
    for dim in range(-n - 1, 0):
        if input.shape[dim] == 0:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but got "
                f"{list(input.shape)} with dimension {input.ndim + dim} being empty."
            )
    words = {2: ("height", "width"), 3: ("time", "height", "width")}[n]
    for word, size, k, o in zip(words, input.shape[-n:], kernel, out, strict=True):
        if o + k - 1 > size:
            kernel_name = name if n == 2 else f"{name}_out"
            raise RuntimeError(
                f"{kernel_name}(): pool {word} {k} too large relative to input {word} {size}"
            )
    if samples.dtype != input.dtype:
        raise RuntimeError("Expect _random_samples to have the same dtype as input")
    if samples.ndim != 3:
        raise RuntimeError(f"Expect _random_samples to have 3 dimensions, got {samples.ndim}")
    if samples.shape[0] < (input.shape[0] if input.ndim == n + 2 else 1):
        raise RuntimeError("Expect _random_samples.size(0) no less then input batch size.")
    if samples.shape[1] != input.shape[-n - 1]:
        raise RuntimeError("Expect _random_samples.size(1) equals to input channel size.")
    if samples.shape[2] != n:
        raise RuntimeError(f"Expect _random_samples.size(2) equals to {n}; got {samples.shape[2]}.")
