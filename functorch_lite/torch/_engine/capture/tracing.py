"""The one run of a function in which it becomes a program."""

import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import BuiltinFunctionType
from typing import Any

import jax

from ...._core.counters import counters
from ...._core.execute import x64
from ....transforms._world import Opened, opened
from .. import backward as _backward
from ..grad_mode import recording
from ..graph import AccumulateGrad
from ..mixed.state import settings, settled
from ..tensor import Tensor
from .arguments import VALUES, Arguments
from .breaks import GraphBreak
from .quiet import quiet
from .reach import Reach
from .recorder import MISSING, Recorder
from .results import Results, Template, is_traced
from .slots import SCALARS, Slot, same

_KINDS = frozenset(("isinstance", "type", "is_tensor", "__class__"))


class KindAsked(GraphBreak):
    """Numbers among the arguments cannot be operands, for Python code looks at types."""


_IMMUTABLE = (range, slice, BuiltinFunctionType)
_FLAGS = (bool, str, type(None))


class Trace:
    """What one traced run found out.

    Attributes:
        closed: the JAX program; its constants are the inputs (``origin``).
        templates: patterns of the tensors that each call makes; ``tree`` puts them in place.
        sharing: see ``Results``.
        arrays: how many plain arrays are returned.
        written_arguments: places of the arguments that are written to.
        differentiable, edges, cotangents, node, dead: see ``node.begin``.
        gradients: how many gradients the traced backward gave.
        changed: (slot, kind, what) of Python state that each call changes.
        grads: (tensor, place of the template) of the gradients that each call leaves behind, and
            that are nothing else (other ones are in ``changed``).
    """

    def __init__(
        self,
        function: Callable[..., Any],
        flat: Opened,
        fixed: Sequence[int],
        pure: bool,
        label: str = "",
    ) -> None:
        """Run ``function`` on the leaves ``flat``; ``fixed`` tells which are static.

        ``label`` is how messages call what captures it.

        Raises:
            GraphBreak: the function needs Python at some point.
        """
        counted = counters.compilations
        self.name = getattr(function, "__name__", type(function).__name__)
        self.pure = pure
        self.reach = Reach([] if pure else [function, *flat.leaves])
        if not self.reach.names.isdisjoint(_KINDS) and any(
            type(leaf) in (int, float) and not static
            for leaf, static in zip(flat.leaves, fixed, strict=True)
        ):
            raise KindAsked("the type of an argument is asked for, which may be a number")
        self.recorder = recorder = Recorder(label or ("jit" if pure else "torch.compile"))
        self.cotangents: list[tuple] = []
        self.differentiable: list[int] = []
        self.edges: list[tuple[str, Any]] = []
        self.changed: list[tuple[Any, str, Any]] = []
        self.grads: list[tuple[Tensor, int]] = []
        self.node = self.dead = ""
        self.gradients = 0

        self.inputs = inputs = Arguments(flat.leaves)

        def run() -> list[Any]:
            with recorder.running():
                try:
                    inputs.enter(recorder, fixed)
                    args, kwargs = flat.with_leaves(inputs.leaves)
                    # casts of the weights that autocast shares are made anew, and thrown away
                    with quiet(pure), settled(settings()):
                        result = function(*args, **kwargs)
                    if not pure:
                        _same_containers(flat, inputs.leaves, (args, kwargs))
                    return self._finish(result, inputs)
                finally:
                    self._put_back()
                    inputs.restore()

        try:
            with x64(True):
                self.closed = jax.make_jaxpr(run)()
        except BaseException:
            recorder.undo()
            raise
        finally:
            counters.compilations = counted  # the programs inside became part of one
        self.places, self.floats = self.inputs.places, self.inputs.floats
        self.draws = recorder.drawn
        self.first_draws = [
            array for (kind, _), array in recorder.origins.values() if kind == "draw"
        ]
        self.first_numbers = recorder.numbers

    def _put_back(self) -> None:
        self.reach.restore()
        for module, name, before in self.recorder.attributes.values():
            _attribute_slot(module, name).put(before)

    # --- inside the trace -------------------------------------------------------------------------

    def _finish(self, result: Any, inputs: Arguments) -> list[Any]:
        """Return all that comes out of the program."""
        kept = {id(tensor): slot for slot, tensor in self._paths()}
        results = Results(self.recorder, inputs, kept, self.pure)
        self.tree = results.of_tree(result)
        if not self.pure:
            self._refuse_objects(what for kind, what in self.tree.sources if kind == "fixed")
        self._python_state(results)
        self._grads(results)
        arrays = [t._array for t in results.tensors]
        self.templates = [Template(t) for t in results.tensors]
        self.sharing = results.sharing
        self.arrays = len(results.arrays)
        written = inputs.leave()
        self.written_arguments = [place for place, _ in written]
        outputs = [*arrays, *results.arrays]
        outputs += [cell.content() for cell in self.recorder.writes]
        outputs += [value for _, value in written]
        if (written or self.recorder.writes) and inputs.aliased(
            {*self.recorder.cells, *self.recorder.writes}
        ):
            raise GraphBreak(
                "an argument shares memory with another tensor, and is written to",
                "pass a clone.",
            )
        gradients = self._backward(results)
        self.gradients = len(gradients)
        return [*outputs, *gradients]

    def _refuse_objects(self, values: Iterable[Any]) -> None:
        """Break the graph if an object that was made inside is returned: each call makes one."""
        for value in values:
            constant = isinstance(value, (*VALUES, *_IMMUTABLE, Tensor))
            if not (constant or type(value).__module__ == "torch" or self.reach.has_seen(value)):
                raise GraphBreak(
                    f"a {type(value).__name__} is returned", "return tensors in a tuple or dict."
                )

    def _python_state(self, results: Results) -> None:
        told = {(id(m.__dict__), name) for m, name, _ in self.recorder.attributes.values()}
        changes = self.reach.changes(told)
        for module, name, before in self.recorder.attributes.values():
            slot = _attribute_slot(module, name)
            now = slot.get()
            if now is not before and not (isinstance(now, SCALARS) and now == before):
                changes.append((slot, before, now))
        for slot, before, now in changes:
            if isinstance(now, Tensor) and (is_traced(now) or now._requires_grad):
                kind, what = results.add(now)
                self.changed.append((slot, kind, what))
                if not isinstance(before, Tensor) and self.reach.is_read(slot):
                    self._hold(slot, before)
            elif type(now) in _FLAGS and before is not MISSING:
                self.changed.append((slot, "fixed", now))
                self._hold(slot, before)
            else:
                raise GraphBreak(
                    f"{slot.label} changes from {_brief(before)} to {_brief(now)}",
                    "change Python values outside of the compiled function, or keep them in a "
                    "tensor.",
                )

    def _hold(self, slot: Slot, before: Any) -> None:
        """Make the program valid only while a slot that it changes holds what it held."""
        test = same(before)
        what = f"{slot.label} is no longer {_brief(before)}"
        self.recorder.hold(what, lambda: test(slot.get()))

    def _grads(self, results: Results) -> None:
        """Turn what happened to ``.grad`` attributes into outputs."""
        found = []
        for grad in self.recorder.grads.values():
            now, place = grad.tensor._grad, self.argument_place(grad.tensor)
            if grad.read and place is not None and grad.entry is not None:
                raise GraphBreak(
                    "the .grad of an argument is read", "clear it before, or pass it as well."
                )
            if now is grad.entry and grad.read:
                continue
            kind: str
            what: Any
            kind, what = ("fixed", None) if now is None else results.add(now)
            alone = kind == "made" and place is None and now is not None and now._node is None
            found.append((grad.tensor, place, kind, what, alone))
        uses = Counter(what for _, _, kind, what, _ in found if kind == "made")
        uses.update(what for kind, what in self.tree.sources if kind == "made")
        uses.update(place for pair in results.sharing.items() for place in pair)
        uses.update(what for _, kind, what in self.changed if kind == "made")
        for tensor, place, kind, what, alone in found:
            if alone and uses[what] == 1:
                self.grads.append((tensor, what))
            else:
                self.changed.append((_GradSlot(tensor, place), kind, what))

    def argument_place(self, tensor: Tensor) -> int | None:
        if id(tensor) not in self.recorder.arguments:
            return None
        return next(p for p in self.inputs.places if self.inputs.leaves[p] is tensor)

    def _backward(self, results: Results) -> list[Any]:
        """Trace the backward pass of the results that have a history."""
        self.differentiable = results.differentiable()
        if not self.differentiable:
            return []
        tensors = [results.tensors[i] for i in self.differentiable]
        slots: list[Any] = [t._history() for t in tensors]
        self.node = type(slots[0][0]).__name__
        frontier = _frontier([node for node, _ in slots], self.recorder.first_node)
        frontier = [slot for slot in frontier if not self._is_inner_leaf(slot[0], results)]
        metas = [(t._sizes, t._dtype.np) for t in tensors]
        with recording(False):
            try:
                roots = []
                for place, (slot, (shape, dtype)) in enumerate(zip(slots, metas, strict=True)):
                    with jax.ensure_compile_time_eval():
                        zero = jax.numpy.zeros(shape, dtype)
                    roots.append((slot, self.recorder.enter(zero, ("cotangent", place))))
                self.recorder.splitting = True
                with _without_hooks([node for node, _ in frontier]):
                    caught = _backward.run(roots, retain=True, create=False, targets=frontier)
            except RuntimeError as error:
                self.dead = str(error)
                return []
        self.cotangents = metas
        found = [(slot, caught[slot]) for slot in frontier if slot in caught]
        self.edges = [self._edge(slot) for slot, _ in found]
        return [gradient for _, gradient in found]

    def _is_inner_leaf(self, node: Any, results: Results) -> bool:
        """Return True for a leaf that was made inside: nobody asks for its gradient."""
        if not isinstance(node, AccumulateGrad) or self.recorder.is_outside(node.variable):
            return False
        if any(tensor is node.variable for tensor in results.tensors):
            raise GraphBreak("a new leaf is returned with results that depend on it")
        return True

    def _edge(self, slot: tuple[Any, int]) -> tuple[str, Any]:
        """Return the tensor that a gradient goes to: an argument, or one from outside."""
        node, _ = slot
        for place in self.inputs.places:
            leaf = self.inputs.leaves[place]
            if isinstance(leaf, Tensor) and leaf._history() == slot:
                return "arg", place
        if isinstance(node, AccumulateGrad):
            return "fixed", node.variable
        raise GraphBreak(
            "a tensor with a history is captured",
            "pass it to the compiled function as an argument.",
        )

    # --- what the program asks --------------------------------------------------------------------

    def origin(self, const: Any) -> tuple[str, Any]:
        """Return where a constant of the trace comes from."""
        found = self.recorder.origins.get(id(const))
        if found is None or found[1] is not const or (found[0][0] == "cotangent" and self.dead):
            return "constant", const
        return found[0]

    def modules(self) -> list[Any]:
        """Return every module that takes part, each once."""
        found: dict[int, Any] = {}
        waiting = [*self.recorder.modules.values(), *self.reach.modules()]
        while waiting:
            module = waiting.pop()
            if id(module) not in found and module is not None:
                found[id(module)] = module
                waiting += module._modules.values()
        return list(found.values())

    def changed_attributes(self) -> set[tuple[int, str]]:
        """Return (id of a module, name) of the attributes that each call replaces."""
        return set(self.recorder.attributes)

    def owners(self) -> tuple[list[Tensor], list[Tensor], list[Any]]:
        """Return the tensors that hold the cells, the tensors whose ``.grad`` does, and the rest.

        Also remembers at which slots the user's code keeps those tensors (``rebind``).
        """
        owner: dict[Any, Tensor] = {}
        slots: list[tuple[int, Slot]] = []
        for slot, tensor in self._paths():
            owner.setdefault(tensor._storage, tensor)
            slots.append((id(tensor), slot))
        for module in self.modules():
            for members in (module._parameters, module._buffers):
                for tensor in members.values():
                    if tensor is not None:
                        owner[tensor._storage] = tensor
        for optimizer in self.recorder.optimizers.values():
            for tensor in optimizer.own_tensors():
                owner[tensor._storage] = tensor
        grads = {
            g.entry._storage: g.tensor
            for g in self.recorder.grads.values()
            if g.entry is not None and not g.entry._chain
        }
        tensors, grad_of, loose = [], [], []
        for cell in self.recorder.cells:
            tensor = owner.get(cell)
            if cell in grads:
                grad_of.append(grads[cell])
            elif tensor is not None and not tensor._chain:
                tensors.append(tensor)
            else:
                loose.append(cell)
        used = {id(t): i for i, t in enumerate(tensors)}
        self.paths = [(used[i], slot) for i, slot in slots if i in used]
        following = {slot.place() for _, slot in self.paths}
        for slot, _, _ in self.changed:
            before = slot.get() if isinstance(slot, Slot) else None
            if (
                isinstance(before, Tensor)
                and before._storage in self.recorder.cells
                and slot.place() not in following
            ):
                raise GraphBreak(f"{slot.label} is a view, and is replaced")
        return tensors, grad_of, loose

    def _paths(self) -> Iterator[tuple[Slot, Tensor]]:
        yield from self.reach.tensors()
        for module, name, before in self.recorder.attributes.values():
            if isinstance(before, Tensor):
                yield _attribute_slot(module, name), before

    def rebind(self, tensors: list[Tensor]) -> list[Tensor] | str:
        """Return the captured tensors as the user's names hold them now, or what does not fit."""
        moved: dict[int, Any] = {}
        for place, slot in self.paths:
            now, old = slot.get(), tensors[place]
            if place in moved and now is not moved[place]:
                return f"{slot.label} is another tensor than before"
            if now is old:
                continue
            moved[place] = now
            if (
                not isinstance(now, Tensor)
                or type(now) is not type(old)
                or (now._sizes, now._dtype, now._strides, now._node is None)
                != (old._sizes, old._dtype, old._strides, old._node is None)
                or now._chain
            ):
                return f"{slot.label} holds another kind of value"
            tensors = [*tensors[:place], now, *tensors[place + 1 :]]
        return tensors

    def guarded(self) -> list[tuple[Slot, Any]]:
        """Return the slots whose values are part of the program."""
        apart = {slot.place() for slot, _, _ in self.changed if isinstance(slot, Slot)}
        apart |= {slot.place() for _, slot in self.paths}
        return [
            (slot, value)
            for place, (slot, value) in self.reach.slots.items()
            if place not in apart and self.reach.is_read(slot)
        ]

    def effects(self, made: Mapping[int, Tensor], leaves: Sequence[Any]) -> None:
        """Change the Python state that the function changes."""
        values = [
            made[what]
            if kind == "made"
            else leaves[what]
            if kind == "arg"
            else what.get()
            if kind == "slot"
            else what
            for _, kind, what in self.changed
        ]
        for (slot, _, _), value in zip(self.changed, values, strict=True):
            slot.put_for(leaves, value) if isinstance(slot, _GradSlot) else slot.put(value)
        for call in self.after:
            call()

    def forget(self) -> None:
        """Drop what only the capture needed."""
        self.after = self.recorder.after
        del self.recorder, self.reach, self.inputs


class _GradSlot:
    """The ``.grad`` of a tensor from outside, or of an argument."""

    def __init__(self, tensor: Tensor, place: int | None) -> None:
        self.tensor, self.place = tensor, place

    def put_for(self, leaves: Sequence[Any], value: Any) -> None:
        tensor = self.tensor if self.place is None else leaves[self.place]
        tensor._grad = value


def _same_containers(flat: Opened, leaves: list[Any], arguments: Any) -> None:
    """Break the graph if the function changed a list or dict among its arguments."""
    now = opened(arguments)
    if now.spec != flat.spec or not all(map(operator.is_, now.leaves, leaves)):
        raise GraphBreak(
            "a list, dict or other container among the arguments is changed",
            "return the new value instead.",
        )


def _attribute_slot(module: Any, name: str) -> Slot:
    own = module.__dict__
    holder = own["_buffers"] if name in own["_buffers"] else own
    return Slot(f"{type(module).__name__}.{name}", holder, name)


def _brief(value: Any) -> str:
    if value is MISSING:
        return "nothing"
    return repr(value) if isinstance(value, SCALARS) else f"another {type(value).__name__}"


@contextmanager
def _without_hooks(nodes: list[Any]) -> Iterator[None]:
    """Switch off the hooks on the outputs of nodes outside, which the outer backward runs."""
    names = ("pre_hooks", "node_pre_hooks", "retains")
    kept = [(node, {name: getattr(node, name) for name in names}) for node in nodes]
    for node, hooks in kept:
        for name in hooks:
            setattr(node, name, None)
    try:
        yield
    finally:
        for node, hooks in reversed(kept):
            for name, value in hooks.items():
                setattr(node, name, value)


def _frontier(nodes: list[Any], first: int) -> list[tuple[Any, int]]:
    """Return the slots of nodes from outside that the graph of ``nodes`` leads to."""
    found: dict[tuple[Any, int], None] = {}
    seen, waiting = set(), list(nodes)
    while waiting:
        node = waiting.pop()
        if node in seen or node.number < first:
            continue
        seen.add(node)
        for edge in node.edges:
            if edge is not None:
                if edge[0].number < first:
                    found[edge] = None
                waiting.append(edge[0])
    return list(found)
