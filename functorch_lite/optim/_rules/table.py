"""All update rules by name."""

from .adam import adam, adamax, nadam, radam
from .adaptive import adadelta, adafactor, adagrad, rmsprop
from .arithmetic import Rule
from .descent import asgd, muon, rprop, sgd

_ALL: tuple[Rule, ...] = (
    *(adadelta, adafactor, adagrad, adam, adamax, asgd),
    *(muon, nadam, radam, rmsprop, rprop, sgd),
)
RULES: dict[str, Rule] = {rule.__name__: rule for rule in _ALL}
