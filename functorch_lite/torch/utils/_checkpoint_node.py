"""A stretch of the graph that is forgotten after the forward pass and made again in backward.

The function runs with the tape on, once; then its part of the graph is thrown away and one node
takes its place, with an edge to whatever the stretch read from outside: arguments, parameters,
anything else with a history. Its backward runs the function again and walks the new stretch, up to
those same edges. So nothing need be known about the function beforehand, and no value inside lives
longer than the forward pass.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ...transforms._world import opened
from .. import _api as torch
from .._engine.anomaly import anomaly
from .._engine.backward import Slot, _check_alive, _Walk, make
from .._engine.function import FunctionNode
from .._engine.graph import AccumulateGrad, Node, OpNode, node_type, sequence
from .._engine.mixed.state import Settings, settings, settled
from .._engine.uses import uses_operands
from .._functions.chance.random import fork_rng, set_stream_position, stream_position

Contexts = tuple[Any, Any]


class CheckpointError(RuntimeError):
    """The function did not do in backward what it did in the forward pass."""

    __module__ = "torch.utils.checkpoint"


@dataclass(frozen=True)
class Region:
    """What to run, and how.

    Attributes:
        function, args, kwargs: the call.
        contexts: what it runs in, in the forward pass and in backward.
        preserve_rng_state: draw the same random numbers again.
        compare: raise if the new stretch differs from the first one.
        debug: list the operations of both in the error.
        autocast: the settings of the forward pass.
    """

    function: Callable[..., Any]
    args: tuple
    kwargs: dict[str, Any]
    contexts: Contexts
    preserve_rng_state: bool
    compare: bool
    debug: bool
    autocast: Settings = field(default_factory=settings)

    def run(self) -> Any:
        """Run the function."""
        return self.function(*self.args, **self.kwargs)

    def again(self, state: Any) -> Any:
        """Run the function a second time, with the random numbers that follow ``state``."""
        with ExitStack() as stack:
            stack.enter_context(settled(self.autocast))
            stack.enter_context(fork_rng(enabled=self.preserve_rng_state))
            if self.preserve_rng_state:
                set_stream_position(state)
            stack.enter_context(torch.enable_grad())
            stack.enter_context(self.contexts[1])
            return self.run()


def run_and_forget(region: Region) -> Any:
    """Run a function under the tape; return its result with one node for its whole stretch."""
    state = stream_position() if region.preserve_rng_state else None
    tensors = opened((region.args, region.kwargs)).boxes
    for tensor in tensors:
        tensor._history()  # a view that is out of date gets its node before the stretch begins
    versions = [(t, t._storage.version) for t in tensors]
    start = next(sequence)
    suppressed = True
    with settled(region.autocast), region.contexts[0]:  # a cast made inside stays inside
        result = region.run()
        suppressed = False
    if suppressed:
        raise RuntimeError(
            "torch.utils.checkpoint: the forward context provided by context_fn suppressed an "
            "exception raised during the checkpointed forward. This is not supported because "
            "checkpoint cannot return a value for a failed forward."
        )
    outputs = {i: t for i, t in enumerate(opened(result).leaves) if isinstance(t, torch.Tensor)}
    slots = {i: t._history() for i, t in outputs.items()}
    made = {i: s for i, s in slots.items() if s is not None and s[0].number >= start}
    if made:
        first = next(iter(made.values()))[0]
        node = node_type(type(first).__name__, CheckpointNode)()
        node.begin(region, state, versions, start, made)
        for index, place in enumerate(made):
            _rehome(outputs[place], node, index)
    return result


def _rehome(tensor: Any, node: Node, index: int) -> None:
    """Make a tensor the result of ``node``."""
    tensor._grad_base = None
    tensor._node, tensor._nr, tensor._requires_grad = node, index, True


class CheckpointNode(FunctionNode):
    """The node in the place of a stretch. It shows the name of the stretch's last step."""

    region: Any = None

    __repr__ = Node.__repr__

    def begin(
        self, region: Region, state: Any, versions: Sequence, start: int, made: dict[int, Slot]
    ) -> None:
        """Note what the stretch consists of.

        Args:
            state: of the random numbers before it.
            versions: (tensor, version) for each tensor among the arguments.
            start: nodes of the stretch have this number or a larger one.
            made: place among the result's leaves -> (node, output index).
        """
        self.region, self.state, self.start = region, state, start
        self._saved = tuple(versions)
        self.places = tuple(made)
        self.outputs = len(made)
        self.number = next(sequence)
        inside = list(stretch([n for n, _ in made.values()], start, frozenset()))
        self.edges = tuple(dict.fromkeys(e for n in inside for e in n.edges if _leaves(e, start)))
        self.steps = _described(inside) if region.compare else []

    def free(self) -> None:
        """Drop the function and its arguments."""
        self.region, self._saved, self._freed = None, (), True

    def backward_tensors(self, gradients: list) -> list:
        """Run the function again and pull the gradients back through it, to the node's edges."""
        _ = self.saved_tensors  # raises if an argument was written to since, or if all was freed
        create = torch.is_grad_enabled()
        leaves = opened(self.region.again(self.state)).leaves
        slots = [_slot_at(leaves, place) for place in self.places]
        wanted = frozenset(self.edges)
        inside = list(stretch([s[0] for s in slots if s is not None], self.start, wanted))
        if self.region.compare:
            self.compare(inside)
        roots = [
            (slot, gradient if create else gradient._array)
            for slot, gradient in zip(slots, gradients, strict=True)
            if slot is not None and gradient is not None
        ]
        caught = _pulled(roots, inside, wanted, create)
        found = [caught.get(edge) for edge in self.edges]
        return [g if g is None or create else make(g) for g in found]

    def compare(self, inside: list[Node]) -> None:
        """Raise CheckpointError if the stretch is not the one of the forward pass."""
        before, now = self.steps, _described(inside)
        if [meta for _, meta in before] == [meta for _, meta in now]:
            return
        if len(now) > len(before):
            self.fail(
                "trying to save more tensors during recomputation than during the original "
                "forward pass.",
                now,
            )
        if len(now) < len(before):
            self.fail(
                "A different number of tensors was saved during the original forward and "
                f"recomputation.\nNumber of tensors saved during forward: {len(before)}\n"
                f"Number of tensors saved during recomputation: {len(now)}.",
                now,
            )
        different = "".join(
            f"tensor at position {i}:\nsaved metadata: {a[1]}\nrecomputed metadata: {b[1]}\n"
            for i, (a, b) in enumerate(zip(before, now, strict=True))
            if a[1] != b[1]
        )
        self.fail(
            "Recomputed values for the following tensors have different metadata than during the "
            f"forward pass.\n{different}.",
            now,
        )

    def fail(self, message: str, now: list) -> NoReturn:
        """Raise CheckpointError, with the operations of both passes in debug mode."""
        text = f"torch.utils.checkpoint: {message}\n"
        if not self.region.debug:
            raise CheckpointError(text + TIP)
        for title, steps in (("original", self.steps), ("recompute", now)):
            lines = (f"{name} ({i} of {len(steps)})" for i, (name, _) in enumerate(steps, 1))
            text += "\n".join([f"\nOperations executed during the {title} forward:\n", *lines, ""])
        raise CheckpointError(text)


TIP = (
    "Tip: To see a more detailed error message, either pass `debug=True` to\n"
    "`torch.utils.checkpoint.checkpoint(...)` or wrap the code block\n"
    "with `with torch.utils.checkpoint.set_checkpoint_debug_enabled(True):` to\n"
    "enable checkpoint\u2011debug mode globally.\n"
)


def _leaves(edge: Slot | None, start: int) -> bool:
    """Return True for an edge out of the stretch."""
    return edge is not None and edge[0].number < start


def _slot_at(leaves: list, place: int) -> Slot | None:
    """Return the history of one leaf of the new result."""
    tensor = leaves[place] if place < len(leaves) else None
    return tensor._history() if isinstance(tensor, torch.Tensor) else None


def stretch(starts: Sequence[Node], start: int, stops: frozenset[Slot]) -> Iterator[Node]:
    """Yield the nodes from ``starts`` down that are not older than ``start``, up to ``stops``."""
    waiting, seen = list(starts), set()
    while waiting:
        node = waiting.pop()
        if node in seen or node.number < start:
            continue
        seen.add(node)
        yield node
        waiting += [e[0] for e in node.edges if e is not None and e not in stops]


def _described(nodes: list[Node]) -> list[tuple[str, str]]:
    """Return (step, metadata) for each tensor that backward will read, in the forward's order."""
    found = []
    for node in sorted(nodes, key=lambda n: n.number):
        if isinstance(node, OpNode):
            operands = node.operands
            read = sorted(uses_operands(node.program, node.wanted, node.outputs, operands))
            arrays = [operands[i] for i in read if hasattr(operands[i], "dtype")]
            found += [(node.name(), _metadata(array)) for array in arrays]
    return found


def _metadata(array: Any) -> str:
    return f"{{'shape': torch.Size({list(array.shape)}), 'dtype': torch.{array.dtype}}}"


class InsideWalk(_Walk):
    """A walk over the new stretch: what arrives at the edges out of it is caught there."""

    def single(self, node: Node) -> None:
        """Process a node of the stretch, or catch what arrived outside of it."""
        if node not in self.only_targets:
            super().single(node)
            return
        for index, gradient in self.pending.pop(node, {}).items():
            self.caught[node, index] = gradient


def _pulled(
    roots: list[tuple[Slot, Any]], inside: list[Node], wanted: frozenset[Slot], create: bool
) -> dict[Slot, Any]:
    """Propagate the roots' gradients through the stretch; return those that arrive at its edges."""
    ends = {slot[0] for slot in wanted}
    order = sorted({*inside, *ends}, key=lambda n: n.number, reverse=True)
    walk = InsideWalk(order, create, list(wanted))
    for slot, gradient in roots:
        if slot[0] in walk.members:
            walk.deliver(slot, gradient)
    for node in inside:
        if not anomaly.on and not isinstance(node, AccumulateGrad):
            _check_alive(node)
    walk.go()
    return walk.caught
