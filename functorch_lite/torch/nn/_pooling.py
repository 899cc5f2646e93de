"""Max pooling as ``torch.nn.functional`` spells it: ``return_indices`` is an argument.

The arithmetic is in ``ops/pool_max.py``; fractional pooling and unpooling are in ``_unpooling``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _api as torch
from .._engine.override import overridable
from .._engine.register import SPACES

Tensor = torch.Tensor
_OPS = SPACES["nn.functional"]


def _max_pool(n: int, values: Callable[..., Any], both: Callable[..., Any]) -> tuple[Any, Any]:
    """Return ``max_poolNd`` and ``max_poolNd_with_indices``."""

    def with_indices(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> tuple[Tensor, Tensor]:
        return both(input, kernel_size, stride, padding, dilation, ceil_mode)

    def max_pool(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        chosen = both if return_indices else values
        return chosen(input, kernel_size, stride, padding, dilation, ceil_mode)

    name = f"max_pool{n}d"
    doc = f"Maximum over {n}-d windows; with ``return_indices`` also where each was."
    both_doc = f"Maximum over {n}-d windows, and where each was."
    return _named(max_pool, name, doc), _named(with_indices, name + "_with_indices", both_doc)


def _named(function: Callable[..., Any], name: str, doc: str) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return overridable(function)


max_pool1d, max_pool1d_with_indices = _max_pool(1, torch.max_pool1d, torch.max_pool1d_with_indices)
max_pool2d, max_pool2d_with_indices = _max_pool(
    2, torch.max_pool2d, _OPS["max_pool2d_with_indices"]
)
max_pool3d, max_pool3d_with_indices = _max_pool(
    3, torch.max_pool3d, _OPS["max_pool3d_with_indices"]
)


def _adaptive(n: int, both: Callable[..., Any]) -> tuple[Any, Any]:
    """Return ``adaptive_max_poolNd`` and ``adaptive_max_poolNd_with_indices``."""

    def with_indices(
        input: Tensor, output_size: Any, return_indices: bool = False
    ) -> tuple[Tensor, Tensor]:
        return both(input, output_size)

    def max_pool(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        values, indices = both(input, output_size)
        return (values, indices) if return_indices else values

    name = f"adaptive_max_pool{n}d"
    doc = "Maximum over windows that cover the input evenly, ``output_size`` of them."
    both_doc = f"``{name}``, and where each maximum was."
    return _named(max_pool, name, doc), _named(with_indices, name + "_with_indices", both_doc)


adaptive_max_pool1d, adaptive_max_pool1d_with_indices = _adaptive(1, torch.adaptive_max_pool1d)
adaptive_max_pool2d, adaptive_max_pool2d_with_indices = _adaptive(
    2, _OPS["adaptive_max_pool2d_with_indices"]
)
adaptive_max_pool3d, adaptive_max_pool3d_with_indices = _adaptive(
    3, _OPS["adaptive_max_pool3d_with_indices"]
)

__all__ = [
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
]
