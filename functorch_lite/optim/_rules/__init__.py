"""The update rules of the optimizers. See ``arithmetic`` for the contract that they share."""

from .arithmetic import Flags, Rule
from .setup import SETUPS, Options, Slot, flags_of, hypers_of, slots_of
from .table import RULES, apply_rule, with_clocks

__all__ = [
    "RULES",
    "SETUPS",
    "Flags",
    "Options",
    "Rule",
    "Slot",
    "apply_rule",
    "flags_of",
    "hypers_of",
    "slots_of",
    "with_clocks",
]
