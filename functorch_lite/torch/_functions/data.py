"""Python data to host arrays: how ``torch.tensor`` walks sequences, infers a dtype and converts.

PyTorch takes three steps, and each has its own errors: lengths down the first items, the widest
dtype of all items, then one store per item.  Nothing here knows of tensors' graphs or devices.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..._core import dtype as dt
from .._engine.dispatch import type_name
from .._engine.tensor import Tensor
from .settings import warn_once

PLAIN = frozenset((bool, int, float, complex))
_TEXT = (str, bytes)


def host_array(data: Any, dtype: dt.dtype | None) -> np.ndarray:
    """Return nested Python data as a fresh NumPy array of ``dtype`` (None: inferred as PyTorch
    does).
    """
    if isinstance(data, Tensor):
        array = np.array(np.asarray(data._array), order="C")
    elif isinstance(data, (np.ndarray, np.generic)):
        array = np.array(data, order="C")
        if array.dtype.byteorder not in "=|":
            raise ValueError(
                "given numpy array has byte order different from the native byte order. "
                "Conversion between byte orders is currently not supported."
            )
        dt.from_np(array.dtype)
    else:
        return _from_sequence(data, dtype)
    return array if dtype is None or array.dtype == dtype.np else convert(array, dtype)


def convert(array: np.ndarray, dtype: dt.dtype) -> np.ndarray:
    """Convert on the host with PyTorch's rules (complex to real drops the imaginary part)."""
    if dtype.category < dt.COMPLEX and np.iscomplexobj(array):
        array = np.real(array)
    if dtype.category == dt.INTEGRAL and dt.from_np(array.dtype).category == dt.FLOATING:
        wide = array.astype(np.float64)
        fits = np.abs(wide) < 2.0**63
        array = np.where(fits, np.where(fits, wide, 0).astype(np.int64), np.iinfo(np.int64).min)
    with np.errstate(over="ignore"):
        return array.astype(dtype.np)


# --- sequences -----------------------------------------------------------------------------------


def _from_sequence(data: Any, dtype: dt.dtype | None) -> np.ndarray:
    if isinstance(data, _TEXT):
        raise TypeError(f"new(): invalid data type '{type_name(data)}'")
    shape = _shape_of(data)
    leaves = _leaves(data, shape)
    if leaves and isinstance(leaves[0], np.ndarray):
        return _stacked(leaves, shape, dtype)
    found = _infer(data) if dtype is None else dtype
    return _stored(leaves, found).reshape(shape)


def _is_sequence(data: Any) -> bool:
    if isinstance(data, (list, tuple, range, np.ndarray)):
        return True
    indexed = hasattr(data, "__len__") and hasattr(data, "__getitem__")
    return indexed and not isinstance(data, (dict, Tensor, np.generic))


def _shape_of(data: Any) -> list[int]:
    """Return the lengths of nested sequences, down the first items."""
    shape: list[int] = []
    while _is_sequence(data):
        if isinstance(data, _TEXT) and len(data) and not isinstance(data, bytes):
            raise ValueError(f"too many dimensions '{type_name(data)}'")
        shape.append(len(data))
        if not shape[-1]:
            break
        data = data[0]
    return shape


def _leaves(data: Any, shape: list[int]) -> list[Any]:
    """Return the items at the bottom, checking that every level has its length.

    ndarrays are left whole where each item of a level is one of the shape that remains.
    """
    level = [data]
    for depth, length in enumerate(shape):
        rest = tuple(shape[depth:])
        if depth and all(type(item) is np.ndarray and item.shape == rest for item in level):
            return level
        if not length:
            return []
        for item in level:
            if not hasattr(item, "__len__") or (isinstance(item, Tensor) and not item._sizes):
                raise TypeError("not a sequence")
            if len(item) != length:
                raise ValueError(
                    f"expected sequence of length {length} at dim {depth} (got {len(item)})"
                )
        level = list(itertools.chain.from_iterable(level))
    return level


def _stacked(arrays: list[np.ndarray], shape: list[int], dtype: dt.dtype | None) -> np.ndarray:
    warn_once(
        "Creating a tensor from a list of numpy.ndarrays is extremely slow. Please consider "
        "converting the list to a single numpy.ndarray with numpy.array() before converting to a "
        "tensor. (Triggered internally at /pytorch/torch/csrc/utils/tensor_new.cpp:252.)",
        stacklevel=6,
    )
    array = np.stack(arrays).reshape(shape)
    return array if dtype is None else convert(array, dtype)


# --- the dtype -----------------------------------------------------------------------------------


def _infer(data: Any) -> dt.dtype:
    """Return the widest dtype of all items; those of NumPy values and tensors count as they are."""
    if isinstance(data, Tensor):
        return data._dtype
    if isinstance(data, (np.ndarray, np.generic)):
        return dt.from_np(data.dtype)
    if isinstance(data, (bool, int, float, complex)):
        return dt.of_number(next(kind for kind in _KINDS if isinstance(data, kind)))
    if isinstance(data, _TEXT):
        raise TypeError(f"new(): invalid data type '{type_name(data)}'")
    if not _is_sequence(data):
        raise RuntimeError(f"Could not infer dtype of {type_name(data)}")
    if not len(data):
        return dt.get_default_dtype()
    kinds = set(map(type, data))
    distinct = [kind(0) for kind in kinds] if kinds <= PLAIN else data
    found = None
    for item in distinct:
        own = _infer(item)
        found = own if found is None else dt.promote(found, own)
    return found  # type: ignore[return-value]


_KINDS = (bool, int, float, complex)


# --- one store per item --------------------------------------------------------------------------


def _stored(leaves: list[Any], dtype: dt.dtype) -> np.ndarray:
    """Return the items as a 1-d array of ``dtype``, with PyTorch's checks of each."""
    store: Callable[[Any], Any]
    if dtype.is_complex:
        wide, store = np.complex128, _as_complex
    elif dtype.category == dt.FLOATING:
        wide, store = np.float64, _as_float
    elif dtype is dt.bool_:
        wide, store = np.bool_, _as_bool
    elif dtype is dt.uint64:
        wide, store = np.uint64, _as_unsigned
    else:
        wide, store = np.int64, _as_integer
    kinds = set(map(type, leaves))
    if not kinds <= _SAFE[wide]:
        leaves = [store(leaf) for leaf in leaves]
    if wide is np.int64:
        _check_fits(leaves, dtype)
    with np.errstate(over="ignore"):
        return np.array(leaves, wide).astype(dtype.np)


_SAFE = {
    np.complex128: PLAIN,
    np.float64: frozenset((bool, int, float)),
    np.bool_: PLAIN,
    np.uint64: frozenset(),
    np.int64: frozenset((bool, int)),
}


def _single(value: Any) -> Any:
    if math.prod(value._sizes) != 1:
        raise ValueError("only one element tensors can be converted to Python scalars")
    return value.item()


def _as_float(value: Any) -> float:
    return float(_single(value)) if isinstance(value, Tensor) else math.fsum((_real(value),))


def _real(value: Any) -> float:
    if not hasattr(value, "__float__") and not hasattr(value, "__index__"):
        raise TypeError(f"must be real number, not {type_name(value)}")
    return float(value)


def _as_complex(value: Any) -> complex:
    value = _single(value) if isinstance(value, Tensor) else value
    return complex(value) if isinstance(value, (complex, np.complexfloating)) else _real(value)


def _as_bool(value: Any) -> bool:
    if isinstance(value, Tensor):
        return bool(_single(value))
    return bool(value) if isinstance(value, (*_KINDS, np.generic)) else bool(_index(value))


def _as_integer(value: Any) -> int:
    return value if isinstance(value, float) else _index(value)  # type: ignore[return-value]


def _as_unsigned(value: Any) -> int:
    if isinstance(value, float):
        raise TypeError("an integer is required")
    number = _index(value)
    if number < 0:
        raise OverflowError("can't convert negative int to unsigned")
    return number


def _index(value: Any) -> int:
    if isinstance(value, (float, np.bool_)) or not hasattr(value, "__index__"):
        kind = (
            f"numpy.{type(value).__name__}" if isinstance(value, np.generic) else type_name(value)
        )
        raise TypeError(f"'{kind}' object cannot be interpreted as an integer")
    return value.__index__()


def _check_fits(leaves: list[Any], dtype: dt.dtype) -> None:
    """Truncate floats among ``leaves`` and raise for what ``dtype`` cannot hold.

    Negative numbers wrap in unsigned dtypes, down to minus their maximum.
    """
    limits = np.iinfo(dtype.np)
    high = int(limits.max)
    whole = [v for v in leaves if not isinstance(v, float)]
    if whole and not (min(whole) >= -(2**63) and max(whole) < 2**63):
        raise ValueError("Overflow when unpacking long long")
    for i, value in enumerate(leaves):
        if isinstance(value, float):
            if not limits.min <= value <= high:
                raise _overflow(dtype)
            leaves[i] = math.trunc(value)
    if whole and not (min(whole) >= (int(limits.min) or -high) and max(whole) <= high):
        raise _overflow(dtype)


def _overflow(dtype: dt.dtype) -> RuntimeError:
    return RuntimeError(f"value cannot be converted to type {dtype.name} without overflow")
