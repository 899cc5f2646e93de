"""The ground under a function that is being captured: what it reads, writes, draws and asks for.

The function runs on its real tensors. The first read of a storage from outside puts a traced value
in it, and the concrete array becomes a constant of JAX's trace; *which* constant it is, is known by
identity, and so at later calls the constant is replaced by what the storage holds then.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import get_opaque_trace_state

from ...._core.execute import compile, x64
from ....transforms._levels import TRACE, Recording, active, state
from ..graph import AccumulateGrad, Node, sequence
from ..tensor import Tensor
from .breaks import GraphBreak

_identity = compile(lambda x: x)

Origin = tuple[str, Any]
"""Where a constant of the trace comes from: ("cell", storage), ("arg", i), ("draw", i),
("number", i) or ("cotangent", i)."""


class Grad:
    """What happened to the ``.grad`` of a tensor from outside.

    Attributes:
        tensor: whose gradient it is.
        entry: the gradient when the function began.
        read: it was asked for before it was replaced, so the program depends on whether it is None.
    """

    def __init__(self, tensor: Tensor, read: bool) -> None:
        self.tensor, self.entry, self.read = tensor, tensor._grad, read


class Recorder(Recording):
    """One capture.

    Attributes:
        cells: storages from outside that were read -> (snapshot before, concrete array).
        origins: id of a concrete array -> (origin, the array).
        drawn: functions that draw from host generators, in the order of the program.
        numbers: floats of this call, followed at later calls by what ``asks`` return.
        asks: functions that return the optimizers' hyper-parameters as floats.
        grads: id of a tensor -> what happened to its ``.grad``.
        holds: (description, predicate) that must stay true for the program to be valid.
        modules: modules that were called, by id.
        optimizers: optimizers that stepped, by id.
        after: calls to make on the host once the program has run.
        first_node: nodes with a smaller number were made outside.
        splitting: the backward pass of the results is being traced.
    """

    def __init__(self, name: str) -> None:
        super().__init__(TRACE, name, draws=self._draw)
        self.cells: dict[Any, tuple[Any, Any]] = {}
        self.origins: dict[int, tuple[Origin, Any]] = {}
        self.drawn: list[Callable[[], Any]] = []
        self._numbers_drawn: list[Any] = []
        self._cursor = 0
        self.numbers: list[float] = []
        self.asks: list[Callable[[], list[float]]] = []
        self.grads: dict[int, Grad] = {}
        self.holds: list[tuple[str, Callable[[], bool]]] = []
        self.modules: dict[int, Any] = {}
        self.optimizers: dict[int, Any] = {}
        self.attributes: dict[tuple[int, str], tuple[Any, str, Any]] = {}
        self.after: list[Callable[[], None]] = []
        self.engines: dict[int, tuple[Any, tuple]] = {}
        self.births: list[dict[str, Any]] = []
        self.arguments: set[int] = set()
        self.first_node = next(sequence)
        self.here: Any = None
        self.splitting = False
        self.traced: Any = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Capture inside; at the end everything outside is as it was."""
        self.stamp = active.enter()
        state.ground = self
        self.here = get_opaque_trace_state()
        self.writes = {}
        try:
            yield
            self.left = [cell.content() for cell in self.writes]
        finally:
            state.ground = None
            active.leave()
            self._restore()

    def _restore(self) -> None:
        for cell, (before, _) in self.writes.items():
            cell.restore(before)
        for cell, (before, _) in self.cells.items():
            cell.restore(before)
        for grad in self.grads.values():
            grad.tensor._grad = grad.entry

    def undo(self) -> None:
        """Take back what the capture did on the host, for the function runs again without it."""
        for engine, before in self.engines.values():
            engine.rewind(before)
        for born in self.births:
            born.clear()
        # JAX forgets a trace that ends well; one that does not would live for ever, with its inputs
        trace: Any = getattr(self.traced, "_trace", None)
        if hasattr(trace, "invalidate"):
            trace.invalidate()

    # --- values -----------------------------------------------------------------------------------

    def enter(self, array: Any, origin: Origin) -> Any:
        """Return the traced value of a concrete array that comes from ``origin``.

        Inside a nested trace the array itself, which that trace hands out as its own constant.
        """
        if id(array) in self.origins:  # two storages may share one immutable array
            with jax.ensure_compile_time_eval():
                array = jnp.array(array, copy=True)
        self.origins[id(array)] = (origin, array)
        if get_opaque_trace_state() != self.here:
            return array
        self.traced = _identity(array)
        return self.traced

    def lift(self, cell: Any) -> None:
        """Put a traced value into a storage from outside that is read for the first time."""
        if cell in self.cells or cell in self.writes:
            return
        before = cell.snapshot()
        with jax.ensure_compile_time_eval():  # memory that NumPy shares becomes an array now
            array = cell.content()
        self.cells[cell] = before, array
        cell.array = self.enter(array, ("cell", cell))

    def is_concrete(self, array: Any) -> bool:
        """Return True for an input of the program that a nested trace sees with its value."""
        return id(array) in self.origins

    def is_outside(self, tensor: Tensor) -> bool:
        """Return True for a tensor that was there before the capture."""
        return tensor._storage.born < self.stamp or id(tensor) in self.arguments

    # --- random numbers ---------------------------------------------------------------------------

    def _draw(self, once: Callable[[], Any]) -> Any:
        """Draw, and remember to draw again at each call; repeat what was drawn after a rewind."""
        if self._cursor < len(self._numbers_drawn):
            self._cursor += 1
            return self._numbers_drawn[self._cursor - 1]
        with jax.ensure_compile_time_eval():
            drawn = jnp.asarray(once())
        traced = self.enter(drawn, ("draw", len(self.drawn)))
        self.drawn.append(once)
        self._numbers_drawn.append(traced)
        self._cursor += 1
        return traced

    def drawing_from(self, engine: Any) -> None:
        """Remember the state of a host generator before its first draw."""
        if id(engine) not in self.engines:
            self.engines[id(engine)] = (engine, engine.snapshot())

    def position(self) -> int:
        """Return how many draws came before this point."""
        return self._cursor

    def rewind(self, position: int) -> None:
        """Repeat the draws from ``position`` on."""
        self._cursor = position

    # --- numbers ----------------------------------------------------------------------------------

    def number(self, value: float) -> Any:
        """Return the traced value of a number of this call."""
        place = len(self.numbers)
        self.numbers.append(value)
        with jax.ensure_compile_time_eval():
            array = jnp.asarray(value)
        return self.enter(array, ("number", place))

    def ask(self, now: list[float], again: Callable[[], list[float]]) -> list[Any]:
        """Return traced values of numbers that ``again`` returns at later calls."""
        if self.after:
            raise GraphBreak(
                "an optimizer steps after a scheduler did", "let the scheduler step last."
            )
        self.asks.append(again)
        return [self.number(value) for value in now]

    # --- Python state -----------------------------------------------------------------------------

    def touch_grad(self, tensor: Tensor, read: bool) -> None:
        """Note the first use of a ``.grad``; ``read``: its old value matters."""
        if id(tensor) not in self.grads and self.is_outside(tensor):
            self.grads[id(tensor)] = Grad(tensor, read)

    def is_end(self, node: Node) -> bool:
        """Return True for a node from outside, but for the leaves."""
        return node.number < self.first_node and not isinstance(node, AccumulateGrad)

    def ends_at(self, node: Node, targets: Sequence[tuple[Node, int]] | None) -> bool:
        """Return True for a node from outside, at which a backward pass inside stops.

        Raises:
            GraphBreak: ``backward()``, or ``grad()`` with such targets, would go on into a graph
                that was made before.
        """
        if not self.is_end(node):
            return False
        if targets is None or (not self.splitting and _leads_to(node, {t for t, _ in targets})):
            raise GraphBreak(
                "backward() goes on into a graph that was made outside",
                "detach the input, or compile what made it as well.",
            )
        return True

    def called(self, module: Any) -> None:
        """Note a module that runs: its flags and parts are part of the program."""
        self.modules[id(module)] = module

    def attribute(self, module: Any, name: str, value: Any) -> None:
        """Note an attribute of a module before it is set to ``value``.

        Raises:
            GraphBreak: a parameter or a part is replaced.
        """
        own = module.__dict__
        if "_modules" not in own:
            return  # a module that is being made
        if hasattr(value, "_modules") or name in own["_parameters"] or name in own["_modules"]:
            raise GraphBreak(f"a part of a module ({name}) is replaced")
        key = (id(module), name)
        if key not in self.attributes:
            holder = own["_buffers"] if name in own["_buffers"] else own
            self.attributes[key] = (module, name, holder.get(name, MISSING))

    def hold(self, what: str, predicate: Callable[[], bool]) -> None:
        """Make the program valid only while ``predicate()`` is true."""
        self.holds.append((what, predicate))

    @contextmanager
    def aside(self, born: dict[str, Any]) -> Iterator[None]:
        """Run eagerly inside, as if before the capture, and fill ``born`` with new state.

        Optimizer state that is born in the first step must be an input of the program from the
        beginning: else the second step would be another program.
        """
        traced = [(cell, cell.array) for cell in {**self.cells, **self.writes}]
        for cell, (before, _) in self.writes.items():
            cell.restore((*before[:1], cell.version))
        for cell, (before, _) in self.cells.items():
            cell.restore((*before[:1], cell.version))
        state.ground = None
        active.leave()
        try:
            with jax.ensure_compile_time_eval():
                yield
        finally:
            active.enter()
            state.ground = self
            for cell, array in traced:
                cell.array = array
        self.births.append(born)
        for tensor in born.values():
            if isinstance(tensor, Tensor):
                tensor._storage.born = 0


MISSING: Any = object()
"""Stands for an attribute that is not there."""


def _leads_to(node: Node, targets: set[Node]) -> bool:
    """Return True if a graph goes on from ``node`` to one of ``targets``."""
    seen, waiting = {node}, [node]
    while waiting:
        following = {edge[0] for edge in waiting.pop().edges if edge is not None} - seen
        if not targets.isdisjoint(following):
            return True
        seen |= following
        waiting += following
    return False


def now_recording() -> Recorder | None:
    """Return the capture that is going on in this thread, or None."""
    ground: Any = state.ground
    return ground


def as_numbers(values: list[Any]) -> Any:
    """Return floats as the one operand that carries them all."""
    return np.array(values, np.float64) if values else _none()


@functools.cache
def _none() -> jax.Array:
    """Return the operand that carries no numbers: one that is on the device already."""
    with jax.ensure_compile_time_eval(), x64(True):
        return jnp.zeros(0, jnp.float64)
