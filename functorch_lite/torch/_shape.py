"""Shape functions and views as users spell them: arguments checked, -1 resolved, views made.

Everything here is a thin layer over the view ops of ``ops/view.py``.
"""

import math
import operator
from collections.abc import Sequence
from typing import Any

from .._core import dtype as dt
from ..ops import view as _view_ops
from ..ops._common import wrap_dim
from ..ops._registry import OPS
from ._dispatch import call_view, shown_strides, type_name
from ._override import overridable, overridable_property
from ._register import attach, expose
from ._tensor import Size, Tensor
from ._view import is_contiguous

__all__ = ["integer", "integers"]


def integer(value: Any, function: str, name: str, position: int) -> int:
    """Return an index-like argument as an int; TypeError in PyTorch's words otherwise."""
    if type(value) is int:
        return value
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(
            f"{function}(): argument '{name}' (position {position}) must be int, not {type_name(value)}"
        ) from None


def integers(sizes: tuple, function: str, name: str = "size", position: int = 1) -> tuple[int, ...]:
    """Return sizes given as ``f(2, 3)`` or ``f((2, 3))`` as a tuple of ints."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = sizes[0]
    found = []
    for i, n in enumerate(sizes):
        if type(n) is int:
            found.append(n)
            continue
        if isinstance(n, bool) or not hasattr(n, "__index__"):
            raise TypeError(
                f"{function}(): argument '{name}' (position {position}) must be tuple of ints, but found "
                f"element of type {type_name(n)} at pos {i}"
            )
        found.append(operator.index(n))
    return tuple(found)


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
                    f"cannot reshape tensor of 0 elements into shape {list(sizes)} because the unspecified "
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
    """Return the same elements with another shape, or the same bits as another dtype, without copying."""
    if dtype is not None:
        shape = (dtype,)
    if len(shape) == 1 and isinstance(shape[0], dt.dtype):
        if shape[0] is input._dtype:
            return call_view(OPS["alias"], (input,), ())
        return call_view(OPS["view.dtype"], (input,), (shape[0], input._dtype.itemsize))
    sizes = _infer(integers(shape, "view"), math.prod(input._sizes))
    return _view_to(input, sizes)


def _reshaped(input: Tensor, sizes: tuple[int, ...]) -> Tensor:
    sizes = _infer(sizes, math.prod(input._sizes))
    if _view_ops.view_strides(input._sizes, shown_strides(input), sizes) is not None:
        return _view_to(input, sizes)
    copied = input.clone(memory_format="contiguous")  # type: ignore[attr-defined]
    made = _view_to(copied, sizes)
    if made._node is None or copied._node is None:
        return copied_view(made)
    return made


def copied_view(view: Tensor) -> Tensor:
    """Forget that ``view`` is one: its base is a fresh copy that nobody else can see."""
    return view


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


@expose("m")
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """Return a view of ``input`` in the shape of ``other``."""
    return input.view(other._sizes)  # type: ignore[attr-defined]


def _permuted(input: Tensor, dims: tuple[int, ...], function: str = "permute") -> Tensor:
    rank = len(input._sizes)
    if len(dims) != rank:
        raise RuntimeError(
            f"{function}(sparse_coo): number of dimensions in the tensor input does not match the length of the "
            f"desired ordering of dimensions i.e. input.dim() = {rank} is not equal to len(dims) = {len(dims)}"
        )
    wrapped = tuple(wrap_dim(d, rank) for d in dims)
    if len(set(wrapped)) != rank:
        raise RuntimeError(f"{function}(): duplicate dims are not allowed.")
    return call_view(OPS["permute"], (input,), (wrapped,))


@expose("f")
def permute(input: Tensor, dims: Any) -> Tensor:
    """Return a view with the dims in the given order."""
    return _permuted(input, integers((dims,), "permute", "dims", 2))


def _permute_method(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """Return a view with the dims in the given order."""
    return _permuted(input, integers(dims or tuple(named.values()), "permute", "dims"))


attach("permute", overridable(_permute_method))


@expose("fm", aliases="swapaxes swapdims")
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Return a view with two dims swapped."""
    rank = len(input._sizes)
    d0 = wrap_dim(integer(dim0, "transpose", "dim0", 1), rank)
    d1 = wrap_dim(integer(dim1, "transpose", "dim1", 2), rank)
    if not rank:
        return call_view(OPS["alias"], (input,), ())
    return call_view(OPS["transpose"], (input,), (d0, d1))


@expose("fm")
def t(input: Tensor) -> Tensor:
    """Return the transpose of a matrix as a view; a vector or scalar as it is."""
    rank = len(input._sizes)
    if rank > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {rank}D")
    return call_view(OPS["t"] if rank == 2 else OPS["alias"], (input,), ())


@expose("fm", aliases="moveaxis")
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Return a view with the dims ``source`` moved to the places ``destination``."""
    rank = len(input._sizes)
    sources = (source,) if isinstance(source, int) else tuple(source)
    targets = (destination,) if isinstance(destination, int) else tuple(destination)
    if len(sources) != len(targets):
        raise RuntimeError(
            "movedim: Invalid source or destination dims: source "
            f"({list(sources)} dims) should contain the same number of dims as destination ({list(targets)} dims)"
        )
    sources = tuple(wrap_dim(d, rank) for d in sources)
    targets = tuple(wrap_dim(d, rank) for d in targets)
    for which, dims in (("source", sources), ("destination", targets)):
        if len(set(dims)) != len(dims):
            given = source if which == "source" else destination
            raise RuntimeError(f"movedim: repeated dim in `{which}` ({list(given)})")
    order: list[int | None] = [None] * rank
    for s, d in zip(sources, targets, strict=True):
        order[d] = s
    rest = iter(d for d in range(rank) if d not in sources)
    return _permuted(input, tuple(next(rest) if d is None else d for d in order))


@expose("fm")
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """Return a view with a dim of size 1 put in at ``dim``."""
    return call_view(OPS["unsqueeze"], (input,), (wrap_dim(integer(dim, "unsqueeze", "dim", 1), len(input._sizes) + 1),))


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
    return call_view(OPS["squeeze"], (input,), (ones,))


@expose("m")
def expand(input: Tensor, *size: Any, implicit: bool = False) -> Tensor:
    """Return a view with dims of size 1 (and new leading dims) repeated without copying; -1 keeps a size."""
    sizes = integers(size, "expand")
    lead = len(sizes) - len(input._sizes)
    if lead < 0:
        raise RuntimeError(
            f"expand({_tensor_text(input)}, size={list(sizes)}): the number of sizes provided ({len(sizes)}) must be "
            f"greater or equal to the number of dimensions in the tensor ({len(input._sizes)})"
        )
    found = []
    for d, n in enumerate(sizes):
        own = input._sizes[d - lead] if d >= lead else None
        if n == -1:
            if own is None:
                raise RuntimeError(
                    f"expand({_tensor_text(input)}, size={list(sizes)}): the expanded size of the tensor (-1) isn't "
                    f"allowed in a leading, non-existing dimension {d}"
                )
            n = own
        elif own is not None and own != n and own != 1:
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({own}) at non-singleton "
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


@expose("fm")
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """Return the view of ``input`` at ``index`` along ``dim``."""
    rank = len(input._sizes)
    if not rank:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, rank)
    size = input._sizes[dim]
    index = integer(index, "select", "index", 2)
    if not -size <= index < size:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input._sizes)} at dimension {dim}"
        )
    return call_view(OPS["select"], (input, index % size), (dim,))


@expose("fm")
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """Return the view of ``length`` elements from ``start`` along ``dim``."""
    rank = len(input._sizes)
    if not rank:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    dim, start = wrap_dim(dim, rank), int(start)
    size = input._sizes[dim]
    if not -size <= start <= size:
        raise IndexError(
            f"start out of range (expected to be in range of [{-size}, {size}], but got {start})"
        )
    start = start + size if start < 0 else start
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return call_view(OPS["slice"], (input, start), (dim, length, 1))


def slice_view(input: Tensor, dim: int, start: int | None, stop: int | None, step: int | None) -> Tensor:
    """Return the view of ``input[start:stop:step]`` along ``dim``; the whole dim as it is."""
    first, last, stride = slice(start, stop, step).indices(input._sizes[dim])
    length = max(0, -(-(last - first) // stride))
    if length == input._sizes[dim] and stride == 1:
        return input
    return call_view(OPS["slice"], (input, first), (dim, length, stride))


@expose("fm")
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """Return a view of a diagonal of the planes (dim1, dim2), as the last dim."""
    rank = len(input._sizes)
    d1, d2 = wrap_dim(dim1, rank), wrap_dim(dim2, rank)
    if d1 == d2:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return call_view(OPS["diagonal"], (input,), (offset, d1, d2))


@expose("m")
def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Return a view of all windows of ``size`` along ``dimension``, ``step`` apart, as a last dim."""
    rank = len(input._sizes)
    dimension = wrap_dim(dimension, rank)
    limit = input._sizes[dimension] if rank else 1
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > limit:
        raise RuntimeError(f"maximum size for tensor at dimension {dimension} is {limit} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    return call_view(OPS["unfold"], (input,), (dimension, size, step))


@expose("fm")
def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """Return the view of the storage with the given size, strides and offset (in elements)."""
    sizes, strides = integers((size,), "as_strided"), integers((stride,), "as_strided", "stride", 2)
    if len(sizes) != len(strides):
        raise RuntimeError("mismatch in length of strides and shape")
    if any(s < 0 for s in strides):
        raise RuntimeError(f"as_strided: Negative strides are not supported at the moment, got strides: {list(strides)}")
    offset = input._offset if storage_offset is None else storage_offset
    root = input._view_of if input._view_of is not None and input._chain else input
    if root._chain:
        root = root_of(root)
    held = math.prod(root._sizes)
    last = offset + sum((n - 1) * s for n, s in zip(sizes, strides, strict=True))
    if 0 not in sizes and last >= held:
        size_of = root._dtype.itemsize
        raise RuntimeError(
            f"setStorage: sizes {list(sizes)}, strides {list(strides)}, storage offset {offset}, and itemsize "
            f"{size_of} requiring a storage size of {(last + 1) * size_of} are out of bounds for storage of size "
            f"{held * size_of}"
        )
    if root._strides is not None:
        order = sorted(range(len(root._sizes)), key=lambda d: -shown_strides(root)[d])
        root = call_view(OPS["permute"], (root,), (tuple(order),))
    return call_view(OPS["as_strided"], (root,), (sizes, strides, offset))


def root_of(view: Tensor) -> Tensor:
    """Return a tensor over the root of a detached view's storage."""
    from_root = object.__new__(Tensor)
    storage = view._storage
    array = storage.array if storage.array is not None else storage.buffer
    from_root._storage = storage
    from_root._sizes = tuple(array.shape)  # type: ignore[union-attr]
    from_root._dtype = dt.from_np(array.dtype)  # type: ignore[union-attr]
    from_root._desc = from_root._dtype if from_root._sizes else from_root._dtype.zero_dim
    return from_root


# --- compositions --------------------------------------------------------------------------------------


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
    dim = wrap_dim(dim, rank)
    own = input._sizes[dim]
    known = math.prod(n for n in sizes if n != -1)
    if -1 in sizes and known and own % known == 0:
        sizes = tuple(own // known if n == -1 else n for n in sizes)
    if math.prod(sizes) != own:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({own}) in the input tensor"
        )
    return input.view((*input._sizes[:dim], *sizes, *input._sizes[dim + 1 :]))  # type: ignore[attr-defined]


@expose("fm")
def ravel(input: Tensor) -> Tensor:
    """Return ``input`` as a contiguous vector."""
    return _reshaped(input, (-1,)) if math.prod(input._sizes) else _reshaped(input, (0,))


def _parts(input: Tensor, lengths: Sequence[int], dim: int, name: str) -> tuple[Tensor, ...]:
    parts, start = [], 0
    for n in lengths:
        part = call_view(OPS["slice"], (input, start), (dim, n, 1))
        parts.append(_named(part, name))
        start += n
    return tuple(parts)


def _named(part: Tensor, name: str) -> Tensor:
    """Mark a view as one of several outputs, under the name of the function that made them."""
    if part._node is not None:
        part._node.__class__ = _renamed(part._node, name)
        part._multi_view = name.removesuffix("Backward0")  # type: ignore[assignment]
    return part


def _renamed(node: Any, name: str) -> type:
    from_base = type(node).__mro__[1]
    return _node_type(name, from_base)


from ._graph import node_type as _node_type  # noqa: E402


@expose("fm")
def split(input: Tensor, split_size_or_sections: Any = None, dim: int = 0, *, split_size: Any = None) -> tuple:
    """Split along ``dim`` into views of one size (the last may be smaller) or of the given sizes."""
    sections = split_size if split_size_or_sections is None else split_size_or_sections
    rank = len(input._sizes)
    if not rank:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = wrap_dim(dim, rank)
    size = input._sizes[dim]
    if isinstance(sections, (list, tuple)):
        return split_with_sizes(input, sections, dim)
    if sections < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={sections}")
    if sections == 0 and size != 0:
        raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {size}")
    count = max(-(-size // sections), 1) if sections else 1
    lengths = [min(sections, size - i * sections) for i in range(count)]
    return _parts(input, lengths, dim, "SplitBackward0")


@expose("fm")
def split_with_sizes(input: Tensor, split_sizes: Any, dim: int = 0) -> tuple:
    """Split along ``dim`` into views of the given sizes."""
    dim = wrap_dim(dim, len(input._sizes))
    sizes = [operator.index(n) for n in split_sizes]
    size = input._sizes[dim]
    if any(n < 0 for n in sizes):
        raise RuntimeError(f"split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={sizes}")
    if sum(sizes) != size:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's size at dimension {dim}), "
            f"but got split_sizes={sizes}"
        )
    return _parts(input, sizes, dim, "SplitWithSizesBackward0")


@expose("fm")
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple:
    """Split along ``dim`` into at most ``chunks`` views of equal size (the last may be smaller)."""
    if not input._sizes:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = input._sizes[wrap_dim(dim, len(input._sizes))]
    if size == 0:
        return split_with_sizes(input, [0] * chunks, dim)
    return split(input, -(-size // chunks), dim)


@expose("fm")
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple:
    """Split along ``dim`` into nearly equal parts, or at the given indices."""
    if not input._sizes:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    dim = wrap_dim(dim, len(input._sizes))
    size = input._sizes[dim]
    if isinstance(indices_or_sections, Tensor):
        indices_or_sections = indices_or_sections.tolist()  # type: ignore[attr-defined]
    if isinstance(indices_or_sections, int):
        n = indices_or_sections
        if n <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {n}")
        base, extra = divmod(size, n)
        edges = [0]
        for i in range(n):
            edges.append(edges[-1] + base + (i < extra))
        pairs = list(zip(edges[:-1], edges[1:], strict=True))
    else:
        cuts = [0, *indices_or_sections, size]
        pairs = list(zip(cuts[:-1], cuts[1:], strict=True))
    return tuple(slice_view_always(input, dim, start, stop) for start, stop in pairs)


def slice_view_always(input: Tensor, dim: int, start: int, stop: int) -> Tensor:
    """Return ``input[start:stop]`` along ``dim`` as a view even if that is all of it."""
    first, last, _ = slice(start, stop).indices(input._sizes[dim])
    return call_view(OPS["slice"], (input, first), (dim, max(last - first, 0), 1))


def _directional(name: str, least: int, dim_of: Any) -> None:
    def split_along(input: Tensor, indices_or_sections: Any) -> tuple:
        if len(input._sizes) < least:
            raise RuntimeError(
                f"torch.{name} requires a tensor with at least {least} dimension{'s' if least > 1 else ''}, "
                f"but got a tensor with {len(input._sizes)} dimensions!"
            )
        dim = dim_of(input)
        if isinstance(indices_or_sections, int) and (
            indices_or_sections <= 0 or input._sizes[dim] % indices_or_sections
        ):
            raise RuntimeError(
                f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension "
                f"{input._sizes[dim]} is not divisible by the split_size {indices_or_sections}!"
            )
        return tensor_split(input, indices_or_sections, dim)

    split_along.__name__ = name
    split_along.__doc__ = f"Split as ``tensor_split`` does, along the dim that {name} is named for."
    expose("fm", name=name)(split_along)


_directional("hsplit", 1, lambda input: 0 if len(input._sizes) == 1 else 1)
_directional("vsplit", 2, lambda input: 0)
_directional("dsplit", 3, lambda input: 2)


@expose("fm")
def unbind(input: Tensor, dim: int = 0) -> tuple:
    """Return the views at each index along ``dim``."""
    if not input._sizes:
        raise RuntimeError("Dimension specified as 0 but tensor has no dimensions")
    dim = wrap_dim(dim, len(input._sizes))
    op = OPS["select"]
    return tuple(
        _named(call_view(op, (input, i), (dim,)), "UnbindBackward0") for i in range(input._sizes[dim])
    )


@expose("f", name="detach")
def detach(input: Tensor) -> Tensor:
    """Return a view without history."""
    view = call_view(OPS["alias"], (input,), ())
    view._node, view._requires_grad, view._grad_base = None, False, None
    view._chain = input._chain
    view._strides = input._strides
    return view


attach("detach", overridable(detach))


@expose("m")
def contiguous(input: Tensor, memory_format: Any = None) -> Tensor:
    """Return ``input`` itself if its elements lie in C order, else a copy in which they do."""
    if input._strides is None or is_contiguous(input._sizes, input._strides):
        return input
    return input.clone(memory_format="contiguous")  # type: ignore[attr-defined]


@expose("fm")
def adjoint(input: Tensor) -> Tensor:
    """Return the conjugate transpose of the last two dims."""
    if len(input._sizes) < 2:
        raise RuntimeError(f"tensor.adjoint() is only supported on matrices or batches of matrices. Got {len(input._sizes)}-D tensor.")
    turned = transpose(input, -2, -1)
    return turned.conj() if input._dtype.is_complex else turned  # type: ignore[attr-defined]


def _matrix_view(input: Tensor, name: str) -> Tensor:
    if len(input._sizes) < 2:
        raise RuntimeError(
            f"tensor.{name} is only supported on matrices or batches of matrices. Got {len(input._sizes)}-D tensor."
        )
    return transpose(input, -2, -1)


def _all_reversed(input: Tensor) -> Tensor:
    """A view with the dims reversed."""
    return call_view(OPS["permute"], (input,), (tuple(range(len(input._sizes)))[::-1],))


def _conjugate_transpose(input: Tensor) -> Tensor:
    """The conjugate transpose of a matrix."""
    if len(input._sizes) not in (0, 2):
        raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {len(input._sizes)}-D tensor.")
    return adjoint(input) if input._sizes else input


attach("T", overridable_property(_all_reversed))
attach("mT", overridable_property(lambda self: _matrix_view(self, "mT"), doc="A view with the last two dims swapped."))
attach("H", overridable_property(_conjugate_transpose))
attach("mH", overridable_property(adjoint))


@expose("f", name="real")
def real(input: Tensor) -> Tensor:
    """Return a view of the real parts (``input`` itself if it is real)."""
    if not input._dtype.is_complex:
        return input
    return select(call_view(OPS["view_as_real"], (input,), ()), -1, 0)


@expose("f", name="imag")
def imag(input: Tensor) -> Tensor:
    """Return a view of the imaginary parts; RuntimeError for real tensors."""
    if not input._dtype.is_complex:
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return select(call_view(OPS["view_as_real"], (input,), ()), -1, 1)


def _set_real(self: Tensor, value: Any) -> None:
    real(self).copy_(value)  # type: ignore[attr-defined]


def _set_imag(self: Tensor, value: Any) -> None:
    imag(self).copy_(value)  # type: ignore[attr-defined]


attach("real", overridable_property(real, _set_real))
attach("imag", overridable_property(imag, _set_imag))


@expose("m")
def size(input: Tensor, dim: int | None = None) -> Any:
    """Return the shape, or the size of one dim."""
    if dim is None:
        return Size(input._sizes)
    return input._sizes[wrap_dim(dim, len(input._sizes))] if input._sizes else _no_dim(dim)


def _no_dim(dim: int) -> int:
    raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
