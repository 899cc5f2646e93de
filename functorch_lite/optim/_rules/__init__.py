"""The update rules of the optimizers. See ``arithmetic`` for the contract that they share."""

from .arithmetic import Rule
from .table import RULES

__all__ = ["RULES", "Rule"]
