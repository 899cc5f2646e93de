"""The gradients that a captured step leaves behind, one tensor a parameter.

A step replaces all of them. Their tensors are made anew only if somebody else holds the old one;
else it gets the new array: of the cost of a call in Python this was the largest part.
"""

import operator
import sys
from typing import Any

from ..tensor import Tensor
from .results import Template

_one = [object()]
HELD_BY_LIST = max(map(sys.getrefcount, _one))
"""The count of references to an object that one list holds, as ``map`` sees it."""


class Grads:
    """Puts gradients in place after each call.

    Attributes:
        others: the templates of the program's results, None for those that are gradients only.
    """

    def __init__(self, trace: Any) -> None:
        self.targets: list[Tensor] = [tensor for tensor, _ in trace.grads]
        self.places: list[int] = [place for _, place in trace.grads]
        own = set(self.places)
        self.templates: list[Template] = [trace.templates[place] for place in self.places]
        self.others = [None if i in own else t for i, t in enumerate(trace.templates)]
        self.last: list[Tensor] = []

    def put(self, out: list[Any]) -> None:
        """Set the gradients to the arrays of ``out``."""
        if not self.targets:
            return
        last = self.last
        arrays = [out[place] for place in self.places]
        if (
            last
            and all(map(operator.is_, [t._grad for t in self.targets], last))
            and max(map(sys.getrefcount, last)) <= HELD_BY_LIST + 1
            and max(map(sys.getrefcount, [t._storage for t in last])) <= HELD_BY_LIST + 1
        ):
            for tensor, array in zip(last, arrays, strict=True):
                tensor._storage.array = array
            return
        self.last = last = [
            template.make(array) for template, array in zip(self.templates, arrays, strict=True)
        ]
        for target, tensor in zip(self.targets, last, strict=True):
            target._grad = tensor
