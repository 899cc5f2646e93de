"""Tensors from data: ``tensor``, ``as_tensor``, ``from_numpy``, and the one way onto a device.

Constants are made in ``_constants``, ranges in ``_ranges``; how Python data is read, in ``_data``.
"""

import warnings
from typing import Any

import jax
import jax.core
import numpy as np

from ..._core import dtype as dt
from .._engine.dispatch import type_name
from .._engine.register import expose
from .._engine.storage import Storage, to_device
from .._engine.tensor import Tensor, make
from .._engine.writing import store_out
from .data import host_array
from .device import device_of, jax_device


def wrap(
    array: np.ndarray, device: Any = None, requires_grad: bool = False, out: Tensor | None = None
) -> Tensor:
    """Put a fresh host array on a device as a tensor."""
    result = make(to_device(array, jax_device(device)))
    if out is not None:
        if out._sizes != result._sizes:
            out.resize_(result._sizes)
        store_out(result, out)
        return out
    if requires_grad:
        require_grad(result)
    return result


def require_grad(leaf: Tensor) -> None:
    """Mark a leaf as wanting a gradient; RuntimeError for integer dtypes."""
    if leaf._dtype.category < dt.FLOATING:
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    leaf._requires_grad = True


@expose("f")
def tensor(
    data: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Return a new leaf tensor with a copy of ``data`` (nested sequences, NumPy values,
    numbers).
    """
    if dtype is not None and not isinstance(dtype, dt.dtype):
        raise TypeError(f"tensor(): argument 'dtype' must be torch.dtype, not {type_name(dtype)}")
    if isinstance(data, Tensor):
        warnings.warn(
            "To copy construct from a tensor, it is recommended to use "
            "sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than "
            "torch.tensor(sourceTensor).",
            UserWarning,
            stacklevel=2,
        )
        array = data._array
        if isinstance(array, jax.core.Tracer):
            copied = make(array) if dtype is None else data.detach().to(dtype)
            return copied
        device = device_of(array) if device is None else device
    return wrap(host_array(data, dtype), device, requires_grad)


@expose("f")
def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Return ``data`` as a tensor, without a copy where dtype and device allow it."""
    if isinstance(data, Tensor):
        return data.to(dtype=dtype, device=device)
    if isinstance(data, np.ndarray) and device in (None, "cpu") and data.dtype != object:
        shared = from_numpy(data)
        return shared if dtype is None else shared.to(dtype)
    return tensor(data, dtype=dtype, device=device)


@expose("f", aliases="asanyarray")
def asarray(
    obj: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return ``obj`` as a tensor, sharing memory unless ``copy`` or a conversion asks for a
    copy.
    """
    if copy is False and not isinstance(obj, (Tensor, np.ndarray)):
        raise ValueError("can't alias arbitrary sequence into a tensor.")
    if copy and isinstance(obj, Tensor):
        made = obj.detach().clone().to(dtype=dtype, device=device)  # type: ignore[attr-defined]
    elif copy:
        made = tensor(obj, dtype=dtype, device=device)
    else:
        made = as_tensor(obj, dtype, device)
    if requires_grad:
        require_grad(made)
    return made


@expose("f")
def from_numpy(ndarray: np.ndarray) -> Tensor:
    """Return a tensor that shares memory with ``ndarray``, both ways."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type_name(ndarray)})")
    d = dt.from_np(ndarray.dtype)
    if any(s < 0 for s in ndarray.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative "
            "strides are "
            "not currently supported. (You can probably work around this by making a copy of your "
            "array  with "
            "array.copy().) "
        )
    if not ndarray.flags.writeable:
        warnings.warn(
            "The given NumPy array is not writable, and PyTorch does not support non-writable "
            "tensors. This means "
            "writing to this tensor will result in undefined behavior. You may want to copy the "
            "array to protect "
            "its data or make it writable before converting it to a tensor. This type of warning "
            "will be "
            "suppressed for the rest of this program.",
            UserWarning,
            stacklevel=2,
        )
    return _over_buffer(ndarray, d)


def _over_buffer(ndarray: np.ndarray, d: dt.dtype) -> Tensor:
    shared = object.__new__(Tensor)
    shared._storage = Storage.from_numpy(ndarray)
    shared._sizes = ndarray.shape
    shared._dtype = d
    shared._desc = d if ndarray.shape else d.zero_dim
    if not ndarray.flags.c_contiguous:
        shared._strides = tuple(s // ndarray.itemsize for s in ndarray.strides)
    return shared


@expose("f")
def frombuffer(
    buffer: Any, *, dtype: dt.dtype, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """Return a 1-d tensor that shares memory with an object of the buffer protocol."""
    shared = _over_buffer(np.frombuffer(buffer, dtype.np, count, offset), dtype)
    if requires_grad:
        require_grad(shared)
    return shared


@expose("m")
def new_tensor(
    self: Tensor,
    data: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Return a new tensor of ``data`` with the dtype and device of ``self``."""
    where = device_of(self._storage.array) if device is None else device
    return wrap(host_array(data, dtype or self._dtype), where, requires_grad)
