"""Functions like views whose results own their memory: ``select_copy``, ``select_scatter``.

A copy of a view keeps the view's place in the graph; a scatter is the view's ``put`` as a function.
"""

import inspect
from collections.abc import Callable
from typing import Any

from ..._core import dtype as dt
from ..._core.execute import x64
from ...ops._common import cast
from ...ops._program import Program
from ...ops._registry import OPS
from .._engine.dispatch import Operands, record, shown_strides
from .._engine.grad_mode import mode
from .._engine.graph import ViewNode, node_type
from .._engine.register import SPACES, expose
from .._engine.tensor import Tensor, make
from .._engine.view import chain_ints, composite
from .._engine.writing import store_out
from .permute import permute, t, transpose
from .select import as_strided, diagonal, narrow, select, slice_view_always, unfold
from .shape import expand, squeeze, unsqueeze, view, view_as
from .split import chunk, split, split_with_sizes, unbind

# --- copies of views -----------------------------------------------------------------------------


def _copied(shown: Tensor, name: str) -> Tensor:
    """Return the content of a view in memory of its own, with the view's history under ``name``."""
    fresh = make(shown._array)
    node = shown._node
    if isinstance(node, ViewNode):
        node.__class__ = node_type(name, ViewNode)
        fresh._node, fresh._requires_grad = node, True
    return fresh


def _copy(name: str, show: Callable[..., Any], node: str, kinds: str = "f") -> None:
    """Expose ``torch.name``: what ``show`` shows with fresh memory, and ``out=``."""

    def copy(input: Tensor, *args: Any, out: Any = None, **named: Any) -> Any:
        viewed = show(input, *args, **named)
        if not isinstance(viewed, tuple):
            viewed = view_of(input) if viewed is input else viewed
            return _into(_copied(viewed, node), out)
        copies = tuple(_copied(v, node) for v in viewed)
        if out is None:
            return copies
        for source, target in zip(copies, out, strict=True):
            store_out(source, target)
        return None

    copy.__name__ = copy.__qualname__ = name
    copy.__doc__ = f"Return what ``{show.__name__}`` shows, in memory of its own."
    copy.__signature__ = _with_out(show)  # type: ignore[attr-defined]
    expose(kinds, name=name)(copy)


def _with_out(show: Callable[..., Any]) -> inspect.Signature:
    signature = inspect.signature(show)
    out = inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None)
    given = list(signature.parameters.values())
    at = len(given) - (bool(given) and given[-1].kind is inspect.Parameter.VAR_KEYWORD)
    return signature.replace(parameters=[*given[:at], out, *given[at:]])


def _into(result: Tensor, out: Tensor | None) -> Tensor:
    if out is None:
        return result
    store_out(result, out)
    return out


def view_of(input: Tensor) -> Tensor:
    """Return a view of all of ``input``."""
    return view_as(input, input) if input._strides is None else expand(input, input._sizes)


def slice_of(
    input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """Return ``input[start:end:step]`` along ``dim`` as a view."""
    if step < 1:
        raise RuntimeError("slice step must be positive")
    if not input._sizes:
        raise RuntimeError("slice() cannot be applied to a 0-dim tensor.")
    return slice_view_always(input, _wrapped(dim, input), start, end, step)


def _wrapped(dim: int, input: Tensor) -> int:
    rank = len(input._sizes)
    if not -rank <= dim < rank:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got "
            f"{dim})"
        )
    return dim % rank


for _view, _node in {
    **{as_strided: "AsStrided", diagonal: "Diagonal", permute: "Permute", select: "Select"},
    **{squeeze: "Squeeze", t: "T", transpose: "Transpose", unsqueeze: "Unsqueeze"},
    **{split: "Split", split_with_sizes: "SplitWithSizes", unbind: "Unbind"},
    **{expand: "Expand", unfold: "Unfold", view: "View"},
}.items():
    _copy(_view.__name__ + "_copy", _view, _node + "Backward0_copy")
_copy("alias_copy", view_of, "AliasBackward0_copy")
_copy("slice_copy", slice_of, "SliceBackward0_copy")
_copy("narrow_copy", narrow, "NarrowCopyBackward0", "fm")
_copy("unsafe_chunk", chunk, "UnsafeSplitBackward0", "fm")
_copy("unsafe_split", split, "UnsafeSplitBackward0", "fm")
_copy("unsafe_split_with_sizes", split_with_sizes, "UnsafeSplitWithSizesBackward0", "fm")


def _bound_later(name: str) -> None:
    """Expose ``name_copy`` of a view that is a declared op, bound only once all files are read."""

    def copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
        node = OPS[name].node + "_copy"
        return _into(_copied(SPACES[""][name](input), node), out)

    copy.__name__ = copy.__qualname__ = name + "_copy"
    copy.__doc__ = f"Return what ``{name}`` shows, in memory of its own."
    expose("f", name=name + "_copy")(copy)


_bound_later("view_as_real")
_bound_later("view_as_complex")


@expose("f")
def detach_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the content of ``input`` in memory of its own, without history."""
    return _into(make(input._array), out)


# --- scatters ------------------------------------------------------------------------------------

_programs: dict[tuple, Program] = {}


def _program(chain: tuple, node: str) -> Program:
    """Return the program ``(parent, child, *ints) -> parent`` with the child written in."""
    step = composite(chain)
    found = _programs.get((step, node))
    if found is None:

        def put(parent: Any, child: Any, *ints: Any) -> Any:
            return step.put(parent, cast(child, dt.from_np(parent.dtype)), *ints)

        found = _programs[step, node] = Program(put, node)
    return found


def _scattered(input: Tensor, src: Tensor, shown: Tensor, node: str, out: Any) -> Tensor:
    """Return a copy of ``input`` with ``src`` where ``shown``, a view of it, lies."""
    if src._sizes != shown._sizes:
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(src._sizes)}, slice size = {list(shown._sizes)}"
        )
    chain = shown._chain[len(input._chain) :]
    found = _program(chain, node)
    taken = Operands()
    for operand in (input, src):
        taken.take(OPS["copy"], 0, operand)
    ints = chain_ints(chain)
    taken.flat += ints
    taken.tensors += [None] * len(ints)
    with x64(True):
        result = make(found.call(*taken.flat))
    if out is not None:
        return _into(result, out)
    if taken.wants_grad and mode.grad:
        record(None, found, taken, (result,))
    return result


@expose("fm")
def select_scatter(
    input: Tensor, src: Tensor, dim: int, index: int, *, out: Tensor | None = None
) -> Tensor:
    """Return a copy of ``input`` with ``src`` at ``index`` along ``dim``."""
    shown = select(input, dim, index)
    return _scattered(input, src, shown, "SelectScatterBackward0", out)


@expose("fm")
def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Return a copy of ``input`` with ``src`` at ``start:end:step`` along ``dim``."""
    shown = slice_of(input, dim, start, end, step)
    return _scattered(input, src, shown, "SliceScatterBackward0", out)


@expose("fm")
def diagonal_scatter(
    input: Tensor,
    src: Tensor,
    offset: int = 0,
    dim1: int = 0,
    dim2: int = 1,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Return a copy of ``input`` with ``src`` on a diagonal of the planes (dim1, dim2)."""
    shown = diagonal(input, offset, dim1, dim2)
    return _scattered(input, src, shown, "DiagonalScatterBackward0", out)


@expose("fm")
def as_strided_scatter(
    input: Tensor,
    src: Tensor,
    size: Any,
    stride: Any,
    storage_offset: int | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Return a copy of ``input`` with ``src`` where ``as_strided`` shows its memory."""
    if not input._chain and input._strides is None:
        shown = as_strided(input, size, stride, storage_offset)
        return _scattered(input, src, shown, "AsStridedScatterBackward0", out)
    place = input._offset if storage_offset is None else storage_offset
    reach = _reach(input._sizes, shown_strides(input), input._offset)
    reach = max(reach, _reach(tuple(size), tuple(stride), place))
    memory = as_strided(input, (reach,), (1,), 0).clone()
    window = as_strided(memory, input._sizes, shown_strides(input), input._offset)
    target = as_strided(memory, size, stride, place)
    if src._sizes != target._sizes:
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(src._sizes)}, slice size = {list(target._sizes)}"
        )
    target.copy_(src)
    return _into(window.clone(), out)


def _reach(sizes: tuple, strides: tuple, offset: int) -> int:
    """Return the number of elements of memory up to the last one shown."""
    return offset + 1 + sum((n - 1) * s for n, s in zip(sizes, strides, strict=True))
