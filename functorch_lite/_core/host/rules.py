"""The table of JAX primitives that NumPy can stand in for, and how to add one.

A rule takes an equation of a traced program and returns the function of NumPy arrays that computes
it, with XLA's dtypes and XLA's answers at the edges (integers wrap and are divided towards zero,
NaN wins a maximum, a float out of an integer's range stops at its bound).  What has no rule, or
raises :class:`Unsupported`, is left to XLA.  Floor 0; the rules are in the files beside this one.
"""

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

Run = Callable[..., Any]
Rule = Callable[[Any], Run]

RULES: dict[str, Rule] = {}
"""From the name of a primitive to its rule."""

REDUCED = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))
"""Floating-point types in which nothing is accumulated: sums and products run in float32."""

FLOATS = (*REDUCED, np.dtype(np.float32), np.dtype(np.float64))
DTYPES = frozenset((*FLOATS, *map(np.dtype, "?bBhHiIqQFD")))
"""Everything that has rules: no 4-bit or 8-bit floats, no keys."""


class Unsupported(Exception):
    """This program, or a part of it, is left to XLA."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Enter a function as the rule of the primitives ``names``."""

    def enter(made: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, made))
        return made

    return enter


def dtype_of(equation: Any) -> np.dtype:
    """Return the dtype of an equation's first operand."""
    return equation.invars[0].aval.dtype


def is_float(dtype: np.dtype) -> bool:
    """Tell whether a dtype is one of ``FLOATS``."""
    return dtype in FLOATS


def no_complex(equation: Any) -> None:
    """Raise Unsupported for complex numbers: NumPy's corner cases there are not XLA's."""
    if dtype_of(equation).kind == "c":
        raise Unsupported(equation.primitive.name + " of complex numbers")
