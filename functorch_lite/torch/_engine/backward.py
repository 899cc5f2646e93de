"""The engine: walks the graph from its roots and hands gradients down to the leaves.

Nodes are visited by descending number, as in PyTorch.  Stretches of nodes without Python code on
them (hooks, custom functions) form *segments*.  The first time a segment's signature (programs,
wiring) is seen it runs node by node; seen again it is compiled as one XLA program and costs one
dispatch from then on.  With ``create_graph`` every step is itself recorded.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from ..._core.eager import Cold, together
from ..._core.execute import x64
from ..._core.xla.options import joined
from ...ops._program import Program
from ...transforms._levels import state
from .anomaly import anomaly, watching
from .dispatch import Operands, record
from .grad_mode import mode, recording
from .graph import FREED, AccumulateGrad, Node, OpNode, ViewNode, shown_operands
from .shown.composed import note_dims
from .shown.packing import hollow, unpacked
from .tensor import Tensor, make
from .uses import uses_operands

Slot = tuple[Node, int]

_add = Program(lambda a, b: a + b, "AddBackward0")


def run(
    roots: Sequence[tuple[Slot, Any]],
    *,
    retain: bool,
    create: bool,
    targets: Sequence[Slot] | None = None,
) -> dict[Slot, Any]:
    """Propagate the roots' gradients; return those that arrived at ``targets``.

    Args:
        roots: ((node, output index), gradient) pairs; gradients are arrays, or tensors if
        ``create``.
        retain: keep what the nodes saved, for another backward.
        create: record the backward pass itself.
        targets: the (node, index) slots to report; None: accumulate into the leaves instead.
    """
    order = _collect([slot[0] for slot, _ in roots], targets)
    walk = _Walk(order, create, targets)
    for slot, gradient in roots:
        walk.deliver(slot, gradient)
    for node in order:
        if not anomaly.on:
            _check_alive(node)
    running.append(walk)
    try:
        walk.go()
    finally:
        running.pop()
    if not retain:
        for node in order:
            _free(node)
    return walk.caught


def _collect(starts: Sequence[Node], targets: Sequence[Slot] | None) -> list[Node]:
    """Return the nodes that take part, by descending number (leaves last)."""
    seen: set[Node] = set()
    stack = [n for n in starts if n is not None]
    ground: Any = state.ground
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            if ground is not None and ground.ends_at(node, targets):
                continue
            stack.extend(e[0] for e in node.edges if e is not None)
    order = sorted(seen, key=lambda n: n.number, reverse=True)
    return order if targets is None else _leading_to(order, {t[0] for t in targets})


def _leading_to(order: list[Node], targets: set[Node]) -> list[Node]:
    """Keep the nodes from which a target can be reached."""
    useful = set(targets)
    for node in reversed(order):
        if node not in useful and any(e is not None and e[0] in useful for e in node.edges):
            useful.add(node)
    return [n for n in order if n in useful]


class Segments:
    """Whether stretches of nodes may run as one program, which can round otherwise."""

    __slots__ = ("on",)

    def __init__(self) -> None:
        self.on = True

    @contextmanager
    def off(self) -> Iterator[None]:
        """Run node by node inside, so that two backward passes give the very same bits."""
        before, self.on = self.on, False
        try:
            yield
        finally:
            self.on = before


segments = Segments()

running: "list[_Walk]" = []
"""The backward passes that are going on: more than one where a backward calls backward."""


class _Walk:
    """One backward pass: the gradients that wait at each slot, and the ways to process a node."""

    def __init__(self, order: list[Node], create: bool, targets: Sequence[Slot] | None) -> None:
        self.order = order
        self.create = create
        self.members = set(order)
        self.pending: dict[Node, dict[int, Any]] = {}
        self.wanted = set(targets) if targets is not None else None
        self.caught: dict[Slot, Any] = {}
        self.only_targets = {t[0] for t in targets} if targets is not None else set()

    def deliver(self, slot: Slot, gradient: Any) -> None:
        """Add a gradient to what waits at ``slot``."""
        node, index = slot
        waiting = self.pending.setdefault(node, {})
        held = waiting.get(index)
        waiting[index] = gradient if held is None else self.add(held, gradient)

    def add(self, a: Any, b: Any) -> Any:
        """Return a + b, recorded if the graph is being created."""
        if self.create:
            return apply(_add, [a, b])[0]
        with x64(True):
            return _add.call(a, b)

    def go(self) -> None:
        """Process the nodes in order, whole segments at a time where that is possible."""
        start = 0
        while start < len(self.order):
            end = start
            if not self.create and not anomaly.on and segments.on and state.ground is None:
                while end < len(self.order) and self.plain(self.order[end]):
                    end += 1
            if end - start > 1:
                run_segment(self, self.order[start:end])
                start = end
                continue
            self.single(self.order[start])
            start += 1

    def plain(self, node: Node) -> bool:
        """Return True if the node may join a segment: no Python code on it, not a target."""
        return (
            not isinstance(node, AccumulateGrad)
            and not node.hooked()
            and node not in self.only_targets
        )

    def single(self, node: Node) -> None:
        """Process one node by itself."""
        waiting = self.pending.pop(node, None)
        if waiting is None:
            return
        waiting = self.hook_outputs(node, waiting)
        if self.wanted is not None:
            for index, gradient in waiting.items():
                if (node, index) in self.wanted:
                    self.caught[node, index] = gradient
            if state.ground is not None and state.ground.is_end(node):
                return
        if isinstance(node, AccumulateGrad):
            if self.wanted is None:
                accumulate(node, waiting[0], self.create)
                for hook in list((node.node_hooks or {}).values()):
                    hook((), (self.tensor(waiting[0]),))
            return
        if not any(e is not None and e[0] in self.members for e in node.edges):
            return
        given = tuple(sorted(waiting))
        if anomaly.on:
            with watching(node) as watch:
                _check_alive(node)
                gradients = self.gradients(node, waiting, given)
                watch.check(gradients)
        else:
            gradients = self.gradients(node, waiting, given)
        if node.node_hooks:
            gradients = self.hook_node(node, gradients, waiting)
        for edge, gradient in zip(node.edges, gradients, strict=True):
            if edge is not None and gradient is not None and edge[0] in self.members:
                self.deliver(edge, gradient)

    def gradients(self, node: Node, waiting: dict[int, Any], given: tuple[int, ...]) -> list:
        """Return one gradient (or None) per edge of the node."""
        if node.opaque:
            return self.opaque(node, waiting)
        if isinstance(node, OpNode) and node.pull is not None and not self.create:
            with x64(True):
                return node.pull(waiting)
        rule, saved = backward_of(node, given)
        cotangents = [waiting[i] for i in given]
        if self.create:
            found = apply(rule, [*_as_tensors(node, saved), *cotangents])
        else:
            with x64(True):
                found = rule.call(*saved, *cotangents)
        gradients: list[Any] = [None] * len(node.edges)
        for index, gradient in zip(wanted_of(node), found, strict=True):
            gradients[index] = gradient
        return gradients

    def opaque(self, node: Node, waiting: dict[int, Any]) -> list:
        """Run the Python backward of a custom function."""
        tensors = [self.tensor(waiting[i]) if i in waiting else None for i in range(node.outputs)]
        with recording(self.create):
            found = node.backward_tensors(tensors)
        return [g if g is None or self.create else g._array for g in found]

    def tensor(self, gradient: Any) -> Tensor:
        """Return a waiting gradient as a tensor."""
        return gradient if self.create else make(gradient)

    def plainly(self, gradient: Tensor) -> Any:
        """Return a gradient tensor as it waits at a slot."""
        return gradient if self.create else gradient._array

    def hook_outputs(self, node: Node, waiting: dict[int, Any]) -> dict[int, Any]:
        """Run the hooks on the gradients of the node's outputs, then fill in retained ``.grad``."""
        if not (node.pre_hooks or node.retains or node.node_pre_hooks):
            return waiting
        tensors = {i: self.tensor(g) for i, g in waiting.items()}
        with recording(self.create):
            for index, hooks in (node.pre_hooks or {}).items():
                for hook in list(hooks.values()):
                    if index in tensors:
                        tensors[index] = _replaced(hook, tensors[index])
            for hook in list((node.node_pre_hooks or {}).values()):
                everything = tuple(tensors.get(i) for i in range(node.outputs))
                answer = hook(everything)
                if answer is not None:
                    answer = answer if isinstance(answer, tuple) else (answer,)
                    tensors = {i: t for i, t in enumerate(answer) if t is not None}
        for index, reference in (node.retains or {}).items():
            owner = reference()
            if owner is not None and index in tensors:
                held, new = owner._grad, tensors[index]
                owner._grad = (
                    new if held is None else self.tensor(self.add(*map(self.plainly, (held, new))))
                )
        return tensors if self.create else {i: t._array for i, t in tensors.items()}

    def hook_node(self, node: Node, gradients: list, waiting: dict[int, Any]) -> list:
        """Run the node's own hooks; each may replace the gradients of its inputs."""
        slots = node.shown_slots()
        shown = tuple(None if gradients[i] is None else self.tensor(gradients[i]) for i in slots)
        outputs = tuple(
            self.tensor(waiting[i]) if i in waiting else None for i in range(node.outputs)
        )
        for hook in list((node.node_hooks or {}).values()):
            answer = hook(shown, outputs)
            if answer is not None:
                shown = answer if isinstance(answer, tuple) else (answer,)
        for i, gradient in zip(slots, shown, strict=True):
            gradients[i] = None if gradient is None else self.plainly(gradient)
        return gradients


def _replaced(hook: Any, previous: Tensor) -> Tensor:
    answer = hook(previous)
    if answer is None:
        return previous
    if not isinstance(answer, Tensor):
        raise TypeError(f"expected Variable, but hook returned '{type(answer).__name__}'")
    if answer._sizes != previous._sizes:
        raise RuntimeError(f"hook '{hook.__name__}' has changed the size of value")
    return answer


# --- what a node does -----------------------------------------------------------------------------


def wanted_of(node: Node) -> tuple[int, ...]:
    """Return the indices of the edges that the node's backward program computes."""
    return node.wanted if isinstance(node, OpNode) else (0,)


def backward_of(node: Node, given: tuple[int, ...]) -> tuple[Program, Sequence[Any]]:
    """Return the backward program of a node and the arrays that it takes before the cotangents."""
    if isinstance(node, ViewNode):
        return node.transpose, node.operands
    assert isinstance(node, OpNode)
    return node.program.vjp(node.wanted, given if node.several else None), unpacked(node)


def _as_tensors(node: Node, saved: Sequence[Any]) -> list:
    """Return a node's saved operands as tensors with the history they had in the forward pass."""
    if isinstance(node, ViewNode):
        return list(saved)
    assert isinstance(node, OpNode)
    tensors: list[Any] = []
    used = uses_operands(node.program, node.wanted, node.outputs, saved)
    for i, (value, edge) in enumerate(zip(saved, node.edges, strict=True)):
        if edge is None or i not in used or not isinstance(value, (jax.Array, np.ndarray)):
            tensors.append(value if not isinstance(value, jax.Array) else make(value))
            continue
        tensor = make(value)
        tensor._requires_grad = True
        if isinstance(edge[0], AccumulateGrad):
            tensor._accumulator = edge[0].variable._accumulator
        else:
            tensor._node, tensor._nr = edge
        tensors.append(tensor)
    return tensors


def apply(program: Program, values: list) -> tuple:
    """Run a program on tensors and record it; return its results as tensors."""
    taken = Operands()
    for value in values:
        if isinstance(value, Tensor):
            taken.take(None, 0, value)  # type: ignore[arg-type]
        else:
            taken.flat.append(value)
            taken.tensors.append(None)
    with x64(True):
        out = program.call(*taken.flat)
    results = tuple(make(a) for a in (out if isinstance(out, tuple) else (out,)))
    if taken.wants_grad and mode.grad:
        record(None, program, taken, results, isinstance(out, tuple))
    return results


def _check_alive(node: Node) -> None:
    """Raise if the node was freed, or if a value that it saved was written to since."""
    if node.dead:
        raise RuntimeError(node.dead)
    if not isinstance(node, OpNode):
        return
    if node.operands is None:
        raise RuntimeError(FREED)
    check_unmodified(node, range(len(node.saved)))


def check_unmodified(node: OpNode, places: Iterable[int]) -> None:
    """Raise if what backward reads, of the operands at ``places``, was written to since."""
    modified = [i for i in places if (s := node.saved[i]) is not None and s[0].version != s[1]]
    if node.result is not None:
        storage, version, d, shape = node.result
        if storage.version != version:
            where = f", which is output 0 of {forward_name(node.name())},"
            raise RuntimeError(
                _modified_text(f"torch.{d.legacy}", shape, where, storage.version, version)
            )
        return
    if modified:
        needed = uses_operands(node.program, node.wanted, node.outputs, node.operands)
        for i in modified:
            if i in needed:
                storage, version = node.saved[i]
                raise RuntimeError(_modified_operand(node, i, storage, version))


def _modified_operand(node: OpNode, index: int, storage: Any, version: int) -> str:
    array = node.operands[index]
    d = dt.from_np(array.dtype)
    edge = node.edges[index]
    where = ""
    if edge is not None and isinstance(edge[0], ViewNode):
        where = ", which is output 0 of AsStrided,"
    elif storage.writer:
        where = f", which is output 0 of {forward_name(storage.writer)},"
    elif edge is not None and not isinstance(edge[0], AccumulateGrad):
        where = f", which is output {edge[1]} of {forward_name(edge[0].name())},"
    return _modified_text(f"torch.{d.legacy}", array.shape, where, storage.version, version)


HINT = (
    "Hint: enable anomaly detection to find the operation that failed to compute its gradient, "
    "with torch.autograd.set_detect_anomaly(True, check_nan=False)."
)
HINT_WATCHING = (
    "Hint: the backtrace further above shows the operation that failed to compute its gradient. "
    "The variable in question was changed in there or anywhere later. Good luck!"
)


def _modified_text(legacy: str, shape: tuple, where: str, version: int, expected: int) -> str:
    return (
        "one of the variables needed for gradient computation has been modified by an inplace "
        f"operation: [{legacy} {list(shape)}]{where} is at version {version}; expected version "
        f"{expected} instead. " + (HINT_WATCHING if anomaly.on else HINT)
    )


def forward_name(name: str) -> str:
    """Return the forward function's name in PyTorch's messages: ``Exp`` of ExpBackward0."""
    return name.rstrip("0123456789").removesuffix("Backward")


def _free(node: Node) -> None:
    """Drop what the node saved; a node whose backward needs no values keeps their shapes."""
    if node.opaque:
        node.free()
    if not isinstance(node, OpNode) or node.operands is None:
        return
    read = uses_operands(node.program, node.wanted, node.outputs, node.operands)
    note_dims(node)
    if node.result is None and read.isdisjoint(
        shown_operands(node.program, node.tensor_slots, len(node.edges))
    ):
        node.operands = [hollow(v) for v in node.operands]
    else:
        node.operands = None
    node.saved = ()
    node.result = node.packed = None


def accumulate(node: AccumulateGrad, gradient: Any, create: bool) -> None:
    """Add a gradient to the leaf's ``.grad`` (in place, unless the graph is being created)."""
    leaf = node.variable
    if not leaf._requires_grad:  # frozen since
        return
    if state.ground is not None:
        state.ground.touch_grad(leaf, read=True)
    held = leaf._grad
    new = gradient if create else None
    if held is None:
        leaf._grad = new if create else make(gradient)
    elif create:
        leaf._grad = apply(_add, [held, gradient])[0]
    else:
        with x64(True):
            held._write(_add.call(held._array, gradient))
    hooks = leaf.__dict__.get("_post_accumulate_grad_hooks")
    for hook in list((hooks or {}).values()):
        if hook(leaf) is not None:
            raise RuntimeError("Tensor post accumulate grad hooks should return None.")


# --- segments -------------------------------------------------------------------------------------

_segments: dict[tuple, Callable[..., Any]] = {}


def run_segment(walk: _Walk, nodes: list[Node]) -> None:
    """Process nodes that carry no Python code: as one program once its shapes are hot."""
    plan = _plan(walk, nodes)
    compiled = _segments.get(plan.signature)
    if compiled is None:
        compiled = _segments[plan.signature] = together(
            _segment_function(plan.steps, plan.exits),
            joined(step[0].tuned for step in plan.steps),
        )
    incoming = [walk.pending[node][index] for node, index in plan.entries]
    try:
        with x64(True):
            outgoing = compiled(plan.operands, incoming)
    except Cold:
        for node in nodes:
            walk.single(node)
        return
    for node in nodes:
        walk.pending.pop(node, None)
    for slot, gradient in zip(plan.exits_slots, outgoing, strict=True):
        walk.deliver(slot, gradient)


class _Plan:
    """A segment as data: its steps (the signature), operands, where gradients enter and leave."""

    __slots__ = ("entries", "exits", "exits_slots", "operands", "signature", "steps")


def _plan(walk: _Walk, nodes: list[Node]) -> _Plan:
    """Number the gradient slots of a segment and write down each node's program and wiring."""
    numbers: dict[Slot, int] = {}
    inside = set(nodes)
    plan = _Plan()
    plan.entries = [(n, i) for n in nodes if n in walk.pending for i in sorted(walk.pending[n])]
    for slot in plan.entries:
        numbers[slot] = len(numbers)
    entered = len(numbers)
    arrived: dict[Node, set[int]] = {n: set(walk.pending[n]) for n in nodes if n in walk.pending}
    steps, operands = [], []
    exits: dict[int, Slot] = {}
    for node in nodes:
        given = tuple(sorted(arrived.get(node, ())))
        if not given:
            continue
        rule, saved = backward_of(node, given)
        deliveries = []
        for position, index in enumerate(wanted_of(node)):
            edge = node.edges[index]
            if edge is None or edge[0] not in walk.members:
                continue
            number = numbers.setdefault(edge, len(numbers))
            deliveries.append((position, number))
            if edge[0] in inside:
                arrived.setdefault(edge[0], set()).add(edge[1])
            else:
                exits[number] = edge
        steps.append((rule, len(saved), tuple(numbers[node, i] for i in given), tuple(deliveries)))
        operands.extend(saved)
    plan.steps = tuple(steps)
    plan.exits = tuple(exits)
    plan.exits_slots = tuple(exits.values())
    plan.operands = operands
    plan.signature = (plan.steps, plan.exits, entered)
    return plan


def _segment_function(steps: tuple, exits: tuple[int, ...]) -> Callable[..., Any]:
    """Return a segment's pure function (operands, incoming gradients) -> outgoing gradients."""

    def segment(operands: list, incoming: list) -> list:
        gradients: dict[int, Any] = dict(enumerate(incoming))
        start = 0
        for rule, count, given, deliveries in steps:
            saved = operands[start : start + count]
            start += count
            found = rule.fn(*saved, *(gradients[g] for g in given))
            for position, number in deliveries:
                held = gradients.get(number)
                gradients[number] = (
                    found[position] if held is None else jnp.add(held, found[position])
                )
        return [gradients[number] for number in exits]

    return segment
