"""All update rules by name."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from .adam import adam, adam_clock, adamax, nadam, radam
from .adaptive import adadelta, adafactor, adagrad, rmsprop
from .arithmetic import Flags, Hyper, Rule, State, next_step
from .descent import asgd, muon, rprop, sgd

_ALL: tuple[Rule, ...] = (
    *(adadelta, adafactor, adagrad, adam, adamax, asgd),
    *(muon, nadam, radam, rmsprop, rprop, sgd),
)
RULES: dict[str, Rule] = {rule.__name__: rule for rule in _ALL}


CLOCKS = {"adam": adam_clock}
"""Rule -> ``(t, hyper) -> scalars`` that depend on the counters only."""


def with_clocks(rule: str, states: list[State], hyper: Hyper) -> tuple[list[State], list[Hyper]]:
    """Return the states and the hyper-parameters of each of several parameters.

    What depends on their counters is computed for all of them in one vector: on a CPU an operation
    on a scalar costs as much as one on a hundred.
    """
    clock = CLOCKS.get(rule)
    steps: list[Any] = [state.get("step") for state in states]
    if clock is None or len(states) < 2 or len({(s.shape, s.dtype) for s in steps}) > 1:
        return states, [hyper] * len(states)
    counters = jnp.stack(steps)
    shared = clock(next_step({"step": counters})[1], hyper)
    return (
        [{**state, "step": counters[i]} for i, state in enumerate(states)],
        [{**hyper, **{k: v[i] for k, v in shared.items()}} for i in range(len(states))],
    )


def apply_rule(
    rule: str, param: Any, grad: Any, state: State, hyper: Hyper, flags: Flags
) -> tuple[Any, State]:
    """Apply ``RULES[rule]``; complex arrays are updated as pairs of reals, as PyTorch does."""
    update = RULES[rule]
    if not jnp.iscomplexobj(param):
        return update(param, grad, state, hyper, flags)
    paired = {name for name, value in state.items() if jnp.iscomplexobj(value)}
    pairs = {name: _as_real(x) if name in paired else x for name, x in state.items()}
    new_param, new = update(_as_real(param), _as_real(grad), pairs, hyper, flags)
    return _as_complex(new_param), {k: _as_complex(x) if k in paired else x for k, x in new.items()}


def _as_real(x: Any) -> Any:
    return jnp.stack([x.real, x.imag], axis=-1)


def _as_complex(x: Any) -> Any:
    return jax.lax.complex(x[..., 0], x[..., 1])
