"""Indexing: ``x[...]`` and ``x[...] = value`` in every form.

Ints, slices, None and Ellipsis make views (one per step, as PyTorch's graph shows them); masks and
index tensors then gather from, or scatter into, that view.
"""

from typing import Any

import numpy as np

from ..._core import dtype as dt
from ...ops._common import broadcast_shape
from ...ops._registry import OPS
from .._engine.dispatch import call, call_view, type_name
from .._engine.inside.values import MASK, is_traced, known, on_host
from .._engine.layout import gathered_strides
from .._engine.override import overridable
from .._engine.register import attach
from .._engine.tensor import Tensor
from .._engine.writing import call_inplace
from .create import tensor
from .select import slice_view
from .shape import unsqueeze

_BAD_INDEX = (
    "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
    "indices (got {})"
)


def getitem(self: Tensor, index: Any) -> Tensor:
    """Return the elements that ``index`` names: a view for basic indices, else a copy."""
    if type(index) is int:
        return _select(self, 0, index, 0)
    view, advanced = _basic(self, index)
    if not advanced:
        return call_view(OPS["alias"], (self,), ()) if view is self else view
    gathered = call(OPS["index"], (view, advanced), ())
    if view._strides is not None:
        indexed = [d for d, i in enumerate(advanced) if i is not None]
        common = broadcast_shape(*(advanced[d]._sizes for d in indexed))
        gathered._strides = gathered_strides(gathered._sizes, view._strides, indexed, common)
    return gathered


def setitem(self: Tensor, index: Any, value: Any) -> None:
    """Write ``value`` (a tensor, number or nested list, broadcast) where ``index`` points."""
    view, advanced = _basic(self, index)
    if not isinstance(value, Tensor):
        value = _as_value(view, value)
    if not advanced:
        call_inplace(OPS["copy"], (view, _fit(value, view._sizes)), ())
        return
    if isinstance(value, Tensor) and value._dtype is not view._dtype:
        if value._sizes:
            raise RuntimeError(
                "Index put requires the source and destination dtypes match, got "
                f"{dt.scalar_name(view._dtype)} for the destination and "
                f"{dt.scalar_name(value._dtype)} for the source."
            )
        value = value.to(view._dtype)
    call_inplace(OPS["index_put"], (view, advanced, value), (False,))


def _as_value(view: Tensor, value: Any) -> Any:
    if isinstance(value, (bool, int, float, complex, np.generic)):
        return tensor(value, dtype=view._dtype)
    if isinstance(value, (list, tuple, np.ndarray)):
        return tensor(value, dtype=view._dtype)
    raise TypeError(f"can't assign a {type_name(value)} to a torch.{view._dtype.legacy}")


def _fit(value: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Drop leading dims of size 1 that the target does not have."""
    extra = len(value._sizes) - len(sizes)
    if extra > 0 and all(n == 1 for n in value._sizes[:extra]):
        return value.reshape(value._sizes[extra:])
    if extra > 0 or any(
        n not in (1, m) for n, m in zip(reversed(value._sizes), reversed(sizes), strict=False)
    ):
        raise RuntimeError(_mismatch(value._sizes, sizes))
    return value


def _mismatch(given: tuple[int, ...], own: tuple[int, ...]) -> str:
    lead = len(given) - len(own)
    if lead <= 0:
        for d in reversed(range(len(given))):
            n, m = given[d], own[d - lead]
            if n not in (1, m):
                return (
                    f"The expanded size of the tensor ({m}) must match the existing size ({n}) at "
                    f"non-singleton dimension {d - lead}.  Target sizes: {list(own)}.  Tensor "
                    f"sizes: {list(given)}"
                )
    return (
        f"shape mismatch: value tensor of shape {list(given)} cannot be broadcast to indexing "
        f"result of shape {list(own)}"
    )


def _select(self: Tensor, dim: int, index: int, named: int) -> Tensor:
    """Return the part at ``index`` along ``dim``, which messages call dim ``named``."""
    sizes = self._sizes
    if not sizes:
        raise IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` "
            "in C++ to convert a 0-dim tensor to a number"
        )
    n = sizes[dim]
    if not -n <= index < n:
        raise IndexError(f"index {index} is out of bounds for dimension {named} with size {n}")
    return call_view(OPS["select"], (self, index + n if index < 0 else index), (dim,))


def _items(self: Tensor, index: Any) -> list:
    """Return the index as a list of items, with Ellipsis replaced by full slices."""
    if isinstance(index, tuple) or (isinstance(index, list) and _is_legacy_tuple(index)):
        items = list(index)
    else:
        items = [index]
    taken = sum(_dims_taken(i) for i in items)
    rank = len(self._sizes)
    single = len(items) == 1 and isinstance(items[0], (int, slice))
    if taken > rank and not (single and not rank):
        raise IndexError(f"too many indices for tensor of dimension {rank}")
    if any(i is Ellipsis for i in items):
        at = next(k for k, i in enumerate(items) if i is Ellipsis)
        rest = items[at + 1 :]
        items[at : at + 1] = [slice(None)] * (rank - taken)
        items = items[: len(items) - len(rest)] + [i for i in rest if i is not Ellipsis]
    return items


def _is_legacy_tuple(index: list) -> bool:
    """Return True for a list that PyTorch reads as a tuple: of slices, None or sequences."""
    return (
        len(index) < 32
        and any(
            isinstance(i, (slice, tuple, list, Tensor)) or i is None or i is Ellipsis for i in index
        )
        and not all(isinstance(i, (list, tuple, int)) for i in index)
    )


def _dims_taken(item: Any) -> int:
    if item is None or item is Ellipsis or isinstance(item, (bool, np.bool_)):
        return 0
    if isinstance(item, Tensor) and item._dtype in (dt.bool_, dt.uint8):
        return len(item._sizes)
    if isinstance(item, np.ndarray) and item.dtype == np.bool_:
        return item.ndim
    if isinstance(item, list) and item:
        probe = np.asarray(item) if not any(isinstance(i, Tensor) for i in item) else None
        if probe is not None and probe.dtype == np.bool_:
            return probe.ndim
    return 1


def _basic(self: Tensor, index: Any) -> tuple[Tensor, list]:
    """Apply the basic items as views; return the view and the index tensors per dim (or [])."""
    view, dim, selected = self, 0, 0
    advanced: list[Any] = []
    for item in _items(self, index):
        if _is_zero_dim_mask(item):
            item = bool(item)
        if isinstance(item, (int, np.integer)) and not isinstance(item, (bool, np.bool_)):
            view = _select(view, dim, int(item), dim + selected)
            selected += 1
        elif isinstance(item, slice):
            if not view._sizes:
                raise IndexError("slice() cannot be applied to a 0-dim tensor.")
            view = _slice_at(view, dim, item)
            dim += 1
        elif item is None:
            view = unsqueeze(view, dim)
            dim += 1
        elif isinstance(item, (bool, np.bool_)):
            view = unsqueeze(view, dim)
            _put_at(advanced, dim, tensor([0] if item else [], dtype=dt.int64))
            dim += 1
        else:
            found = _as_index(item)
            if (
                not found._sizes
                and found._dtype.category == dt.INTEGRAL
                and found._dtype is not dt.uint8
                and not _traced(found)
            ):
                view = _select(view, dim, int(known(found._array)), dim + selected)
                selected += 1
                continue
            for part in _index_tensors(found, view, dim):
                _put_at(advanced, dim, part)
                dim += 1
    return view, advanced


def _traced(value: Tensor) -> bool:
    return is_traced(known(value._array))


def _put_at(advanced: list, dim: int, item: Tensor) -> None:
    advanced.extend([None] * (dim + 1 - len(advanced)))
    advanced[dim] = item


def _is_zero_dim_mask(item: Any) -> bool:
    return isinstance(item, Tensor) and not item._sizes and item._dtype in (dt.bool_, dt.uint8)


def _slice_at(view: Tensor, dim: int, item: slice) -> Tensor:
    start, stop, step = (_bound(b) for b in (item.start, item.stop, item.step))
    if step is not None and step <= 0:
        raise ValueError("step must be greater than zero" if step else "step cannot be zero")
    return slice_view(view, dim, start, stop, step)


def _bound(value: Any) -> int | None:
    if value is None or type(value) is int:
        return value
    if isinstance(value, Tensor):
        return int(value.item())
    if not hasattr(value, "__index__"):
        raise TypeError("slice indices must be integers or None or have an __index__ method")
    return value.__index__()


def _as_index(item: Any) -> Tensor:
    if isinstance(item, Tensor):
        return item
    if isinstance(item, (list, tuple, range, np.ndarray)):
        made = tensor(list(item) if isinstance(item, range) else item)
        if isinstance(item, (list, tuple)) and not len(item):
            return tensor([], dtype=dt.int64)
        return made
    if isinstance(item, str):
        raise TypeError("new(): invalid data type 'str'")
    raise IndexError(_BAD_INDEX.format(type_name(item)))


def _index_tensors(found: Tensor, view: Tensor, dim: int) -> list[Tensor]:
    """Return integer index tensors: a mask becomes one per dim that it covers."""
    if found._dtype in (dt.bool_, dt.uint8):
        covered = view._sizes[dim : dim + len(found._sizes)]
        if found._sizes != covered:
            bad = next(
                (k for k, (a, b) in enumerate(zip(found._sizes, covered, strict=False)) if a != b),
                0,
            )
            raise IndexError(
                f"The shape of the mask {list(found._sizes)} at index {bad} does not match the "
                f"shape of the indexed tensor {list(view._sizes)} at index {dim + bad}"
            )
        return [tensor(part) for part in np.nonzero(on_host(found._array, MASK))]
    if found._dtype.category != dt.INTEGRAL:
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    return [found]


attach("__getitem__", overridable(getitem))
attach("__setitem__", overridable(setitem))
