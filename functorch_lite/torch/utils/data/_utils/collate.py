"""Make one batch out of a list of samples (``default_collate``), or tensors out of one sample.

``default_collate_fn_map`` says how each leaf type is joined; containers are taken apart and put
together again around it. Plain torch code.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from .... import _api as torch

__all__ = ["collate", "default_collate", "default_collate_fn_map", "default_convert"]

np_str_obj_array_pattern = re.compile(r"[SaUO]")

default_collate_err_msg_format = (
    "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"
)

_NO_DEFAULT = (
    "Batches of {} tensors are not currently supported by the default collate_fn; "
    "please provide a custom collate_fn to handle them appropriately."
)


def default_convert(data: Any) -> Any:
    """Turn NumPy arrays and scalars into tensors, inside any nesting of containers.

    Anything else is returned as it is. Used by ``DataLoader`` when batching is off.
    """
    kind = type(data)
    if isinstance(data, torch.Tensor):
        return data
    if kind.__module__ == "numpy" and kind.__name__ not in ("str_", "string_"):
        if kind is np.ndarray and np_str_obj_array_pattern.search(data.dtype.str):
            return data
        return torch.as_tensor(data)
    if isinstance(data, Mapping):
        return _like_mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple):
        items = [default_convert(item) for item in data]
        return kind(*items) if hasattr(data, "_fields") else items
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _like_sequence(data, [default_convert(item) for item in data])
    return data


def _like_mapping(example: Any, items: dict) -> Any:
    """Return ``items`` in a mapping of ``example``'s type, or as a dict where that fails."""
    try:
        if isinstance(example, MutableMapping):
            clone: Any = copy.copy(example)  # keeps what the type holds besides its items
            clone.update(items)
            return clone
        return type(example)(items)  # type: ignore[call-arg]
    except TypeError:
        return items


def _like_sequence(example: Any, items: list) -> Any:
    """Return ``items`` in a sequence of ``example``'s type, or as a list where that fails."""
    if type(example) is list:
        return items
    try:
        if isinstance(example, MutableSequence):
            clone: Any = copy.copy(example)
            for i, item in enumerate(items):
                clone[i] = item
            return clone
        return type(example)(items)  # type: ignore[call-arg]
    except TypeError:
        return items


def collate(batch: Any, *, collate_fn_map: dict[Any, Callable] | None = None) -> Any:
    """Join the samples in ``batch`` by the rule for the first sample's type.

    Args: ``collate_fn_map`` maps types (or tuples of types) to
        ``fn(samples, *, collate_fn_map)``; an exact type goes before ``isinstance``.
    Raises: TypeError for a type without a rule; RuntimeError for sequences of unequal length.
    """
    elem = batch[0]
    kind = type(elem)
    if collate_fn_map is not None:
        rule = collate_fn_map.get(kind)
        if rule is None:
            rule = next((fn for t, fn in collate_fn_map.items() if isinstance(elem, t)), None)
        if rule is not None:
            return rule(batch, collate_fn_map=collate_fn_map)
    if isinstance(elem, Mapping):
        joined = {k: collate([d[k] for d in batch], collate_fn_map=collate_fn_map) for k in elem}
        return _like_mapping(elem, joined)
    if isinstance(elem, tuple) and hasattr(elem, "_fields"):
        columns = zip(*batch, strict=False)
        return kind(*(collate(column, collate_fn_map=collate_fn_map) for column in columns))
    if isinstance(elem, Sequence):
        if any(len(sample) != len(elem) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = zip(*batch, strict=False)
        items = [collate(column, collate_fn_map=collate_fn_map) for column in columns]
        return items if isinstance(elem, tuple) else _like_sequence(elem, items)
    raise TypeError(default_collate_err_msg_format.format(kind))


def collate_tensor_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Stack tensors along a new first dimension."""
    elem = batch[0]
    if elem.is_nested:
        raise RuntimeError(_NO_DEFAULT.format("nested"))
    if elem.layout is not torch.strided and "sparse" in str(elem.layout):
        raise RuntimeError(_NO_DEFAULT.format("sparse"))
    return torch.stack(batch, 0)


def collate_numpy_array_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Stack NumPy arrays into a tensor."""
    elem = batch[0]
    if np_str_obj_array_pattern.search(elem.dtype.str):
        raise TypeError(default_collate_err_msg_format.format(elem.dtype))
    return collate([torch.as_tensor(array) for array in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Put NumPy scalars into a 1-d tensor of their dtype."""
    return torch.as_tensor(batch)


def collate_float_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Put Python floats into a 1-d float64 tensor."""
    return torch.tensor(batch, dtype=torch.float64)


def collate_int_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Put Python ints (or bools) into a 1-d tensor."""
    return torch.tensor(batch)


def collate_str_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Leave strings and bytes as the sequence they came in."""
    return batch


default_collate_fn_map: dict[Any, Callable] = {
    torch.Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch: Any) -> Any:
    """Join samples into a batch: tensors and arrays are stacked, numbers become 1-d tensors.

    Mappings, named tuples and sequences are joined element by element; a plain tuple becomes a
    list; strings stay a list.
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
