"""What a leaf is: an array, or a *box* that holds one, such as the shim's ``Tensor``.

The transforms are written once, for arrays. A world says what boxes there are, how they are opened
and closed, and in which scope code on them is traced. Plain JAX has no boxes; the torch half
registers its own world when it is imported. Floor 4.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from ._levels import Level
from ._tree import Spec, flatten, unflatten


class World:
    """Plain arrays: no boxes, and nothing to set up."""

    box: tuple[type, ...] = ()

    def unwrap(self, box: Any) -> Any:
        """Return the array in a box."""
        return box

    def wrap(self, array: Any, like: Any = None, tracked: bool = False) -> Any:
        """Return a box around ``array``; ``tracked``: the transform differentiates by it."""
        return array

    def cell(self, box: Any) -> Any:
        """Return the mutable cell behind a box."""
        raise NotImplementedError

    def write(self, box: Any, array: Any) -> None:
        """Replace the content of a box in place."""
        raise NotImplementedError

    def written(self, box: Any) -> bool:
        """Return True if a box that ``wrap`` made was written to since."""
        return False

    def captured(self, function: Any) -> list[Any]:
        """Return boxes that a function may read from outside; a guess will do."""
        return []

    def run(self, call: Callable[[], Any], boxes: Sequence[Any]) -> Any:
        """Run a transform whose arguments hold ``boxes``, in this world's scope."""
        return call()

    def taped(self) -> bool:
        """Return True if the last ``run`` was recorded, so that gradients can flow through it."""
        return False

    def inside(self, level: Level) -> AbstractContextManager[Any]:
        """Return the scope in which the user's function runs at ``level``."""
        return nullcontext()

    def draw_state(self) -> Any:
        """Return the state of the world's own random numbers."""
        return None

    def set_draw_state(self, before: Any) -> None:
        """Go back to a state of the world's random numbers."""

    @contextmanager
    def replayed(self, draws: Any) -> Iterator[None]:
        """Draw again inside what was drawn after ``draw_state`` was ``draws``."""
        now = self.draw_state()
        self.set_draw_state(draws)
        try:
            yield
        finally:
            self.set_draw_state(now)

    def refers(self, func: Any) -> bool:
        """Return True if a function reads boxes from outside."""
        return False

    def compiled(self, func: Callable[..., Any], static: frozenset[Any] = frozenset()) -> Any:
        """Return a function of boxes as one that is captured as a program (``jit``)."""
        raise NotImplementedError

    def number(self, traced: Any, kind: type = float) -> Any:
        """Return what stands for a Python number in traced code."""
        return traced

    conjugate = False
    """Gradients of complex numbers are the conjugates of JAX's."""


PLAIN = World()


class _Worlds:
    __slots__ = ("boxed",)

    def __init__(self) -> None:
        self.boxed = PLAIN


worlds = _Worlds()


def register_world(world: World) -> None:
    """Make ``world`` the one whose boxes the transforms look for."""
    worlds.boxed = world


def is_box(value: Any) -> bool:
    """Return True for a box of the registered world."""
    return isinstance(value, worlds.boxed.box)


ARRAYS = (jax.Array, np.ndarray, np.generic)
NUMBERS = (bool, int, float, complex)


def is_array(value: Any) -> bool:
    """Return True for an array or a box of one."""
    return isinstance(value, ARRAYS) or is_box(value)


@dataclass(frozen=True)
class Opened:
    """A tree taken apart: its leaves, which of them are boxes, and its structure."""

    leaves: list[Any]
    spec: Spec

    @property
    def boxes(self) -> list[Any]:
        """The leaves that are boxes."""
        return [leaf for leaf in self.leaves if is_box(leaf)]

    def arrays(self) -> list[Any]:
        """Return the leaves with the boxes opened."""
        return [worlds.boxed.unwrap(leaf) if is_box(leaf) else leaf for leaf in self.leaves]

    def closed(self, arrays: Sequence[Any], tracked: bool = False) -> Any:
        """Return the tree with ``arrays`` in the place of its leaves, boxed where those were."""
        wrap = worlds.boxed.wrap
        return unflatten(
            self.spec,
            [
                wrap(a, leaf, tracked) if is_box(leaf) else a
                for a, leaf in zip(arrays, self.leaves, strict=True)
            ],
        )

    def with_leaves(self, leaves: Sequence[Any]) -> Any:
        """Return the tree with other leaves, as they are."""
        return unflatten(self.spec, leaves)


def opened(tree: Any) -> Opened:
    """Take ``tree`` apart; boxes are leaves."""
    return Opened(*flatten(tree, worlds.boxed.box))


def world_of(*trees: Any) -> tuple[World, list[Any]]:
    """Return the world that the leaves of ``trees`` live in, and the boxes among them.

    A function among the leaves counts as the boxes that it captures.
    """
    if worlds.boxed is PLAIN:
        return PLAIN, []
    boxes = []
    for leaf in opened(trees).leaves:
        if is_box(leaf):
            boxes.append(leaf)
        elif callable(leaf):
            boxes += worlds.boxed.captured(leaf)
    return (worlds.boxed, boxes) if boxes else (PLAIN, [])


def in_world(call: Callable[[World], Any], *trees: Any) -> Any:
    """Run ``call(world)`` in the scope of the world of ``trees``."""
    world, boxes = world_of(*trees)
    return world.run(lambda: call(world), boxes)


def interleaved(flags: Sequence[bool], chosen: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    """Put two parts of a list together again: ``chosen`` where a flag is set, else ``others``.

    >>> interleaved([True, False, True], [1, 3], [2])
    [1, 2, 3]
    """
    first, second = iter(chosen), iter(others)
    return [next(first) if flag else next(second) for flag in flags]


class Kept:
    """Results of a traced function: arrays go through the trace, anything else stays aside.

    ``put`` takes a tree apart inside the trace and returns its arrays; ``take`` closes it outside
    around the arrays that came out.
    """

    def put(self, tree: Any) -> list[Any]:
        """Keep ``tree`` and return its arrays."""
        self.tree = tree
        self._opened = opened(tree)
        self._places = [i for i, leaf in enumerate(self._opened.leaves) if is_array(leaf)]
        arrays = self._opened.arrays()
        return [arrays[i] for i in self._places]

    def boxed(self) -> list[bool]:
        """Return for each array whether a box held it."""
        return [is_box(self._opened.leaves[place]) for place in self._places]

    def take(self, arrays: Sequence[Any]) -> Any:
        """Return the kept tree around ``arrays``."""
        leaves = list(self._opened.leaves)
        for place, array in zip(self._places, arrays, strict=True):
            leaves[place] = array
        return self._opened.closed(leaves)
