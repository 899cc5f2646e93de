"""Unpooling and fractional max pooling under the signatures of ``torch.nn.functional``.

Here output sizes are worked out and random samples drawn; the arithmetic is in
``ops/pool_special.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _api as torch
from .._engine.override import overridable

Tensor = torch.Tensor

__all__ = [
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
]


def _spread(value: Any, n: int) -> tuple:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * n


def _output_size(
    input: Tensor, kernel: tuple, stride: tuple, padding: tuple, asked: Any
) -> tuple[int, ...]:
    """Return the size to unpool to: the one asked for, if it pools to ``input``'s, or the least."""
    n = len(kernel)
    own = input.shape[input.dim() - n :]
    least = tuple(
        (size - 1) * s + k - 2 * p
        for size, k, s, p in zip(own, kernel, stride, padding, strict=True)
    )
    if asked is None:
        found = least
    else:
        found = tuple(asked)[2:] if len(asked) == n + 2 else tuple(asked)
        if len(found) != n:
            raise ValueError(
                f"output_size should be a sequence containing {n} or {n + 2} elements, "
                f"but it has a length of '{len(found)}'"
            )
        for d, (size, middle, s) in enumerate(zip(found, least, stride, strict=True)):
            if not middle - s < size < middle + s:
                raise ValueError(
                    f'invalid output_size "{asked}" '
                    f"(dim {d} must be between {middle - s} and {middle + s})"
                )
    for d, size in enumerate(found):
        if size < 0:
            raise ValueError(
                "max_unpooling: output_size must contain non-negative spatial dimensions, "
                f"but got output_size[{d}]={size}"
            )
    return found


def _unpool(n: int, put: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return ``max_unpoolNd``."""

    def max_unpool(
        input: Tensor,
        indices: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        output_size: Any = None,
    ) -> Tensor:
        kernel, pad = _spread(kernel_size, n), _spread(padding, n)
        step = kernel if stride is None else _spread(stride, n)
        size = _output_size(input, kernel, step, pad, output_size)
        return put(input, indices, size, step, pad)

    max_unpool.__name__ = max_unpool.__qualname__ = f"max_unpool{n}d"
    max_unpool.__doc__ = (
        f"Undo ``max_pool{n}d``: zeros with ``input`` at the ``indices`` of its maxima."
    )
    return overridable(max_unpool)


def _put_line(input: Tensor, indices: Tensor, size: tuple, step: tuple, pad: tuple) -> Tensor:
    plane = torch._max_unpool2d(input.unsqueeze(-1), indices.unsqueeze(-1), (*size, 1))
    return plane.squeeze(-1)


def _put_plane(input: Tensor, indices: Tensor, size: tuple, step: tuple, pad: tuple) -> Tensor:
    return torch._max_unpool2d(input, indices, size)


max_unpool1d, max_unpool2d = _unpool(1, _put_line), _unpool(2, _put_plane)
max_unpool3d = _unpool(3, torch._max_unpool3d)


def _fractional(n: int, pool: Callable[..., Any]) -> tuple[Any, Any]:
    """Return ``fractional_max_poolNd`` and ``fractional_max_poolNd_with_indices``."""
    name = f"fractional_max_pool{n}d"

    def with_indices(
        input: Tensor,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        if output_size is None and output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
        if output_size is None:
            ratios = _spread(output_ratio, n)
            if len(ratios) > n:
                raise ValueError(
                    f"{name} requires output_ratio to either be a single Int or tuple of Ints."
                )
            output_size = tuple(int(input.size(d - n) * ratios[d]) for d in range(n))
        if _random_samples is None:
            batch = 1 if input.dim() == n + 1 else input.size(0)
            planes = input.size(-n - 1)
            _random_samples = torch.rand(batch, planes, n, dtype=input.dtype, device=input.device)
        return pool(input, kernel_size, output_size, _random_samples)

    def values(
        input: Tensor,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> Any:
        both = with_indices(
            input, kernel_size, output_size, output_ratio, return_indices, _random_samples
        )
        return both if return_indices else both[0]

    values.__name__ = values.__qualname__ = name
    values.__doc__ = "Maximum over windows of pseudo-random position, ``output_size`` of them."
    with_indices.__name__ = with_indices.__qualname__ = f"{name}_with_indices"
    with_indices.__doc__ = f"``{name}``, and where each maximum was."
    return overridable(values), overridable(with_indices)


fractional_max_pool2d, fractional_max_pool2d_with_indices = _fractional(
    2, torch._fractional_max_pool2d
)
fractional_max_pool3d, fractional_max_pool3d_with_indices = _fractional(
    3, torch._fractional_max_pool3d
)
