"""``torch.nn.functional``: the declared ops of that namespace, and what is composed of them.

The ops themselves are pure functions in ``functorch_lite/ops``.  Written out here is only what is
not pure: random masks, running statistics that are updated in place, renormalised embeddings.
"""

import math
import warnings
from typing import Any

from .. import _api as torch
from .._register import SPACES
from .._random import draw, wrap
from ._pooling import *  # noqa: F403

_OPS = SPACES["nn.functional"]
globals().update({name: function for name, function in _OPS.items() if name not in globals()})
Tensor = torch.Tensor


# --- dropout -------------------------------------------------------------------------------------------


def _check_probability(p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _keep_mask(input: Tensor, shape: Any, p: float) -> Tensor:
    """Return ones with probability 1 - p, drawn as PyTorch draws them, in the dtype of ``input``."""
    return wrap(draw(None, "bernoulli", tuple(shape), input.dtype, 1 - p), input.device)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero each element with probability ``p`` and scale the others by 1 / (1 - p)."""
    _check_probability(p)
    if not training or p == 0.0 or input.numel() == 0:
        return input if inplace else _same(input)
    if p == 1.0:
        return input.mul_(torch.zeros_like(input)) if inplace else input * torch.zeros_like(input)
    mask = _keep_mask(input, input.shape, p).div_(1 - p)
    return input.mul_(mask) if inplace else input * mask


def _same(input: Tensor) -> Tensor:
    return input


def _feature_dropout(input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    """Zero whole channels (the first two dims name them)."""
    if not training or p == 0.0 or input.numel() == 0:
        return input
    shape = [*input.shape[:2], *(1 for _ in input.shape[2:])]
    if p == 1.0:
        mask = torch.zeros(shape, dtype=input.dtype)
    else:
        mask = _keep_mask(input, shape, p).div_(1 - p)
    return input.mul_(mask) if inplace else input * mask


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero whole channels of (N, C, L) or (C, L)."""
    _check_probability(p)
    rank = input.dim()
    if rank not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {rank}D input. Note that dropout1d exists to provide "
            "channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch "
            "dimension (i.e. 2D or 3D inputs)."
        )
    if rank == 3:
        return _feature_dropout(input, p, training, inplace)
    return _unbatched(input, p, training, inplace)


def _unbatched(input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    batched = input.unsqueeze_(0) if inplace and hasattr(input, "unsqueeze_") else input.unsqueeze(0)
    return _feature_dropout(batched, p, training, inplace).squeeze(0)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero whole channels of (N, C, H, W) or (C, H, W)."""
    _check_probability(p)
    rank = input.dim()
    if rank not in (3, 4):
        warnings.warn(
            f"dropout2d: Received a {rank}-D input to dropout2d, which is deprecated and will result in an error in a "
            "future release. To retain the behavior and silence this warning, please use dropout instead. Note that "
            "dropout2d exists to provide channel-wise dropout on inputs with 2 spatial dimensions, a channel "
            "dimension, and an optional batch dimension (i.e. 3D or 4D inputs).",
            stacklevel=2,
        )
    if rank == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired "
            "- input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a "
            "future release to interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain "
            "the 1D channel-wise dropout behavior, please switch to using dropout1d instead.",
            stacklevel=2,
        )
    return _feature_dropout(input, p, training, inplace)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero whole channels of (N, C, D, H, W) or (C, D, H, W)."""
    _check_probability(p)
    rank = input.dim()
    if rank not in (4, 5):
        warnings.warn(
            f"dropout3d: Received a {rank}-D input to dropout3d, which is deprecated and will result in an error in a "
            "future release. To retain the behavior and silence this warning, please use dropout instead. Note that "
            "dropout3d exists to provide channel-wise dropout on inputs with 3 spatial dimensions, a channel "
            "dimension, and an optional batch dimension (i.e. 4D or 5D inputs).",
            stacklevel=2,
        )
    if rank == 4:
        return _unbatched(input, p, training, inplace)
    return _feature_dropout(input, p, training, inplace)


_ALPHA = 1.7580993408473766


def _alpha(input: Tensor, shape: Any, p: float, training: bool, inplace: bool) -> Tensor:
    if not training or p == 0.0 or input.numel() == 0:
        return input
    if p == 1.0:
        return input.mul_(torch.zeros_like(input)) if inplace else input * torch.zeros_like(input)
    mask = _keep_mask(input, shape, p)
    scale = 1.0 / math.sqrt((_ALPHA * _ALPHA * p + 1) * (1 - p))
    shift = (mask - 1).mul_(_ALPHA * scale).add_(_ALPHA * scale * p)
    mask = mask.mul_(scale)
    return input.mul_(mask).add_(shift) if inplace else input * mask + shift


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout that keeps the mean and variance of self-normalising networks (SELU)."""
    _check_probability(p)
    return _alpha(input, input.shape, p, training, inplace)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """``alpha_dropout`` of whole channels."""
    _check_probability(p)
    return _alpha(input, [*input.shape[:2], *(1 for _ in input.shape[2:])], p, training, inplace)


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """Leaky ReLU whose slope is random in training and the mean of the bounds otherwise."""
    if not training:
        slope = (lower + upper) / 2
        return _OPS["leaky_relu"](input, slope, inplace)
    noise = wrap(draw(None, "rrelu_noise", tuple(input.shape), input.dtype, input.detach().numpy(), lower, upper))
    return input.mul_(noise) if inplace else input * noise


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """Sample from the Gumbel-softmax distribution; ``hard`` gives one-hot rows with soft gradients."""
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    gumbels = -torch.empty_like(logits).exponential_().log()
    soft = ((logits + gumbels) / tau).softmax(dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    one_hot = torch.zeros_like(logits).scatter_(dim, index, 1.0)
    return one_hot - soft.detach() + soft


# --- statistics that are kept ------------------------------------------------------------------------------


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel over the batch; in training the running statistics are updated in place."""
    if training:
        _check_batch(input.shape)
    output, mean, variance = torch._native_batch_norm(
        input, running_mean, running_var, weight, bias, training, momentum, eps
    )
    if training:
        _keep(running_mean, mean)
        _keep(running_var, variance)
    return output


def _check_batch(size: Any) -> None:
    count = size[0]
    for n in size[2:]:
        count *= n
    if count == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {size}")


def _keep(statistic: Tensor | None, new: Tensor) -> None:
    if statistic is not None:
        with torch.no_grad():
            statistic.copy_(new)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel of each sample; the running statistics are averaged over the batch."""
    if use_input_stats:
        spatial = 1
        for n in input.shape[2:]:
            spatial *= n
        if spatial == 1:
            raise ValueError(
                f"Expected more than 1 spatial element when training, got input size {input.shape}"
            )
    output, mean, variance = torch._native_instance_norm(
        input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps
    )
    if use_input_stats:
        _keep(running_mean, mean)
        _keep(running_var, variance)
    return output


# --- embeddings --------------------------------------------------------------------------------------------


def _renormalise(weight: Tensor, input: Tensor, max_norm: float, norm_type: float) -> None:
    """Scale the rows that ``input`` names down to ``max_norm``, in place."""
    with torch.no_grad():
        rows = input.reshape(-1).unique()
        chosen = weight[rows]
        norms = chosen.norm(norm_type, 1, True)
        weight[rows] = torch.where(norms > max_norm, chosen * (max_norm / (norms + 1e-7)), chosen)


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Return the rows of ``weight`` (V, D) that ``input`` (*) names: (*, D)."""
    if sparse:
        raise NotImplementedError("functorch_lite does not support sparse gradients; use sparse=False.")
    if padding_idx is not None:
        if padding_idx > 0 and padding_idx >= weight.size(0):
            raise AssertionError("Padding_idx must be within num_embeddings")
        if padding_idx < 0:
            if padding_idx < -weight.size(0):
                raise AssertionError("Padding_idx must be within num_embeddings")
            padding_idx += weight.size(0)
    if max_norm is not None:
        _renormalise(weight, input, max_norm, norm_type)
    return torch._embedding(input, weight, -1 if padding_idx is None else padding_idx, scale_grad_by_freq)
