"""The contract of update rules, and PyTorch's arithmetic for them.

A rule is ``rule(param, grad, state, hyper, flags) -> (param, state)``, pure and traceable:

* ``state`` and the result's state are dicts of arrays with the same keys; ``step`` is 0-d;
* ``hyper`` is a dict of float64 scalars: run-time operands, so a new value does not recompile;
* ``flags`` is a frozenset of names of what is switched on: static.

Scalars are computed in float64, as Python does for PyTorch, and are rounded to the parameter's
precision where they meet an array. The functions here are PyTorch's fused element-wise steps with
its order of operations. Half-precision arrays are computed in float32 and rounded after each step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp

State: TypeAlias = dict[str, Any]
Hyper: TypeAlias = dict[str, Any]
Flags: TypeAlias = frozenset[str]
Rule: TypeAlias = Callable[[Any, Any, State, Hyper, Flags], tuple[Any, State]]


def _widened(*values: Any) -> tuple[list[Any], Any]:
    """Return the operands (arrays and scalars) in computing precision, and the result's dtype."""
    dtype = values[0].dtype
    small = jnp.issubdtype(dtype, jnp.floating) and jnp.finfo(dtype).bits < 32
    wide = jnp.float32 if small else dtype
    return [jax.lax.convert_element_type(v, wide) for v in values], dtype


def rounded(x: Any, dtype: Any) -> Any:
    """Return ``x`` in ``dtype``; XLA must not keep more precision than that, as it else would."""
    if not jnp.issubdtype(dtype, jnp.floating) or jnp.finfo(dtype).bits >= 32:
        return x.astype(dtype)
    info = jnp.finfo(dtype)
    return jax.lax.reduce_precision(x, info.nexp, info.nmant).astype(dtype)


def scale(x: Any, factor: Any) -> Any:
    """Return ``x * factor``."""
    (x, factor), dtype = _widened(x, factor)
    return rounded(x * factor, dtype)


def divide(x: Any, divisor: Any) -> Any:
    """Return ``x / divisor``."""
    (x, divisor), dtype = _widened(x, divisor)
    return rounded(x / divisor, dtype)


def shift(x: Any, amount: Any) -> Any:
    """Return ``x + amount``."""
    (x, amount), dtype = _widened(x, amount)
    return rounded(x + amount, dtype)


def add(x: Any, y: Any, alpha: Any) -> Any:
    """Return ``x + alpha * y``."""
    (x, y, alpha), dtype = _widened(x, y, alpha)
    return rounded(x + alpha * y, dtype)


def lerp(x: Any, y: Any, weight: Any) -> Any:
    """Return the point ``weight`` of the way from ``x`` to ``y``, from the nearer end."""
    (x, y, w), dtype = _widened(x, y, weight)
    near = w < 0.5
    return rounded(jnp.where(near, x, y) + jnp.where(near, w, w - 1) * (y - x), dtype)


def addcmul(x: Any, a: Any, b: Any, value: Any) -> Any:
    """Return ``x + value * a * b``."""
    (x, a, b, value), dtype = _widened(x, a, b, value)
    return rounded(x + value * a * b, dtype)


def addcdiv(x: Any, a: Any, b: Any, value: Any) -> Any:
    """Return ``x + value * a / b``."""
    (x, a, b, value), dtype = _widened(x, a, b, value)
    return rounded(x + value * a / b, dtype)


def root(x: Any) -> Any:
    """Return the square root of each element."""
    (x,), dtype = _widened(x)
    return rounded(jnp.sqrt(x), dtype)


def as_double(x: Any) -> Any:
    """Return a 0-d array as float64: what ``item()`` gives to PyTorch's scalar arithmetic."""
    return jax.lax.convert_element_type(x, jnp.float64)


def next_step(state: State) -> tuple[Any, Any]:
    """Return the counter plus one: as it is kept, and as float64."""
    step = state["step"] + jnp.ones((), state["step"].dtype)
    return step, as_double(step)


def decayed(param: Any, grad: Any, hyper: Hyper, flags: Flags) -> Any:
    """Return the gradient: negated to maximize, and with L2 weight decay if that is on."""
    if "maximize" in flags:
        grad = -grad
    if "weight_decay" in flags:
        grad = add(grad, param, hyper["weight_decay"])
    return grad


def shrunk(param: Any, hyper: Hyper) -> Any:
    """Return the parameter after decoupled weight decay."""
    return scale(param, 1 - hyper["lr"] * hyper["weight_decay"])
