"""Factories: tensors from data, constants and ranges.

Content is made by NumPy on the host and handed to the device, so no size compiles a program of its
own.  Signatures are PyTorch's: ``dtype``, ``device``, ``requires_grad`` and, for most, ``out``.
"""

import math
import warnings
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from .._core import dtype as dt
from .._core.execute import x64
from ._arguments import integers
from ._device import device_of, jax_device
from ._dispatch import store_out, type_name
from ._register import attach, expose
from ._storage import Storage, to_device
from ._tensor import Tensor, make

strided = None  # replaced by the layout object in ``_methods``


def wrap(array: np.ndarray, device: Any = None, requires_grad: bool = False, out: Tensor | None = None) -> Tensor:
    """Put a fresh host array on a device as a tensor."""
    result = make(to_device(array, jax_device(device)))
    if out is not None:
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


# --- from data -----------------------------------------------------------------------------------------


def _no_tensor_type(value: Any) -> Exception:
    if isinstance(value, str):
        return TypeError(f"new(): invalid data type '{type_name(value)}'")
    return RuntimeError(f"Could not infer dtype of {type_name(value)}")


def _shape_of(data: Any) -> list[int]:
    """Return the nested lengths of sequences, as PyTorch walks them: down the first items."""
    shape: list[int] = []
    while isinstance(data, (list, tuple, range)) or (hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, (str, bytes, dict, Tensor, np.ndarray))):
        shape.append(len(data))
        if not len(data):
            break
        data = data[0]
    if isinstance(data, (Tensor, np.ndarray)):
        shape.extend(data.shape if isinstance(data, np.ndarray) else data._sizes)
    if isinstance(data, (str, bytes)) and shape:
        raise ValueError(f"too many dimensions '{type(data).__name__}'")
    return shape


def _scalars(data: Any, shape: list[int], depth: int, into: list) -> None:
    """Append the scalars of nested sequences, checking that every level has its length."""
    if depth == len(shape):
        if isinstance(data, Tensor):
            data = data.item()  # type: ignore[attr-defined]
        elif isinstance(data, np.generic) or (isinstance(data, np.ndarray) and not data.ndim):
            data = data.item()
        if isinstance(data, (list, tuple)):
            raise ValueError(_RAGGED.format("unexpected", depth))
        into.append(data)
        return
    if not hasattr(data, "__len__"):
        kind = type(data).__name__
        raise TypeError("not a sequence") if depth == 0 else ValueError(
            f"expected sequence of length {shape[depth]} at dim {depth} (got {kind})"
        ) if False else TypeError("not a sequence")
    if len(data) != shape[depth]:
        raise ValueError(f"expected sequence of length {shape[depth]} at dim {depth} (got {len(data)})")
    if isinstance(data, Tensor) and len(shape) - depth == len(data._sizes):
        into.extend(np.asarray(data._array).reshape(-1).tolist())
        return
    for item in data:
        _scalars(item, shape, depth + 1, into)


_RAGGED = "too many dimensions: {} sequence at dim {}"


def _infer_dtype(scalars: list, first: Any) -> dt.dtype:
    """Return the dtype for Python scalars: the widest of bool < int64 < default float < complex."""
    kinds = {type(s) for s in scalars}
    for kind in kinds:
        if not issubclass(kind, (bool, int, float, complex)):
            raise _no_tensor_type(next(s for s in scalars if type(s) is kind))
    if any(issubclass(k, complex) and not issubclass(k, float) for k in kinds):
        return dt.default_complex()
    if any(issubclass(k, float) for k in kinds):
        return dt.get_default_dtype()
    if any(issubclass(k, int) and not issubclass(k, bool) for k in kinds):
        return dt.int64
    return dt.bool_ if kinds else dt.get_default_dtype()


def _numpy_leaf(data: Any) -> np.dtype | None:
    """Return the NumPy dtype if the nested data bottoms out in NumPy values, whose dtype is kept."""
    while isinstance(data, (list, tuple)) and len(data):
        data = data[0]
    if isinstance(data, (np.ndarray, np.generic)):
        return data.dtype
    return data._dtype.np if isinstance(data, Tensor) else None


def host_array(data: Any, dtype: dt.dtype | None) -> np.ndarray:
    """Return nested Python data as a fresh NumPy array of ``dtype`` (None: inferred as PyTorch does)."""
    if isinstance(data, Tensor):
        array = np.array(np.asarray(data._array), order="C")
    elif isinstance(data, (np.ndarray, np.generic)):
        array = np.array(data, order="C")
        if array.dtype.byteorder not in "=|":
            raise ValueError("given numpy array has byte order different from the native byte order. Conversion between byte orders is currently not supported.")
        dt.from_np(array.dtype)
    else:
        return _from_sequence(data, dtype)
    return array if dtype is None or array.dtype == dtype.np else convert(array, dtype)


def convert(array: np.ndarray, dtype: dt.dtype) -> np.ndarray:
    """Convert on the host with PyTorch's rules (complex to real drops the imaginary part)."""
    if dtype.category < dt.COMPLEX and np.iscomplexobj(array):
        array = array.real
    if dtype.category == dt.INTEGRAL and dt.from_np(array.dtype).category == dt.FLOATING:
        wide = array.astype(np.float64)
        with np.errstate(invalid="ignore"):
            fits = np.abs(wide) < 2.0**63
            array = np.where(fits, np.where(fits, wide, 0).astype(np.int64), np.iinfo(np.int64).min)
    with np.errstate(over="ignore"):
        return array.astype(dtype.np)


def _from_sequence(data: Any, dtype: dt.dtype | None) -> np.ndarray:
    shape = _shape_of(data)
    scalars: list[Any] = []
    if isinstance(data, (str, bytes, dict, set)) or (not shape and not isinstance(data, (bool, int, float, complex)) and not hasattr(data, "__len__")):
        raise _no_tensor_type(data)
    if math.prod(shape):
        _scalars(data, shape, 0, scalars)
    inner = _numpy_leaf(data)
    inferred = _infer_dtype(scalars, data)
    if dtype is None:
        dtype = dt.from_np(inner) if inner is not None else inferred
    if inferred is dt.int64 and dtype is not dt.uint64:
        _check_range(scalars)
    if inferred.is_complex and not dtype.is_complex:
        raise RuntimeError(f"value cannot be converted to type {_C_NAMES.get(dtype, dtype)} without overflow")
    return convert(np.array(scalars, inferred.np if dtype is not dt.uint64 or inferred is not dt.int64 else np.uint64), dtype).reshape(shape)


_C_NAMES = {dt.float32: "float", dt.float64: "double", dt.int64: "int64_t"}


def _check_range(scalars: list) -> None:
    if any(not -(2**63) <= s < 2**63 for s in scalars):
        raise RuntimeError("Overflow when unpacking long long")


@expose("f")
def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """Return a new leaf tensor with a copy of ``data`` (nested sequences, NumPy values, numbers)."""
    del pin_memory
    if isinstance(data, Tensor):
        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
            UserWarning,
            stacklevel=2,
        )
        array = data._array
        if isinstance(array, jax.core.Tracer):
            copied = make(array) if dtype is None else data.detach().to(dtype)  # type: ignore[attr-defined]
            return copied
        device = device_of(array) if device is None else device
    return wrap(host_array(data, dtype), device, requires_grad)


@expose("f")
def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Return ``data`` as a tensor, without a copy where dtype and device allow it."""
    if isinstance(data, Tensor):
        return data.to(dtype=dtype, device=device)  # type: ignore[attr-defined]
    if isinstance(data, np.ndarray) and device in (None, "cpu") and data.dtype != object:
        shared = from_numpy(data)
        return shared if dtype is None else shared.to(dtype)  # type: ignore[attr-defined]
    return tensor(data, dtype=dtype, device=device)


@expose("f", aliases="asanyarray")
def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Tensor:
    """Return ``obj`` as a tensor, sharing memory unless ``copy`` or a conversion asks for a copy."""
    if copy:
        made = tensor(obj.detach() if isinstance(obj, Tensor) else obj, dtype=dtype, device=device) if not isinstance(obj, Tensor) else obj.detach().clone().to(dtype=dtype, device=device)  # type: ignore[attr-defined]
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
            "At least one stride in the given numpy array is negative, and tensors with negative strides are "
            "not currently supported. (You can probably work around this by making a copy of your array  with "
            "array.copy().) "
        )
    if not ndarray.flags.writeable:
        warnings.warn(
            "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means "
            "writing to this tensor will result in undefined behavior. You may want to copy the array to protect "
            "its data or make it writable before converting it to a tensor. This type of warning will be "
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
def frombuffer(buffer: Any, *, dtype: dt.dtype, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """Return a 1-d tensor that shares memory with an object of the buffer protocol."""
    shared = _over_buffer(np.frombuffer(buffer, dtype.np, count, offset), dtype)
    if requires_grad:
        require_grad(shared)
    return shared


# --- constants -----------------------------------------------------------------------------------------


def check_sizes(sizes: tuple[int, ...], function: str) -> tuple[int, ...]:
    """Return sizes; RuntimeError in PyTorch's words for a negative one."""
    for n in sizes:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(sizes)}")
    return sizes


def _constant(name: str, fill: Callable[[tuple, Any], np.ndarray], doc: str) -> None:
    def factory(
        *size: Any,
        out: Tensor | None = None,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        pin_memory: bool = False,
        requires_grad: bool = False,
        memory_format: Any = None,
        **named: Any,
    ) -> Tensor:
        if "size" in named:
            size = (named.pop("size"),)
        named.pop("names", None)
        if named:
            raise TypeError(f"{name}() got an unexpected keyword argument '{next(iter(named))}'")
        sizes = check_sizes(integers(_sizes_argument(size, name), name), name)
        kind = dtype or (out._dtype if out is not None else dt.get_default_dtype())
        return wrap(fill(sizes, kind.np), device, requires_grad, out)

    factory.__name__ = factory.__qualname__ = name
    factory.__doc__ = doc
    expose("f", name=name)(factory)

    def like(
        input: Tensor,
        *,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        pin_memory: bool = False,
        requires_grad: bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        made = new(input, input._sizes, dtype=dtype, device=device, requires_grad=requires_grad)
        if input._strides is not None and memory_format is None:
            made._strides = _dense(input)
        return made

    like.__name__ = like.__qualname__ = name + "_like"
    like.__doc__ = f"A tensor of the size, dtype and device of ``input``. {doc}"
    expose("f", name=name + "_like")(like)

    def new(
        self: Tensor,
        *size: Any,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        pin_memory: bool = False,
        requires_grad: bool = False,
        **named: Any,
    ) -> Tensor:
        size = (named["size"],) if "size" in named else size
        kind = dtype or self._dtype
        where = device_of(self._storage.array) if device is None else device
        sizes = check_sizes(integers(size, "new_" + name), name)
        return wrap(fill(sizes, kind.np), where, requires_grad)

    new.__name__ = new.__qualname__ = "new_" + name
    new.__doc__ = f"A tensor with the dtype and device of ``self``. {doc}"
    expose("m", name="new_" + name)(new)


def _dense(input: Tensor) -> tuple[int, ...] | None:
    from_strides = DENSE[0]
    return from_strides(input._sizes, input._strides)


DENSE: list[Any] = []


def _sizes_argument(size: tuple, name: str) -> tuple:
    if len(size) == 1 and not isinstance(size[0], (tuple, list)) and not hasattr(size[0], "__index__"):
        raise TypeError(
            f"{name}(): argument 'size' (position 1) must be tuple of ints, not {type_name(size[0])}"
        )
    return size


_constant("zeros", np.zeros, "Zeros.")
_constant("ones", np.ones, "Ones.")
_constant("empty", np.zeros, "Memory of unspecified content (here: zeros).")


@expose("f")
def full(
    size: Any,
    fill_value: Any,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return a tensor of ``size`` filled with ``fill_value``, whose kind gives the dtype."""
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value  # type: ignore[attr-defined]
    kind = dtype or (out._dtype if out is not None else dt.of_number(_number_type(value)))
    sizes = check_sizes(integers((size,) if not isinstance(size, int) else (size,), "full"), "full")
    return wrap(np.full(sizes, convert(np.asarray(value), kind)), device, requires_grad, out)


def _number_type(value: Any) -> type:
    return next(k for k in (bool, int, float, complex) if isinstance(value, k))


@expose("f")
def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False, memory_format: Any = None) -> Tensor:
    """Return a tensor of the size, dtype and device of ``input``, filled with ``fill_value``."""
    where = device_of(input._storage.array) if device is None else device
    return full(input._sizes, fill_value, dtype=dtype or input._dtype, device=where, requires_grad=requires_grad)


@expose("m")
def new_full(self: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Return a tensor of ``size`` with the dtype and device of ``self``, filled with ``fill_value``."""
    where = device_of(self._storage.array) if device is None else device
    return full(size, fill_value, dtype=dtype or self._dtype, device=where, requires_grad=requires_grad)


@expose("m")
def new_tensor(self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None, pin_memory: bool = False) -> Tensor:
    """Return a new tensor of ``data`` with the dtype and device of ``self``."""
    where = device_of(self._storage.array) if device is None else device
    return wrap(host_array(data, dtype or self._dtype), where, requires_grad)


@expose("f")
def scalar_tensor(s: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Return a 0-d tensor of the default dtype."""
    return full((), s, dtype=dtype or dt.get_default_dtype(), device=device, requires_grad=requires_grad)


# --- ranges --------------------------------------------------------------------------------------------


@expose("f")
def arange(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return the numbers from ``start`` (0) up to, not including, ``end``, ``step`` apart."""
    if end is None:
        start, end = 0, start
    start, end, step = (v.item() if isinstance(v, (Tensor, np.generic)) else v for v in (start, end, step))
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if math.isinf(start) or math.isinf(end) or math.isnan(start) or math.isnan(end):
        raise RuntimeError(f"unsupported range: {float(start)} -> {float(end)}")
    if (end - start) / step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    whole = all(isinstance(v, int) for v in (start, end, step))
    kind = dtype or (out._dtype if out is not None else dt.int64 if whole else dt.get_default_dtype())
    count = -(-(end - start) // step) if whole else math.ceil((end - start) / step)
    places = np.arange(int(count))
    if kind.category == dt.INTEGRAL:
        values = int(start) + places * int(step)
    else:
        values = _ramp(start, step, places, kind)
    return wrap(convert(values, kind), device, requires_grad, out)


def _ramp(start: float, step: float, places: np.ndarray, kind: dt.dtype) -> np.ndarray:
    """Return start + i * step in the accumulation type of ``kind`` (float64 for float32, as on CPU)."""
    return start + places * step if kind is dt.float64 else (np.float64(start) + places * np.float64(step))


@expose("f", name="range")
def range_(start: Any = 0, end: Any = None, step: Any = 1, *, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Return the numbers from ``start`` to ``end``, both included (deprecated, as in PyTorch)."""
    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent "
        "with Python's range builtin. Instead, use torch.arange, which produces values in [start, end).",
        UserWarning,
        stacklevel=2,
    )
    if end is None:
        start, end = 0, start
    count = math.floor((end - start) / step) + 1
    kind = dtype or dt.get_default_dtype()
    return wrap(convert(start + np.arange(count) * step, kind), device, requires_grad, out)


def _steps(steps: Any, function: str) -> int:
    if steps is None:
        raise TypeError(f'{function}() missing 1 required positional arguments: "steps"')
    steps = int(steps)
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    return steps


@expose("f")
def linspace(start: Any, end: Any, steps: Any = None, *, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Return ``steps`` numbers evenly spaced from ``start`` to ``end``, both included."""
    count = _steps(steps, "linspace")
    first, last = _plain(start), _plain(end)
    some_complex = isinstance(first, complex) or isinstance(last, complex)
    kind = dtype or (out._dtype if out is not None else dt.default_complex() if some_complex else dt.get_default_dtype())
    return wrap(even(first, last, count, kind), device, requires_grad, out)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, (Tensor, np.generic)) else value


def even(start: Any, end: Any, count: int, kind: dt.dtype) -> np.ndarray:
    """Return evenly spaced numbers with PyTorch's arithmetic: from the nearer end, in ``kind`` itself."""
    if kind.category == dt.INTEGRAL:
        step = (end - start) / (count - 1) if count > 1 else 0.0
        low = np.trunc(start + np.float32(step) * np.arange(count // 2, dtype=np.float32))
        high = np.trunc(end - np.float32(step) * np.arange(count - count // 2 - 1, -1, -1, dtype=np.float32))
        return convert(np.concatenate([low, high])[:count], kind)
    work = np.dtype(np.float32) if kind in dt.REDUCED_FLOATS else kind.np
    first, last = work.type(start), work.type(end)
    if count == 0:
        return np.zeros(0, kind.np)
    if count == 1:
        return np.array([first], kind.np)
    step = (last - first) / work.type(count - 1)
    places = np.arange(count, dtype=work if not kind.is_complex else work)
    low = _fused(first, step, places[: count // 2], work)
    high = _fused(last, -step, (count - 1) - places[count // 2 :], work)
    return np.concatenate([low, high]).astype(kind.np)


def _fused(base: Any, step: Any, places: np.ndarray, work: np.dtype) -> np.ndarray:
    """Return base + step * places with one rounding, as the vectorised kernel's FMA does."""
    if work == np.float32:
        return (np.float64(base) + np.float64(step) * places.astype(np.float64)).astype(np.float32)
    return base + step * places


@expose("f")
def logspace(start: Any, end: Any, steps: Any = None, base: float = 10.0, *, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Return ``base ** linspace(start, end, steps)``."""
    count = _steps(steps, "logspace")
    kind = dtype or (out._dtype if out is not None else dt.get_default_dtype())
    work = kind if kind.category >= dt.FLOATING else dt.float64
    powers = np.power(np.float64(base) if not work.is_complex else base, even(_plain(start), _plain(end), count, dt.float64 if not work.is_complex else work))
    return wrap(convert(powers, kind), device, requires_grad, out)


@expose("f")
def eye(n: int, m: int | None = None, *, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Return ones on the diagonal of an (n, m) matrix (m defaults to n)."""
    for value in (n, m):
        if value is not None and value < 0:
            raise RuntimeError(f"n must be greater or equal to 0, got {value}")
    kind = dtype or (out._dtype if out is not None else dt.get_default_dtype())
    return wrap(np.eye(n, n if m is None else m, dtype=kind.np), device, requires_grad, out)


def _triangle(name: str, indices: Callable[..., tuple]) -> None:
    def factory(row: int, col: int, offset: int = 0, *, dtype: Any = dt.int64, device: Any = None, layout: Any = None) -> Tensor:
        return wrap(np.stack(indices(row, offset, col)).astype(dtype.np), device)

    factory.__name__ = name
    factory.__doc__ = f"Return the row and column indices of a triangle of a (row, col) matrix (``{name}``)."
    expose("f", name=name)(factory)


_triangle("tril_indices", np.tril_indices)
_triangle("triu_indices", np.triu_indices)


def like_device(t: Tensor) -> Any:
    """Return the JAX device that a tensor's array is committed to (None: uncommitted)."""
    array = t._storage.array
    return None if array is None or isinstance(array, jax.core.Tracer) else next(iter(array.devices()))


@expose("f", name="complex")
def complex_(real: Tensor, imag: Tensor, *, out: Any = None) -> Tensor:
    """Return a complex tensor from its real and imaginary parts (same dtype)."""
    if real._dtype is not imag._dtype:
        raise RuntimeError(
            f"Expected object of scalar type {dt.scalar_name(real._dtype)} but got scalar type "
            f"{dt.scalar_name(imag._dtype)} for second argument"
        )
    parts = SPACES_COMPLEX[0](real, imag)
    if out is not None:
        store_out(parts, out)
        return out
    return parts


SPACES_COMPLEX: list[Any] = []
_ = (x64, attach)
