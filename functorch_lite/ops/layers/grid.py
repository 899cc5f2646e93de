"""Sampling an image at the points of a grid, and the grid of an affine map.

Points are (x, y) or (x, y, z) in [-1, 1].  A point outside the image is zero, or is first clamped
("border") or mirrored ("reflection") back; its gradient is then 0 or changes sign with it.
"""

import functools
import itertools
import operator
import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from .._common import widened
from .._registry import Size, op

_SAMPLINGS = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")
_CHANGED = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. "
    "Please "
    "specify align_corners=True if the old behavior is desired. See the documentation of {} for "
    "details."
)


def _warn_sample(align_corners=None, **_):
    if align_corners is None:
        warnings.warn(_CHANGED.format("grid_sample"), UserWarning, stacklevel=3)


@op("f", space="nn.functional", node="GridSampler2DBackward0", check=_warn_sample)
def grid_sample(
    input,
    grid,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
):
    """Values of (N, C, *spatial) at the points of ``grid`` (N, *out, d): (N, C, *out)."""
    _check_sample(input, grid, mode, padding_mode)
    x, points = widened(input), widened(grid)
    sizes = x.shape[2:]
    # The last component of a point belongs to the first spatial dim.
    spots = [
        _to_pixels(points[..., -1 - i], size, bool(align_corners)) for i, size in enumerate(sizes)
    ]
    bound = functools.partial(
        _bring_inside, padding_mode=padding_mode, align_corners=bool(align_corners)
    )
    if mode == "bicubic":
        out = _bicubic(x, spots, sizes, bound)
    else:
        spots = [bound(s, size) for s, size in zip(spots, sizes, strict=True)]
        out = _nearest(x, spots, sizes) if mode == "nearest" else _linear(x, spots, sizes)
    return out.astype(input.dtype)


@op("f", node="GridSampler2DBackward0", aliases="grid_sampler_2d")
def grid_sampler(input, grid, interpolation_mode: int, padding_mode: int, align_corners: bool):
    """``grid_sample`` with modes as numbers: 0 bilinear, 1 nearest, 2 bicubic; 0 zeros, 1 border, 2
    reflection.
    """
    mode, padding = _SAMPLINGS[interpolation_mode], _PADDINGS[padding_mode]
    return grid_sample(input, grid, mode, padding, align_corners)


@op("f", node="GridSampler3DBackward0")
def grid_sampler_3d(input, grid, interpolation_mode: int, padding_mode: int, align_corners: bool):
    """``grid_sampler`` of volumes (N, C, D, H, W)."""
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def _warn_affine(theta, size, align_corners=None):
    if align_corners is None:
        warnings.warn(_CHANGED.format("affine_grid"), UserWarning, stacklevel=3)
    elif align_corners and len(size) in (4, 5) and min(size[2:]) == 1:
        warnings.warn(
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when "
            "align_corners=True. This is not an intended use case of affine_grid. See the "
            "documentation of "
            "affine_grid for details.",
            UserWarning,
            stacklevel=3,
        )


@op("f", space="nn.functional", node="AffineGridGeneratorBackward0", check=_warn_affine)
def affine_grid(theta, size: Size, align_corners: bool | None = None):
    """Grid of the affine maps ``theta`` (N, d, d + 1) for an image of ``size`` (N, C, *spatial)."""
    _check_affine(theta, size, align_corners)
    spatial = size[2:]
    x = widened(theta)
    axes = [_centers(n, bool(align_corners)) for n in spatial]
    mesh = np.meshgrid(*axes, indexing="ij")
    base = np.stack([*reversed(mesh), np.ones(spatial)], -1).reshape(-1, len(spatial) + 1)
    out = jnp.einsum("pk,ndk->npd", jnp.asarray(base, x.dtype), x, precision="highest")
    return out.reshape(size[0], *spatial, len(spatial)).astype(theta.dtype)


def _centers(n, align_corners):
    if n <= 1:
        return np.zeros(n)
    line = np.linspace(-1, 1, n)
    return line if align_corners else line * (n - 1) / n


# The arithmetic.  A spot is the coordinate of all points along one spatial dim, in pixels.


def _to_pixels(coordinate, size, align_corners):
    if align_corners:
        return (coordinate + 1) / 2 * (size - 1)
    return ((coordinate + 1) * size - 1) / 2


def _bring_inside(spot, size, padding_mode, align_corners):
    if padding_mode == "zeros":
        return spot
    if padding_mode == "reflection":
        spot = (
            _reflect(spot, 0, 2 * (size - 1)) if align_corners else _reflect(spot, -1, 2 * size - 1)
        )
    # The gradient is zero on the border as well.
    return jnp.where(spot > 0, jnp.where(spot < size - 1, spot, size - 1), 0)


def _reflect(spot, twice_low, twice_high):
    """Mirror at ``twice_low / 2`` and ``twice_high / 2`` until the spot lies between them."""
    if twice_low == twice_high:
        return jnp.zeros_like(spot)
    low, span = twice_low / 2, (twice_high - twice_low) / 2
    distance = jnp.where(spot < low, low - spot, spot - low)
    flips = jax.lax.stop_gradient(jnp.floor(distance / span))
    extra = distance - flips * span
    return jnp.where(flips % 2 == 0, extra + low, span - extra + low)


def _pick(x, indices, sizes):
    """Return x (N, C, *spatial) at integer pixels (N, *out) per dim; zero outside."""
    n, c = x.shape[:2]
    inside = functools.reduce(
        jnp.logical_and, [(i >= 0) & (i < s) for i, s in zip(indices, sizes, strict=True)]
    )
    flat = jnp.zeros(indices[0].shape, jnp.int32)
    for index, size in zip(indices, sizes, strict=True):
        flat = flat * size + jnp.clip(index, 0, size - 1).astype(jnp.int32)
    rows = jax.vmap(lambda image, at: image[:, at])(x.reshape(n, c, -1), flat.reshape(n, -1))
    return jnp.where(inside[:, None], rows.reshape(n, c, *flat.shape[1:]), 0)


def _nearest(x, spots, sizes):
    return _pick(x, [jnp.round(jax.lax.stop_gradient(s)) for s in spots], sizes)


def _linear(x, spots, sizes) -> Any:
    lows = [jax.lax.stop_gradient(jnp.floor(s)) for s in spots]
    total = 0
    for corner in itertools.product((0, 1), repeat=len(spots)):
        shares = [
            spot - low if side else low + 1 - spot
            for spot, low, side in zip(spots, lows, corner, strict=True)
        ]
        weight = functools.reduce(operator.mul, shares)
        value = _pick(x, [low + side for low, side in zip(lows, corner, strict=True)], sizes)
        total = total + value * weight[:, None]
    return total


def _bicubic(x, spots, sizes, bound) -> Any:
    lows = [jax.lax.stop_gradient(jnp.floor(s)) for s in spots]
    weights = [_cubic_weights(s - low) for s, low in zip(spots, lows, strict=True)]
    total = 0
    for i, j in itertools.product(range(4), repeat=2):
        taps = [bound(low + k - 1, n) for low, k, n in zip(lows, (i, j), sizes, strict=True)]
        weight = weights[0][i] * weights[1][j]
        total = total + _pick(x, [jnp.floor(t) for t in taps], sizes) * weight[:, None]
    return total


def _cubic_weights(t):
    a = -0.75

    def near(v):
        return ((a + 2) * v - (a + 3)) * v * v + 1

    def far(v):
        return ((a * v - 5 * a) * v + 8 * a) * v - 4 * a

    return far(t + 1), near(t), near(1 - t), far(2 - t)


# The checks, in PyTorch's words.


def _check_sample(input, grid, mode, padding_mode):
    if mode not in _SAMPLINGS:
        raise ValueError(
            "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', "
            f"but got: '{mode}'"
        )
    if padding_mode not in _PADDINGS:
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or "
            "'reflection', "
            f"but got: '{padding_mode}'"
        )
    shapes = f"input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
    if input.shape[:1] != grid.shape[:1]:
        raise RuntimeError(
            f"grid_sampler(): expected grid and input to have same batch size, but got {shapes}"
        )
    if grid.shape[-1] != input.ndim - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {input.ndim - 2} in last dimension, "
            f"but got grid with sizes {list(grid.shape)}"
        )
    for dim in range(2, input.ndim):
        if input.shape[dim] == 0:
            raise RuntimeError(
                "grid_sampler(): expected input to have non-empty spatial dimensions, but input "
                "has sizes "
                f"{list(input.shape)} with dimension {dim} being empty"
            )
    if input.ndim not in (4, 5) or grid.ndim != input.ndim:
        raise RuntimeError(
            f"grid_sampler(): expected {input.ndim if input.ndim in (4, 5) else '4D or 5'}D input "
            "and grid with "
            f"same number of dimensions, but got {shapes}"
        )
    if mode == "bicubic" and input.ndim == 5:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    if input.dtype != grid.dtype:
        names = [dt.scalar_name(dt.from_np(x.dtype)) for x in (input, grid)]
        raise RuntimeError(f"expected scalar type {names[0]} but found {names[1]}")
    if not jnp.issubdtype(input.dtype, jnp.floating):
        name = dt.scalar_name(dt.from_np(input.dtype))
        raise NotImplementedError(
            f"\"grid_sampler_2d_cpu_kernel_impl\" not implemented for '{name}'"
        )


def _check_affine(theta, size, align_corners):
    if not jnp.issubdtype(theta.dtype, jnp.floating):
        raise ValueError(
            f"Expected theta to have floating point type, but got {dt.from_np(theta.dtype)}"
        )
    if len(size) not in (4, 5):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
            "respectively. "
            f"Got size {tuple(size)}."
        )
    d = len(size) - 2
    if theta.ndim != 3 or theta.shape[1:] != (d, d + 1):
        raise ValueError(
            f"Expected a batch of {d}D affine matrices of shape Nx{d}x{d + 1} for size "
            f"{tuple(size)}. "
            f"Got torch.Size({list(theta.shape)})."
        )
    if not (align_corners and min(size[2:]) == 1) and min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {tuple(size)}")
    if theta.shape[0] != size[0]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{size[0]}, {d + 1}] "
            f"but got: [{theta.shape[0]}, {d + 1}]."
        )
