"""What surrounds a rule: the options that it reads, the flags they switch on, how state begins.

One table for both faces. The classes of ``torch.optim`` keep their options in parameter groups,
the transformations of ``optim.pytorch`` in a dict; names, values and state are PyTorch's in both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Number
from typing import Any, NamedTuple, TypeAlias

from .arithmetic import Flags

Options: TypeAlias = Mapping[str, Any]
Shape: TypeAlias = tuple[int, ...]


class Slot(NamedTuple):
    """One entry of a parameter's state, as it is before the first step."""

    name: str
    value: float | str = 0.0  # a number, or the name of the option that holds it
    scalar: bool = False  # 0-d (a counter or a coefficient); else shaped like the parameter ...
    shape: Callable[[Shape], Shape | None] | None = None  # ... or by this; None: it has none
    flag: str = ""  # the entry exists only if this flag is on


class Setup(NamedTuple):
    """A rule's surroundings."""

    hypers: tuple[str, ...]  # the options that are its hyper-parameters
    slots: tuple[Slot, ...]  # in the order of PyTorch's state dict


def _rows(shape: Shape) -> Shape | None:
    return (*shape[:-1], 1) if len(shape) > 1 else None  # (..., N, D) -> (..., N, 1)


def _columns(shape: Shape) -> Shape | None:
    return (*shape[:-2], 1, shape[-1]) if len(shape) > 1 else None  # (..., N, D) -> (..., 1, D)


def _vector(shape: Shape) -> Shape | None:
    return shape if len(shape) <= 1 else None


_STEP = Slot("step", scalar=True)
_BUFFER = Slot("momentum_buffer", flag="momentum")
_MEAN, _SQUARE = Slot("exp_avg"), Slot("exp_avg_sq")
_LARGEST_SQUARE = Slot("max_exp_avg_sq", flag="amsgrad")
_ADAM = ("lr", "betas", "eps", "weight_decay")
_ASGD = ("lr", "lambd", "alpha", "t0", "weight_decay")
_RMSPROP = ("lr", "alpha", "eps", "weight_decay", "momentum")
_MUON = ("lr", "weight_decay", "momentum", "eps", "ns_coefficients")

SETUPS: dict[str, Setup] = {
    "adadelta": Setup(
        ("lr", "rho", "eps", "weight_decay"), (_STEP, Slot("square_avg"), Slot("acc_delta"))
    ),
    "adafactor": Setup(
        ("lr", "beta2_decay", "eps", "d", "weight_decay"),
        (
            _STEP,
            Slot("row_var", shape=_rows),
            Slot("col_var", shape=_columns),
            Slot("variance", shape=_vector),
        ),
    ),
    "adagrad": Setup(
        ("lr", "lr_decay", "weight_decay", "eps"),
        (_STEP, Slot("sum", "initial_accumulator_value")),
    ),
    "adam": Setup(_ADAM, (_STEP, _MEAN, _SQUARE, _LARGEST_SQUARE)),
    "adamax": Setup(_ADAM, (_STEP, _MEAN, Slot("exp_inf"))),
    "asgd": Setup(
        _ASGD,
        (_STEP, Slot("eta", "lr", scalar=True), Slot("mu", 1.0, scalar=True), Slot("ax")),
    ),
    "muon": Setup(_MUON, (Slot("momentum_buffer"),)),
    "nadam": Setup(
        (*_ADAM, "momentum_decay"),
        (_STEP, Slot("mu_product", 1.0, scalar=True), _MEAN, _SQUARE),
    ),
    "radam": Setup(_ADAM, (_STEP, _MEAN, _SQUARE)),
    "rmsprop": Setup(
        _RMSPROP, (_STEP, Slot("square_avg"), _BUFFER, Slot("grad_avg", flag="centered"))
    ),
    "rprop": Setup(("etas", "step_sizes"), (_STEP, Slot("prev"), Slot("step_size", "lr"))),
    "sgd": Setup(("lr", "momentum", "dampening", "weight_decay"), (_BUFFER,)),
}

# What the parts of an option of several numbers are called in a rule.
_PARTS = {
    "betas": ("beta1", "beta2"),
    "eps": ("eps1", "eps2"),
    "etas": ("etaminus", "etaplus"),
    "step_sizes": ("step_size_min", "step_size_max"),
    "ns_coefficients": ("ns_a", "ns_b", "ns_c"),
}
_SWITCHES = ("maximize", "amsgrad", "nesterov", "centered", "decoupled_weight_decay")
_NUMBERS = ("weight_decay", "momentum")


def hypers_of(rule: str, options: Options) -> dict[str, Any]:
    """Return the rule's hyper-parameters by the names that it uses."""
    found: dict[str, Any] = {}
    for name in SETUPS[rule].hypers:
        value = options[name]
        if isinstance(value, tuple | list):
            found.update(zip(_PARTS[name], value, strict=True))
        else:
            found[name] = value
    return found


def flags_of(options: Options) -> Flags:
    """Return the names of what is switched on: what a program is compiled for.

    A number switches on by not being zero; an array always does, as its value is not looked at.
    """
    on = [name for name in _SWITCHES if options.get(name)]
    for name in _NUMBERS:
        value = options.get(name, 0)
        if not isinstance(value, Number) or value != 0:
            on.append(name)
    if "ns_steps" in options:
        on.append(f"ns_steps={options['ns_steps']}")
    if options.get("adjust_lr_fn") == "match_rms_adamw":
        on.append("match_rms_adamw")
    return frozenset(on)


def slots_of(rule: str, flags: Flags, options: Options) -> list[Slot]:
    """Return the entries of the state under these flags, with numbers for names of options."""
    return [
        slot._replace(value=options[slot.value]) if isinstance(slot.value, str) else slot
        for slot in SETUPS[rule].slots
        if not slot.flag or slot.flag in flags
    ]
