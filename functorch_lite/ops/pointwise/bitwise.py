"""Truth and bits: logical and bitwise operations, shifts, greatest common divisors.

Bitwise operations of bools are the logical ones.  None of these has a gradient.  Floor 2.
"""

import functools

import jax.numpy as jnp
import numpy as np

from .._common import broadcasting, kind, only
from .._registry import BOOL, COMMON, Scalar, binary, op, unary

# --- logical --------------------------------------------------------------------------------------


def _truth(x):
    return x if kind(x) == "b" else x != 0


def _logical(fun):
    return broadcasting(lambda a, b: fun(_truth(a), _truth(b)))


_and, _or, _xor = (_logical(f) for f in (jnp.logical_and, jnp.logical_or, jnp.logical_xor))

unary("logical_not", lambda x: ~_truth(x), None, "Whether each element is zero.", grad=False)
binary("logical_and", _and, BOOL, "Whether both elements are non-zero.", grad=False)
binary("logical_or", _or, BOOL, "Whether either element is non-zero.", grad=False)
binary("logical_xor", _xor, BOOL, "Whether exactly one element is non-zero.", grad=False)

# --- bits -----------------------------------------------------------------------------------------


def _exact(kernel, fun, kinds="bi"):
    """Return ``fun`` on broadcast integers (and bools)."""
    return broadcasting(only(kernel, kinds, fun))


def _left(a, b):
    """a << b, which is 0 for a negative or too large count."""
    bits = 8 * a.dtype.itemsize
    valid = (b >= 0) & (b < bits)
    return jnp.where(valid, a << jnp.where(valid, b, 0), 0)


def _right(a, b):
    """a >> b; a negative or too large count leaves only the sign."""
    most = 8 * a.dtype.itemsize - int(np.issubdtype(a.dtype, np.signedinteger))
    valid = (b >= 0) & (b < most)
    gone = a >> most if np.issubdtype(a.dtype, np.signedinteger) else jnp.zeros_like(a)
    return jnp.where(valid, a >> jnp.where(valid, b, 0), gone)


_bits = functools.partial(binary, promote=COMMON, grad=False)


def _on_bits(name, fun, doc, methods):
    """Declare ``name`` for two tensors or tensor and number, and for number and tensor."""
    _bits(name, fun, doc=doc, methods=methods, numbers="other")

    def of_number(input: Scalar, other):
        return fun(input, other)

    of_number.__doc__ = doc
    op("fo", name=f"{name}.base", promote=COMMON.of("input", "other"), grad=False)(of_number)


_not, _left, _right = (
    only("bitwise_not_cpu", "bi", jnp.invert),
    *(_exact(f"{side}shift_cpu", fun, "i") for side, fun in (("l", _left), ("r", _right))),
)
_bit_and = _exact("bitwise_and_cpu", jnp.bitwise_and)
_bit_or = _exact("bitwise_or_cpu", jnp.bitwise_or)
_bit_xor = _exact("bitwise_xor_cpu", jnp.bitwise_xor)

unary("bitwise_not", _not, None, "Each bit inverted.", methods="__invert__", grad=False)
_on_bits("bitwise_and", _bit_and, doc="Bits set in both.", methods="__and__ __rand__")
_on_bits("bitwise_or", _bit_or, doc="Bits set in either.", methods="__or__ __ror__")
_on_bits("bitwise_xor", _bit_xor, doc="Bits set in one of the two.", methods="__xor__ __rxor__")
_on_bits("bitwise_left_shift", _left, doc="``input`` times 2 ** ``other``.", methods="__lshift__")
_on_bits("bitwise_right_shift", _right, doc="Arithmetic shift to the right.", methods="__rshift__")

# --- divisors -------------------------------------------------------------------------------------


def _lcm(a, b):
    """|a / gcd(a, b) * b|, computed in at least 32 bits as C++ does; 0 of zeros."""
    wide = a.dtype if a.dtype.itemsize >= 4 else np.int32
    a, b, narrow = a.astype(wide), b.astype(wide), a.dtype
    divisor = jnp.gcd(a, b)
    return jnp.where(divisor == 0, 0, jnp.abs(a // jnp.where(divisor == 0, 1, divisor) * b)).astype(
        narrow
    )


_bits("gcd", _exact("gcd_cpu", jnp.gcd, "i"), doc="Greatest common divisor, never negative.")
_bits("lcm", _exact("lcm_cpu", _lcm, "i"), doc="Least common multiple, never negative.")
