"""Functions whose result's size depends on values: ``nonzero``, ``masked_select``,
``repeat_interleave``.

The host finds the places; a compiled gather, which has a gradient, takes the elements.
"""

from typing import Any

from ...ops._registry import OPS
from ...ops.indexing import host as _host
from .._engine.dispatch import call, type_name
from .._engine.inside.values import MASKED_SELECT, on_host
from .._engine.register import expose
from .._engine.tensor import Tensor
from .._engine.writing import call_inplace, call_out
from .create import tensor
from .index import _index_tensors


@expose("fm")
def nonzero(input: Tensor, *, out: Tensor | None = None, as_tuple: bool = False) -> Any:
    """Return the coordinates of the non-zero elements: (count, rank), or one vector per dim."""
    if out is not None:
        return call_out(OPS["_nonzero"], (input,), (False,), out)
    return call(OPS["_nonzero"], (input,), (as_tuple,))


@expose("fm")
def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the elements of ``input`` where ``mask`` (broadcast) is True, as a vector."""
    places = tensor(_host.mask_places(input._sizes, on_host(mask._array, MASKED_SELECT)))
    if out is not None:
        return call_out(OPS["_masked_select"], (input, mask, places), (), out)
    return call(OPS["_masked_select"], (input, mask, places), ())


@expose("fm")
def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Return each element (or slice along ``dim``) repeated ``repeats`` times, an int or one
    each.
    """
    if repeats is None:
        return call(OPS["_repeat_places"], (input,), (output_size,))
    if not isinstance(repeats, Tensor):
        return call(OPS["_repeat_each"], (input,), (repeats, dim))
    if dim is None:
        input, dim = input.reshape(-1), 0  # type: ignore[attr-defined]
    counts: Any = repeats
    if counts.numel() == 1:
        counts = counts.reshape(1).expand(input._sizes[dim] if input._sizes else 1)
    elif counts.ndim == 1 and counts.numel() != input._sizes[dim]:
        raise RuntimeError(
            "repeats must have the same size as input along dim, but got repeats.size(0) = "
            f"{counts.numel()} and input.size({dim}) = {input._sizes[dim]}"
        )
    places = call(OPS["_repeat_places"], (counts,), (output_size,))
    return call(OPS["index_select"], (input, places), (dim,))


# --- index_put ------------------------------------------------------------------------------------


def _places(input: Tensor, indices: Any) -> list[Tensor | None]:
    """Return the index tensors per dim, with masks as the places that they select."""
    if not isinstance(indices, (tuple, list)):
        raise TypeError(
            "index_put(): argument 'indices' (position 1) must be tuple of Tensors, not "
            f"{type_name(indices)}"
        )
    found: list[Tensor | None] = []
    for index in indices:
        if index is None:
            found.append(None)
        else:
            found.extend(_index_tensors(index, input, len(found)))
    if len(found) > len(input._sizes):
        raise IndexError(
            f"too many indices for tensor of dimension {len(input._sizes)} (got {len(found)})"
        )
    return found


@expose("fm")
def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """Return ``input`` with ``values`` written (or added) at index tensors or masks."""
    return call(OPS["index_put"], (input, _places(input, indices), values), (accumulate,))


@expose("fm")
def index_put_(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """Write (or add) ``values`` at index tensors or masks of ``input``."""
    return call_inplace(OPS["index_put"], (input, _places(input, indices), values), (accumulate,))
