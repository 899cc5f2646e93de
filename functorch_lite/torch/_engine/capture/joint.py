"""A captured program whose results need gradients, cut in two: forward, and backward later.

The function and the backward pass of its results are traced together, with stand-ins for the
cotangents. What depends on a stand-in is the backward program; the values that it takes from the
rest are *residuals*, extra results of the forward program.
"""

from collections.abc import Callable, Sequence
from typing import Any

from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, Var, jaxpr_as_fun


class Halves:
    """Both programs.

    Attributes:
        forward: constants -> results and residuals.
        backward: (residuals, cotangents) -> gradients.
    """

    def __init__(self, jaxpr: Jaxpr, results: int, cotangents: Sequence[int]) -> None:
        """Cut ``jaxpr``, whose outputs are ``results`` results and then gradients.

        ``cotangents`` are the numbers of the constants that stand for cotangents.
        """
        stand_ins = [jaxpr.constvars[i] for i in cotangents]
        late, later = [], set(stand_ins)
        early = []
        for equation in jaxpr.eqns:
            if any(isinstance(v, Var) and v in later for v in equation.invars):
                late.append(equation)
                later.update(equation.outvars)
            else:
                early.append(equation)
        gradients = jaxpr.outvars[results:]
        needed = dict.fromkeys(
            v
            for v in [*(v for e in late for v in e.invars), *gradients]
            if isinstance(v, Var) and v not in later
        )
        residuals = list(needed)
        inputs = [v for v in jaxpr.constvars if v not in set(stand_ins)]
        outputs = [*jaxpr.outvars[:results], *residuals]
        forward = _part(jaxpr, inputs, outputs, _needed(early, outputs))
        backward = _part(jaxpr, [*residuals, *stand_ins], gradients, _needed(late, gradients))
        self.forward, self.backward = _as_function(forward), _as_function(backward)


def _part(whole: Jaxpr, inputs: list, outputs: Sequence[Any], equations: list) -> Jaxpr:
    return whole.replace(
        constvars=[],
        invars=inputs,
        outvars=list(outputs),
        eqns=equations,
        debug_info=whole.debug_info.with_unknown_names(),
    )


def _needed(equations: list, outputs: Sequence[Any]) -> list:
    """Return the equations that outputs depend on, and those with effects."""
    wanted = {v for v in outputs if isinstance(v, Var)}
    kept = []
    for equation in reversed(equations):
        if equation.effects or any(v in wanted for v in equation.outvars):
            kept.append(equation)
            wanted.update(v for v in equation.invars if not isinstance(v, Literal))
    return kept[::-1]


def _as_function(jaxpr: Jaxpr) -> Callable[..., Any]:
    return jaxpr_as_fun(ClosedJaxpr(jaxpr, []))
