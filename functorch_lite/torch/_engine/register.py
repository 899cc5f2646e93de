"""The tables that the ``torch`` namespace is assembled from.

``expose`` puts a hand-written function where a declared op would be put by ``_bind``: into a
namespace (``f``), onto ``Tensor`` (``m``).  ``SPACES[""]`` is ``torch`` itself.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

from .override import overridable
from .tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])

SPACES: dict[str, dict[str, Any]] = defaultdict(dict)
"""Namespace ("", "linalg", "nn.functional" ...) -> name -> function."""


def expose(kinds: str, *, name: str = "", space: str = "", aliases: str = "") -> Callable[[F], F]:
    """Expose the decorated function: ``f`` as a function of ``space``, ``m`` as a method.

    Raises:
        ValueError: the name is taken.
    """

    def put(fun: F) -> F:
        shown = overridable(fun) if _takes_over(fun) else fun
        for own in (name or fun.__name__, *aliases.split()):
            if "f" in kinds:
                if own in SPACES[space]:
                    raise ValueError(f"{space or 'torch'}.{own} is defined twice")
                SPACES[space][own] = shown
            if "m" in kinds:
                attach(own, shown)
        return fun

    return put


def _takes_over(fun: Callable[..., Any]) -> bool:
    """Return True if tensor subclasses may override ``fun``: tensors come in, and may come out."""
    first = fun.__code__.co_varnames[:1]
    result = fun.__annotations__.get("return")
    return first in _TENSORS and result not in (bool, int, str, None)


_TENSORS = {("input",), ("self",), ("tensor",), ("tensors",)}


def attach(name: str, member: Any) -> None:
    """Put a method or property onto ``Tensor``; ValueError if the name is taken."""
    if name in Tensor.__dict__:
        raise ValueError(f"Tensor.{name} is defined twice")
    setattr(Tensor, name, member)
