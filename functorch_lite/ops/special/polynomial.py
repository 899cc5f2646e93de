"""Orthogonal polynomials of ``torch.special``, from their three-term recurrences.

``p[0] = 1``, ``p[1]`` and ``p[k + 1]`` from ``p[k]`` and ``p[k - 1]``; the degree ``n`` may differ
from element to element and is truncated to an integer.  PyTorch has no gradient for them.  Floor 2.
"""

import jax
import jax.numpy as jnp

from .._common import broadcasting, require
from .._registry import FLOAT, Scalar, op


def _recurrence(first, following):
    """Return ``(x, n) -> p[n](x)`` from ``first(x)`` and ``following(x, k, p[k], p[k - 1])``."""

    def evaluate(x, n):
        def step(k, pair):
            before, last = pair
            grown = following(x, k.astype(x.dtype), last, before)
            more = k < n
            return jnp.where(more, last, before), jnp.where(more, grown, last)

        highest = jnp.max(n, initial=0).astype(jnp.int32)
        _, last = jax.lax.fori_loop(1, highest, step, (jnp.ones_like(x), first(x)))
        return jnp.where(n < 0, 0, jnp.where(n == 0, 1, last)).astype(x.dtype)

    return evaluate


def _polynomial(name, evaluate, doc, argument=lambda x: x):
    """Declare one polynomial, evaluated at ``argument(x)``; ``x`` or ``n`` may be a number."""

    @broadcasting
    def value(x, n):
        require(f"{name}_cpu", "f", x)
        x, n = jnp.broadcast_arrays(x, n)
        return evaluate(argument(x), jnp.trunc(n))

    def body(x, n):
        return value(x, n)

    def of_number(x: Scalar, n):
        return value(x, n)

    body.__doc__ = of_number.__doc__ = f"{doc} of degree ``n``; 0 below 0. Shapes broadcast."
    settings = {"space": "special", "promote": FLOAT.of("x", "n"), "grad": False}
    op("fo", name=name, numbers="n", **settings)(body)
    op("fo", name=f"{name}.base", **settings)(of_number)


def _doubling(x, k, last, before):
    """The recurrence that all four Chebyshev kinds share."""
    return 2 * x * last - before


_CHEBYSHEV = {
    "t": (lambda x: x, "first"),
    "u": (lambda x: 2 * x, "second"),
    "v": (lambda x: 2 * x - 1, "third"),
    "w": (lambda x: 2 * x + 1, "fourth"),
}

for _letter, (_first, _kind) in _CHEBYSHEV.items():
    _evaluate = _recurrence(_first, _doubling)
    _polynomial(
        f"chebyshev_polynomial_{_letter}", _evaluate, f"Chebyshev polynomial of the {_kind} kind"
    )
    _polynomial(
        f"shifted_chebyshev_polynomial_{_letter}",
        _evaluate,
        f"Chebyshev polynomial of the {_kind} kind at 2 x - 1,",
        lambda x: 2 * x - 1,
    )

_polynomial(
    "hermite_polynomial_h",
    _recurrence(lambda x: 2 * x, lambda x, k, last, before: 2 * (x * last - k * before)),
    "Physicists' Hermite polynomial",
)
_polynomial(
    "hermite_polynomial_he",
    _recurrence(lambda x: x, lambda x, k, last, before: x * last - k * before),
    "Probabilists' Hermite polynomial",
)
_polynomial(
    "laguerre_polynomial_l",
    _recurrence(
        lambda x: 1 - x, lambda x, k, last, before: ((2 * k + 1 - x) * last - k * before) / (k + 1)
    ),
    "Laguerre polynomial",
)
_polynomial(
    "legendre_polynomial_p",
    _recurrence(
        lambda x: x, lambda x, k, last, before: ((2 * k + 1) * x * last - k * before) / (k + 1)
    ),
    "Legendre polynomial",
)
