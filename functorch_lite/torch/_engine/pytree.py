"""Tensors as JAX pytree nodes: every JAX transform takes them, and gives them back.

The one child is the array; the class rides along, and whether it wants a gradient.  History does
not: inside a transform JAX does the differentiating.
"""

from typing import Any

import jax

from .override import on_subclass
from .storage import Storage
from .tensor import Tensor, make


def _flatten(tensor: Tensor) -> tuple[tuple, tuple]:
    return (tensor._array,), (type(tensor), tensor._requires_grad)


def _unflatten(kind: tuple, children: Any) -> Tensor:
    cls, requires_grad = kind
    (child,) = children
    if hasattr(child, "dtype") and hasattr(child, "shape"):
        tensor = make(child, cls)
    else:  # JAX puts placeholders through (None, object()); they only have to survive the trip
        tensor = object.__new__(cls)
        tensor._storage = Storage(child)
        tensor._sizes = ()
    tensor._requires_grad = requires_grad
    return tensor


def register(cls: type) -> None:
    """Make ``cls`` (``Tensor`` or a subclass) a pytree node."""
    jax.tree_util.register_pytree_node(cls, _flatten, _unflatten)


register(Tensor)
on_subclass.append(register)
