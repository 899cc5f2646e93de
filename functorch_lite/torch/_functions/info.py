"""``torch.finfo`` and ``torch.iinfo``: the numeric limits of a dtype."""

from typing import Any

import ml_dtypes
import numpy as np

from ..._core import dtype as dt
from .._engine.dispatch import type_name


def _requested(name: str, type: Any) -> dt.dtype:
    if not isinstance(type, dt.dtype):
        raise TypeError(
            f"{name}(): argument 'type' (position 1) must be torch.dtype, not {type_name(type)}"
        )
    return type


class finfo:
    """Limits of a floating-point dtype; for a complex one, of its parts.

    Attributes:
        bits, eps, max, min, tiny, smallest_normal, resolution: as in ``numpy.finfo``.
        dtype: the dtype's name.

    >>> finfo(dt.float16).max
    65504.0
    """

    __slots__ = ("bits", "dtype", "eps", "max", "min", "resolution", "smallest_normal", "tiny")
    __module__ = "torch"

    def __init__(self, type: Any = None) -> None:
        wanted = dt.get_default_dtype() if type is None else _requested("finfo", type)
        if wanted.category < dt.FLOATING:
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle "
                "'torch.finfo'"
            )
        real = wanted.to_real()
        facts = ml_dtypes.finfo(real.np)
        self.bits = real.itemsize * 8
        self.eps = float(facts.eps)
        self.max = float(facts.max)
        self.min = float(facts.min)
        self.tiny = self.smallest_normal = float(facts.smallest_normal)
        digits = int(-np.log10(self.eps)) if self.bits > 8 else 0
        self.resolution = float(f"1e-{digits:02d}")
        self.dtype = real.name

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, "
            f"eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)


class iinfo:
    """Limits of an integer dtype.

    Attributes:
        bits, max, min: as in ``numpy.iinfo``.
        dtype: the dtype's name.
    """

    __slots__ = ("bits", "dtype", "max", "min")
    __module__ = "torch"

    def __init__(self, type: Any = None) -> None:
        if type is None:
            raise TypeError('iinfo() missing 1 required positional arguments: "type"')
        wanted = _requested("iinfo", type)
        if wanted is dt.bool_:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        if wanted.category != dt.INTEGRAL:
            raise TypeError(
                "torch.iinfo() requires an integer input type. Use torch.finfo to handle "
                "'torch.iinfo'"
            )
        facts = np.iinfo(wanted.np)
        self.bits = wanted.itemsize * 8
        self.max = int(facts.max)
        self.min = int(facts.min)
        self.dtype = wanted.name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, iinfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)
