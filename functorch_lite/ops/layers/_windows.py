"""Sliding windows over the trailing dims: sizes, padding, and windows as lists of strided slices.

Convolution, pooling and ``unfold`` share this arithmetic.  ``slices`` cuts one dim into the list of
its window elements with reshapes, splits and unit-stride slices only, because the transpose of
those (joins and edge pads) is what makes the backward of a pooling layer fast.  Floor 1.
"""

import jax.numpy as jnp
from jax import lax


def per_dim(value: int | tuple[int, ...] | list[int], count: int) -> tuple[int, ...]:
    """Spread an int, or a sequence of one, over ``count`` dims; longer sequences stay as they
    are.
    """
    if not isinstance(value, (tuple, list)):
        return (int(value),) * count
    return tuple(value) * count if len(value) == 1 else tuple(value)


def extent(kernel: int, dilation: int) -> int:
    """Return how many elements a dilated kernel spans."""
    return dilation * (kernel - 1) + 1


def pooled_size(
    size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool
) -> int:
    """Return how many windows fit; with ``ceil_mode`` a last ragged one counts if it starts
    inside.
    """
    span = size + 2 * padding - extent(kernel, dilation)
    if not ceil_mode:
        return span // stride + 1
    count = -(-span // stride) + 1
    return count - 1 if (count - 1) * stride >= size + padding else count


def fit(x: jnp.ndarray, axis: int, low: int, length: int, fill: object) -> jnp.ndarray:
    """Put ``low`` elements of ``fill`` in front along ``axis``, then pad or crop to ``length``."""
    config = [(0, 0, 0)] * x.ndim
    config[axis] = (low, length - low - x.shape[axis], 0)
    if config[axis] == (0, 0, 0):
        return x
    return lax.pad(x, jnp.asarray(fill, x.dtype), config)


def slices(
    x: jnp.ndarray,
    axis: int,
    kernel: int,
    stride: int,
    dilation: int,
    padding: int,
    count: int,
    fill: object = 0,
) -> list[jnp.ndarray]:
    """Return ``kernel`` arrays; number i holds element i of each of the ``count`` windows on
    ``axis``.
    """
    blocks = count + (extent(kernel, dilation) - 1) // stride
    x = fit(x, axis, padding, blocks * stride, fill)
    phases = [x]
    if stride > 1:
        folded = x.reshape(*x.shape[:axis], blocks, stride, *x.shape[axis + 1 :])
        phases = [part.squeeze(axis + 1) for part in lax.split(folded, [1] * stride, axis + 1)]
    starts = (
        [(i * dilation) % stride for i in range(kernel)],
        [(i * dilation) // stride for i in range(kernel)],
    )
    return [
        lax.slice_in_dim(phases[phase], shift, shift + count, axis=axis)
        for phase, shift in zip(*starts, strict=True)
    ]
