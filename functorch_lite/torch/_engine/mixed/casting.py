"""The one hook of the dispatcher: run an op as autocast wants it."""

from typing import Any

from ....ops._registry import Op
from .policies import RULES
from .rules import Call
from .state import state


def autocast(call: Call, op: Op, operands: tuple, statics: tuple) -> Any:
    """Run ``op`` under its rule, or return NotImplemented if there is none for it.

    What runs inside is not cast again.
    """
    regions = state.regions
    for region in regions:
        rule = RULES.get(region.device, {}).get(op.name)
        if rule is None:
            continue
        state.regions = ()
        try:
            result = rule(call, region, op, operands, statics)
        finally:
            state.regions = regions
        if result is not NotImplemented:
            return result
    return NotImplemented
