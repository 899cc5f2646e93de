"""What the losses share: the ``reduction`` argument, its two deprecated forerunners, shape
warnings.

Bodies run once per program, so the warnings, which PyTorch gives at each call, are given by the
``check`` functions here.  Floor 1.
"""

import warnings
from typing import Any

import jax.numpy as jnp

from .._cascade import ordered, trailing_sum
from .._common import broadcast_shape


def reduction_of(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """Return "mean", "sum" or "none"; the deprecated arguments, where given, override
    ``reduction``.
    """
    if size_average is not None or reduce is not None:
        if reduce is False:
            return "none"
        return "sum" if size_average is False else "mean"
    if reduction == "elementwise_mean":
        return "mean"
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def reduced(loss: jnp.ndarray, reduction: str) -> jnp.ndarray:
    """Apply a ``reduction`` to the losses of all elements; the mean of none is NaN."""
    if reduction == "none":
        return loss
    sums = total(loss)
    return sums / loss.size if reduction == "mean" else sums


def total(x: jnp.ndarray) -> jnp.ndarray:
    """Sum all elements: in PyTorch's order, or, a large array, in two stages, both vectorized."""
    flat = x.reshape(-1)
    if ordered(flat, (0,)):
        return trailing_sum(flat, 1)
    block = 1024
    if flat.size > 4 * block:
        pad = -flat.size % block
        flat = jnp.pad(flat, (0, pad)).reshape(-1, block).sum(0)
    return flat.sum()


def warn_deprecated(
    size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean", **_: Any
) -> None:
    """Warn, in PyTorch's words, about the deprecated spellings of ``reduction``."""
    if size_average is not None or reduce is not None:
        instead = reduction_of(size_average, reduce, reduction)
        text = (
            f"size_average and reduce args will be deprecated, please use reduction='{instead}' "
            "instead."
        )
        warnings.warn(text, UserWarning, stacklevel=3)
    elif reduction == "elementwise_mean":
        text = "reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead."
        warnings.warn(text, UserWarning, stacklevel=3)


def warn_shapes(input: Any, target: Any, **arguments: Any) -> None:
    """Warn that ``input`` and ``target`` differ in shape, and about deprecated arguments."""
    warn_deprecated(**arguments)
    if tuple(input.shape) != tuple(target.shape):
        text = (
            f"Using a target size ({_size(target)}) that is different to the input size "
            f"({_size(input)}). "
            "This will likely lead to incorrect results due to broadcasting. "
            "Please ensure they have the same size."
        )
        warnings.warn(text, UserWarning, stacklevel=3)


def _size(x: Any) -> str:
    return f"torch.Size({list(x.shape)})"


def broadcast(*arrays: jnp.ndarray) -> list[jnp.ndarray]:
    """Broadcast arrays to their common shape, with PyTorch's error where there is none."""
    shape = broadcast_shape(*(a.shape for a in arrays))
    return [jnp.broadcast_to(a, shape) for a in arrays]
