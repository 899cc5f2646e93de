"""``nn.functional.interpolate``: resizing by nearest, linear, cubic, area and antialiased filters.

Nearest is a gather with fixed indices.  The others are linear and separable: along each dim the
output is a product with a small fixed matrix of weights, whose transpose is the backward.  (So a
NaN
or an infinity in a row reaches all of that row; PyTorch keeps it local.)
"""

import math
import warnings

import jax.numpy as jnp
import numpy as np
from jax import lax

from ..._core import dtype as dt
from .._common import widened
from .._registry import Dims, op
from .pool_avg import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d

_MODES = "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact"
_RANKS = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5, "lanczos": 4}


@op("f", space="nn.functional", node="UpsampleBackward0")
def interpolate(
    input,
    size: Dims | None = None,
    scale_factor: float | tuple | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
):
    """Resize the trailing dims of (N, C, *) to ``size`` or by ``scale_factor``.

    ``align_corners`` makes the corner pixels of input and output coincide; ``antialias`` widens the
    filter when shrinking.
    """
    if mode in ("nearest", "area", "nearest-exact") and align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: "
            "linear | bilinear | bicubic | trilinear"
        )
    sizes, scales = _sizes(
        input, size, scale_factor, recompute_scale_factor or mode == "area", mode
    )
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and input.ndim == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires "
            "a 4-D "
            "tensor as input"
        )
    _check_mode(input, mode, align_corners, antialias)
    if mode == "area":
        pool = {3: adaptive_avg_pool1d, 4: adaptive_avg_pool2d, 5: adaptive_avg_pool3d}[input.ndim]
        return pool(input, sizes)
    _check_sizes(input, sizes, mode)
    if mode.startswith("nearest"):
        return _nearest(input, sizes, scales, 0.5 if mode == "nearest-exact" else 0.0)
    return _weighted(input, sizes, scales, mode, bool(align_corners), antialias)


def _deprecated(name):
    """Return the check that warns of the deprecated function ``name``."""
    text = f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead."

    def check(**_):
        warnings.warn(text, UserWarning, stacklevel=3)

    return check


@op("f", space="nn.functional", node="UpsampleBackward0", check=_deprecated("upsample"))
def upsample(
    input,
    size: Dims | None = None,
    scale_factor: float | tuple | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
):
    """The deprecated name of ``interpolate``."""
    return interpolate(input, size, scale_factor, mode, align_corners)


@op("f", space="nn.functional", node="UpsampleBackward0", check=_deprecated("upsample_nearest"))
def upsample_nearest(input, size: Dims | None = None, scale_factor: float | tuple | None = None):
    """The deprecated name of ``interpolate`` with mode "nearest"."""
    return interpolate(input, size, scale_factor, "nearest")


@op("f", space="nn.functional", node="UpsampleBackward0", check=_deprecated("upsample_bilinear"))
def upsample_bilinear(input, size: Dims | None = None, scale_factor: float | tuple | None = None):
    """The deprecated name of ``interpolate`` with mode "bilinear" and aligned corners."""
    return interpolate(input, size, scale_factor, "bilinear", True)


def _sizes(input, size, scale_factor, recompute, mode):
    """Return the output sizes, and the scale factors where they (not the sizes) decide the
    steps.
    """
    dims = input.ndim - 2
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is not None:
        size = tuple(size) if isinstance(size, (tuple, list)) else (size,) * dims
        if len(size) != dims:
            raise ValueError(
                "Input and output must have the same number of spatial dimensions, but got input "
                "with spatial "
                f"dimensions of {list(input.shape[2:])} and output size of {size}. Please provide "
                "input tensor "
                "in (N, C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) format."
            )
        if not all(isinstance(s, (int, np.integer)) for s in size):
            raise TypeError(
                "expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, "
                "int, int], "
                f"but got size with types {[type(s) for s in size]}"
            )
        if recompute and mode != "area":
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        return size, (None,) * dims
    if scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    given = isinstance(scale_factor, (tuple, list))
    scales = tuple(scale_factor) if given else (scale_factor,) * dims
    if len(scales) != dims:
        raise ValueError(
            "Input and scale_factor must have the same number of spatial dimensions, but got input "
            "with spatial "
            f"dimensions of {list(input.shape[2:])} and scale_factor of shape {scale_factor}. "
            "Please provide "
            "input tensor in (N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) "
            "format."
        )
    sizes = tuple(math.floor(n * s) for n, s in zip(input.shape[2:], scales, strict=True))
    return sizes, (None,) * dims if recompute else scales


# The arithmetic.  `step` is how far apart, in input pixels, two neighbouring output pixels lie; it
# and
# what follows are computed in the input's precision, as PyTorch does.


def _step(size, out, scale, align_corners, real):
    if align_corners:
        return real((size - 1) / (out - 1)) if out > 1 else real(0)
    return real(1.0 / scale) if scale is not None and scale > 0 else real(real(size) / real(out))


def _real(dtype):
    return np.float64 if dtype == jnp.float64 else np.float32


def _nearest(x, sizes, scales, offset):
    real = _real(x.dtype)
    for axis, (out, scale) in enumerate(zip(sizes, scales, strict=True), 2):
        size = x.shape[axis]
        step = _step(size, out, scale, False, real)
        index = np.floor((np.arange(out).astype(real) + real(offset)) * step).astype(int)
        index = np.minimum(index, size - 1)
        if out % size == 0 and np.array_equal(index, np.arange(out) // (out // size)):
            x = jnp.repeat(x, out // size, axis) if out != size else x
        else:
            x = jnp.take(x, index, axis=axis)
    return x


def _weighted(input, sizes, scales, mode, align_corners, antialias):
    x = widened(input)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        x = x.astype(jnp.float32)
    for axis, (out, scale) in enumerate(zip(sizes, scales, strict=True), 2):
        make = _filter_matrix if antialias else _tap_matrix
        matrix = make(x.shape[axis], out, scale, mode, align_corners, _real(x.dtype))
        if matrix is not None:
            product = lax.dot_general(
                x,
                jnp.asarray(matrix, x.dtype),
                (((axis,), (1,)), ((), ())),
                precision=lax.Precision.HIGHEST,
            )
            x = jnp.moveaxis(product, -1, axis)
    if input.dtype == jnp.uint8:
        return jnp.clip(jnp.floor(x + 0.5), 0, 255).astype(jnp.uint8)
    return x.astype(input.dtype)


def _tap_matrix(size, out, scale, mode, align_corners, real):
    """Return the (out, size) weights of two linear or four cubic taps; None for the identity."""
    step = _step(size, out, scale, align_corners, real)
    if size == out and step == 1:
        return None
    source = np.arange(out).astype(real) * step
    if not align_corners:
        source = (np.arange(out).astype(real) + real(0.5)) * step - real(0.5)
    if mode != "bicubic":
        source = np.maximum(source, 0)
    low = np.floor(source).astype(int)
    matrix = np.zeros((out, size))
    if mode == "bicubic":
        t = source - low
        taps = [(low + i - 1, _cubic(np.abs(t - (i - 1)), -0.75)) for i in range(4)]
    else:
        low = np.minimum(low, size - 1)
        t = np.clip(source - low, 0, 1)
        taps = [(low, 1 - t), (low + 1, t)]
    for index, weight in taps:
        np.add.at(matrix, (np.arange(out), np.clip(index, 0, size - 1)), weight)
    return matrix


def _filter_matrix(size, out, scale, mode, align_corners, real):
    """Return the (out, size) weights of a filter that is as wide as an output pixel when
    shrinking.
    """
    width, kernel = {
        "bilinear": (2, lambda v: np.maximum(1 - v, 0)),
        "bicubic": (4, lambda v: _cubic(v, -0.5)),
        "lanczos": (6, lambda v: np.where(v < 3, np.sinc(v) * np.sinc(v / 3), 0)),
    }[mode]
    step = _step(size, out, scale, align_corners, real)
    stretch = max(float(step), 1.0)
    support = width * 0.5 * stretch
    matrix = np.zeros((out, size))
    for i in range(out):
        center = float(step) * (i + 0.5)
        first = max(int(center - support + 0.5), 0)
        last = min(int(center + support + 0.5), size)
        weights = kernel(np.abs((np.arange(first, last) - center + 0.5) / stretch))
        matrix[i, first:last] = weights / weights.sum()
    return matrix


def _cubic(v, a):
    """Weight of a pixel at distance ``v`` in Keys' cubic convolution."""
    near = ((a + 2) * v - (a + 3)) * v * v + 1
    far = ((a * v - 5 * a) * v + 8 * a) * v - 4 * a
    return np.where(v <= 1, near, np.where(v < 2, far, 0))


# The checks, in PyTorch's words.


def _check_mode(input, mode, align_corners, antialias):
    rank = input.ndim
    if mode == "lanczos" and rank == 4:
        if align_corners:
            raise ValueError("Lanczos mode does not support align_corners=True")
        if not antialias:
            raise ValueError("Lanczos mode requires antialias=True")
    known = mode in _RANKS or mode in ("nearest", "nearest-exact", "area")
    if rank in (3, 4, 5) and known and _RANKS.get(mode, rank) == rank:
        return
    if rank in (3, 4, 5) and mode in ("linear", "bilinear", "trilinear"):
        raise NotImplementedError(f"Got {rank}D input, but {mode} mode needs {_RANKS[mode]}D input")
    raise NotImplementedError(
        f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {rank}D) for the modes: "
        f"{_MODES} (got {mode})"
    )


def _check_sizes(input, sizes, mode):
    spatial, n = input.shape[2:], len(sizes)
    if min(spatial) < 1 or min(sizes) < 1:
        names = "DHW"[-n:]
        have, want = (
            ", ".join(f"{d}: {s}" for d, s in zip(names, v, strict=True)) for v in (spatial, sizes)
        )
        link = "and output" if n == 1 else "output"
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input ({have}) {link} "
            f"({want})"
        )
    if 0 in input.shape[1:]:
        raise RuntimeError(
            f"Non-empty {input.ndim}D data tensor expected but got a tensor with sizes "
            f"{list(input.shape)}"
        )
    if input.dtype == jnp.uint8 and (
        mode in ("bilinear", "bicubic", "lanczos") or mode.startswith("nearest")
    ):
        return
    if not jnp.issubdtype(input.dtype, jnp.floating):
        kernel = "compute_indices_weights_" + (
            "nearest" if mode.startswith("nearest") else "linear"
        )
        if mode == "bicubic":
            kernel = "compute_indices_weights_cubic"
        name = dt.scalar_name(dt.from_np(input.dtype))
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{name}'")
