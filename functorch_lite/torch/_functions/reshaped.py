"""Views in place: ``t_``, ``squeeze_``, ``as_strided_`` make a tensor show its storage
otherwise.
"""

import warnings
from collections.abc import Callable
from typing import Any

from .._engine.grad_mode import mode
from .._engine.graph import ViewNode, node_type
from .._engine.override import overridable
from .._engine.register import SPACES, attach
from .._engine.tensor import Tensor
from .._engine.writing import LEAF_VIEW_WRITE, LEAF_WRITE
from .permute import t, transpose
from .select import as_strided
from .shape import squeeze, unsqueeze

_SHOWN = ("_chain", "_sizes", "_strides", "_offset", "_desc", "_shown_strides")


def _check(self: Tensor) -> None:
    if not mode.grad:
        return
    base = self._grad_base
    if base is not None and base._requires_grad and base._node is None:
        raise RuntimeError(LEAF_VIEW_WRITE)
    if self._requires_grad and self._node is None and base is None:
        raise RuntimeError(LEAF_WRITE)


def become(self: Tensor, view: Callable[..., Tensor], *args: Any, **named: Any) -> Tensor:
    """Let ``self`` show what ``view(self, ...)`` shows; its history goes on through the view."""
    _check(self)
    before = object.__new__(Tensor)
    before.__dict__.update(self.__dict__)
    shown = view(before, *args, **named)
    for name in _SHOWN:
        self.__dict__.pop(name, None)
        if name in shown.__dict__:
            self.__dict__[name] = shown.__dict__[name]
    self._read = None
    self._storage.version += 1
    self._seen = self._storage.version
    if isinstance(shown._node, ViewNode) and shown._node is not before._node:
        name = type(shown._node).__name__.replace("Backward0", "Backward1")
        shown._node.__class__ = node_type(name, ViewNode)
        self._node, self._nr = shown._node, 0
    return self


def _inplace(name: str, view: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Attach ``Tensor.name_``."""

    def method(self: Tensor, *args: Any, **named: Any) -> Tensor:
        return become(self, view, *args, **named)

    method.__name__ = method.__qualname__ = name + "_"
    method.__doc__ = f"``{name}`` in place: the tensor itself changes shape and strides."
    shown = overridable(method)
    attach(name + "_", shown)
    return shown


_inplace("squeeze", squeeze)
_inplace("t", t)
for _name in ("swapaxes", "swapdims", "transpose"):
    _inplace(_name, transpose)
_inplace("unsqueeze", unsqueeze)
SPACES[""]["as_strided_"] = _inplace("as_strided", as_strided)


def resize_as(self: Tensor, other: Tensor) -> Tensor:
    """Deprecated, as in PyTorch: the tensor in the shape of one of as many elements."""
    warnings.warn("non-inplace resize_as is deprecated", UserWarning, stacklevel=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return self.resize(*other._sizes)


attach("resize_as", overridable(resize_as))
