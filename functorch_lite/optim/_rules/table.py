"""All update rules by name."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from .adam import adam, adamax, nadam, radam
from .adaptive import adadelta, adafactor, adagrad, rmsprop
from .arithmetic import Flags, Hyper, Rule, State
from .descent import asgd, muon, rprop, sgd

_ALL: tuple[Rule, ...] = (
    *(adadelta, adafactor, adagrad, adam, adamax, asgd),
    *(muon, nadam, radam, rmsprop, rprop, sgd),
)
RULES: dict[str, Rule] = {rule.__name__: rule for rule in _ALL}


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
