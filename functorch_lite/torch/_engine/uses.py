"""Which operands does a backward program really read?

``add`` needs none of its operands for its gradient, ``mul`` needs both.  PyTorch knows from its
table of saved variables; here the traced program tells.  Asked only when it matters: when an
operand was written to after the forward pass, and when a graph is freed.
"""

from typing import Any

import jax

from ..._core.execute import x64
from ...ops._program import Program

_known: dict[tuple, frozenset[int]] = {}


def uses_operands(
    program: Program, wanted: tuple[int, ...], outputs: int, operands: Any
) -> frozenset[int]:
    """Return the indices of the operands whose values the backward of ``program`` depends on."""
    ndims = tuple(getattr(o, "ndim", -1) for o in operands)
    key = (program, wanted, ndims)
    found = _known.get(key)
    if found is None:
        found = _known[key] = _trace(program, wanted, operands)
    return found


def _trace(program: Program, wanted: tuple[int, ...], operands: Any) -> frozenset[int]:
    with x64(True):
        shapes = [
            o if not hasattr(o, "shape") else jax.ShapeDtypeStruct(o.shape, o.dtype)
            for o in operands
        ]
        out = jax.eval_shape(program.fn, *shapes)
        several = isinstance(out, tuple)
        floats = [
            i
            for i, o in enumerate(out if several else (out,))
            if jax.numpy.issubdtype(o.dtype, jax.numpy.inexact)
        ]
        given = tuple(floats) if several else None
        cotangents = [(out if several else (out,))[i] for i in floats]
        traced = jax.make_jaxpr(program.vjp(wanted, given).fn)(*shapes, *cotangents)
    live = live_inputs(traced.jaxpr, [True] * len(traced.jaxpr.outvars))
    return frozenset(i for i in range(len(operands)) if live[i])


def live_inputs(jaxpr: Any, live_outputs: list[bool]) -> list[bool]:
    """Return, per input of a jaxpr, whether any live output depends on it."""
    live = {
        v
        for v, needed in zip(jaxpr.outvars, live_outputs, strict=True)
        if needed and _is_variable(v)
    }
    for equation in reversed(jaxpr.eqns):
        needed = [v in live for v in equation.outvars]
        if any(needed):
            live.update(v for v in _live_operands(equation, needed) if _is_variable(v))
    return [v in live for v in jaxpr.invars]


def _live_operands(equation: Any, needed: list[bool]) -> list[Any]:
    inner = equation.params.get("jaxpr") if equation.primitive.name in ("jit", "pjit") else None
    inner = inner or equation.params.get("call_jaxpr")
    inner = getattr(inner, "jaxpr", inner)
    if inner is None or len(inner.invars) != len(equation.invars):
        return list(equation.invars)
    return [v for v, used in zip(equation.invars, live_inputs(inner, needed), strict=True) if used]


def _is_variable(atom: Any) -> bool:
    return not hasattr(atom, "val")
