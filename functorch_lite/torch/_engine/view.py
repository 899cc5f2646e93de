"""Views: how a tensor that aliases another is made, and how autograd follows writes through it.

A view op gives two pure functions, ``get(parent, *ints)`` and ``put(parent, child, *ints)``, and a
``layout`` that computes PyTorch's shape, strides and offset.  The tensor is made from the layout
alone: no array is computed before somebody reads.  A write to a view whose base takes part in the
graph gives the base a ``CopySlices`` node; other views of that base notice by the version.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import numpy as np

from ..._core import dtype as dt
from ...ops._common import contiguous_strides
from ...ops._program import Program, conj, program
from ...ops._registry import Op
from ...transforms._levels import REVERSE, active, differentiating
from . import tensor as _tensor
from .capture.breaks import RECORDED_WRITE, break_if_outside
from .grad_mode import mode
from .graph import ViewNode, node_type, sequence, shown_operands
from .inside.world import hidden
from .tensor import Tensor, chain_reader, chain_writer

QUIET = "A view was created in no_grad mode and"
QUIET_PARENT = "Output 0 of {} is a view of a view which was created in no_grad mode and"


class ViewProgram(Program):
    """The program of a view op: ``fn`` is its ``get``, and there is a ``put`` and a transpose."""

    __slots__ = ("_transposes", "put")

    def __init__(
        self, fn: Callable[..., Any], put: Callable[..., Any], node: str, op: Op | None = None
    ) -> None:
        super().__init__(fn, node, op)
        self.put = put
        self._transposes: dict[tuple, Program] = {}

    def transpose(self, shape: tuple[int, ...], np_dtype: np.dtype) -> Program:
        """Return the program ``(*ints, cotangent) -> gradient`` for a parent of this kind."""
        key = (shape, np_dtype)
        found = self._transposes.get(key)
        if found is None:
            fn = self.fn

            def transposed(*args: Any) -> Any:
                *ints, cotangent = args
                parent = jax.ShapeDtypeStruct(shape, np_dtype)
                (gradient,) = jax.linear_transpose(lambda p: fn(p, *ints), parent)(conj(cotangent))
                return (conj(gradient),)

            found = self._transposes[key] = Program(transposed, self.node + "Backward")
        return found


@cache
def hiding(kinds: tuple[str, ...]) -> ViewProgram:
    """Return the view step that hides the elements from the transforms that differentiate.

    It has the same memory, written to as through any view. ``kinds`` are as in ``world.hidden``;
    without any it hides from all: that is ``detach``.
    """
    return ViewProgram(hidden(kinds), lambda parent, child: child, "AliasBackward0")


_view_programs: dict[tuple, ViewProgram] = {}


def view_program(op: Op, descriptors: tuple, statics: tuple) -> ViewProgram:
    """Return the (cached) program of the view op with these arguments."""
    key = (op, descriptors, statics)
    found = _view_programs.get(key)
    if found is None:
        get = program(op, descriptors, statics)
        put = op.view.put  # type: ignore[union-attr]
        names = [p.name for p in op.params]
        fixed = {p.name: s for p, s in zip(op.static, statics, strict=True)}
        ints = [n for n in names[1:] if n not in fixed]

        def write(parent: Any, child: Any, *values: Any) -> Any:
            if put is None:
                (out,) = jax.linear_transpose(lambda p: get.fn(p, *values), parent)(child)
                return out
            return put(parent, child, **fixed, **dict(zip(ints, values, strict=True)))

        found = _view_programs[key] = ViewProgram(get.fn, write, op.node, op)
    return found


def make_view(
    parent: Tensor, step: ViewProgram, ints: tuple, layout: tuple, d: dt.dtype | None = None
) -> Tensor:
    """Return the view of ``parent`` through ``step``; ``layout``: (shape, strides, offset)."""
    sizes, strides, offset = layout
    view = object.__new__(Tensor)
    view._storage = storage = parent._storage
    view._chain = (*parent._chain, (step, ints))
    if active.count and not mode.grad and REVERSE in (kinds := differentiating()):
        view._chain += ((hiding(kinds), ()),)
    view._sizes = sizes
    view._dtype = d = d or parent._dtype
    view._desc = d if sizes else d.zero_dim
    if strides != contiguous_strides(sizes) and not is_contiguous(sizes, strides):
        view._strides = strides
    view._shown_strides = strides
    view._offset = offset
    view._view_of = parent._view_of if parent._view_of is not None else parent
    if parent._own_version is not None:
        view._own_version = parent._own_version
    if parent._shown_base is not False:
        view._shown_base = parent if parent._shown_base is None else parent._shown_base
    if parent._multi_view:
        view._multi_view = f"Output 0 of {step.node.split('Backward')[0]}"
    if not mode.grad or parent._made_quietly:
        view._made_quietly = (
            QUIET if not mode.grad else QUIET_PARENT.format(step.node.split("Backward")[0])
        )
        base = parent._grad_base if parent._grad_base is not None else parent
        if (base._requires_grad or parent._shows_grad) and d.category >= dt.FLOATING:
            view._shows_grad = True
        return view
    base = parent._grad_base if parent._grad_base is not None else parent
    view._grad_base = base
    view._view_depth = len(base._chain)
    view._seen = storage.version
    edge = parent._history()
    if edge is not None and (d.is_floating_point or d.is_complex):
        view._node = view_node(parent, step, ints, edge)
        view._requires_grad = True
    return view


def view_node(
    parent: Tensor, step: ViewProgram, ints: tuple, edge: tuple, name: str = ""
) -> ViewNode:
    """Return the node that hands a view's gradient on to its parent."""
    node = node_type(name or step.node, ViewNode)()
    node.number = next(sequence)
    node.transpose = step.transpose(parent._sizes, parent._dtype.np)
    node.operands = ints
    node.edges = (edge,)
    return node


def is_contiguous(sizes: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Return True if the elements lie in C order without gaps (dims of size 1 do not matter)."""
    if 0 in sizes:
        return True
    step = 1
    for n, s in zip(reversed(sizes), reversed(strides), strict=True):
        if n != 1:
            if s != step:
                return False
            step *= n
    return True


def relative_chain(view: Tensor) -> tuple:
    """Return the view steps from the autograd base of ``view`` to ``view``."""
    return view._chain[view._view_depth :]


_composites: dict[tuple, ViewProgram] = {}


def composite(chain: tuple) -> ViewProgram:
    """Return one view program for several steps."""
    programs = tuple(step[0] for step in chain)
    found = _composites.get(programs)
    if found is None:
        counts = [len(step[1]) for step in chain]
        found = ViewProgram(
            chain_reader(programs, counts), chain_writer(programs, counts), "AsStridedBackward0"
        )
        _composites[programs] = found
    return found


def chain_ints(chain: tuple) -> tuple:
    """Return the run-time integers of all steps, in order."""
    return tuple(i for step in chain for i in step[1])


def refresh(view: Tensor) -> None:
    """Rebuild the node of a view whose base was written to after the view was made."""
    base = view._grad_base
    assert base is not None
    view._seen = view._storage.version
    edge = base._history()
    if edge is None:
        return
    chain = relative_chain(view)
    view._node = view_node(base, composite(chain), chain_ints(chain), edge, "AsStridedBackward0")
    view._nr = 0
    view._requires_grad = True


_tensor._refresh.append(refresh)

_copy_slices: dict[tuple, Program] = {}


def rebase(
    view: Tensor,
    written: Program,
    operands: tuple,
    edges: tuple,
    saved: tuple,
    slot: int,
    old_root: Any,
) -> None:
    """Record that ``view`` now holds ``written(*operands)``: its base gets a ``CopySlices`` node.

    ``slot`` is the index of the operand that is the view's own old value (-1: not an operand).
    ``old_root`` is the base's value before the write.  ``edges`` and ``saved`` (see
    ``OpNode.saved``) belong to ``operands``.
    """
    base = view._grad_base
    assert base is not None
    break_if_outside(base, *RECORDED_WRITE)
    chain = relative_chain(view)
    node = node_type("CopySlices")()
    node.number = next(sequence)
    node.program = _copy_slices_program(composite(chain), written, slot, len(chain_ints(chain)))
    ints = chain_ints(chain)
    others = tuple(o for i, o in enumerate(operands) if i != slot)
    other_edges = tuple(e for i, e in enumerate(edges) if i != slot)
    node.operands = (old_root, *ints, *others)
    node.edges = (base._history(), *(None for _ in ints), *other_edges)
    node.wanted = tuple(i for i, e in enumerate(node.edges) if e is not None)
    node.saved = (None, *(None for _ in ints), *(s for i, s in enumerate(saved) if i != slot))
    node.tensor_slots = (0, *(len(ints) + i for i in _shown_others(written, operands, slot)))
    view._storage.writer = node.name()
    base._node, base._nr = node, 0
    base._requires_grad = True
    view._seen = -1
    refresh(view)


def _shown_others(written: Program, operands: tuple, slot: int) -> list[int]:
    """Return the places, from 1, of the operands but ``slot`` that PyTorch has an edge for."""
    tensors = [i for i, o in enumerate(operands) if hasattr(o, "dtype")]
    shown = shown_operands(written, tensors, len(operands))
    others = [i for i in range(len(operands)) if i != slot]
    return [place for place, i in enumerate(others, 1) if i in shown]


def _copy_slices_program(step: ViewProgram, written: Program, slot: int, count: int) -> Program:
    key = (step, written, slot)
    found = _copy_slices.get(key)
    if found is None:

        def copy_slices(root: Any, *rest: Any) -> Any:
            ints, operands = rest[:count], list(rest[count:])
            if slot >= 0:
                operands.insert(slot, step.fn(root, *ints))
            return step.put(root, written.fn(*operands), *ints)

        found = _copy_slices[key] = Program(copy_slices, "CopySlices")
    return found
