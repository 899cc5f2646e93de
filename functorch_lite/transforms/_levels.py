"""The transforms that are running, innermost last, and what they owe to the world outside.

JAX traces a *pure* function. Code that writes to a tensor from outside (batch-norm statistics, a
counter) is not pure, so each transform runs the user's function at a :class:`Level`: the level
notes every *cell* (a mutable box around an array, such as the shim's storage) that was born further
out and is written to, gives its value back as an extra result, and restores it. When the transform
is done the values are written for real, one level further out. Floor 4; knows no transform by name.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from ._where import explained, place


class Cell(Protocol):
    """A mutable box around one array.

    Attributes:
        born: ``active.entered`` when it was made: less than a level's ``stamp`` if it was made
            outside of that level.
    """

    born: int

    def snapshot(self) -> Any:
        """Return what :meth:`restore` needs to undo later writes."""
        ...

    def restore(self, before: Any) -> None:
        """Undo every write since ``before`` was taken."""
        ...

    def read(self) -> Any:
        """Return the content."""
        ...

    def write(self, array: Any) -> None:
        """Replace the content."""
        ...


REVERSE, FORWARD, BATCH, TRACE, HELD = "reverse", "forward", "batch", "trace", "held"


class Level:
    """One running transform.

    Attributes:
        kind: REVERSE and FORWARD differentiate; BATCH adds a dimension; TRACE has no values at all
            (``jit``, ``checkpoint``, ``scan``); HELD changes no value and drops all writes.
        name: how messages call the transform.
        stamp: how many levels were entered before and with this one; see ``Cell.born``.
        axis: the name of a BATCH level's mapped dimension, for collectives.
        writes: cells from outside -> (snapshot before the first write, the user's line).
        owned: cells of the function's own arguments, which it may write to whatever the value.
        operation: the in-place operation that is writing, for messages.
        size, index, randomness: of a BATCH level: the length of the mapped dimension, the traced
            position in it, and "error", "same" or "different".
        draws: of a TRACE level: takes a draw (a function without arguments) and returns its
            numbers; None where the traced code may be repeated with the same numbers.
        keys: where random draws inside come from, if not from the world's generator.
        notes: what the world keeps for as long as the level runs.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        *,
        size: int = 0,
        randomness: str = "",
        axis: Any = None,
        draws: Any = None,
    ) -> None:
        self.kind = kind
        self.name = name
        self.size = size
        self.randomness = randomness
        self.index: Any = None
        self.axis = axis
        self.draws = draws
        self.keys: Any = None
        self.stamp = 0
        self.writes: dict[Any, tuple[Any, str]] = {}
        self.owned: frozenset[Any] = frozenset()
        self.operation = ""
        self.left: list[Any] = []
        self.notes: dict[str, Any] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Be the innermost transform inside; at the end, undo and remember the writes outside."""
        stack = state.stack
        state.stack = [*stack, self]
        self.stamp = active.enter()
        self.writes, self.left = {}, []
        try:
            yield
            self.left = [cell.read() for cell in self.writes]
        finally:
            state.stack = stack
            active.leave()
            self.notes = {}
            for cell, (before, _) in self.writes.items():
                cell.restore(before)

    def settle(self, values: list[Any]) -> None:
        """Write the values that the transform brought out of the trace into their cells.

        ``values`` belong to ``writes``. Where the transform differentiates, a value that depends
        on what it differentiates comes out as another object than went in.

        Raises:
            RuntimeError: such a value was written to a captured cell (torch.func's error).
        """
        if self.kind in (REVERSE, FORWARD):
            for (cell, (_, at)), inside, outside in zip(
                self.writes.items(), self.left, values, strict=True
            ):
                if inside is not outside and cell not in self.owned:
                    raise self.refusal(at)
        for cell, value in zip(self.writes, values, strict=True):
            cell.write(value)

    def refusal(self, at: str) -> Exception:
        """Return the error for a write of a value that depends on what is differentiated."""
        return explained(
            RuntimeError,
            MUTATED.format(self.operation or "aten::copy_"),
            "return the new value (has_aux=True), or write a detached value.",
            at,
        )


MUTATED = (
    "During a grad (vjp, jvp, grad, etc) transform, the function provided attempted to call "
    "in-place operation ({}) that would mutate a captured Tensor. This is not supported; please "
    "rewrite the function being transformed to explicitly accept the mutated Tensor(s) as inputs."
)


class Recording(Level):
    """The ground below all transforms while a function is captured as a program.

    Eager code on it behaves as ever (the tape records), but no array has a value: what is read from
    a cell outside becomes an input of the program, what is written to one an output.
    """

    def lift(self, cell: Cell) -> None:
        """Note that a cell from outside is read, and leave a traced value in it."""
        raise NotImplementedError


class _State(threading.local):
    stack: list[Level]
    ground: Any  # a Recording, with what its world adds, or None

    def __init__(self) -> None:
        self.stack = []
        self.ground = None


state = _State()


class _Active:
    """Counts levels: those that run in any thread (zero is what eager code sees), and all ever."""

    __slots__ = ("_lock", "count", "entered")

    def __init__(self) -> None:
        self.count = 0
        self.entered = 0
        self._lock = threading.Lock()

    def enter(self) -> int:
        with self._lock:
            self.count += 1
            self.entered += 1
            return self.entered

    def leave(self) -> None:
        with self._lock:
            self.count -= 1


active = _Active()


def innermost() -> Level | None:
    """Return the innermost running transform, or the capture below all of them, or None."""
    return state.stack[-1] if state.stack else state.ground


def running() -> list[Level]:
    """Return the levels that run in this thread, from the ground up."""
    return state.stack if state.ground is None else [state.ground, *state.stack]


@contextmanager
def without_effects() -> Iterator[None]:
    """Drop what is written to cells from outside: the code runs again, and has written before."""
    with Level(HELD, "a repeated run").running():
        yield


def note_write(cell: Cell) -> None:
    """Remember the content of ``cell`` before its first write by the running transform."""
    top = innermost()
    if top is not None and cell.born < top.stamp and cell not in top.writes:
        top.writes[cell] = (cell.snapshot(), place())


def note_read(cell: Cell) -> None:
    """Tell the capture that is going on that a cell is read."""
    ground = state.ground
    if ground is not None and cell.born < ground.stamp:
        ground.lift(cell)


def axis_here() -> str:
    """Return a name for the mapped dimension of a BATCH level that is about to run.

    It is the same for each call at one depth: JAX's caches of compiled programs know the names of
    all mapped dimensions around a call.
    """
    return f"functorch_lite.vmap.{len(state.stack)}"


def differentiating() -> tuple[str, ...]:
    """Return the kinds of the running transforms that differentiate, innermost first."""
    return tuple(level.kind for level in reversed(state.stack) if level.kind in (REVERSE, FORWARD))
