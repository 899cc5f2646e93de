"""Taking a tensor apart into views: ``split``, ``chunk``, ``tensor_split``, ``unbind``."""

import itertools
import operator
from collections.abc import Callable, Sequence
from typing import Any

from ...ops._common import wrap_dim
from ...ops._registry import OPS
from .._engine.dispatch import call_view
from .._engine.graph import Node, node_type
from .._engine.register import expose
from .._engine.tensor import Tensor
from .select import slice_view_always


def _parts(input: Tensor, lengths: Sequence[int], dim: int, name: str) -> tuple[Tensor, ...]:
    parts, start = [], 0
    for n in lengths:
        part = call_view(OPS["slice"], (input, start), (dim, n, 1))
        parts.append(_named(part, name, len(parts)))
        start += n
    return tuple(parts)


def _named(part: Tensor, name: str, index: int) -> Tensor:
    """Mark a view as one of several outputs, under the name of the function that made them."""
    if part._node is not None:
        part._node.__class__ = _renamed(part._node, name)
        part._multi_view = f"Output {index} of {name.removesuffix('Backward0')}"
    return part


def _renamed(node: Node, name: str) -> type:
    return node_type(name, type(node).__mro__[1])


@expose("fm")
def split(
    input: Tensor, split_size_or_sections: Any = None, dim: int = 0, *, split_size: Any = None
) -> tuple:
    """Split along ``dim`` into views of one size (the last may be smaller) or of the given
    sizes.
    """
    sections = split_size if split_size_or_sections is None else split_size_or_sections
    rank = len(input._sizes)
    if not rank:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = wrap_dim(dim, rank)
    size = input._sizes[dim]
    if isinstance(sections, (list, tuple)):
        return split_with_sizes(input, sections, dim)
    if sections < 0:
        raise RuntimeError(
            f"split expects split_size be non-negative, but got split_size={sections}"
        )
    if sections == 0 and size != 0:
        raise RuntimeError(
            f"split_size can only be 0 if dimension size is 0, but got dimension size of {size}"
        )
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
        raise RuntimeError(
            "split_with_sizes expects split_sizes have only non-negative entries, but got "
            f"split_sizes={sizes}"
        )
    if sum(sizes) != size:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's size "
            f"at dimension {dim}), "
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
        raise RuntimeError(
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        )
    dim = wrap_dim(dim, len(input._sizes))
    size = input._sizes[dim]
    if isinstance(indices_or_sections, Tensor):
        indices_or_sections = indices_or_sections.tolist()
    if isinstance(indices_or_sections, int):
        n = indices_or_sections
        if n <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {n}")
        base, extra = divmod(size, n)
        edges = [0]
        for i in range(n):
            edges.append(edges[-1] + base + (i < extra))
        pairs = list(itertools.pairwise(edges))
    else:
        cuts = [0, *indices_or_sections, size]
        pairs = list(itertools.pairwise(cuts))
    return tuple(slice_view_always(input, dim, start, stop) for start, stop in pairs)


def _directional(name: str, least: int, dim_of: Callable[[Tensor], int]) -> None:
    def split_along(input: Tensor, indices_or_sections: Any) -> tuple:
        if len(input._sizes) < least:
            raise RuntimeError(
                f"torch.{name} requires a tensor with at least {least} "
                f"dimension{'s' if least > 1 else ''}, "
                f"but got a tensor with {len(input._sizes)} dimensions!"
            )
        dim = dim_of(input)
        if isinstance(indices_or_sections, int) and (
            indices_or_sections <= 0 or input._sizes[dim] % indices_or_sections
        ):
            raise RuntimeError(
                f"torch.{name} attempted to split along dimension {dim}, but the size of the "
                "dimension "
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
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    dim = wrap_dim(dim, len(input._sizes))
    op = OPS["select"]
    return tuple(
        _named(call_view(op, (input, i), (dim,)), "UnbindBackward0", i)
        for i in range(input._sizes[dim])
    )
