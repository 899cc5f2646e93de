"""Fused multiply-add and libm in NumPy: the two things a compiled sampler has and NumPy lacks.

PyTorch's kernels are compiled with FMA instructions, so ``u * scale + shift`` is rounded once;
NumPy rounds twice. :func:`fma32` and :func:`fma64` give the once-rounded value. Transcendental
functions of float64 come from the C library in PyTorch and from NumPy's own SIMD code in NumPy,
which differ in last bits; Python's :mod:`math` calls the C library, and :func:`through_libm` goes
there only for the values where that can be seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

__all__ = ["fma32", "fma64", "libm", "narrow", "through_libm"]

_SPLITTER = 2.0**27 + 1.0  # Veltkamp: cuts a float64 into two halves of 26 bits
_LIBM_ERROR = 2.0**-48  # far above the error of any vectorised float64 function


def fma32(a: np.ndarray, b: float, c: float) -> np.ndarray:
    """``a * b + c`` rounded once to float32, for float32 ``a`` and float32-valued ``b``, ``c``.

    A float64 holds the product exactly, so only the sum is rounded twice, and that shows only
    where its float64 value lies half way between two float32 (or is subnormal as a float32).
    """
    product = np.multiply(a, b, dtype=np.float64)
    total = product + c
    risky = (total.view(np.int64) & 0x1FFFFFFF) == 0x10000000
    risky |= np.abs(total) < 2.0**-126
    if risky.any():
        total[risky] = _add_to_odd(product[risky], c)
    return total.astype(np.float32)


def fma64(a: np.ndarray, b: float, c: float) -> np.ndarray:
    """``a * b + c`` rounded once to float64 (Boldo and Melquiond 2008), for ``a`` up to 1e100."""
    scale = math.frexp(max(abs(b), abs(c)))[1]
    if not math.isfinite(b + c) or c == 0.0 or math.frexp(b)[0] in (0.5, -0.5):
        return a * b + c  # the product is exact or the sum is: one rounding anyway
    far = abs(scale) > 600
    if far:
        b, c = math.ldexp(b, -scale), math.ldexp(c, -scale)
    high, low = _product(a, b)
    low_sum, low_error = _sum(low, c)
    top, top_error = _sum(high, low_sum)
    result = top + _add_to_odd(top_error, low_error)
    return np.ldexp(result, scale) if far else result


def narrow(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Cast floats as C++ does: to a 16-bit float by way of float32."""
    if values.dtype == dtype:
        return values
    with np.errstate(over="ignore", invalid="ignore"):
        if dtype.itemsize == 2:
            values = values.astype(np.float32, copy=False)
        return values.astype(dtype, copy=False)


def libm(function: Callable[[float], float], values: np.ndarray) -> np.ndarray:
    """``function`` of :mod:`math` over a float64 array of one dimension."""
    return np.fromiter(map(function, values.tolist()), np.float64, values.size)


def through_libm(
    values: np.ndarray,
    vector: Callable[[np.ndarray], np.ndarray],
    scalar: Callable[[float], float],
    finish: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """``finish(f(values))`` with the C library's ``f``, at nearly NumPy's speed.

    ``vector`` and ``scalar`` are NumPy's and the C library's ``f``; ``finish`` is monotone and
    usually ends in a narrower dtype. Where it gives the same for both ends of ``vector``'s error
    bar, that is the answer; elsewhere ``scalar`` decides.
    """
    rough = vector(values)
    result = finish(rough * (1.0 + _LIBM_ERROR))
    doubtful = result != finish(rough * (1.0 - _LIBM_ERROR))
    doubtful &= rough == rough
    if doubtful.any():
        rough[doubtful] = libm(scalar, values[doubtful])
        result[doubtful] = finish(rough)[doubtful]
    return result


def _sum(a: np.ndarray, b: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """The float64 sum of ``a`` and ``b`` and its rounding error, exactly."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _product(a: np.ndarray, b: float) -> tuple[np.ndarray, np.ndarray]:
    """The float64 product of ``a`` and ``b`` and its rounding error, exactly."""
    total = a * b
    a_high = a * _SPLITTER
    a_high = a_high - (a_high - a)
    b_high = b * _SPLITTER
    b_high = b_high - (b_high - b)
    a_low, b_low = a - a_high, b - b_high
    error = ((a_high * b_high - total) + a_high * b_low + a_low * b_high) + a_low * b_low
    return total, error


def _add_to_odd(a: np.ndarray, b: np.ndarray | float) -> np.ndarray:
    """``a + b`` rounded to odd: inexact sums get an odd last bit, so rounding again is safe."""
    total, error = _sum(a, b)
    bits = total.view(np.int64)
    move = (error != 0) & (bits & 1 == 0)
    away = (error > 0) == (total > 0)  # the error points away from zero: the next larger pattern
    bits += np.where(move, np.where(away, 1, -1), 0)
    return total
