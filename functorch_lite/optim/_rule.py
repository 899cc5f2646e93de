"""An update rule of PyTorch as an optax transformation; ``pytorch.py`` has one function per rule.

    rule.init(params) -> state
    rule.update(grads, state, params) -> (updates, state)       optax's contract
    rule.step(grads, state, params) -> (new params, state)      the rule itself

``update`` returns ``new - param``. ``optax.apply_updates`` adds that to the parameter, which gives
the very value of ``step`` where a step changes an element by less than half, and else a value that
is equal to rounding. ``make_train_step`` uses ``step``.

Scalars (rates, bias corrections) are computed in float64 inside the program whatever JAX's
configuration, as PyTorch does; arrays keep the parameter's dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from .._core.execute import x64
from .._core.types import Array, PyTree
from ._rules import Options, Slot, apply_rule, flags_of, hypers_of, slots_of

ABSENT = optax.MaskedNode()
"""Stands in a tree of state for a parameter that has no such entry (Adafactor's)."""


class RuleState(NamedTuple):
    """The state of an update rule, by PyTorch's names."""

    step: Array  # shape=(), dtype=int32: the steps taken
    scalars: dict[str, Array]  # shape=(), dtype=float32: coefficients that all parameters share
    slots: dict[str, PyTree]  # name -> a tree like the parameters


class UpdateRule(optax.GradientTransformationExtraArgs):
    """``init`` and ``update`` of optax, and ``step``, which returns the new parameters."""

    step: Callable[[PyTree, RuleState, PyTree], tuple[PyTree, RuleState]]


def make_rule(name: str, options: Options) -> UpdateRule:
    """Build the transformation of ``RULES[name]``.

    Args:
        name: a key of ``RULES``.
        options: by PyTorch's names. ``lr`` may be a schedule: a function of the steps taken so
            far. A Python number is part of the program and is used in double precision; an array
            is an operand, so another value does not compile again.
    """
    _check(name, options)
    flags = flags_of(options)

    def init(params: PyTree) -> RuleState:
        slots = slots_of(name, flags, _at_step(options, jnp.int32(0)))
        scalars = {s.name: jnp.float32(s.value) for s in slots if s.scalar and s.name != "step"}
        trees = {
            slot.name: jax.tree.map(lambda p, slot=slot: _begin(name, slot, p), params)
            for slot in slots
            if not slot.scalar
        }
        return RuleState(jnp.int32(0), scalars, trees)

    def step(grads: PyTree, state: RuleState, params: PyTree) -> tuple[PyTree, RuleState]:
        now = _at_step(options, state.step)
        hypers = hypers_of(name, now)
        leaves, tree = jax.tree.flatten(params)
        kept = [tree.flatten_up_to(slot) for slot in state.slots.values()]
        if hypers.get("eps1", 0) is None:  # Adafactor: the first parameter speaks for all
            hypers["eps1"] = float(jnp.finfo(leaves[0].dtype).eps) if leaves else 0.0
        new, scalars = [], state.scalars
        with x64(True):
            hyper = {key: _double(value) for key, value in hypers.items()}
            hyper["first"] = _double(state.step == 0)
            common = {"step": state.step.astype(jnp.float32), **state.scalars}
            for i, (p, g) in enumerate(zip(leaves, tree.flatten_up_to(grads), strict=True)):
                own = {k: s[i] for k, s in zip(state.slots, kept, strict=True) if _is_there(s[i])}
                g = jax.lax.convert_element_type(g, p.dtype)
                new_param, after = apply_rule(name, p, g, {**common, **own}, hyper, flags)
                new.append((new_param, [after.get(k, ABSENT) for k in state.slots]))
                scalars = {k: after[k] for k in state.scalars}
        columns = zip(*[after for _, after in new], strict=True) if new else kept
        slots = {k: tree.unflatten(c) for k, c in zip(state.slots, columns, strict=True)}
        taken = jnp.asarray(optax.safe_increment(state.step))
        return tree.unflatten([p for p, _ in new]), RuleState(taken, scalars, slots)

    return _transformation(name, init, step)


def _transformation(name: str, init: Callable, step: Callable) -> UpdateRule:
    def update(
        updates: PyTree, state: Any, params: PyTree | None = None, **_: Any
    ) -> tuple[PyTree, RuleState]:
        if params is None:
            raise ValueError(
                f"optim.pytorch.{name} needs the parameters: tx.update(grads, state, params)"
            )
        new, state = step(updates, state, params)
        return jax.tree.map(lambda after, before: after - before, new, params), state

    rule = UpdateRule(init, update)
    rule.step = step
    return rule


def _at_step(options: Options, step: Array) -> dict[str, Any]:
    """Return the options with a schedule's value in its place."""
    return {k: v(step) if callable(v) else v for k, v in options.items()}


def _is_there(entry: Any) -> bool:
    return not isinstance(entry, optax.MaskedNode)


def _double(value: Any) -> Array:
    return jnp.reshape(jax.lax.convert_element_type(value, jnp.float64), ())


def _begin(rule: str, slot: Slot, param: Array) -> Any:
    """Return the entry ``slot`` of the state of ``param`` before the first step."""
    if rule in ("muon", "adafactor") and jnp.iscomplexobj(param):
        raise ValueError(f"optim.pytorch.{rule} does not update complex parameters")
    if rule == "muon" and param.ndim != 2:
        raise ValueError(
            f"optim.pytorch.muon updates matrices, and a parameter has shape {param.shape}: "
            "give such parameters to another rule with optim.partition"
        )
    value: Any = slot.value
    if jnp.iscomplexobj(param):
        value = value * (1 + 1j)
    shape = slot.shape(param.shape) if slot.shape else param.shape
    if shape is None:
        return ABSENT
    if shape == param.shape:
        return jnp.full_like(param, value)
    return jnp.full(shape, value, param.dtype)


def _check(name: str, options: Options) -> None:
    """Refuse options that make no sense; only Python numbers are looked at."""
    for key, value in options.items():
        if _is_number(value) and value < 0 and key != "beta2_decay":
            raise ValueError(f"optim.pytorch.{name}: {key} must not be negative, got {value}")
    for index, beta in enumerate(options.get("betas", ())):
        if _is_number(beta) and not 0 <= beta < 1:
            raise ValueError(
                f"optim.pytorch.{name}: betas[{index}] must be at least 0 and below 1, got {beta}"
            )
    etas = options.get("etas", (0.5, 1.2))
    if all(map(_is_number, etas)) and not 0 < etas[0] < 1 < etas[1]:
        raise ValueError(f"optim.pytorch.{name}: etas must lie on both sides of 1, got {etas}")
    if options.get("nesterov") and name == "sgd":
        momentum, dampening = options["momentum"], options["dampening"]
        no_momentum = _is_number(momentum) and momentum == 0
        if no_momentum or (_is_number(dampening) and dampening != 0):
            raise ValueError(
                "optim.pytorch.sgd: nesterov=True needs a momentum above 0 and no dampening, got "
                f"momentum={momentum}, dampening={dampening}"
            )


def _is_number(value: Any) -> bool:
    return isinstance(value, float | int)
