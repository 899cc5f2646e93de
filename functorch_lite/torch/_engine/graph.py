"""The autograd graph: nodes, edges and the hooks on them.

A node keeps its program, its operands (immutable arrays: a later in-place write cannot corrupt
them) and an edge per operand to the node that produced it.  Its backward is
``program.vjp(wanted, given)`` of operands and cotangents.  Nodes are numbered as they are made; an
edge always leads to a smaller number, so descending order is a valid order for backward, and it is
the one PyTorch uses.  The engine that walks the graph is ``_backward.py``.
"""

import itertools
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ...ops._program import Program
from .capture.hooks import epoch

sequence = itertools.count()

NATIVE = ("AccumulateGrad", "CopyBackwards", "CopySlices", "Error", "GraphRoot")
"""Nodes that PyTorch has under their C++ names."""

UNLISTED = frozenset(["condition", "index", "indices", "mask", "running_mean", "running_var"])
"""Operands that no gradient is ever asked of: PyTorch's nodes have no edge for them."""

FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after "
    "they have already been freed). Saved intermediate values of the graph are freed when you call "
    ".backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the "
    "graph a second time or if you need to access saved tensors after calling backward."
)


class RemovableHandle:
    """Takes its hook out of the dictionaries that hold it: ``remove()``, or at the end of a with.

    Args: ``hooks_dict`` the dictionary that holds the hook under ``id`` (kept weakly);
    ``extra_dict`` one more dictionary, or a list of them, with entries under the same id.
    """

    id: int
    next_id: int = 0

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None) -> None:
        """Draw a fresh id."""
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        extras = extra_dict if isinstance(extra_dict, list) else [extra_dict]
        self.extra_dict_ref = tuple(weakref.ref(d) for d in extras if d is not None)

    def remove(self) -> None:
        """Forget the hook. A second call does nothing."""
        for ref in (self.hooks_dict_ref, *self.extra_dict_ref):
            hooks = ref()
            if hooks is not None:
                hooks.pop(self.id, None)
        epoch.now += 1

    def __getstate__(self) -> tuple[Any, ...]:
        """Pickle the dictionaries themselves: weak references cannot be."""
        return self.hooks_dict_ref(), self.id, tuple(ref() for ref in self.extra_dict_ref)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Refer to the unpickled dictionaries, and keep later ids distinct."""
        hooks, self.id = state[0], state[1]
        self.hooks_dict_ref = weakref.ref(OrderedDict() if hooks is None else hooks)
        extras = state[2] if len(state) > 2 and state[2] is not None else ()
        self.extra_dict_ref = tuple(weakref.ref(d) for d in extras)
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)

    def __enter__(self) -> "RemovableHandle":
        """Keep the hook for the length of a ``with``."""
        return self

    def __exit__(self, type: Any, value: Any, tb: Any) -> None:
        """Remove the hook."""
        self.remove()


class Node:
    """A step of the graph (``tensor.grad_fn``).

    Attributes:
        number: the order of creation.
        edges: per operand ``(node, output index)``, or None where no gradient flows.
        outputs: number of outputs of the forward step.
        pre_hooks: output index -> hooks on that output's gradient (``Tensor.register_hook``).
        node_pre_hooks, node_hooks: hooks of ``register_prehook`` and ``register_hook``.
        retains: output index -> weak reference to the tensor whose ``.grad`` is wanted.
        dead: why no backward pass can go through, where one never could.
        packed: the operands that hooks keep instead, by number (``shown/packing.py``).
    """

    opaque = False
    dead = ""
    node_hooks: OrderedDict | None = None
    node_pre_hooks: OrderedDict | None = None
    pre_hooks: dict[int, OrderedDict] | None = None
    retains: dict[int, weakref.ref] | None = None
    outputs = 1
    edges: tuple = ()
    number: int = 0
    metadata_dict: dict | None = None
    packed: dict[int, Any] | None = None

    if TYPE_CHECKING:  # only an opaque node has these

        def backward_tensors(self, gradients: list) -> list: ...

        def free(self) -> None: ...

    def name(self) -> str:
        """Return the node's name, such as ``"MulBackward0"``."""
        own = type(self).__name__
        return f"torch::autograd::{own}" if own in NATIVE else own

    @property
    def next_functions(self) -> tuple:
        """The (node, output index) pairs that this node hands gradients to."""
        return tuple((None, 0) if e is None else e for e in self.shown_edges())

    def shown_edges(self) -> tuple:
        """Return the edges that PyTorch lists."""
        return tuple(self.edges[i] for i in self.shown_slots())

    def shown_slots(self) -> tuple[int, ...]:
        """Return the indices of the edges that PyTorch lists."""
        return tuple(range(len(self.edges)))

    @property
    def metadata(self) -> dict:
        """A dict for the user's own notes about this node."""
        if self.metadata_dict is None:
            self.metadata_dict = {}
        return self.metadata_dict

    def _sequence_nr(self) -> int:
        return self.number

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(grad_inputs, grad_outputs)`` after backward; it may replace the former."""
        if self.node_hooks is None:
            self.node_hooks = OrderedDict()
        handle = RemovableHandle(self.node_hooks)
        self.node_hooks[handle.id] = hook
        return handle

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(grad_outputs)`` before this node's backward; it may replace them."""
        if self.node_pre_hooks is None:
            self.node_pre_hooks = OrderedDict()
        handle = RemovableHandle(self.node_pre_hooks)
        self.node_pre_hooks[handle.id] = hook
        return handle

    def hooked(self) -> bool:
        """Return True if Python code must run at this node."""
        return bool(
            self.opaque
            or self.node_hooks
            or self.node_pre_hooks
            or self.pre_hooks
            or self.retains
            or self.packed
        )

    def output_hooks(self, index: int) -> OrderedDict:
        """Return the (made on demand) hooks on the gradient of output ``index``."""
        if self.pre_hooks is None:
            self.pre_hooks = {}
        return self.pre_hooks.setdefault(index, OrderedDict())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {hex(id(self))}>"


class OpNode(Node):
    """A node whose backward is the VJP of a program.

    Attributes:
        program: the forward program.
        operands: its flat operands, or None once freed.
        wanted: indices of the operands that need a gradient.
        saved: (storage, version at the time) per operand that was a tensor, None for the others.
        result: (storage, version, dtype, shape) of the output where PyTorch saves that, else None.
        tensor_slots: indices of the operands that are tensors.
        several: the program returns a tuple.
        pull: the backward as one function, in a captured program (``Op.loops``), or None.
        ndims, inner: what ``shown/composed.py`` notes where PyTorch has several nodes: how many
            dims the operands have, and the edges that are shown.
    """

    program: Program
    operands: Any = None
    wanted: tuple[int, ...] = ()
    saved: tuple = ()
    result: Any = None
    tensor_slots: tuple[int, ...] = ()
    several = False
    pull: Any = None
    ndims: list[int] = []  # noqa: RUF012 - replaced, never changed
    inner: tuple | None = None

    def shown_slots(self) -> tuple[int, ...]:
        """Return the indices of the operands that are tensors, or numbers PyTorch wraps in one."""
        shown = shown_operands(self.program, self.tensor_slots, len(self.edges))
        op = self.program.op
        names = UNLISTED.intersection(p.name for p in op.run_time) if op is not None else ()
        if not names:
            return shown
        places = self.program.arguments(range(len(self.edges)))
        unlisted = [places[name] for name in names]
        return tuple(i for i in shown if not any(i == p or _holds(p, i) for p in unlisted))


def _holds(place: Any, index: int) -> bool:
    return isinstance(place, list) and index in place


def shown_operands(program: Program, tensors: Iterable[int], count: int) -> tuple[int, ...]:
    """Return which of ``count`` operands PyTorch's node has an edge for, None or not.

    Those are the tensors, and the numbers that it turns into tensors (of ``x * 2``, but not
    of ``x ** 2``).
    """
    shown = set(tensors)
    op = program.op
    if op is not None and op.promote is not None and op.numbers:
        names = [p.name for p in op.run_time]
        if len(names) == count:
            shown |= {i for i, name in enumerate(names) if name in op.numbers}
    return tuple(sorted(shown))


class ViewNode(Node):
    """A node of a view: linear, so its backward needs the parent's shape and dtype but no values.

    Attributes:
        transpose: the program ``(*ints, cotangent) -> parent's gradient``.
        operands: the run-time integers of the view.
    """

    transpose: Program
    operands: tuple = ()


class AccumulateGrad(Node):
    """Where a gradient arrives at a leaf: adds it to ``variable.grad``."""

    def __init__(self, variable: Any) -> None:
        self.variable = variable
        self.number = -1


_types: dict[tuple[str, type], type] = {}


def node_type(name: str, base: type = OpNode) -> type:
    """Return the (cached) subclass of ``base`` whose objects print as ``<name object at ...>``."""
    found = _types.get((name, base))
    if found is None:
        found = _types[name, base] = type(name, (base,), {})
    return found
