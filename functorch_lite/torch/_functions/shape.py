"""Another shape over the same elements: ``view``, ``reshape``, ``squeeze``, ``flatten``.

Like ``_permute``, ``_select`` and ``_split`` a thin layer over the view ops of ``ops/view.py``:
arguments are checked, -1 is resolved, and the view is made.
"""

import math
from typing import Any

from ..._core import dtype as dt
from ...ops._common import wrap_dim
from ...ops._registry import OPS
from ...ops.shape import view as _view_ops
from ...transforms._levels import active
from .._engine.dispatch import call_view, shown_strides
from .._engine.graph import ViewNode, node_type
from .._engine.override import overridable
from .._engine.register import attach, expose
from .._engine.tensor import Tensor, make, size_of
from .._engine.view import hiding, is_contiguous
from .arguments import integer, integers


@expose("m")
def size(input: Tensor, dim: int | None = None) -> Any:
    """Return the shape, or the size of one dim."""
    if dim is None:
        return size_of(input._sizes)
    return input._sizes[wrap_dim(dim, len(input._sizes))] if input._sizes else _no_dim(dim)


def _no_dim(dim: int) -> int:
    raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")


# --- view and reshape -----------------------------------------------------------------------------


def _infer(sizes: tuple[int, ...], numel: int) -> tuple[int, ...]:
    """Replace a -1 by the size that makes the number of elements right."""
    if sizes.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    for i, n in enumerate(sizes):
        if n < -1:
            raise RuntimeError(f"invalid shape dimension {n} at index {i} of shape {list(sizes)}")
    rest = math.prod(n for n in sizes if n != -1)
    if -1 in sizes:
        if rest == 0:
            if numel == 0:
                raise RuntimeError(
                    f"cannot reshape tensor of 0 elements into shape {list(sizes)} because the "
                    "unspecified "
                    "dimension size -1 can be any value and is ambiguous"
                )
        elif numel % rest == 0:
            return tuple(numel // rest if n == -1 else n for n in sizes)
    elif rest == numel:
        return sizes
    raise RuntimeError(f"shape '{list(sizes)}' is invalid for input of size {numel}")


def _view_to(input: Tensor, sizes: tuple[int, ...]) -> Tensor:
    return call_view(OPS["view"], (input,), (sizes,))


@expose("m")
def view(input: Tensor, *shape: Any, dtype: Any = None) -> Tensor:
    """Return the same elements with another shape, or the same bits as another dtype, without
    copying.
    """
    if dtype is not None:
        shape = (dtype,)
    if len(shape) == 1 and isinstance(shape[0], dt.dtype):
        if shape[0] is input._dtype:
            return call_view(OPS["alias"], (input,), ())
        return call_view(OPS["view.dtype"], (input,), (shape[0], input._dtype.itemsize))
    sizes = _infer(integers(shape, "view"), math.prod(input._sizes))
    return _view_to(input, sizes)


@expose("m")
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """Return a view of ``input`` in the shape of ``other``."""
    return input.view(other._sizes)


def _reshaped(input: Tensor, sizes: tuple[int, ...]) -> Tensor:
    sizes = _infer(sizes, math.prod(input._sizes))
    if _view_ops.view_strides(input._sizes, shown_strides(input), sizes) is not None:
        return _view_to(input, sizes)
    return _unsafe_view(input.clone(memory_format="contiguous"), sizes)


def _unsafe_view(copied: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Return ``copied`` with another shape; nobody else has it, so the result is no view of it."""
    view = _view_to(copied, sizes)
    result = make(view._array)
    node = view._node
    if node is not None:
        node.__class__ = node_type("UnsafeViewBackward0", ViewNode)
        result._node, result._requires_grad = node, True
    return result


@expose("f")
def reshape(input: Tensor, shape: Any) -> Tensor:
    """Return ``input`` with another shape: a view where the memory allows it, else a copy."""
    return _reshaped(input, integers((shape,), "reshape", "shape", 2))


def _reshape_method(input: Tensor, *shape: Any, **named: Any) -> Tensor:
    """Return the tensor with another shape: a view where the memory allows it, else a copy."""
    return _reshaped(input, integers(shape or tuple(named.values()), "reshape", "shape"))


attach("reshape", overridable(_reshape_method))


@expose("m")
def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """Return ``input`` in the shape of ``other``."""
    return _reshaped(input, other._sizes)


@expose("fm")
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Return ``input`` with the dims from ``start_dim`` to ``end_dim`` merged into one."""
    rank = len(input._sizes)
    start, end = wrap_dim(start_dim, rank), wrap_dim(end_dim, rank)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if not rank:
        return _reshaped(input, (1,))
    if start == end:
        return input
    sizes = input._sizes
    return _reshaped(input, (*sizes[:start], math.prod(sizes[start : end + 1]), *sizes[end + 1 :]))


@expose("fm")
def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """Return a view with ``dim`` split into ``sizes`` (one may be -1)."""
    sizes = integers((sizes,), "unflatten", "sizes", 2)
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    rank = len(input._sizes)
    if not rank:
        raise RuntimeError(
            "unflatten got an unexpected error:\n"
            f"Dimension specified as {dim} but tensor has no dimensions"
        )
    dim = wrap_dim(dim, rank)
    own = input._sizes[dim]
    known = math.prod(n for n in sizes if n != -1)
    if -1 in sizes and known and own % known == 0:
        sizes = tuple(own // known if n == -1 else n for n in sizes)
    if math.prod(sizes) != own:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} "
            f"({own}) in the input tensor"
        )
    return input.view((*input._sizes[:dim], *sizes, *input._sizes[dim + 1 :]))


@expose("fm")
def ravel(input: Tensor) -> Tensor:
    """Return ``input`` as a contiguous vector."""
    return _reshaped(input, (-1,)) if math.prod(input._sizes) else _reshaped(input, (0,))


@expose("m")
def contiguous(input: Tensor, memory_format: Any = None) -> Tensor:
    """Return ``input`` itself if its elements lie in C order, else a copy in which they do."""
    if input._strides is None or is_contiguous(input._sizes, input._strides):
        return input
    return input.clone(memory_format="contiguous")


# --- dims of size 1 ------------------------------------------------------------------------------


@expose("fm")
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """Return a view with a dim of size 1 put in at ``dim``."""
    return call_view(
        OPS["unsqueeze"],
        (input,),
        (wrap_dim(integer(dim, "unsqueeze", "dim", 1), len(input._sizes) + 1),),
    )


@expose("fm")
def squeeze(input: Tensor, dim: Any = None, *, axis: Any = None) -> Tensor:
    """Return a view without the dims of size 1 (all of them, or those of ``dim`` that are)."""
    dim = axis if dim is None else dim
    rank = len(input._sizes)
    if dim is None:
        dims = range(rank)
    else:
        dims = [wrap_dim(d, rank) for d in ((dim,) if isinstance(dim, int) else dim)]
    ones = tuple(sorted(d for d in set(dims) if d < rank and input._sizes[d] == 1))
    view = call_view(OPS["squeeze"], (input,), (ones,))
    if dim is not None and view._node is not None:
        name = "SqueezeBackward1" if isinstance(dim, int) else "SqueezeBackward2"
        view._node.__class__ = node_type(name, ViewNode)
    return view


@expose("m")
def expand(input: Tensor, *size: Any, implicit: bool = False) -> Tensor:
    """Return a view with dims of size 1 (and new leading dims) repeated without copying; -1 keeps a
    size.
    """
    sizes = integers(size, "expand")
    lead = len(sizes) - len(input._sizes)
    if lead < 0:
        raise RuntimeError(
            f"expand({_tensor_text(input)}, size={list(sizes)}): the number of sizes provided "
            f"({len(sizes)}) must be "
            f"greater or equal to the number of dimensions in the tensor ({len(input._sizes)})"
        )
    found = []
    for d, n in enumerate(sizes):
        own = input._sizes[d - lead] if d >= lead else None
        if n == -1:
            if own is None:
                raise RuntimeError(
                    f"expand({_tensor_text(input)}, size={list(sizes)}): the expanded size of the "
                    "tensor (-1) isn't "
                    f"allowed in a leading, non-existing dimension {d}"
                )
            n = own
        elif own is not None and own != n and own != 1:
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({own}) at "
                "non-singleton "
                f"dimension {d}.  Target sizes: {list(sizes)}.  Tensor sizes: {list(input._sizes)}"
            )
        found.append(n)
    return call_view(OPS["expand"], (input,), (tuple(found),))


def _tensor_text(input: Tensor) -> str:
    return f"torch.{input._dtype.legacy}{{{list(input._sizes)}}}"


@expose("m")
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Expand ``input`` to the shape of ``other``."""
    return expand(input, other._sizes)


@expose("f")
def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """Expand ``input`` to ``size``."""
    return expand(input, size)


attach("broadcast_to", overridable(expand))


@expose("m")
def sum_to_size(self: Tensor, *size: Any) -> Tensor:
    """Sum over the dims along which ``size`` would have to be expanded to this shape."""
    sizes = integers(size, "sum_to_size")
    lead = len(self._sizes) - len(sizes)
    own = self._sizes[max(lead, 0) :]
    if lead < 0 or any(n not in (1, m) for n, m in zip(sizes, own, strict=True)):
        raise RuntimeError(
            f"size {{{list(sizes)}}} is not expandable to size {{{list(self._sizes)}}}."
        )
    summed = [d for d, m in enumerate(own, lead) if m != 1 and sizes[d - lead] == 1]
    dims = [*range(lead), *summed]
    if not sizes:
        return self.sum()
    if not dims:
        return self
    sums = self.sum(dims, keepdim=True)
    return sums.view(sizes) if lead else sums


# --- no history -----------------------------------------------------------------------------------


@expose("f", name="detach")
def detach(input: Tensor) -> Tensor:
    """Return a view without history."""
    view = call_view(OPS["alias"], (input,), ())
    view._node, view._requires_grad, view._grad_base, view._shown_base = None, False, None, None
    view._made_quietly, view._shows_grad = "", False
    view._chain = input._chain
    view._strides = input._strides
    if active.count:  # a transform differentiates: only a step of its own hides the value from it
        view._chain += ((hiding(()), ()),)
    return view


attach("detach", overridable(detach))
