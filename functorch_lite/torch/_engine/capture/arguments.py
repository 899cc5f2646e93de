"""The leaves of a captured function's arguments: what they are a key for, and how they go in.

A tensor among the arguments keeps its identity while the function is traced (it may be compared,
asked for its ``.grad``, written to) but holds a traced value in a storage of its own.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Any

import jax
import jax.numpy as jnp

from ...._core import dtype as dt
from ....transforms._world import ARRAYS
from ..inside.world import world
from ..storage import Storage
from ..tensor import Tensor
from .breaks import GraphBreak
from .recorder import Recorder

_CHAIN = ("_chain", "_read", "_view_of", "_grad_base", "_view_depth", "_seen", "_own_version")


def leaf_key(leaf: Any, fixed: int) -> Any:
    """Return what a program depends on: metadata of tensors and arrays, the value of the rest.

    ``fixed`` is 0 for what may be an operand.
    """
    if isinstance(leaf, Tensor):
        return (
            type(leaf),
            leaf._sizes,
            leaf._dtype,
            leaf._strides,
            leaf._requires_grad,
            leaf._node is None,
            leaf._desc is float,
        )
    if not fixed:
        if type(leaf) in (float, int):
            return type(leaf)
        if isinstance(leaf, ARRAYS):
            return (type(leaf), leaf.shape, leaf.dtype)
    return (type(leaf), leaf if isinstance(leaf, VALUES) else _Same(leaf))


VALUES = (bool, int, float, complex, str, bytes, type(None), type, Enum, dt.dtype)
"""What is known by its value; other objects are known by identity, whatever they say of it."""


class _Same:
    """An object as a key: equal to itself only, and kept alive."""

    __slots__ = ("it",)

    def __init__(self, it: Any) -> None:
        self.it = it

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.it is self.it

    def __hash__(self) -> int:
        return id(self.it)

    def __repr__(self) -> str:
        return f"this {type(self.it).__name__}"


def is_other_object(a: Any, b: Any) -> bool:
    """Return True for the keys of two objects of one type that are known by identity."""
    return (
        isinstance(a, tuple)
        and isinstance(b, tuple)
        and len(a) == len(b) == 2
        and a[0] is b[0]
        and isinstance(a[1], _Same)
        and isinstance(b[1], _Same)
    )


class Arguments:
    """The leaves of one call, swapped for traced ones while the function runs."""

    def __init__(self, leaves: Sequence[Any]) -> None:
        """Read the tensors, before the capture begins.

        Attributes:
            leaves: what the function gets.
            arrays: (place, leaf) of the run-time leaves that are tensors or arrays.
            floats: places of the run-time numbers.
        """
        self.leaves = list(leaves)
        self._arrays: dict[int, Any] = {}
        for leaf in leaves:
            if isinstance(leaf, Tensor):
                self._arrays[id(leaf)] = leaf._array
                leaf._history()  # a view that is out of date gets its node
        self.places: list[int] = []
        self.floats: list[int] = []
        self._saved: dict[int, tuple[Tensor, dict[str, Any]]] = {}
        self._versions: dict[int, tuple[Tensor, Storage, int]] = {}
        self.written: list[int] = []

    def enter(self, recorder: Recorder, fixed: Sequence[int]) -> None:
        """Put the traced values in."""
        for place, (leaf, static) in enumerate(zip(list(self.leaves), fixed, strict=True)):
            if isinstance(leaf, Tensor):
                if id(leaf) not in self._saved:
                    self._enter(recorder, place, leaf)
            elif static:
                continue
            elif type(leaf) in (float, int):
                self.floats.append(place)
                self.leaves[place] = world.number(recorder.number(leaf), type(leaf))
            elif isinstance(leaf, ARRAYS):
                self.places.append(place)
                with jax.ensure_compile_time_eval():
                    array = jnp.asarray(leaf)
                self.leaves[place] = recorder.enter(array, ("arg", len(self.places) - 1))

    def _enter(self, recorder: Recorder, place: int, tensor: Tensor) -> None:
        array = self._arrays[id(tensor)]
        old = tensor._storage
        self._saved[id(tensor)] = tensor, dict(tensor.__dict__)
        recorder.arguments.add(id(tensor))
        self.places.append(place)
        storage = Storage(recorder.enter(array, ("arg", len(self.places) - 1)))
        storage.version = old.version
        for name in _CHAIN:
            tensor.__dict__.pop(name, None)
        tensor._storage = storage
        self._versions[place] = tensor, storage, old.version

    def leave(self) -> list[tuple[int, Any]]:
        """Return (place, value) of the tensors that the function wrote to.

        Raises:
            GraphBreak: the write is part of the graph.
        """
        found = []
        for place, (tensor, storage, version) in self._versions.items():
            if storage.version != version:
                _, saved = self._saved[id(tensor)]
                if tensor._node is not saved.get("_node"):
                    raise GraphBreak(
                        "an argument is written to in place, with a gradient",
                        "return the new value instead.",
                    )
                found.append((place, storage.array))
        self.written = [place for place, _ in found]
        return found

    def restore(self) -> None:
        """Make the tensors what they were."""
        for tensor, saved in self._saved.values():
            tensor.__dict__.clear()
            tensor.__dict__.update(saved)

    def aliased(self, storages: set[Any]) -> bool:
        """Return True if tensors among the arguments share memory, or lie in ``storages``."""
        own = [saved["_storage"] for _, saved in self._saved.values()]
        return len(set(own)) < len(own) or not storages.isdisjoint(own)
