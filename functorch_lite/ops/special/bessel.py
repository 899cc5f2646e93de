"""Bessel functions of both kinds and Airy's function, from Chebyshev series.

JAX has none of these.  Each is split in two or three: a series near 0, an asymptotic form far out.
None has a gradient in PyTorch.  Floor 2.
"""

import math

import jax.numpy as jnp

from .._common import only
from .._registry import FLOAT, unary
from . import _chebyshev as tables
from ._chebyshev import series
from .special import i0, i1

# --- first and second kind ------------------------------------------------------------------------

_NEAR = 8.0


def _near(coefficients, x):
    return series(coefficients, jnp.minimum(x * x / 32 - 1, 1))


def _far(order, x):
    """Return the parts (cos, sin) of J and Y far out: sqrt(2 / (pi x)) (P, Q) at phase chi."""
    x = jnp.maximum(x, _NEAR)
    z = _NEAR / x
    u = 2 * z * z - 1
    p = series((tables.P0, tables.P1)[order], u)
    q = z * series((tables.Q0, tables.Q1)[order], u)
    # cos(x - a) and sin(x - a) from those of x: the phase keeps the accuracy of the argument.
    a = math.pi * (order / 2 + 0.25)
    cos = jnp.cos(x) * math.cos(a) + jnp.sin(x) * math.sin(a)
    sin = jnp.sin(x) * math.cos(a) - jnp.cos(x) * math.sin(a)
    size = jnp.sqrt(2 / (jnp.asarray(math.pi, x.dtype) * x))
    return size * (p * cos - q * sin), size * (p * sin + q * cos)


def _j0(x):
    size = jnp.abs(x)
    return jnp.where(size <= _NEAR, _near(tables.J0, x), _far(0, size)[0])


def _j1(x):
    size = jnp.abs(x)
    far = jnp.sign(x) * _far(1, size)[0]
    return jnp.where(size <= _NEAR, x * _near(tables.J1, x), far)


def _second_kind(near, order):
    def body(x):
        inside = jnp.where(x > 0, x, 1)
        value = jnp.where(x <= _NEAR, near(inside), _far(order, inside)[1])
        value = jnp.where(x == 0, -jnp.inf, jnp.where(x < 0, jnp.nan, value))
        return jnp.where(jnp.isnan(x), x, value).astype(x.dtype)

    return body


def _y0_near(x):
    return _near(tables.Y0, x) + 2 / math.pi * jnp.log(x) * _near(tables.J0, x)


def _y1_near(x):
    logarithm = jnp.log(x) * x * _near(tables.J1, x) - 1 / x
    return x * _near(tables.Y1, x) + 2 / math.pi * logarithm


# --- modified, second kind ------------------------------------------------------------------------


def _k_near(order, x):
    u = jnp.minimum(x * x / 2 - 1, 1)
    if order == 0:
        return series(tables.K0, u) - jnp.log(x / 2) * i0(x)
    return series(tables.K1, u) / x + jnp.log(x / 2) * i1(x)


def _k(order, scaled):
    far_table = (tables.K0_FAR, tables.K1_FAR)[order]

    def body(x):
        inside = jnp.where(x > 0, x, 1)
        near = _k_near(order, jnp.minimum(inside, 2))
        beyond = jnp.maximum(inside, 2)
        far = series(far_table, 4 / beyond - 1) / jnp.sqrt(beyond)
        if scaled:
            near = near * jnp.exp(jnp.minimum(inside, 2))
        else:
            far = far * jnp.exp(-beyond)
        value = jnp.where(inside <= 2, near, far)
        value = jnp.where(x == 0, jnp.inf, jnp.where(x < 0, jnp.nan, value))
        return jnp.where(jnp.isnan(x), x, value).astype(x.dtype)

    return body


# --- Airy, spherical ------------------------------------------------------------------------------

_AI_AT_0 = 0.35502805388781723926
_AI_SLOPE_AT_0 = -0.25881940379280679840


def _airy_near(x):
    """Ai by its power series in x^3; good for |x| <= 2."""
    cube = x * x * x
    f, g = jnp.ones_like(x), x
    even, odd = f, g
    for k in range(1, 14):
        even = even * cube / ((3 * k - 1) * (3 * k))
        odd = odd * cube / ((3 * k) * (3 * k + 1))
        f, g = f + even, g + odd
    return _AI_AT_0 * f + _AI_SLOPE_AT_0 * g


def _airy(x):
    size = jnp.maximum(jnp.abs(x), 2)
    root = jnp.sqrt(size)
    z = 2 / 3 * size * root
    u = jnp.minimum(2 * (2 / 3 * 2**1.5) / z - 1, 1)
    decay = series(tables.AIRY_FAR, u) * jnp.exp(-z)
    turn = z - math.pi / 4
    wave = series(tables.AIRY_P, u) * jnp.cos(turn) + series(tables.AIRY_Q, u) * jnp.sin(turn)
    far = jnp.where(x > 0, decay, wave / math.sqrt(math.pi)) / jnp.sqrt(root)
    value = jnp.where(jnp.abs(x) <= 2, _airy_near(jnp.clip(x, -2, 2)), far)
    return jnp.where(jnp.isinf(x), jnp.nan, value).astype(x.dtype)


def _spherical_j0(x):
    """sin(x) / x, by its series near 0; 0 at infinity."""
    small = jnp.abs(x) < 0.5
    square = jnp.where(small, x * x, 0)
    near = 1 - square / 6 * (
        1 - square / 20 * (1 - square / 42 * (1 - square / 72 * (1 - square / 110)))
    )
    value = jnp.where(small, near, jnp.sin(x) / jnp.where(small, 1, x))
    return jnp.where(jnp.isinf(x), 0, value).astype(x.dtype)


_rows = (
    ("bessel_j0", _j0, "Bessel function J0."),
    ("bessel_j1", _j1, "Bessel function J1."),
    ("bessel_y0", _second_kind(_y0_near, 0), "Bessel function Y0, NaN below 0."),
    ("bessel_y1", _second_kind(_y1_near, 1), "Bessel function Y1, NaN below 0."),
    ("modified_bessel_k0", _k(0, False), "Modified Bessel function K0, NaN below 0."),
    ("modified_bessel_k1", _k(1, False), "Modified Bessel function K1, NaN below 0."),
    ("scaled_modified_bessel_k0", _k(0, True), "exp(x) K0(x), NaN below 0."),
    ("scaled_modified_bessel_k1", _k(1, True), "exp(x) K1(x), NaN below 0."),
    ("spherical_bessel_j0", _spherical_j0, "sin(x) / x, and 1 at 0."),
    ("airy_ai", _airy, "Airy function Ai."),
)

for _name, _fun, _doc in _rows:
    unary(_name, only(f"{_name}_cpu", "f", _fun), FLOAT, _doc, "fo", space="special", grad=False)
