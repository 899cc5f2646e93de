"""Dropout and other random activations under the signatures of ``torch.nn.functional``."""

from __future__ import annotations

import warnings
from typing import Any

from .. import _api as torch
from .._engine.override import overridable

__all__ = [
    "alpha_dropout",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
    "gumbel_softmax",
    "rrelu",
    "rrelu_",
]

Tensor = torch.Tensor
rrelu_ = torch.rrelu_


def _check_probability(p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


@overridable
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero each element with probability ``p`` and scale the others by 1 / (1 - p)."""
    _check_probability(p)
    return (torch.dropout_ if inplace else torch.dropout)(input, p, training)


@overridable
def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Dropout that keeps the mean and variance of self-normalising networks (SELU)."""
    _check_probability(p)
    return (torch.alpha_dropout_ if inplace else torch.alpha_dropout)(input, p, training)


@overridable
def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """``alpha_dropout`` of whole channels."""
    _check_probability(p)
    drop = torch.feature_alpha_dropout_ if inplace else torch.feature_alpha_dropout
    return drop(input, p, training)


# --- whole channels ------------------------------------------------------------------------------


def _feature_dropout(input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    return (torch.feature_dropout_ if inplace else torch.feature_dropout)(input, p, training)


def _ranks(n: int) -> str:
    """Return the middle of the messages about ranks of ``dropoutNd``."""
    return (
        f"Note that dropout{n}d exists to provide channel-wise dropout on inputs with {n} spatial "
        f"dimension{'s' if n > 1 else ''}, a channel dimension, and an optional batch dimension "
        f"(i.e. {n + 1}D or {n + 2}D inputs)."
    )


def _warn_of_rank(n: int, rank: int) -> None:
    if rank not in (n + 1, n + 2):
        warnings.warn(
            f"dropout{n}d: Received a {rank}-D input to dropout{n}d, which is deprecated and will "
            "result in "
            "an error in a future release. To retain the behavior and silence this warning, please "
            "use "
            "dropout instead. " + _ranks(n),
            stacklevel=4,
        )


def _unbatched(input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    batched = input.unsqueeze_(0) if inplace else input.unsqueeze(0)
    result = _feature_dropout(batched, p, training, inplace)
    return result.squeeze_(0) if inplace else result.squeeze(0)


@overridable
def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Zero whole channels of (N, C, L) or (C, L)."""
    _check_probability(p)
    rank = input.dim()
    if rank not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {rank}D input. " + _ranks(1)
        )
    drop = _unbatched if rank == 2 else _feature_dropout
    return drop(input, p, training, inplace)


@overridable
def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Zero whole channels of (N, C, H, W); a 3-d input is taken as (N, C, L), with a warning."""
    _check_probability(p)
    _warn_of_rank(2, input.dim())
    if input.dim() == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout "
            "behavior "
            "is desired - input is interpreted as shape (N, C, L), where C is the channel dim. "
            "This behavior "
            "will change in a future release to interpret the input as one without a batch "
            "dimension, i.e. "
            "shape (C, H, W). To maintain the 1D channel-wise dropout behavior, please switch to "
            "using "
            "dropout1d instead.",
            stacklevel=3,
        )
    return _feature_dropout(input, p, training, inplace)


@overridable
def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Zero whole channels of (N, C, D, H, W) or (C, D, H, W)."""
    _check_probability(p)
    _warn_of_rank(3, input.dim())
    drop = _unbatched if input.dim() == 4 else _feature_dropout
    return drop(input, p, training, inplace)


# --- random activations --------------------------------------------------------------------------


@overridable
def rrelu(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """Leaky ReLU whose slope is random in training and the mean of the bounds otherwise."""
    return (torch.rrelu_ if inplace else torch.rrelu)(input, lower, upper, training)


@overridable
def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """Sample from the Gumbel-softmax distribution; ``hard`` gives one-hot rows with soft
    gradients.
    """
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=3)
    gumbels: Any = -torch.empty_like(logits).exponential_().log()
    soft = ((logits + gumbels) / tau).softmax(dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    one_hot = torch.zeros_like(logits).scatter_(dim, index, 1.0)
    return one_hot - soft.detach() + soft
