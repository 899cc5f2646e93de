"""Draws by inversion: a function of one uniform (or normal) value per element, on the C library."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .draws_checks import LIMITS, REAL_FLOATS, UNSIGNED, check, require
from .draws_fma import fma64, libm, narrow, through_libm
from .draws_normal import pairwise
from .mt19937 import MT19937, Shape, size

__all__ = ["cauchy", "exponential", "exponentials", "geometric", "log_normal"]

_GEOMETRIC = tuple(d for d in LIMITS if d.kind not in "bc" and d not in UNSIGNED)


def exponential(engine: MT19937, shape: Shape, dtype: np.dtype, rate: float = 1.0) -> np.ndarray:
    """Exponential values, ``-log1p(-u) / rate`` for float64 ``u``. RuntimeError unless rate > 0."""
    dtype = np.dtype(dtype)
    check(rate > 0.0, f"exponential_ expects lambda > 0.0, but found lambda={rate:g}")
    if size(shape) == 0:
        return np.empty(shape, dtype)
    what = "Exponential distribution is a continuous probability distribution. dtype must be a "
    what += f"floating point but you specified {LIMITS[dtype].scalar}"
    check(dtype in REAL_FLOATS, what)
    return exponentials(engine, size(shape), dtype, rate).reshape(shape)


def exponentials(engine: MT19937, n: int, dtype: np.dtype, rate: float = 1.0) -> np.ndarray:
    """:func:`exponential` without its checks."""
    factor = -1.0 / rate
    return _invert(-engine.doubles(n), dtype, np.log1p, math.log1p, lambda x: factor * x)


def geometric(engine: MT19937, shape: Shape, dtype: np.dtype, p: float) -> np.ndarray:
    """Trials until the first success, ``ceil(log(u) / log1p(-p))``, in any real dtype but bool."""
    dtype = np.dtype(dtype)
    check(0 < p < 1, f"geometric_ expects p to be in (0, 1), but got p={p:g}")
    if size(shape) == 0:
        return np.empty(shape, dtype)
    require(dtype, _GEOMETRIC, "geometric_cpu")
    scale = math.log1p(-p)
    uniform_ = engine.doubles(size(shape))
    with np.errstate(divide="ignore"):
        trials = through_libm(uniform_, np.log, _log, lambda x: np.ceil(x / scale))
    if dtype.kind in "iu":
        return trials.astype(np.int64).astype(dtype).reshape(shape)
    return narrow(trials, dtype).reshape(shape)


def cauchy(
    engine: MT19937, shape: Shape, dtype: np.dtype, median: float = 0.0, sigma: float = 1.0
) -> np.ndarray:
    """Cauchy values, ``median + sigma * tan(pi * (u - 1/2))``. RuntimeError unless sigma > 0."""
    dtype = np.dtype(dtype)
    check(sigma > 0.0, f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
    what = "Cauchy distribution is a continuous probability distribution. dtype must be a "
    what += f"floating point but you specified {LIMITS[dtype].c_type}"
    check(dtype in REAL_FLOATS, what)
    angle = math.pi * (engine.doubles(size(shape)) - 0.5)
    return _invert(angle, dtype, np.tan, math.tan, lambda x: fma64(x, sigma, median)).reshape(shape)


def log_normal(
    engine: MT19937, shape: Shape, dtype: np.dtype, mean: float = 1.0, std: float = 2.0
) -> np.ndarray:
    """``exp`` of normal values made pair by pair. RuntimeError unless std > 0."""
    dtype = np.dtype(dtype)
    check(std > 0.0, f"log_normal_ expects std > 0.0, but found std={std:g}")
    if size(shape) == 0:
        return np.empty(shape, dtype)
    require(dtype, REAL_FLOATS, "log_normal_cpu")
    exponents = pairwise(engine, size(shape), mean, std)
    with np.errstate(over="ignore"):
        return _invert(exponents, dtype, np.exp, _exp, lambda x: x).reshape(shape)


def _invert(
    values: np.ndarray,
    dtype: np.dtype,
    vector: Callable[[np.ndarray], np.ndarray],
    scalar: Callable[[float], float],
    finish: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """``finish(f(values))`` in ``dtype`` with the C library's ``f`` (see :func:`through_libm`)."""
    if dtype == np.float64:
        return finish(libm(scalar, values))
    return through_libm(values, vector, scalar, lambda x: narrow(finish(x), dtype))


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf
