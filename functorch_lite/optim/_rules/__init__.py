"""All update rules by name. See ``arithmetic`` for the contract that they share."""

from .adam import adam, adamax, nadam, radam
from .adaptive import adadelta, adafactor, adagrad, rmsprop
from .arithmetic import Rule
from .descent import asgd, muon, rprop, sgd

RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        *(adadelta, adafactor, adagrad, adam, adamax, asgd),
        *(muon, nadam, radam, rmsprop, rprop, sgd),
    )
}

__all__ = ["RULES", "Rule"]
