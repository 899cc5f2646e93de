"""Factories of constants: zeros, ones, full, uninitialised memory, identity, triangle indices.

Content is made by NumPy on the host and handed to the device, so no size compiles a program.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..._core import dtype as dt
from ...ops._common import contiguous_strides
from .._engine.dispatch import type_name
from .._engine.layout import dense_strides
from .._engine.register import SPACES, expose
from .._engine.tensor import Tensor
from .arguments import check_sizes, factory_sizes, integer, integers, template
from .create import wrap
from .data import convert
from .device import home

_NUMBERS = (bool, int, float, complex)

# --- zeros, ones, empty --------------------------------------------------------------------------


def _constant(
    name: str, fill: Callable[[tuple, Any], np.ndarray], doc: str
) -> Callable[..., Tensor]:
    """Expose ``name``, ``name_like`` and ``Tensor.new_name``; return the first."""
    made = {
        name: _factory(name, fill),
        name + "_like": _like(name, fill),
        "new_" + name: _new(name, fill),
    }
    docs = (
        doc,
        f"A tensor of the size, dtype and device of ``input``. {doc}",
        f"As ``self``: {doc}",
    )
    for (own, function), text in zip(made.items(), docs, strict=True):
        function.__name__ = function.__qualname__ = own
        function.__doc__ = text
        expose("m" if own.startswith("new_") else "f", name=own)(function)
    return made[name]


def _factory(name: str, fill: Callable[[tuple, Any], np.ndarray]) -> Callable[..., Tensor]:
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
        sizes = factory_sizes(size, named, name)
        kind = dtype or (out._dtype if out is not None else dt.get_default_dtype())
        if not isinstance(kind, dt.dtype):
            raise TypeError(
                f"{name}(): argument 'dtype' must be torch.dtype, not {type_name(kind)}"
            )
        return wrap(fill(sizes, kind.np), device, requires_grad, out)

    return factory


def _like(name: str, fill: Callable[[tuple, Any], np.ndarray]) -> Callable[..., Tensor]:
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
        kind = dtype or template(input, name + "_like")._dtype
        made = wrap(fill(input._sizes, kind.np), home(input, device), requires_grad)
        if input._strides is not None and memory_format in (None, SPACES[""]["preserve_format"]):
            made._strides = dense_strides(input._sizes, input._strides)
        return made

    return like


def _new(name: str, fill: Callable[[tuple, Any], np.ndarray]) -> Callable[..., Tensor]:
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
        sizes = factory_sizes(size, named, "new_" + name)
        return wrap(fill(sizes, (dtype or self._dtype).np), home(self, device), requires_grad)

    return new


zeros = _constant("zeros", np.zeros, "Zeros.")
ones = _constant("ones", np.ones, "Ones.")
empty = _constant("empty", np.zeros, "Memory of unspecified content (here: zeros).")


# --- empty, in a given order of memory -----------------------------------------------------------


@expose("f")
def empty_strided(
    size: Any,
    stride: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return memory of unspecified content (here: zeros) with the given size and strides."""
    sizes = integers((size,), "empty_strided")
    strides = integers((stride,), "empty_strided", "stride", 2)
    if len(sizes) != len(strides):
        raise RuntimeError(
            f"dimensionality of sizes ({len(sizes)}) must match dimensionality of strides "
            f"({len(strides)})"
        )
    check_sizes(sizes)
    if min(strides, default=0) < 0:
        raise RuntimeError(
            f"Storage size calculation overflowed with sizes={list(sizes)} and "
            f"strides={list(strides)}"
        )
    kind = dtype or dt.get_default_dtype()
    if 0 in sizes or strides == contiguous_strides(sizes):
        return wrap(np.zeros(sizes, kind.np), device, requires_grad)
    span = 1 + sum((n - 1) * s for n, s in zip(sizes, strides, strict=True))
    memory = wrap(np.zeros(span, kind.np), device)
    made = SPACES[""]["as_strided"](memory, sizes, strides).detach()
    made._view_of = None
    made._requires_grad = requires_grad
    return made


@expose("m")
def new_empty_strided(
    self: Tensor, size: Any, stride: Any, *, dtype: Any = None, **more: Any
) -> Tensor:
    """Return ``empty_strided`` memory with the dtype and device of ``self``."""
    more["device"] = home(self, more.get("device"))
    return empty_strided(size, stride, dtype=dtype or self._dtype, **more)


@expose("f")
def empty_permuted(size: Any, physical_layout: Any, *, dtype: Any = None, **more: Any) -> Tensor:
    """Return memory of unspecified content whose dims lie in the order ``physical_layout``, outer
    first.
    """
    sizes = integers((size,), "empty_permuted")
    order = integers((physical_layout,), "empty_permuted", "physical_layout", 2)
    if len(order) != len(sizes):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. "
            f"len(size) = {len(sizes)} is not equal to len(physical_layout) = {len(order)}"
        )
    strides, step = [0] * len(sizes), 1
    for place, d in enumerate(order):
        if not 0 <= d < len(sizes):
            raise RuntimeError(
                f"Dimension out of range (expected to be between 0 and {len(sizes) - 1}, but got "
                f"{d} at "
                f"index {place}).  NB: negative dims not currently supported; file an issue if you "
                "want it."
            )
        if d in order[:place]:
            raise RuntimeError("Duplicate dim not allowed")
    for d in reversed(order):
        strides[d] = step
        step *= max(sizes[d], 1)
    return empty_strided(sizes, strides, dtype=dtype, **more)


# --- full ----------------------------------------------------------------------------------------


def _fill_number(value: Any, function: str) -> Any:
    if isinstance(value, Tensor) and not value._sizes:
        return value.item()  # type: ignore[attr-defined]
    if isinstance(value, np.generic):
        return value.item()
    if not isinstance(value, _NUMBERS):
        position = 1 if function == "scalar_tensor" else 2
        name = "s" if function == "scalar_tensor" else "fill_value"
        raise TypeError(
            f"{function}(): argument '{name}' (position {position}) must be Number, not "
            f"{type_name(value)}"
        )
    return value


_C_NAMES = {
    **{dt.float16: "c10::Half", dt.bfloat16: "c10::BFloat16", dt.float32: "float"},
    **{dt.float64: "double", dt.complex64: "c10::complex<float>", dt.bool_: "bool"},
}


def _filled(sizes: tuple[int, ...], value: Any, kind: dt.dtype) -> np.ndarray:
    """Return an array of ``value``; RuntimeError in PyTorch's words if ``kind`` cannot hold it."""
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        raise OverflowError("int too big to convert")
    converted = convert(np.asarray(value), kind)
    if not _holds(value, converted, kind):
        name = _C_NAMES.get(kind, f"{kind.name}_t")
        raise RuntimeError(f"value cannot be converted to type {name} without overflow")
    return np.full(sizes, converted)


def _holds(value: Any, converted: np.ndarray, kind: dt.dtype) -> bool:
    if kind is dt.bool_:
        return True
    if isinstance(value, complex):
        if not kind.is_complex and value.imag != 0:
            return False
        value = value if kind.is_complex else value.real
    if kind.category >= dt.FLOATING:
        return bool(np.isfinite(converted)) or not np.isfinite(value)
    limits = np.iinfo(kind.np)
    if not np.isfinite(value):
        return False
    low = int(limits.min) or -int(limits.max)
    return low <= math.trunc(value) <= int(limits.max)


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
    value = _fill_number(fill_value, "full")
    if not isinstance(size, (tuple, list)):
        raise TypeError(
            f"full(): argument 'size' (position 1) must be tuple of ints, not {type_name(size)}"
        )
    number = next(kind for kind in _NUMBERS if isinstance(value, kind))
    kind = dtype or (out._dtype if out is not None else dt.of_number(number))
    sizes = check_sizes(integers((size,), "full"))
    return wrap(_filled(sizes, value, kind), device, requires_grad, out)


@expose("f")
def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Return a tensor of the size, dtype and device of ``input``, filled with ``fill_value``."""
    kind = dtype or template(input, "full_like")._dtype
    filled = _filled(input._sizes, _fill_number(fill_value, "full_like"), kind)
    made = wrap(filled, home(input, device), requires_grad)
    if input._strides is not None and memory_format in (None, SPACES[""]["preserve_format"]):
        made._strides = dense_strides(input._sizes, input._strides)
    return made


@expose("m")
def new_full(
    self: Tensor,
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return a tensor of ``size`` with the dtype and device of ``self``, filled with
    ``fill_value``.
    """
    sizes = check_sizes(integers((size,), "new_full"))
    filled = _filled(sizes, _fill_number(fill_value, "new_full"), dtype or self._dtype)
    return wrap(filled, home(self, device), requires_grad)


@expose("f")
def scalar_tensor(
    s: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return a 0-d tensor of the default dtype."""
    filled = _filled((), _fill_number(s, "scalar_tensor"), dtype or dt.get_default_dtype())
    return wrap(filled, device, requires_grad)


# --- matrices ------------------------------------------------------------------------------------


@expose("f")
def eye(
    n: int,
    m: int | None = None,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return ones on the diagonal of an (n, m) matrix (m defaults to n)."""
    rows = integer(n, "eye", "n", 1)
    columns = rows if m is None else integer(m, "eye", "m", 2)
    for name, value in (("n", rows), ("m", columns)):
        if value < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {value}")
    kind = dtype or (out._dtype if out is not None else dt.get_default_dtype())
    return wrap(np.eye(rows, columns, dtype=kind.np), device, requires_grad, out)


def _triangle(name: str, indices: Callable[..., tuple]) -> None:
    def factory(
        row: int,
        col: int,
        offset: int = 0,
        *,
        dtype: Any = None,
        device: Any = None,
        layout: Any = None,
        pin_memory: bool = False,
    ) -> Tensor:
        for axis, value in (("row", row), ("col", col)):
            if value < 0:
                raise RuntimeError(f"{axis} must be non-negative, got{value}")
        kind = dtype or dt.int64
        if kind not in (dt.int32, dt.int64):
            raise NotImplementedError(f"\"{name}\" not implemented for '{dt.scalar_name(kind)}'")
        return wrap(np.stack(indices(row, offset, col)).astype(kind.np), device)

    factory.__name__ = name
    factory.__doc__ = (
        f"Return the row and column indices of a triangle of a (row, col) matrix (``{name}``)."
    )
    expose("f", name=name)(factory)


_triangle("tril_indices", np.tril_indices)
_triangle("triu_indices", np.triu_indices)
