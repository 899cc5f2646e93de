"""Covariance and histograms.  Floor 2."""

import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from .._common import kind, require
from .._registry import Scalar, op
from ..indexing.index import scalar_name
from ..linear._linalg_checks import dot

# --- covariance ---------------------------------------------------------------------------------


def _check_weights(x, fweights, aweights):
    if x.ndim > 2:
        raise RuntimeError(
            "cov(): expected input to have two or fewer dimensions but got an input with "
            f"{x.ndim} dimensions"
        )
    if kind(x) == "b":
        raise RuntimeError("cov(): bool dtype is not supported for input")
    count = x.shape[-1] if x.ndim else 1
    for name, w, kinds, what in (
        ("fweights", fweights, "i", "integral"),
        ("aweights", aweights, "f", "floating point"),
    ):
        if w is None:
            continue
        if w.ndim > 1:
            raise RuntimeError(
                f"cov(): expected {name} to have one or fewer dimensions but got {name} with "
                f"{w.ndim} dimensions"
            )
        if kind(w) not in kinds:
            raise RuntimeError(
                f"cov(): expected {name} to have {what} dtype but got {name} with "
                f"{scalar_name(w)} dtype"
            )
        if w.size != count:
            raise RuntimeError(
                f"cov(): expected {name} to have the same numel as there are observations in the "
                f"input but got {w.size} != {count}"
            )


def _check_cov(input, fweights=None, aweights=None, **_):
    for name, w in (("fweights", fweights), ("aweights", aweights)):
        if w is not None and np.asarray(w).size and np.asarray(w).min() < 0:
            raise RuntimeError(f"cov(): {name} cannot be negative")


@op("fm", node="SqueezeBackward0", check=_check_cov)
def cov(input, *, correction: int = 1, fweights=None, aweights=None):
    """Covariance matrix of variables in rows and observations in columns, possibly weighted."""
    _check_weights(input, fweights, aweights)
    x = input.reshape(1, -1) if input.ndim < 2 else input
    if kind(x) == "i":
        x = x.astype(dt.get_default_dtype().np)
    real = x.real.dtype
    weights = None
    for w in (fweights, aweights):
        if w is not None:
            w = w.reshape(-1)
            weights = w if weights is None else weights * w.astype(jnp.result_type(weights, w))
    if weights is None:
        total = jnp.asarray(x.shape[1], real)
        center = jnp.sum(x, 1, keepdims=True) / np.asarray(x.shape[1], real)
        left = total - correction
    else:
        own = weights.astype(real)
        total = jnp.sum(own)
        center = jnp.sum(x * own, 1, keepdims=True) / total
        left = _weighted_norm(own, aweights, total, correction)
    far = x - center
    scaled = far if weights is None else far * weights.astype(real)
    out = dot(scaled, jnp.conj(far.T)) / jnp.maximum(left, 0).astype(real)
    return out.reshape(()) if out.size == 1 else out


def _weighted_norm(weights, aweights, total, correction):
    if correction and aweights is not None:
        mean_weight = jnp.sum(weights * aweights.reshape(-1).astype(weights.dtype)) / total
        return total - correction * mean_weight
    return total - correction


@op("fm", node="ClampBackward1")
def corrcoef(input):
    """Correlation coefficients of variables in rows and observations in columns."""
    if input.ndim > 2:
        raise RuntimeError(
            "corrcoef(): expected input to have two or fewer dimensions but got an input with "
            f"{input.ndim} dimensions"
        )
    c = cov(input)
    if not c.ndim:
        return c / c
    scale = jnp.sqrt(jnp.diagonal(c).real).astype(c.dtype)
    out = c / scale[:, None] / scale[None]
    if kind(out) == "c":
        return jnp.clip(out.real, -1, 1) + 1j * jnp.clip(out.imag, -1, 1)
    return jnp.clip(out, -1, 1)


# --- histograms -----------------------------------------------------------------------------------


def _counts(x, edges, weights, last):
    """Count (or weigh) the elements between neighbouring ``edges``; the last bin is closed."""
    place = jnp.searchsorted(edges, x, side="right") - 1
    place = jnp.where(x == last, edges.shape[0] - 2, place)
    inside = (x >= edges[0]) & (x <= last)
    weights = jnp.where(inside, weights, 0)
    return jnp.zeros(edges.shape[0] - 1, weights.dtype).at[place].add(weights, mode="drop")


def _even_edges(low, high, bins, np_dtype):
    steps = jnp.arange(bins + 1, dtype=np_dtype)
    width = (high - low) / bins
    return jnp.where(steps < (bins + 1) // 2, low + steps * width, high - (bins - steps) * width)


def _range(x, low, high, margin):
    """Return the range, or that of the data if it is empty, by ``margin`` wider if a point."""
    auto = low == high
    least = jnp.min(x) if x.size else jnp.zeros((), x.dtype)
    most = jnp.max(x) if x.size else jnp.zeros((), x.dtype)
    low, high = jnp.where(auto, least, low), jnp.where(auto, most, high)
    point = low == high
    return jnp.where(point, low - margin, low), jnp.where(point, high + margin, high)


def _check_histc(input, bins=100, min=0, max=0):
    x = np.asarray(input)
    if min > max:
        raise RuntimeError("torch.histc: max must be larger than min")
    if min == max and x.size and not np.isfinite(x.astype(np.float64)).all():
        raise RuntimeError(
            f"torch.histc: range of [{_shown(x.min())}, {_shown(x.max())}] is not finite"
        )


def _shown(value):
    return f"{float(value):g}"


@op("fmo", grad=False, check=_check_histc)
def histc(input, bins: int = 100, min: Scalar = 0, max: Scalar = 0):
    """Counts in ``bins`` equal bins between ``min`` and ``max`` (0 and 0: the range of the
    data).
    """
    require("histogram_cpu", "f", input)
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    x = input.reshape(-1)
    low, high = _range(x, jnp.asarray(min, x.dtype), jnp.asarray(max, x.dtype), 1)
    # As PyTorch: the bin by position, not by comparison with rounded edges.
    place = ((x - low) * (bins / (high - low))).astype(np.int64)
    place = jnp.clip(place, 0, bins - 1)
    inside = (x >= low) & (x <= high)
    return jnp.zeros(bins, x.dtype).at[place].add(inside.astype(x.dtype), mode="drop")


def _check_histogram_input(input, weight):
    require("histogramdd", "f", input)
    if weight is not None and weight.shape != input.shape:
        raise RuntimeError(
            "torch.histogram(): if weight tensor is provided it should have the same shape as the "
            f"input tensor excluding its innermost dimension, but got input with shape "
            f"{list((*input.shape, 1))} and weight with shape {list(weight.shape)}"
        )
    if weight is not None and weight.dtype != input.dtype:
        raise RuntimeError(
            "torch.histogramdd(): if weight tensor is provided, input tensor and weight tensor "
            "should "
            f"have the same dtype, but got input(float), and weight({weight.dtype})"
        )


def _histogram(input, edges, weight, density):
    x = input.reshape(-1)
    weights = jnp.ones(x.shape, x.dtype) if weight is None else weight.reshape(-1)
    hist = _counts(x, edges, weights, edges[-1])
    if density:
        hist = hist / jnp.sum(hist) / (edges[1:] - edges[:-1])
    return hist, edges


@op("fmo", name="histogram.bin_ct", grad=False, returns="hist bin_edges")
def histogram(
    input, bins: int = 100, *, range: tuple | None = None, weight=None, density: bool = False
):
    """Counts (or weights, or a density) in equal bins over ``range``, and the edges of the bins."""
    _check_histogram_input(input, weight)
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    low, high = range if range is not None else (0.0, 0.0)
    if low > high:
        raise RuntimeError(
            f"torch.histogram(): min should not exceed max, but got min {low:g} max {high:g} for "
            "dimension 0"
        )
    low, high = (jnp.asarray(v, input.dtype) for v in (low, high))
    if range is None:
        low, high = _range(input, low, high, 0.5)
    else:
        point = low == high
        low, high = jnp.where(point, low - 0.5, low), jnp.where(point, high + 0.5, high)
    return _histogram(input, _even_edges(low, high, bins, input.dtype), weight, density)


@op("fmo", name="histogram.bins_tensor", grad=False, returns="hist bin_edges")
def histogram_edges(input, bins, *, weight=None, density: bool = False):
    """Counts (or weights, or a density) between the given ascending edges, and the edges."""
    _check_histogram_input(input, weight)
    return _histogram(input, bins.reshape(-1), weight, density)
