"""Box-Muller as PyTorch's CPU kernels compute it: the arithmetic of normal draws, bit for bit.

There are three of them. Tensors of 16 values or more are filled by the AVX2 kernel in float32
(:func:`fill32`; 16-bit floats are rounded from that). Its logarithm, sine and cosine are the
single-precision polynomials of the Cephes library in the form of Julien Pommier's ``avx_mathfun``,
compiled with fused multiply-adds: :func:`radius` and :func:`cos_sin` do the same roundings in
NumPy, and agree with PyTorch 2.13 on each of the 2**24 uniforms. Float64 tensors of that size take
the C library (:func:`fill64`), and smaller tensors make one float64 pair at a time and keep the
second value for the next draw (:func:`pairwise`).
"""

from __future__ import annotations

import math

import numpy as np

from .draws_fma import fma32, fma64, libm
from .mt19937 import MT19937

__all__ = ["BLOCK", "cos_sin", "fill32", "fill64", "one", "pairwise", "radius"]

BLOCK = 16  # eight radii, then the eight angles that go with them
_CHUNK = 1024  # blocks at a time, so that the intermediates stay in the cache

_TWO_PI = 2.0 * math.pi
_TWO_PI_32 = np.float32(_TWO_PI)
_SQRT_HALF_BITS = np.int32(0x3F3504F3)
_MANTISSA = np.int32(0x7FFFFF)


def _singles(values: list[float]) -> list[float]:
    """The float32 neighbours of ``values``, as Python floats."""
    return np.array(values, np.float32).tolist()


# Cephes' single-precision coefficients (logf, sinf, cosf), as float32 values held in float64.
_LOG = _singles(
    [
        7.0376836292e-2,
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
        2.0000714765e-1,
        -2.4999993993e-1,
        3.3333331174e-1,
    ]
)
_LN2_LOW, _LN2_HIGH = _singles([-2.12194440e-4, 0.693359375])
_FOUR_OVER_PI = np.float32(1.27323954473516)
_PI_4_PARTS = _singles([0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8])
_COS = _singles([2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2])
_SIN = _singles([-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1])


class _Rounder:
    """Rounds a float64 array to float32 in place, with one buffer for the way through."""

    def __init__(self, like: np.ndarray) -> None:
        self.buffer = np.empty(like.shape, np.float32)

    def __call__(self, wide: np.ndarray) -> np.ndarray:
        np.copyto(self.buffer, wide, casting="same_kind")
        np.copyto(wide, self.buffer)
        return wide

    def polynomial(self, x: np.ndarray, coefficients: list[float]) -> np.ndarray:
        """Horner's rule in ``x``, rounded to float32 after each fused step."""
        y = x * coefficients[0]
        for last in coefficients[1:-1]:
            y += last
            self(y)
            y *= x
        y += coefficients[-1]
        return self(y)


def radius(u: np.ndarray) -> np.ndarray:
    """``sqrt(-2 log(1 - u))`` of float32 uniforms, as the AVX2 kernel rounds it."""
    bits = (np.float32(1) - u).view(np.int32) - _SQRT_HALF_BITS
    exponent = (bits >> np.int32(23)).astype(np.float64)
    bits &= _MANTISSA
    bits += _SQRT_HALF_BITS
    x = bits.view(np.float32).astype(np.float64)  # [sqrt(1/2), sqrt(2))
    x -= 1.0
    rounded = _Rounder(x)
    square = rounded(x * x)
    y = rounded.polynomial(x, _LOG)
    y *= x
    rounded(y)
    y *= square
    y += rounded(exponent * _LN2_LOW)
    rounded(y)
    square *= 0.5
    y -= square
    rounded(y)
    y += x
    rounded(y)
    exponent *= _LN2_HIGH
    y += exponent
    result = y.astype(np.float32)
    result *= np.float32(-2)
    return np.sqrt(result, out=result)


def cos_sin(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``cos`` and ``sin`` of ``2 pi u`` for float32 uniforms, as the AVX2 kernel rounds them."""
    theta = u * _TWO_PI_32
    octant = (theta * _FOUR_OVER_PI).astype(np.int32)
    octant += np.int32(1)
    octant &= np.int32(~1)
    x = theta.astype(np.float64)
    wide_octant = octant.astype(np.float64)
    rounded = _Rounder(x)
    for part in _PI_4_PARTS:
        x -= wide_octant * part
        rounded(x)
    square = rounded(x * x)
    cosine = rounded.polynomial(square, _COS)
    cosine *= square
    rounded(cosine)
    cosine *= square
    cosine -= square * 0.5
    rounded(cosine)
    cosine += 1.0
    sine = rounded.polynomial(square, _SIN)
    sine *= square
    rounded(sine)
    sine *= x
    sine += x
    return _by_octant(octant, cosine.astype(np.float32), sine.astype(np.float32))


def _by_octant(
    octant: np.ndarray, cosine: np.ndarray, sine: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Swap and negate the values of the first octant for those of ``octant`` (0, 2, 4, 6, 8)."""
    swap = (octant & np.int32(2)) != 0
    sign = np.int32(-(2**31))
    cos = np.where(swap, sine, cosine)
    sin = np.where(swap, cosine, sine)
    cos.view(np.int32)[...] ^= ((octant + np.int32(2)) << np.int32(29)) & sign
    sin.view(np.int32)[...] ^= (octant << np.int32(29)) & sign
    return cos, sin


def fill32(uniform: np.ndarray, mean: float, std: float) -> None:
    """Turn float32 uniforms, a whole number of blocks of 16, into normals in place."""
    blocks = uniform.reshape(-1, 2, BLOCK // 2)
    mean, std = float(np.float32(mean)), float(np.float32(std))
    for start in range(0, len(blocks), _CHUNK):
        block = blocks[start : start + _CHUNK]
        length = radius(np.ascontiguousarray(block[:, 0]))
        cos, sin = cos_sin(np.ascontiguousarray(block[:, 1]))
        for half, factor in enumerate((cos, sin)):
            factor *= length
            plain = mean == 0.0 and std == 1.0
            block[:, half] = factor + np.float32(0) if plain else fma32(factor, std, mean)


def fill64(uniform: np.ndarray, mean: float, std: float) -> None:
    """:func:`fill32` for float64: the C library's functions, one multiply-add at the end."""
    blocks = uniform.reshape(-1, 2, BLOCK // 2)
    length = np.sqrt(-2.0 * libm(math.log, 1.0 - blocks[:, 0].ravel()))
    theta = _TWO_PI * blocks[:, 1].ravel()
    for half, function in enumerate((math.cos, math.sin)):
        values = fma64(length * libm(function, theta), std, mean)
        blocks[:, half] = values.reshape(-1, BLOCK // 2)


def pairwise(engine: MT19937, n: int, mean: float = 0.0, std: float = 1.0) -> np.ndarray:
    """``n`` float64 normals made in pairs, the kept one first; an odd one is kept for later."""
    values = np.empty(n)
    taken = 0
    if n and engine.next_normal is not None:
        values[0], engine.next_normal, taken = engine.next_normal, None, 1
    pairs = (n - taken + 1) // 2
    if pairs:
        uniform = engine.doubles(2 * pairs)
        length = np.sqrt(-2.0 * libm(math.log1p, -uniform[1::2]))
        theta = _TWO_PI * uniform[0::2]
        both = np.stack([length * libm(math.cos, theta), length * libm(math.sin, theta)], 1).ravel()
        values[taken:] = both[: n - taken]
        if both.size > n - taken:
            engine.next_normal = float(both[-1])
    return fma64(values, std, mean)


def one(engine: MT19937) -> float:
    """One standard normal as a Python float: :func:`pairwise` for a single value, quickly."""
    kept = engine.next_normal
    if kept is not None:
        engine.next_normal = None
        return kept
    theta = _TWO_PI * engine.double()
    length = math.sqrt(-2.0 * math.log1p(-engine.double()))
    engine.next_normal = length * math.sin(theta)
    return length * math.cos(theta)
