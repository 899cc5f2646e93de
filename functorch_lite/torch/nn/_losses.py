"""Losses that take a function, or that are made of two ops."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from .. import _api as torch
from .._engine.override import overridable
from .._engine.register import SPACES

__all__ = ["ctc_loss", "linear_cross_entropy", "triplet_margin_with_distance_loss"]

Tensor = torch.Tensor
_F = SPACES["nn.functional"]


@overridable
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Return the connectionist temporal classification loss; lengths may be lists of ints."""
    lengths = (
        torch.tensor(n, dtype=torch.long) if isinstance(n, (list, tuple)) else n
        for n in (input_lengths, target_lengths)
    )
    return _F["ctc_loss"](log_probs, targets, *lengths, blank, reduction, zero_infinity)


@overridable
def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """Return ``max(margin + d(anchor, positive) - d(anchor, negative), 0)``, reduced.

    ``distance_function`` is Euclidean by default.  With ``swap`` the smaller of
    d(anchor, negative) and d(positive, negative) counts.
    """
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {anchor.ndim}D, positive {positive.ndim}D, and negative "
            f"{negative.ndim}D inputs"
        )
    distance = distance_function or torch.pairwise_distance
    near: Any
    far: Any
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = torch.minimum(far, distance(positive, negative))
    loss = torch.clamp_min(near - far + margin, 0)
    return {"sum": torch.sum, "mean": torch.mean}.get(reduction, lambda x: x)(loss)


@overridable
def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """Return the cross entropy of ``linear(input, linear_weight, linear_bias)`` and ``target``.

    ``options`` chunk PyTorch's computation to save memory; XLA fuses as it sees fit, so they are
    not taken.
    """
    if options is not None:
        warnings.warn(
            "linear_cross_entropy: ``options`` ignored; XLA decides on chunks.", stacklevel=3
        )
    _check_linear(input, linear_weight, linear_bias)
    classes, more = linear_weight.shape[0], linear_weight.shape[1:-1]
    shape = (*input.shape[:-1], classes, *more)
    if target.shape == shape and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    if more:
        rows = math.prod(more, start=classes)
        linear_weight = linear_weight.reshape(rows, input.shape[-1])
        linear_bias = linear_bias if linear_bias is None else linear_bias.reshape(rows)
    logits = _F["linear"](input, linear_weight, linear_bias).reshape(shape)
    return _F["cross_entropy"](
        logits,
        target,
        weight=weight,
        reduction=reduction,
        ignore_index=-100 if ignore_index is None else ignore_index,
        label_smoothing=label_smoothing,
    )


def _check_linear(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    if not 1 <= input.dim() <= 2:
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}")
    if weight.dim() < 2:
        raise RuntimeError(
            f"expected linear_weight with dimensionality at least 2, got {weight.dim()}"
        )
    if input.shape[-1] != weight.shape[-1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), "
            f"got {input.shape[-1]} and {weight.shape[-1]}, respectively"
        )
    wanted = (weight.shape[0], *weight.shape[1:-1])
    if bias is not None and tuple(bias.shape) != wanted:
        raise RuntimeError(f"expected linear_bias shape {wanted}, got {tuple(bias.shape)}")
    if weight.dim() > 2 and input.dim() == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(weight.shape)} requires "
            "batched "
            f"input, (N, {input.shape[-1]}), got unbatched input with shape {tuple(input.shape)}"
        )
