"""What a captured function hands out: tensors that every call makes anew, and values that stay."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.core

from ...._core import dtype as dt
from ....transforms._world import ARRAYS, opened
from ..storage import Storage
from ..tensor import Tensor
from .arguments import Arguments
from .breaks import GraphBreak
from .recorder import Recorder
from .slots import Slot

_METADATA = ("_sizes", "_dtype", "_desc", "_strides", "_shown_strides", "_offset", "_inference")


class Template:
    """A tensor of the trace as a pattern for those that later calls make."""

    __slots__ = ("attributes", "kind", "requires_grad")

    def __init__(self, tensor: Tensor) -> None:
        own = tensor.__dict__
        self.kind = type(tensor)
        self.attributes = {key: own[key] for key in _METADATA if key in own}
        self.requires_grad = bool(tensor._requires_grad)

    def make(self, array: Any) -> Tensor:
        """Return a tensor of a new storage that holds ``array``."""
        return self.around(Storage(array))

    def around(self, storage: Storage) -> Tensor:
        """Return a tensor of ``storage``."""
        tensor = object.__new__(self.kind)
        tensor.__dict__.update(self.attributes)
        tensor._storage = storage
        if self.requires_grad:
            tensor._requires_grad = True
        return tensor


class Results:
    """The tree that a captured function returned, told apart.

    Attributes:
        tensors: tensors that were made inside, each once.
        sharing: place of a tensor -> that of the one whose elements it has, too (``detach``).
        arrays: the other traced or concrete arrays among the leaves.
    """

    def __init__(
        self, recorder: Recorder, inputs: Arguments, kept: dict[int, Slot], copies: bool
    ) -> None:
        """Take the outputs apart.

        ``kept``: by id of a tensor, the place where Python code keeps it, and may keep another one
        later; ``copies``: a view of a tensor outside is returned by value.
        """
        self.recorder, self.kept, self.copies = recorder, kept, copies
        self.tensors: list[Tensor] = []
        self.sharing: dict[int, int] = {}
        self.arrays: list[Any] = []
        tensors = [(i, leaf) for i, leaf in enumerate(inputs.leaves) if isinstance(leaf, Tensor)]
        self.inputs = {id(leaf): i for i, leaf in tensors}
        self._given = {leaf._storage for _, leaf in tensors}
        self._seen: dict[int, int] = {}
        self._storages: dict[int, Tensor] = {}

    def add(self, tensor: Tensor) -> tuple[str, Any]:
        """Return how a later call finds ``tensor``.

        That is ("made", place), ("arg", i), ("slot", where it is kept) or ("fixed", it).
        """
        if id(tensor) in self.inputs:
            return "arg", self.inputs[id(tensor)]
        if tensor._storage.born < self.recorder.stamp:
            if not tensor._chain:
                slot = self.kept.get(id(tensor))
                return ("fixed", tensor) if slot is None else ("slot", slot)
            if not self.copies:
                raise GraphBreak(
                    "a view of a tensor from outside is returned", "return a clone of it."
                )
        if tensor._storage in self._given and not self.copies:
            raise GraphBreak("a view of an argument is returned or kept", "return a clone of it.")
        if tensor._desc in (int, float) and not self.copies:
            raise GraphBreak(
                "a Python number that depends on an argument is returned or kept",
                "pass a tensor, or compute it outside.",
            )
        place = self._seen.get(id(tensor))
        if place is None:
            other = self._storages.setdefault(id(tensor._storage), tensor)
            place = self._seen[id(tensor)] = len(self.tensors)
            if other is not tensor and not self.copies:
                if _window(other) != _window(tensor):
                    raise GraphBreak(
                        "two results share their memory", "return a clone of one of them."
                    )
                self.sharing[place] = self._seen[id(other)]
            self.tensors.append(tensor)
        return "made", place

    def of_tree(self, tree: Any) -> "Tree":
        """Take apart what the function returned."""
        flat = opened(tree)
        sources: list[tuple[str, Any]] = []
        for leaf in flat.leaves:
            if isinstance(leaf, Tensor):
                sources.append(self.add(leaf))
            elif isinstance(leaf, ARRAYS):
                sources.append(("array", len(self.arrays)))
                self.arrays.append(leaf)
            else:
                sources.append(("fixed", leaf))
        return Tree(flat, sources)

    def differentiable(self) -> list[int]:
        """Return the places of the tensors that have a history."""
        return [
            i
            for i, t in enumerate(self.tensors)
            if t._requires_grad and t._dtype.category >= dt.FLOATING and not t.is_leaf
        ]


class Tree:
    """The structure of a result, and where each of its leaves comes from."""

    def __init__(self, flat: Any, sources: list[tuple[str, Any]]) -> None:
        self.flat, self.sources = replace(flat, leaves=[]), sources  # its leaves are traced
        self.single = len(sources) == 1 and flat.spec.kind is None

    def build(self, made: Mapping[int, Tensor], arrays: list[Any], leaves: Sequence[Any]) -> Any:
        """Return the tree of this call."""
        found = []
        for kind, what in self.sources:
            if kind == "made":
                found.append(made[what])
            elif kind == "fixed":
                found.append(what)
            elif kind == "slot":
                found.append(what.get())
            else:
                found.append(leaves[what] if kind == "arg" else arrays[what])
        return found[0] if self.single else self.flat.with_leaves(found)


def _window(tensor: Tensor) -> list[Any]:
    """Return through which views a tensor sees its memory (hiding from transforms is none)."""
    return [(step, ints) for step, ints in tensor._chain if step.op is not None]


def is_traced(value: Any) -> bool:
    """Return True for a value that only exists while it is traced."""
    if isinstance(value, Tensor):
        value = value._storage.array
    return isinstance(value, jax.core.Tracer)
