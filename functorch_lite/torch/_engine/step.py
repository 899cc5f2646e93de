"""One compiled call for a whole optimizer step.

The optimizer classes gather tensors, states and hyper-parameters into ``Group``s; ``fused_step``
runs the update rule on all of them in one XLA program and writes the results into the same tensors.
A program is known by the rule, the flags and the names of state and hyper-parameters; XLA's own
cache adds shapes and dtypes. Hyper-parameters are operands: a changing ``lr`` compiles once. So is
the flag that says whether to step at all (``GradScaler``'s): nobody waits for its value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax.lax import optimization_barrier

from ..._core.eager import eager
from ..._core.execute import x64
from ...optim._rules import apply_rule, with_clocks
from .capture.recorder import now_recording
from .inside.values import is_traced


class Group(NamedTuple):
    """Tensors that are updated with the same flags and hyper-parameters.

    ``states[i]`` is the state dict of ``params[i]``; all have the same keys, and values that are
    tensors. A hyper-parameter is a float or a one-element tensor. ``live`` returns the
    hyper-parameters anew: a captured program asks for them at each call.
    """

    flags: frozenset[str]
    params: list[Any]
    grads: list[Any]
    states: list[dict[str, Any]]
    hypers: dict[str, Any]
    live: Callable[[], dict[str, Any]]


_programs: dict[tuple, Callable[..., Any]] = {}


def fused_step(rule: str, groups: list[Group], found_inf: Any = None) -> None:
    """Update the parameters and states of all ``groups`` in place by ``RULES[rule]``.

    ``found_inf`` is a 0-d tensor or None; where it is not zero, all of them keep their values.
    """
    groups = [group for group in groups if group.params]
    if not groups:
        return
    keys = [tuple(group.states[0]) for group in groups]
    layout = tuple(
        (group.flags, len(group.params), names, tuple(group.hypers))
        for group, names in zip(groups, keys, strict=True)
    )
    guarded = found_inf is not None
    program = _programs.get((rule, layout, guarded))
    if program is None:
        made = eager(_make_program(rule, layout, guarded))
        program = _programs[rule, layout, guarded] = made
    hypers, arrays = [], []
    for group, names in zip(groups, keys, strict=True):
        hypers.append(_operands(group))
        for param, grad, state in zip(group.params, group.grads, group.states, strict=True):
            arrays.append(param._array)
            arrays.append(grad._array)
            for name in names:
                arrays.append(state[name]._array)
    try:
        with x64(True):
            flag = (found_inf._array,) if guarded else ()
            results = iter(program(tuple(hypers), tuple(arrays), *flag))
    except ValueError as error:
        parts = _by_device(groups)
        if "incompatible devices" not in str(error) or len(parts) == 1:
            raise
        for part in parts:
            flagged = found_inf.to(part[0].params[0].device) if guarded else None
            fused_step(rule, part, flagged)
        return
    for group, names in zip(groups, keys, strict=True):
        for param, state in zip(group.params, group.states, strict=True):
            param._write(next(results))
            for name in names:
                state[name]._write(next(results))


def _operands(group: Group) -> tuple:
    """Return the hyper-parameters as the program takes them; a capture makes its own of floats."""
    values = list(group.hypers.values())
    numbers = [place for place, v in enumerate(values) if isinstance(v, (int, float))]
    found = [v if place in numbers else v._array for place, v in enumerate(values)]
    recorder = now_recording()
    if recorder is None:
        return tuple([float(v) if place in numbers else v for place, v in enumerate(found)])

    def again() -> list[float]:
        now = list(group.live().values())
        return [float(now[place]) for place in numbers]

    traced = recorder.ask([float(values[place]) for place in numbers], again)
    for place, value in zip(numbers, traced, strict=True):
        found[place] = value
    return tuple(found)


def has_value(tensor: Any) -> bool:
    """Return False if the tensor is being traced, so that its value cannot be read."""
    return not is_traced(tensor._array)


def _make_program(rule: str, layout: tuple, guarded: bool) -> Callable[..., Any]:
    """Return the pure function ``(hypers, arrays) -> new arrays`` for groups of this layout.

    A ``guarded`` one takes a flag as well; unless that is zero, the new arrays are the old ones.
    In a captured step the first update waits for the last gradient: so XLA knows that nobody reads
    the parameters any more, and writes the new ones over them instead of copying them first.
    """

    def step(hypers: tuple, arrays: tuple, found_inf: Any = None) -> tuple:
        source, out = iter(arrays), []
        sizes = [(count, 2 + len(names)) for _, count, names, _ in layout]
        givens = [[[next(source) for _ in range(n)] for _ in range(count)] for count, n in sizes]
        givens = _after_all_gradients(givens)
        for (flags, _, names, hyper_names), values, given in zip(
            layout, hypers, givens, strict=True
        ):
            hyper = {k: jnp.reshape(v, ()) for k, v in zip(hyper_names, values, strict=True)}
            states = [dict(zip(names, kept, strict=True)) for _, _, *kept in given]
            states, hypers_each = with_clocks(rule, states, hyper)
            for old, state, own in zip(given, states, hypers_each, strict=True):
                param, grad = old[:2]
                new_param, new_state = apply_rule(rule, param, grad, state, own, flags)
                new = [new_param, *(new_state[name] for name in names)]
                del old[1]  # the gradient
                if guarded:
                    new = [jnp.where(found_inf == 0, b, a) for a, b in zip(old, new, strict=True)]
                out.extend(new)
        return tuple(out)

    step.__name__ = f"{rule}_step"
    return step


def _after_all_gradients(givens: list[list[list[Any]]]) -> list[list[list[Any]]]:
    """Return the groups' ``[param, grad, *state]``, whose gradients come at the same time."""
    grads = iter(optimization_barrier([grad for given in givens for _, grad, *_ in given]))
    return [[[param, next(grads), *kept] for param, _, *kept in given] for given in givens]


def _by_device(groups: list[Group]) -> list[list[Group]]:
    """Split the groups into one list for each device that holds parameters."""
    devices: dict[Any, list[Group]] = {}
    for group in groups:
        places = [param.device for param in group.params]
        for place in dict.fromkeys(places):
            chosen = [i for i, p in enumerate(places) if p == place]
            devices.setdefault(place, []).append(
                Group(
                    group.flags,
                    [group.params[i] for i in chosen],
                    [group.grads[i] for i in chosen],
                    [group.states[i] for i in chosen],
                    group.hypers,
                    group.live,
                )
            )
    return list(devices.values())
