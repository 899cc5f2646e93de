"""Dims in another order: ``permute``, ``transpose``, ``movedim`` and the properties ``T`` to
``mH``.
"""

from typing import Any

from ...ops._common import wrap_dim
from ...ops._registry import OPS
from .._engine.dispatch import call_view
from .._engine.graph import ViewNode, node_type
from .._engine.override import overridable, overridable_property
from .._engine.register import attach, expose
from .._engine.tensor import Tensor
from .arguments import integer, integers
from .settings import warn_once


def _permuted(input: Tensor, dims: tuple[int, ...], function: str = "permute") -> Tensor:
    rank = len(input._sizes)
    if len(dims) != rank:
        raise RuntimeError(
            f"{function}(sparse_coo): number of dimensions in the tensor input does not match the "
            "length of the "
            f"desired ordering of dimensions i.e. input.dim() = {rank} is not equal to len(dims) = "
            f"{len(dims)}"
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
    if not dims and not named:
        raise TypeError('permute() missing 1 required positional arguments: "dims"')
    return _permuted(input, integers(dims or tuple(named.values()), "permute", "dims"))


attach("permute", overridable(_permute_method))


@expose("fm", aliases="swapaxes swapdims")
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Return a view with two dims swapped."""
    rank = len(input._sizes)
    d0 = wrap_dim(integer(dim0, "transpose", "dim0", 1), rank)
    d1 = wrap_dim(integer(dim1, "transpose", "dim1", 2), rank)
    if not rank:
        return _alias(input, "TransposeBackward0")
    return call_view(OPS["transpose"], (input,), (d0, d1))


@expose("fm")
def t(input: Tensor) -> Tensor:
    """Return the transpose of a matrix as a view; a vector or scalar as it is."""
    rank = len(input._sizes)
    if rank > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {rank}D")
    return call_view(OPS["t"], (input,), ()) if rank == 2 else _alias(input, "TBackward0")


def _alias(input: Tensor, node: str) -> Tensor:
    """Return the same elements as a view whose node is called ``node``."""
    view = call_view(OPS["alias"], (input,), ())
    if view._node is not None:
        view._node.__class__ = node_type(node, ViewNode)
    return view


@expose("fm", aliases="moveaxis")
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Return a view with the dims ``source`` moved to the places ``destination``."""
    rank = len(input._sizes)
    sources: tuple[int, ...] = (source,) if isinstance(source, int) else tuple(source)
    targets: tuple[int, ...] = (
        (destination,) if isinstance(destination, int) else tuple(destination)
    )
    if len(sources) != len(targets):
        raise RuntimeError(
            "movedim: Invalid source or destination dims: source "
            f"({list(sources)} dims) should contain the same number of dims as destination "
            f"({list(targets)} dims)"
        )
    if not rank:
        return call_view(OPS["alias"], (input,), ())
    given = {"source": list(sources), "destination": list(targets)}
    sources = tuple(wrap_dim(d, rank) for d in sources)
    targets = tuple(wrap_dim(d, rank) for d in targets)
    for which, dims in (("source", sources), ("destination", targets)):
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{which}` ({given[which]})")
    order: list[int | None] = [None] * rank
    for s, d in zip(sources, targets, strict=True):
        order[d] = s
    rest = iter(d for d in range(rank) if d not in sources)
    return _permuted(input, tuple(next(rest) if d is None else d for d in order))


_LINES = {"T": 4321, "any T": 4314, "H": 4335, "mT": 4373, "mH": 4382, "adjoint()": 4390}
_IDENTITY = "is deprecated on 0-D tensors. This function is the identity in these cases."
_CONJUGATE = "is deprecated on 0-D tensors. Consider using x.conj()."


def _deprecated(name: str, text: str) -> None:
    """Warn once; PyTorch's text ends in the line of its source that speaks."""
    place = f"/pytorch/aten/src/ATen/native/TensorShape.cpp:{_LINES[name]}."
    warn_once(f"{text} (Triggered internally at {place})", stacklevel=5)


def _last_two(input: Tensor, name: str, owner: str, conjugate: bool, scalar: str) -> Tensor:
    """Return the last two dims swapped; a 0-d tensor is let through with a warning."""
    rank = len(input._sizes)
    if rank == 1:
        raise RuntimeError(
            f"tensor.{name} is only supported on matrices or batches of matrices. Got 1-D tensor."
        )
    if not rank:
        _deprecated(name, f"{owner}{name} {scalar}")
    turned = transpose(input, -2, -1) if rank else input
    return turned.conj() if conjugate and input._dtype.is_complex else turned


@expose("fm")
def adjoint(input: Tensor) -> Tensor:
    """Return the conjugate transpose of the last two dims."""
    return _last_two(input, "adjoint()", "", True, _CONJUGATE)


def _matrix_transpose(input: Tensor) -> Tensor:
    """A view with the last two dims swapped."""
    return _last_two(input, "mT", "Tensor.", False, _IDENTITY)


def _matrix_adjoint(input: Tensor) -> Tensor:
    """The conjugate transpose of the last two dims."""
    return _last_two(input, "mH", "Tensor.", True, _CONJUGATE)


def _all_reversed(input: Tensor) -> Tensor:
    """A view with the dims reversed."""
    rank = len(input._sizes)
    if not rank:
        _deprecated("T", f"Tensor.T {_IDENTITY}")
    elif rank != 2:
        _deprecated(
            "any T",
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is "
            "deprecated and it will throw an error in a future release. Consider `x.mT` to "
            "transpose batches of matrices or `x.permute(*torch.arange(x.ndim - 1, -1, -1))` to "
            "reverse the dimensions of a tensor.",
        )
    return call_view(OPS["permute"], (input,), (tuple(range(rank))[::-1],))


def _conjugate_transpose(input: Tensor) -> Tensor:
    """The conjugate transpose of a matrix."""
    rank = len(input._sizes)
    if rank not in (0, 2):
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {rank}-D tensor."
        )
    if not rank:
        _deprecated("H", f"Tensor.H {_CONJUGATE}")
        return input.conj()
    return adjoint(input)


attach("T", overridable_property(_all_reversed))
attach("mT", overridable_property(_matrix_transpose))
attach("H", overridable_property(_conjugate_transpose))
attach("mH", overridable_property(_matrix_adjoint))
