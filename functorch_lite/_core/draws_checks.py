"""What PyTorch refuses to draw: dtypes, bounds and parameters, with its types and messages."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple, NoReturn

import ml_dtypes
import numpy as np

__all__ = [
    "BFLOAT16",
    "LIMITS",
    "REAL_FLOATS",
    "UNSIGNED",
    "Limits",
    "check",
    "no_kernel",
    "require",
]

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


class Limits(NamedTuple):
    """How PyTorch's messages call a dtype, its range, and the mantissa bits of a float."""

    scalar: str
    c_type: str
    lowest: float | int
    highest: float | int
    digits: int = 0


def _integer(name: str, scalar: str, c_type: str) -> tuple[np.dtype, Limits]:
    info = np.iinfo(name)
    return np.dtype(name), Limits(scalar, c_type, int(info.min), int(info.max))


def _float(name: np.dtype, scalar: str, c_type: str, digits: int) -> tuple[np.dtype, Limits]:
    largest = float(ml_dtypes.finfo(name).max)
    return name, Limits(scalar, c_type, -largest, largest, digits)


LIMITS: dict[np.dtype, Limits] = dict(
    [
        (np.dtype(np.bool_), Limits("Bool", "bool", 0, 1)),
        _integer("uint8", "Byte", "unsigned char"),
        _integer("int8", "Char", "signed char"),
        _integer("int16", "Short", "short int"),
        _integer("int32", "Int", "int"),
        _integer("int64", "Long", "long int"),
        _integer("uint16", "UInt16", "short unsigned int"),
        _integer("uint32", "UInt32", "unsigned int"),
        _integer("uint64", "UInt64", "long unsigned int"),
        _float(np.dtype("float16"), "Half", "c10::Half", 11),
        _float(BFLOAT16, "BFloat16", "c10::BFloat16", 8),
        _float(np.dtype("float32"), "Float", "float", 24),
        _float(np.dtype("float64"), "Double", "double", 53),
        (np.dtype("complex64"), Limits("ComplexFloat", "c10::complex<float>", 0, 0)),
        (np.dtype("complex128"), Limits("ComplexDouble", "c10::complex<double>", 0, 0)),
    ]
)
UNSIGNED = tuple(np.dtype(name) for name in ("uint16", "uint32", "uint64"))
REAL_FLOATS = tuple(dtype for dtype, limits in LIMITS.items() if limits.digits)


def check(condition: object, message: str) -> None:
    """Raise RuntimeError with ``message`` unless ``condition`` holds."""
    if not condition:
        raise RuntimeError(message)


def require(dtype: np.dtype, allowed: Collection[np.dtype], kernel: str) -> None:
    """Raise PyTorch's "not implemented for" of ``kernel`` unless ``dtype`` is among ``allowed``."""
    if dtype not in allowed:
        no_kernel(dtype, kernel)


def no_kernel(dtype: np.dtype, kernel: str) -> NoReturn:
    """Raise PyTorch's NotImplementedError of ``kernel`` for ``dtype``."""
    name = LIMITS[dtype].scalar if dtype in LIMITS else str(dtype)
    raise NotImplementedError(f"\"{kernel}\" not implemented for '{name}'")
