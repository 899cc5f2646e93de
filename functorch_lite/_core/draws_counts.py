"""Rejection samplers: Poisson, binomial, gamma and Dirichlet, value by value as PyTorch's CPU does.

Each value takes as many words as its rejections need, so the loops are Python. The methods are the
published ones: Knuth's product and Hörmann's transformed rejection (PTRS 1993, BTRS 1993), and
Marsaglia and Tsang (2000). Constants that PyTorch writes in single precision are so here.
"""

from __future__ import annotations

import math

import numpy as np

from .draws_checks import check, require
from .draws_normal import one
from .mt19937 import MT19937, Shape

__all__ = ["binomial", "dirichlet", "poisson", "standard_gamma"]

_DOUBLE_AND_SINGLE = (np.dtype("float32"), np.dtype("float64"))
_FLOATS = ("float16", "bfloat16", "float32", "float64")
_THIRD = float(np.float32(1) / np.float32(3))
_SQUEEZE = float(np.float32(0.0331))

# log(k!) - (Stirling's formula), for k up to 9.
_STIRLING_TAIL = (
    0.0810614667953272,
    0.0413406959554092,
    0.0276779256849983,
    0.02079067210376509,
    0.0166446911898211,
    0.0138761288230707,
    0.0118967099458917,
    0.0104112652619720,
    0.00925546218271273,
    0.00833056343336287,
)


def poisson(engine: MT19937, shape: Shape, dtype: np.dtype, rate: np.ndarray) -> np.ndarray:
    """Poisson counts for an array of rates that broadcasts to ``shape``; RuntimeError if < 0."""
    dtype = np.dtype(dtype)
    require(dtype, [dtype] if dtype.name in _FLOATS else (), "poisson_cpu")
    rates = np.broadcast_to(rate, shape).astype(np.float64).ravel().tolist()
    what = "invalid Poisson rate, expected rate to be non-negative"
    check(all(value >= 0 for value in rates), what)
    counts = np.array([_poisson(engine, value) for value in rates], np.float64)
    if dtype.itemsize == 2:
        counts = counts.astype(np.float32)
    return counts.astype(dtype, copy=False).reshape(shape)


def _poisson(engine: MT19937, rate: float) -> int:
    if rate >= 10:
        return _poisson_by_rejection(engine, rate)
    if rate == 0:
        return 0
    floor = math.exp(-rate)
    product, count = engine.double(), 0
    while product > floor:
        product *= engine.double()
        count += 1
    return count


def _poisson_by_rejection(engine: MT19937, rate: float) -> int:
    root, log_rate = math.sqrt(rate), math.log(rate)
    b = 0.931 + 2.53 * root
    a = -0.059 + 0.02483 * b
    log_inverse_alpha = math.log(1.1239 + 1.1328 / (b - 3.4))
    tight = 0.9277 - 3.6224 / (b - 2)
    while True:
        u = engine.double() - 0.5
        v = engine.double()
        us = 0.5 - abs(u)
        if us == 0.0:
            continue  # u is -1/2: PyTorch's k is then out of every range
        k = math.floor((2 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= tight:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        left = _log(v) + log_inverse_alpha - math.log(a / (us * us) + b)
        if left <= -rate + k * log_rate - math.lgamma(k + 1.0):
            return k


def binomial(
    engine: MT19937, shape: Shape, dtype: np.dtype, count: np.ndarray, prob: np.ndarray
) -> np.ndarray:
    """Binomial counts for ``count`` and ``prob``, arrays of the dtype broadcast to ``shape``."""
    dtype = np.dtype(dtype)
    require(dtype, _DOUBLE_AND_SINGLE, "binomial_cpu")
    counts = np.broadcast_to(np.asarray(count, dtype), shape).ravel()
    probs = np.broadcast_to(np.asarray(prob, dtype), shape).ravel()
    values = [_binomial(engine, n, p) for n, p in zip(counts, probs, strict=True)]
    return np.array(values, dtype).reshape(shape)


def _binomial(engine: MT19937, count: np.floating, prob: np.floating) -> float:
    if count <= 0 or prob <= 0:
        return 0.0
    if prob >= 1:
        return float(count)
    if not (prob <= 0.5 or prob > 0.5):
        return math.nan
    mirrored = bool(prob > 0.5)
    prob = prob.dtype.type(1.0 - float(prob)) if mirrored else prob
    by_rejection = float(count * prob) >= 10.0
    value = (_binomial_by_rejection if by_rejection else _binomial_by_gaps)(engine, count, prob)
    return float(count) - value if mirrored else value


def _binomial_by_gaps(engine: MT19937, count: np.floating, prob: np.floating) -> float:
    """Add up geometric gaps between successes until they pass ``count``."""
    log_failure = float(prob.dtype.type(math.log1p(-float(prob))))
    reached, successes, limit = 0.0, 0, float(count)
    while True:
        gap = _log(engine.double()) / log_failure
        reached += math.ceil(gap) if gap < math.inf else gap
        if reached > limit:
            return float(successes)
        successes += 1


def _binomial_by_rejection(engine: MT19937, count: np.floating, prob: np.floating) -> float:
    one_ = prob.dtype.type(1)
    deviation = float(np.sqrt(count * prob * (one_ - prob)))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * float(prob)
    c = float(count * prob) + 0.5
    tight = 0.92 - 4.2 / b
    ratio = float(prob / (one_ - prob))
    alpha = (2.83 + 5.1 / b) * deviation
    mode = float(np.floor((count + one_) * prob))
    n = float(count)
    while True:
        u = engine.double() - 0.5
        v = engine.double()
        us = 0.5 - abs(u)
        if us == 0.0:
            continue  # u is -1/2: k is then minus infinity and rejected
        k = float(math.floor((2 * a / us + b) * u + c))
        if k < 0 or k > n:
            continue
        if us >= 0.07 and v <= tight:
            return k
        bound = (
            (mode + 0.5) * math.log((mode + 1) / (ratio * (n - mode + 1)))
            + (n + 1) * math.log((n - mode + 1) / (n - k + 1))
            + (k + 0.5) * math.log(ratio * (n - k + 1) / (k + 1))
            + _stirling_tail(mode)
            + _stirling_tail(n - mode)
            - _stirling_tail(k)
            - _stirling_tail(n - k)
        )
        if _log(v * alpha / (a / (us * us) + b)) <= bound:
            return k


def _stirling_tail(k: float) -> float:
    if k <= 9:
        return _STIRLING_TAIL[int(k)]
    square = (k + 1) * (k + 1)
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1)


def standard_gamma(engine: MT19937, shape: Shape, dtype: np.dtype, alpha: np.ndarray) -> np.ndarray:
    """Gamma values of scale 1 for concentrations ``alpha`` of the dtype, broadcast to ``shape``."""
    dtype = np.dtype(dtype)
    require(dtype, _DOUBLE_AND_SINGLE, "gamma_cpu")
    alphas = np.broadcast_to(np.asarray(alpha, dtype), shape).ravel()
    with np.errstate(all="ignore"):
        values = np.array([_gamma(engine, a) for a in alphas], np.float64).astype(dtype)
    return np.maximum(values, np.finfo(dtype).tiny).reshape(shape)


def _gamma(engine: MT19937, alpha: np.floating) -> float:
    kind = alpha.dtype.type
    scale = 1.0
    if alpha < 1:
        if alpha == 0:
            return 0.0
        scale = (1 - engine.double()) ** float(kind(1) / alpha)
        alpha = alpha + kind(1)
    d = float(alpha - kind(_THIRD))
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = one(engine)
        y = 1.0 + c * x
        if y <= 0:
            continue
        v = y * y * y
        u = 1 - engine.double()
        square = x * x
        if u < 1.0 - _SQUEEZE * square * square:
            break
        if math.log(u) < 0.5 * square + d * (1.0 - v + math.log(v)):
            break
    return scale * d * v


def dirichlet(engine: MT19937, shape: Shape, dtype: np.dtype, alpha: np.ndarray) -> np.ndarray:
    """Points of the simplex for concentrations ``alpha`` (..., k): gamma values over their sum."""
    dtype = np.dtype(dtype)
    require(dtype, _DOUBLE_AND_SINGLE, "dirichlet")
    gamma = standard_gamma(engine, shape, np.dtype(np.float64), np.asarray(alpha, dtype))
    values = (gamma / _row_sums(gamma)).astype(dtype)
    largest = np.nextafter(dtype.type(1), dtype.type(0))
    return np.minimum(np.maximum(values, np.finfo(dtype).tiny), largest)


def _row_sums(values: np.ndarray) -> np.ndarray:
    """Sums over the last dimension in the order of PyTorch's float64 kernel (rows up to 4096).

    Vectors of four lanes go round four accumulators, in chunks of sixteen turns; the lanes and
    what is left of the row are added last.
    """
    length = values.shape[-1]
    vectors = length // 4
    lanes = values[..., : 4 * vectors].reshape(*values.shape[:-1], vectors, 4)
    turns = vectors // 4
    grouped = lanes[..., : 4 * turns, :].reshape(*values.shape[:-1], turns, 4, 4)
    chunks = np.zeros((*values.shape[:-1], 4, 4))
    for start in range(0, turns - 15, 16):
        chunks = chunks + _in_order(grouped[..., start : start + 16, :, :], -3)
    sums = _in_order(grouped[..., turns - turns % 16 :, :, :], -3) + chunks
    for i in range(4 * turns, vectors):
        sums[..., 0, :] += lanes[..., i, :]
    total = _in_order(sums, -2)
    rest = _in_order(values[..., 4 * vectors :], -1)
    for lane in range(4):
        rest = rest + total[..., lane]
    return rest[..., None]


def _in_order(values: np.ndarray, axis: int) -> np.ndarray:
    """The sum over ``axis``, one after the other from zero."""
    total = np.zeros(np.delete(values.shape, axis))
    for part in np.moveaxis(values, axis, 0):
        total = total + part
    return total


def _log(x: float) -> float:
    """The C library's logarithm, which gives minus infinity for 0 where Python raises."""
    return math.log(x) if x > 0 else -math.inf
