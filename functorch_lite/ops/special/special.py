"""Special functions that JAX has: error functions, gamma and its family, modified Bessel functions.

The Bessel functions that JAX has not are in ``bessel.py``, the orthogonal polynomials in
``polynomial.py``.  Floor 2.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy import special as jsp

from .._common import broadcasting, only, require, with_derivative
from .._registry import COMMON, FLOAT, Scalar, binary, op, unary
from ._chebyshev import ERFCX, series


def _like(value, array):
    return jnp.asarray(value, array.dtype)


# --- error functions and the normal distribution --------------------------------------------------

_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)


def _gauss(x, factor):
    """factor * exp(-x**2), the slope of the error functions."""
    return _like(factor, x) * jnp.exp(-(x * x))


_erf = with_derivative(jax.lax.erf, lambda t, y, x: t * _gauss(x, _TWO_OVER_ROOT_PI))
_erfc = with_derivative(jax.lax.erfc, lambda t, y, x: t * _gauss(x, -_TWO_OVER_ROOT_PI))
_erfinv = with_derivative(
    jax.lax.erf_inv, lambda t, y, x: t * (_like(1 / _TWO_OVER_ROOT_PI, y) * jnp.exp(y * y))
)
_ndtri = with_derivative(
    jsp.ndtri, lambda t, y, x: t * (_like(math.sqrt(2 * math.pi), y) * jnp.exp(0.5 * y * y))
)


def _ndtr(x):
    """(1 + erf(x / sqrt 2)) / 2, the formula that PyTorch composes."""
    require("erf_vml_cpu", "f", x)
    return (1 + _erf(x * _like(math.sqrt(0.5), x))) * 0.5


def _erfcx_value(x):
    """exp(x**2) erfc(x): a series in (x - 2) / (x + 2) for x >= 0, mirrored below."""
    size = jnp.abs(x)
    above = series(ERFCX, 1 - 4 / (size + 2)) / (size + 2)
    return jnp.where(x < 0, 2 * jnp.exp(x * x) - above, above)


_erfcx = with_derivative(
    _erfcx_value, lambda t, y, x: t * (2 * x * y - _like(_TWO_OVER_ROOT_PI, x))
)


def _log_ndtr_slope(t, y, x):
    """The density over the distribution function, which is 2 / erfcx below 0."""
    scaled = _erfcx(-jnp.minimum(x, 0) * _like(math.sqrt(0.5), x))
    below = _like(math.sqrt(2 / math.pi), x) / scaled
    above = jnp.exp(-0.5 * x * x - y) * _like(1 / math.sqrt(2 * math.pi), x)
    return t * jnp.where(x < 0, below, above)


_log_ndtr = with_derivative(lambda x: jsp.log_ndtr(x), _log_ndtr_slope)


def _entr_value(x):
    """-x log x, 0 at 0 and -inf below it."""
    positive = x > 0
    value = -x * jnp.log(jnp.where(positive, x, 1))
    return jnp.where(positive | jnp.isnan(x), value, jnp.where(x == 0, 0, -jnp.inf).astype(x.dtype))


_entr = with_derivative(_entr_value, lambda t, y, x: t * -(1 + jnp.log(x)))


def _table(kinds, *rows):
    for name, kernel, fun, doc, more in rows:
        unary(name, only(kernel, "f", fun), FLOAT, doc, kinds, **more)


_table(
    "fmio",
    ("erf", "erf_vml_cpu", _erf, "The error function.", {"aliases": "special.erf"}),
    ("erfc", "erfc_vml_cpu", _erfc, "1 - erf(input).", {"aliases": "special.erfc"}),
    ("erfinv", "erfinv_vml_cpu", _erfinv, "Inverse of erf.", {"aliases": "special.erfinv"}),
)


def _in_special(node, saves_result=False):
    return {"space": "special", "node": node, "saves_result": saves_result}


_table(
    "fo",
    ("ndtr", "erf_vml_cpu", _ndtr, "Normal distribution function.", _in_special("MulBackward1")),
    ("erfcx", "erfcx_cpu", _erfcx, "exp(x**2) erfc(x).", _in_special("SpecialErfcxBackward0")),
    ("ndtri", "ndtri_cpu", _ndtri, "Inverse of ndtr.", _in_special("SpecialNdtriBackward0", True)),
    ("log_ndtr", "log_ndtr_cpu", _log_ndtr, "log(ndtr).", _in_special("SpecialLogNdtrBackward0")),
    ("entr", "entr_cpu", _entr, "-x log(x), 0 at 0.", _in_special("SpecialEntrBackward0")),
)

# --- gamma and its family -------------------------------------------------------------------------


def _trigamma(x):
    """The derivative of digamma, by reflection below 1/2 and recurrence up to a series."""
    reflected = x < 0.5
    z = jnp.where(reflected, 1 - x, x)
    total = jnp.zeros_like(z)
    for _ in range(6):
        total = total + 1 / (z * z)
        z = z + 1
    inverse = 1 / (z * z)
    series = 1 / 6 - inverse * (
        1 / 30 - inverse * (1 / 42 - inverse * (1 / 30 - inverse * (5 / 66)))
    )
    total = total + 1 / z + inverse / 2 + series * inverse / z
    sine = jnp.sin(_like(math.pi, x) * x)
    return jnp.where(reflected, (_like(math.pi, x) / sine) ** 2 - total, total)


def _polygamma_value(n, x):
    if n == 0:
        return _digamma(x)
    if n == 1:
        return _trigamma(x)
    sign = 1 if n % 2 else -1
    return _like(sign * math.factorial(n), x) * _zeta(_like(n + 1, x), x)


def _polygamma(n, x):
    """The n-th derivative of digamma; its own derivative is the next one."""
    body = functools.partial(_polygamma_value, n)
    return with_derivative(body, lambda t, y, x: t * _polygamma(n + 1, x))(x)


def _digamma_value(x):
    """digamma with PyTorch's poles: -inf at 0, +inf at -0 and NaN at the negative integers."""
    value = jax.lax.digamma(x)
    value = jnp.where((x < 0) & (x == jnp.floor(x)), jnp.nan, value)
    return jnp.where(x == 0, jnp.copysign(jnp.inf, -x), value).astype(x.dtype)


_digamma = with_derivative(_digamma_value, lambda t, y, x: t * _trigamma(x))
_lgamma = with_derivative(jax.lax.lgamma, lambda t, y, x: t * _digamma(x))

_table(
    "fmio",
    ("lgamma", "lgamma_vml_cpu", _lgamma, "log |gamma(x)|.", {"aliases": "special.gammaln"}),
    (
        *("digamma", "digamma", _digamma, "Derivative of lgamma."),
        {"aliases": "special.digamma special.psi"},
    ),
)


@op("fo", promote=FLOAT, aliases="special.polygamma")
def polygamma(n: int, input):
    """The n-th derivative of digamma at each element of ``input``."""
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    require({0: "digamma", 1: "trigamma"}.get(n, "polygamma"), "f", input)
    return _polygamma(n, input)


@op("mi", name="polygamma.method", promote=FLOAT, node="PolygammaBackward0")
def polygamma_method(input, n: int):
    """The n-th derivative of digamma at each element."""
    return polygamma(n, input)


@op("fmio", promote=FLOAT, aliases="special.multigammaln")
def mvlgamma(input, p: int):
    """Logarithm of the multivariate gamma function with dimension ``p``."""
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    require("arange_cpu", "f", input)
    steps = [_lgamma(input - _like(0.5 * i, input)) for i in range(p)]
    return sum(steps[1:], steps[0]) + _like(p * (p - 1) / 4 * math.log(math.pi), input)


def _underived(name):
    """A rule for an argument by which PyTorch has no derivative."""

    def rule(*_):
        raise NotImplementedError(f"the derivative for '{name}' is not implemented.")

    return rule


def _gamma_density(a, x):
    return jnp.exp((a - 1) * jnp.log(x) - x - _lgamma(a))


def _lower(a, x):
    """P(a, x) with its borders: 1 for a = 0 (all of the mass is at 0) and 0 for a = inf."""
    value = jnp.where((a == 0) & (x > 0), 1, jax.lax.igamma(a, x))
    return jnp.where((a == jnp.inf) & (x >= 0) & (x < jnp.inf), 0, value).astype(a.dtype)


def _upper(a, x):
    """Q(a, x) = 1 - P(a, x)."""
    value = jnp.where((a == 0) & (x > 0), 0, jax.lax.igammac(a, x))
    return jnp.where((a == jnp.inf) & (x >= 0) & (x < jnp.inf), 1, value).astype(a.dtype)


def _incomplete(kernel, fun):
    def body(a, x):
        require(f"{kernel}_cpu", "f", a)
        return fun(*jnp.broadcast_arrays(a, x))

    return broadcasting(body)


_igamma = with_derivative(
    _incomplete("igamma", _lower),
    *(_underived("igamma: input"), lambda t, y, a, x: t * _gamma_density(a, x)),
)
_igammac = with_derivative(
    _incomplete("igammac", _upper),
    *(_underived("igammac: input"), lambda t, y, a, x: t * -_gamma_density(a, x)),
)

binary("igamma", _igamma, COMMON, "Regularized lower incomplete gamma.", aliases="special.gammainc")
binary(
    "igammac", _igammac, COMMON, "Regularized upper incomplete gamma.", aliases="special.gammaincc"
)


_MAX_ZETA_STEPS = 1 << 20


def _from_below(s, q):
    """Sum (q + k) ** -s over the negative ``q + k``; return the sum and where the rest starts."""

    def step(state):
        count, total, q = state
        below = q < 0
        term = jnp.where(below, jnp.power(jnp.where(below, q, 1), -s), 0)
        return count + 1, total + term, jnp.where(below, q + 1, q)

    def unfinished(state):
        count, _, q = state
        return jnp.any(q < 0) & (count < _MAX_ZETA_STEPS)

    _, total, rest = jax.lax.while_loop(unfinished, step, (jnp.int32(0), jnp.zeros_like(q), q))
    return total, rest


def _zeta_value(s, q):
    """Hurwitz zeta with PyTorch's (Cephes') borders: +inf at the poles, NaN where undefined.

    JAX's zeta is good for positive ``q`` only; below, terms are summed until it is.
    """
    s, q = jnp.broadcast_arrays(s, q)
    pole = (q <= 0) & (q == jnp.floor(q))
    undefined = (q <= 0) & ~pole & (s != jnp.floor(s))
    total, rest = _from_below(s, jnp.where(pole | undefined | ~jnp.isfinite(q), 1, q))
    value = jnp.where(pole, jnp.inf, total + jax.lax.zeta(s, rest))
    value = jnp.where(undefined | (s < 1), jnp.nan, jnp.where(s == 1, jnp.inf, value))
    return jnp.where(jnp.isnan(s) | jnp.isnan(q) | (q == jnp.inf), jnp.nan, value)


@broadcasting
def _checked_zeta(s, q):
    """Computed in float64, as PyTorch's kernel does: the terms below 0 nearly cancel."""
    require("zeta_cpu", "f", s)
    return _zeta_value(s.astype(np.float64), q.astype(np.float64)).astype(s.dtype)


_zeta = with_derivative(
    _checked_zeta, _underived("zeta"), lambda t, y, s, q: t * -s * _zeta(s + 1, q)
)
_BOTH = FLOAT.of("input", "other")


@op("fo", space="special", promote=_BOTH, node="SpecialZetaBackward2")
def zeta(input, other: Scalar):
    """Hurwitz zeta: sum over k >= 0 of (k + other) ** -input, for a number ``other``."""
    return _zeta(input, other)


@op("fo", name="zeta.base", space="special", promote=_BOTH, node="SpecialZetaBackward1")
def zeta_base(input: Scalar, other):
    """Hurwitz zeta: sum over k >= 0 of (k + other) ** -input, for a number ``input``."""
    return _zeta(input, other)


@op("fo", name="zeta.tensor", space="special", promote=FLOAT, node="SpecialZetaBackward0")
def zeta_tensor(input, other):
    """Hurwitz zeta: sum over k >= 0 of (k + other) ** -input. Shapes broadcast."""
    return _zeta(input, other)


# --- modified Bessel functions of the first kind --------------------------------------------------


def _over(y, x, at_zero):
    """y / x, with the limit ``at_zero`` where x is 0."""
    return jnp.where(x == 0, _like(at_zero, x), y / jnp.where(x == 0, 1, x))


_i0e = with_derivative(jsp.i0e, lambda t, y, x: t * (_i1e(x) - jnp.sign(x) * y))
_i1e = with_derivative(
    jsp.i1e,
    lambda t, y, x: t * jnp.where(x == 0, 0.5, _i0e(x) - y * (jnp.sign(x) + _over(1, x, 0))),
)
i0 = with_derivative(lambda x: jnp.exp(jnp.abs(x)) * jsp.i0e(x), lambda t, y, x: t * i1(x))
i1 = with_derivative(
    lambda x: jnp.exp(jnp.abs(x)) * jsp.i1e(x),
    lambda t, y, x: t * jnp.where(x == 0, 0.5, i0(x) - _over(y, x, 0)),
)

_table("fmio", ("i0", "i0_vml_cpu", i0, "Modified Bessel function I0.", {"aliases": "special.i0"}))
_table(
    "fo",
    ("i0e", "i0e_cpu", _i0e, "exp(-|x|) I0(x).", _in_special("SpecialI0EBackward0")),
    ("i1", "i1_cpu", i1, "Modified Bessel function I1.", _in_special("SpecialI1Backward0")),
    ("i1e", "i1e_cpu", _i1e, "exp(-|x|) I1(x).", _in_special("SpecialI1EBackward0")),
    (
        *("modified_bessel_i0", "modified_bessel_i0_cpu", i0, "Modified Bessel function I0."),
        {"space": "special", "grad": False},
    ),
    (
        *("modified_bessel_i1", "modified_bessel_i1_cpu", i1, "Modified Bessel function I1."),
        {"space": "special", "grad": False},
    ),
)
