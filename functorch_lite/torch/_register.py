"""The tables that the ``torch`` namespace is assembled from.

``expose`` puts a hand-written function where a declared op would be put by ``_bind``: into a
namespace (``f``), onto ``Tensor`` (``m``).  ``SPACES[""]`` is ``torch`` itself.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

from ._tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])

SPACES: dict[str, dict[str, Any]] = defaultdict(dict)
"""Namespace ("", "linalg", "nn.functional" ...) -> name -> function."""


def expose(kinds: str, *, name: str = "", space: str = "", aliases: str = "") -> Callable[[F], F]:
    """Expose the decorated function: ``f`` as a function of ``space``, ``m`` as a method.

    Raises:
        ValueError: the name is taken.
    """

    def put(fun: F) -> F:
        for own in (name or fun.__name__, *aliases.split()):
            if "f" in kinds:
                if own in SPACES[space]:
                    raise ValueError(f"{space or 'torch'}.{own} is defined twice")
                SPACES[space][own] = fun
            if "m" in kinds:
                attach(own, fun)
        return fun

    return put


def attach(name: str, member: Any) -> None:
    """Put a method or property onto ``Tensor``; ValueError if the name is taken."""
    if name in Tensor.__dict__:
        raise ValueError(f"Tensor.{name} is defined twice")
    setattr(Tensor, name, member)
