"""Factories of evenly spaced numbers: ``arange``, ``range``, ``linspace``, ``logspace``.

The arithmetic is that of PyTorch's CPU kernels, rounding included.
"""

import math
import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from ..._core.execute import x64
from .._engine.dispatch import type_name
from .._engine.inside.values import is_traced
from .._engine.register import expose
from .._engine.tensor import Tensor
from .create import wrap
from .data import convert


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, (Tensor, np.generic)) else value  # type: ignore[union-attr]


def _check_range(start: Any, end: Any, step: Any) -> None:
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start:g} -> {end:g}")
    if (end - start) / step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")


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
    start, end, step = (_number(v, i) for i, v in enumerate((start, end, step)))
    whole = all(isinstance(v, int) for v in (start, end, step))
    kind = dtype or (
        out._dtype if out is not None else dt.int64 if whole else dt.get_default_dtype()
    )
    if kind is dt.bool_ or kind.is_complex:
        raise NotImplementedError(f"\"arange_cpu\" not implemented for '{dt.scalar_name(kind)}'")
    _check_range(start, end, step)
    count = -(-(end - start) // step) if whole else math.ceil((end - start) / step)
    places = np.arange(int(count))
    if kind.category == dt.INTEGRAL:
        if int(step) == 0:
            raise ValueError("step must be nonzero")
        count = -(-(int(end) - int(start)) // int(step))
        _warn_of_size(count, out)
        return wrap(
            convert(int(start) + places[:count] * int(step), kind), device, requires_grad, out
        )
    _warn_of_size(int(count), out)
    return wrap(convert(start + places * np.float64(step), kind), device, requires_grad, out)


def _warn_of_size(count: int, out: Tensor | None) -> None:
    if out is None:
        return
    held = math.prod(out._sizes)
    if held not in (0, count):
        warnings.warn(
            f"The number of elements in the out tensor of shape {list(out._sizes)} is {held} which "
            "does not match "
            f"the computed number of elements {count}. Note that this may occur as a result of "
            "rounding error. The "
            f"out tensor will be resized to a tensor of shape ({count},). (Triggered internally at "
            "/pytorch/aten/src/ATen/native/RangeFactories.cpp:199.)",
            UserWarning,
            stacklevel=3,
        )


def _number(value: Any, position: int) -> Any:
    value = _plain(value)
    if isinstance(value, complex):
        raise RuntimeError("value cannot be converted to type double without overflow")
    if not isinstance(value, (int, float)):
        name = ("start", "end", "step")[position]
        raise TypeError(
            f"arange(): argument '{name}' (position 1) must be Number, not {type_name(value)}"
        )
    return value


@expose("f", name="range")
def range_(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return the numbers from ``start`` to ``end``, both included (deprecated, as in PyTorch)."""
    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is "
        "inconsistent with Python's range builtin. Instead, use torch.arange, which produces "
        "values in "
        "[start, end).",
        UserWarning,
        stacklevel=2,
    )
    if end is None:
        start, end = 0, start
    start, end, step = _plain(start), _plain(end), _plain(step)
    _check_range(start, end, step)
    count = math.floor((end - start) / step) + 1
    kind = dtype or (out._dtype if out is not None else dt.get_default_dtype())
    return wrap(convert(start + np.arange(count) * step, kind), device, requires_grad, out)


def _steps(steps: Any, function: str, *bounds: Any) -> int:
    for name, bound in zip(("start", "end"), bounds, strict=False):
        if isinstance(bound, Tensor) and bound._sizes:
            raise RuntimeError(
                f"{function} only supports 0-dimensional start and end tensors, but got {name} "
                "with "
                f"{len(bound._sizes)} dimension(s)."
            )
    steps = int(steps)
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    return steps


@expose("f")
def linspace(
    start: Any,
    end: Any,
    steps: Any,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return ``steps`` numbers evenly spaced from ``start`` to ``end``, both included."""
    count = _steps(steps, "linspace", start, end)
    first, last, xp = _bounds(start, end)
    kind = dtype or _dtype_of_bounds(first, last, out)
    with x64(True):
        return wrap(even(first, last, count, kind, xp), device, requires_grad, out)


def _bounds(start: Any, end: Any) -> tuple[Any, Any, Any]:
    """Return two bounds and the module that computes with them: ``jnp`` for traced ones."""
    if any(isinstance(b, Tensor) and is_traced(b._array) for b in (start, end)):
        first, last = (
            jax.lax.stop_gradient(b._array) if isinstance(b, Tensor) else b for b in (start, end)
        )
        return first, last, jnp
    return _plain(start), _plain(end), np


def _dtype_of_bounds(first: Any, last: Any, out: Tensor | None) -> dt.dtype:
    if out is not None:
        return out._dtype
    some_complex = np.iscomplexobj(first) or np.iscomplexobj(last)
    return dt.default_complex() if some_complex else dt.get_default_dtype()


def even(start: Any, end: Any, count: int, kind: dt.dtype, xp: Any = np) -> Any:
    """Return evenly spaced numbers with PyTorch's arithmetic: from the nearer end, in ``kind``
    itself.

    ``xp`` is numpy, or ``jax.numpy`` where a bound is traced.
    """
    whole = kind.category == dt.INTEGRAL
    if whole and count < 2:
        return _converted(xp.full(count, start), kind, xp)
    wide = np.float64 if whole else np.float32 if kind in dt.REDUCED_FLOATS else kind.np
    work = np.dtype(wide)
    first, last = xp.asarray(start, work), xp.asarray(end, work)
    if count < 2:
        return xp.full(count, first).astype(kind.np)
    fused = _fused
    if whole:
        first, last, fused = xp.trunc(first), xp.trunc(last), _fused_wide
    step = (last - first) / work.type(count - 1)
    places = np.arange(count, dtype=work)
    low = fused(first, step, places[: count // 2])
    high = fused(last, -step, (count - 1) - places[count // 2 :])
    numbers = xp.concatenate([low, high])
    return _converted(xp.trunc(numbers), kind, xp) if whole else numbers.astype(kind.np)


def _fused(base: Any, step: Any, places: np.ndarray) -> Any:
    """Return base + step * places with one rounding, as the vectorised kernel's FMA does."""
    if places.dtype == np.float32:
        wide = base.astype(np.float64) + step.astype(np.float64) * places.astype(np.float64)
        return wide.astype(np.float32)
    return base + step * places


def _fused_wide(base: Any, step: Any, places: np.ndarray) -> Any:
    """Return base + step * places in float64 with one rounding: the errors of the product and of
    the sum are exact float64 numbers, too (Dekker 1971).
    """

    def halves(x: Any) -> tuple[Any, Any]:
        scaled = x * (2.0**27 + 1)
        high = scaled - (scaled - x)
        return high, x - high

    (a, b), (c, d) = halves(step), halves(places)
    product = step * places
    lost = ((a * c - product) + a * d + b * c) + b * d
    total = base + product
    part = total - base
    lost += (base - (total - part)) + (product - part)
    return total + lost


def _converted(array: Any, kind: dt.dtype, xp: Any) -> Any:
    return convert(array, kind) if xp is np else array.astype(kind.np)


@expose("f")
def logspace(
    start: Any,
    end: Any,
    steps: Any,
    base: float = 10.0,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return ``base ** linspace(start, end, steps)``."""
    count = _steps(steps, "logspace", start, end)
    first, last, xp = _bounds(start, end)
    kind = dtype or _dtype_of_bounds(first, last, out)
    work = kind if kind.is_complex else dt.float64
    with x64(True):
        powers = xp.power(work.np.type(base), even(first, last, count, work, xp))
        return wrap(_converted(powers, kind, xp), device, requires_grad, out)
