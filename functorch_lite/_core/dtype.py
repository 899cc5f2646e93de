"""PyTorch's dtypes and its promotion lattice, on top of NumPy dtypes.

A :class:`dtype` is one of a fixed set of objects, compared by identity.  ``promote`` joins two of
them as ``torch.promote_types`` does; ``result_dtype`` applies PyTorch's category rule, by which a
dimensioned tensor outranks a 0-d tensor, which outranks a Python number.  JAX's own promotion is
never consulted.  Floor 0.
"""

import itertools
from collections.abc import Iterable
from typing import Any

import ml_dtypes
import numpy as np

BOOLEAN, INTEGRAL, FLOATING, COMPLEX = range(4)
NUMBER, ZERO_DIM, DIMENSIONED = range(3)


class dtype:
    """An element type, such as ``torch.float32``.

    Attributes:
        itemsize: bytes of one element.
        is_floating_point, is_complex, is_signed: as in PyTorch.
        np: the NumPy dtype of the arrays that hold it.
        category: BOOLEAN, INTEGRAL, FLOATING or COMPLEX.
    """

    __slots__ = (
        "category",
        "is_complex",
        "is_floating_point",
        "is_signed",
        "itemsize",
        "legacy",
        "name",
        "np",
        "zero_dim",
    )
    __module__ = "torch"

    def __init__(self, name: str, np_type: Any, category: int, legacy: str) -> None:
        """Describe a dtype by its NumPy type; ``legacy`` is the name of its tensor type."""
        self.name = name
        self.np = np.dtype(np_type)
        self.category = category
        self.itemsize = self.np.itemsize
        self.is_floating_point = category == FLOATING
        self.is_complex = category == COMPLEX
        self.is_signed = name not in ("bool",) and not name.startswith("uint")
        self.legacy = legacy
        # What stands for "a 0-d tensor of this dtype" in program keys: any unique object will do.
        self.zero_dim = (self, ZERO_DIM)

    def __repr__(self) -> str:
        """Return the name as PyTorch writes it, such as ``torch.float32``."""
        return f"torch.{self.name}"

    def __reduce__(self) -> tuple:
        """Pickle by name: each dtype exists once."""
        return by_name, (self.name,)

    def __copy__(self) -> "dtype":
        """Return the dtype itself: it is immutable."""
        return self

    def __deepcopy__(self, memo: dict) -> "dtype":
        """Return the dtype itself: it is immutable."""
        return self

    def to_real(self) -> "dtype":
        """Return the dtype of the real part (itself, unless complex)."""
        return _REAL.get(self, self)

    def to_complex(self) -> "dtype":
        """Return the complex dtype whose parts have this dtype."""
        if self.is_complex:
            return self
        return _COMPLEX_OF.get(self) or _COMPLEX_OF[get_default_dtype()]


# The rows: name, NumPy type, category, legacy tensor class.
bool_ = dtype("bool", np.bool_, BOOLEAN, "BoolTensor")
uint8 = dtype("uint8", np.uint8, INTEGRAL, "ByteTensor")
int8 = dtype("int8", np.int8, INTEGRAL, "CharTensor")
int16 = dtype("int16", np.int16, INTEGRAL, "ShortTensor")
int32 = dtype("int32", np.int32, INTEGRAL, "IntTensor")
int64 = dtype("int64", np.int64, INTEGRAL, "LongTensor")
uint16 = dtype("uint16", np.uint16, INTEGRAL, "UInt16Tensor")
uint32 = dtype("uint32", np.uint32, INTEGRAL, "UInt32Tensor")
uint64 = dtype("uint64", np.uint64, INTEGRAL, "UInt64Tensor")
float16 = dtype("float16", np.float16, FLOATING, "HalfTensor")
bfloat16 = dtype("bfloat16", ml_dtypes.bfloat16, FLOATING, "BFloat16Tensor")
float32 = dtype("float32", np.float32, FLOATING, "FloatTensor")
float64 = dtype("float64", np.float64, FLOATING, "DoubleTensor")
float8_e4m3fn = dtype("float8_e4m3fn", ml_dtypes.float8_e4m3fn, FLOATING, "Float8_e4m3fnTensor")
float8_e5m2 = dtype("float8_e5m2", ml_dtypes.float8_e5m2, FLOATING, "Float8_e5m2Tensor")
complex64 = dtype("complex64", np.complex64, COMPLEX, "ComplexFloatTensor")
complex128 = dtype("complex128", np.complex128, COMPLEX, "ComplexDoubleTensor")

DTYPES = (
    *(bool_, uint8, int8, int16, int32, int64, uint16, uint32, uint64),
    *(float16, bfloat16, float32, float64, float8_e4m3fn, float8_e5m2, complex64, complex128),
)
ALIASES = {
    "half": float16,
    "float": float32,
    "double": float64,
    "short": int16,
    "int": int32,
    "long": int64,
    "cfloat": complex64,
    "cdouble": complex128,
}
REDUCED_FLOATS = frozenset({float16, bfloat16, float8_e4m3fn, float8_e5m2})

_REAL = {complex64: float32, complex128: float64}
_COMPLEX_OF = {float16: complex64, bfloat16: complex64, float32: complex64, float64: complex128}
_BY_NP = {d.np: d for d in DTYPES}
_BY_NAME = {d.name: d for d in DTYPES}


def from_np(np_dtype: np.dtype) -> dtype:
    """Return the dtype whose arrays have NumPy dtype ``np_dtype``; TypeError if there is none."""
    found = _BY_NP.get(np_dtype)
    if found is None:
        kinds = (
            "float64, float32, float16, complex64, complex128, int64, int32, int16, int8, "
            "uint64, uint32, uint16, uint8, and bool"
        )
        raise TypeError(
            f"can't convert np.ndarray of type {np_dtype.type.__module__}."
            f"{np_dtype.type.__name__}. The only supported types are: {kinds}."
        )
    return found


def by_name(name: str) -> dtype:
    """Return the dtype called ``name`` ("float32", or an alias such as "long")."""
    return ALIASES.get(name) or _BY_NAME[name]


_default = float32


def get_default_dtype() -> dtype:
    """Return the floating dtype of Python floats and of integer division (``float32`` at first)."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Set the default floating dtype; TypeError unless ``d`` is a floating-point dtype."""
    global _default
    if not isinstance(d, dtype):
        raise TypeError(
            "invalid dtype object: only floating-point types are supported as the default type"
        )
    if not d.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    _default = d


def default_complex() -> dtype:
    """Return the complex dtype that belongs to the default floating dtype."""
    return _COMPLEX_OF[_default]


def _make_table() -> dict[tuple[dtype, dtype], dtype]:
    """Build the join of each pair, from chains and the pairs that have no chain."""
    table = {(d, d): d for d in DTYPES}

    def put(a: dtype, b: dtype, result: dtype) -> None:
        table[a, b] = table[b, a] = result

    signed = (int8, int16, int32, int64)
    floats = (float16, bfloat16, float32, float64)
    for i, small in enumerate(signed):
        for large in signed[i:]:
            put(small, large, large)
    for s in signed:
        put(uint8, s, int16 if s is int8 else s)
    for f, g in itertools.combinations(floats, 2):
        put(f, g, float32 if (f, g) == (float16, bfloat16) else g)
    for f in floats:
        for i in (uint8, *signed, uint16, uint32, uint64):
            put(i, f, f)
    for d in DTYPES:
        put(bool_, d, d)
    for d in DTYPES:
        if d.category != COMPLEX and d not in (float8_e4m3fn, float8_e5m2):
            put(d, complex64, complex128 if d is float64 else complex64)
            put(d, complex128, complex128)
    put(complex64, complex128, complex128)
    return table


_PROMOTE = _make_table()


def promote(a: dtype, b: dtype) -> dtype:
    """Return the smallest dtype that ``a`` and ``b`` both fit in (``torch.promote_types``)."""
    found = _PROMOTE.get((a, b))
    if found is None:
        if {a, b} & {float8_e4m3fn, float8_e5m2}:
            raise NotImplementedError(
                "Promotion for Float8 Types is not supported, attempted to promote "
                f"{scalar_name(a)} and {scalar_name(b)}"
            )
        raise RuntimeError(
            "Promotion for uint16, uint32, uint64 types is not supported, attempted to promote "
            f"{scalar_name(a)} and {scalar_name(b)}"
        )
    return found


_SCALAR_NAMES = {
    **{bool_: "Bool", uint8: "Byte", int8: "Char", int16: "Short", int32: "Int", int64: "Long"},
    **{float16: "Half", bfloat16: "BFloat16", float32: "Float", float64: "Double"},
    **{complex64: "ComplexFloat", complex128: "ComplexDouble"},
    **{uint16: "UInt16", uint32: "UInt32", uint64: "UInt64"},
    **{float8_e4m3fn: "Float8_e4m3fn", float8_e5m2: "Float8_e5m2"},
}


def scalar_name(d: dtype) -> str:
    """Return the C++ scalar type name that PyTorch's messages use, such as "Float" or "Long"."""
    return _SCALAR_NAMES[d]


_OF_NUMBER = {bool: bool_, int: int64, float: None, complex: None}


def of_number(kind: type) -> dtype:
    """Return the dtype that a Python number of type ``kind`` has when it meets a tensor."""
    if kind is float:
        return _default
    if kind is complex:
        return default_complex()
    return _OF_NUMBER[kind]  # type: ignore[return-value]


def result_dtype(operands: Iterable[tuple[dtype, int]]) -> dtype:
    """Join (dtype, level) pairs by PyTorch's category rule; level is one of NUMBER .. DIMENSIONED.

    A lower level counts only if its category (bool < integral < floating < complex) is higher than
    that of every level above it.  A Python float then brings in the default dtype.

    >>> result_dtype([(int64, DIMENSIONED), (float32, NUMBER)])
    torch.float32
    """
    levels: list[dtype | None] = [None, None, None]
    for d, level in operands:
        seen = levels[level]
        levels[level] = d if seen is None else promote(seen, d)
    result: dtype | None = None
    for candidate in reversed(levels):
        if candidate is None:
            continue
        if result is None:
            result = candidate
        elif candidate.category > result.category:
            result = _raise_category(result, candidate)
    assert result is not None, "result_dtype needs at least one operand"
    return result


def _raise_category(high: dtype, low: dtype) -> dtype:
    """Join a dtype of a higher level with one of a lower level but larger category."""
    if high.is_floating_point and low.is_complex:
        # The precision comes from the tensor that outranks: float64 with 1j gives complex128.
        return _COMPLEX_OF.get(high, complex64)
    return promote(high, low) if (high, low) in _PROMOTE else low
