"""``make_tensor``: random tensors of any dtype within bounds."""

import math
import warnings
from collections.abc import Sequence
from typing import Any

from .. import _api as torch

_INTEGRAL = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
_INTEGRAL = (*_INTEGRAL, torch.uint16, torch.uint32, torch.uint64)
_DISCRETE = (torch.bool, *_INTEGRAL)
_COMPLEX = (torch.complex64, torch.complex128)
_CONTINUOUS = (torch.float16, torch.bfloat16, torch.float32, torch.float64, *_COMPLEX)
_EIGHT_BITS = (torch.float8_e4m3fn, torch.float8_e5m2)


def _bounds(dtype: Any, low: Any, high: Any, limits: tuple, defaults: tuple) -> tuple[Any, Any]:
    """Return ``low`` and ``high``, filled in, checked and clamped to what ``dtype`` can hold."""
    low = defaults[0] if low is None else low
    high = defaults[1] if high is None else high
    if any(isinstance(v, float) and math.isnan(v) for v in (low, high)):
        raise ValueError(f"`low` and `high` cannot be NaN, but got {low=} and {high=}")
    if low == high and dtype in _CONTINUOUS:
        warnings.warn(
            "Passing `low==high` to `torch.testing.make_tensor` for floating or complex types is "
            "deprecated since "
            "2.1 and will be removed in 2.3. Use `torch.full(...)` instead.",
            FutureWarning,
            stacklevel=4,
        )
    elif low >= high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    elif high < limits[0] or low >= limits[1]:
        raise ValueError(
            f"The value interval specified by `low` and `high` is [{low}, {high}), but {dtype} "
            "only supports "
            f"[{limits[0]}, {limits[1]})"
        )
    low, high = (min(max(v, limits[0]), limits[1]) for v in (low, high))
    return (math.ceil(low), math.ceil(high)) if dtype in _DISCRETE else (low, high)


def _uniform(shape: tuple, dtype: Any, device: Any, low: float, high: float) -> Any:
    """Return uniform values; an interval too wide for one draw is drawn at half size and
    doubled."""
    made = torch.empty(shape, device=device, dtype=dtype)
    filled = torch.view_as_real(made) if dtype in _COMPLEX else made
    if high - low >= torch.finfo(filled.dtype).max:
        filled.uniform_(low / 2, high / 2).mul_(2)
    elif low == high:
        filled.fill_(low)
    else:
        filled.uniform_(low, high)
    return made


def _drawn(shape: tuple, dtype: Any, device: Any, low: Any, high: Any) -> Any:
    if dtype is torch.bool:
        low, high = _bounds(dtype, low, high, (0, 2), (0, 2))
        return torch.randint(low, high, shape, device=device, dtype=dtype)
    if dtype in _INTEGRAL:
        limits = torch.iinfo(dtype)
        above = limits.max + (dtype is not torch.int64)
        low, high = _bounds(dtype, low, high, (limits.min, above), (-9, 10))
        return torch.randint(low, high, shape, device=device, dtype=dtype)
    if dtype in _CONTINUOUS or dtype in _EIGHT_BITS:
        limits = torch.finfo(dtype)
        low, high = _bounds(dtype, low, high, (limits.min, limits.max), (-9, 9))
        if dtype in _EIGHT_BITS:
            return _uniform(shape, torch.float32, device, low, high).to(dtype)
        return _uniform(shape, dtype, device, low, high)
    raise TypeError(
        f"The requested dtype '{dtype}' is not supported by torch.testing.make_tensor(). To "
        "request support, file an "
        "issue at: https://github.com/pytorch/pytorch/issues"
    )


def make_tensor(
    *shape: Any,
    dtype: Any,
    device: Any,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Any:
    """Return a tensor of random values in [low, high).

    Args:
        shape: sizes, or one sequence of them.
        dtype, device: of the result.
        low, high: by default -9 and 9 (10 for integers, 0 and 2 for bool).
        requires_grad: only for floating-point and complex dtypes.
        noncontiguous: take every other element of a larger tensor.
        exclude_zero: put 1, or the smallest normal number, in the place of zeros.
        memory_format: of the result; not together with ``noncontiguous``.
    """
    sizes = tuple(shape[0] if len(shape) == 1 and isinstance(shape[0], Sequence) else shape)
    if noncontiguous and memory_format is not None:
        raise ValueError(
            "The parameters `noncontiguous` and `memory_format` are mutually exclusive, "
            f"but got {noncontiguous=} and {memory_format=}"
        )
    if requires_grad and dtype in _DISCRETE:
        raise ValueError(
            "`requires_grad=True` is not supported for boolean and integral dtypes, but got "
            f"{dtype=}"
        )
    spread = noncontiguous and math.prod(sizes) > 1
    result = _drawn((*sizes[:-1], 2 * sizes[-1]) if spread else sizes, dtype, device, low, high)
    if spread:
        result = result[..., 1::2]
    elif memory_format is not None:
        result = result.clone(memory_format=memory_format)
    if exclude_zero:
        result[result == 0] = 1 if dtype in _DISCRETE else torch.finfo(dtype).tiny
    if dtype in _CONTINUOUS:
        result.requires_grad = requires_grad
    return result
