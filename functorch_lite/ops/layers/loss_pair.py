"""Losses that compare an input with a target element by element.

Regression (mean squared, absolute, smooth and Huber), likelihoods (binary cross entropy, Poisson,
Gaussian, Kullback-Leibler).  All take ``reduction`` "mean", "sum" or "none".
"""

import math
import warnings

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from .._common import refuse, require, widened
from .._registry import COMMON, FLOAT, Scalar, op
from ..pointwise.elementwise import absolute
from ._reduction import broadcast, reduced, reduction_of, total, warn_deprecated, warn_shapes


@op(
    "f",
    space="nn.functional",
    promote=COMMON,
    elementwise=False,
    node="MseLossBackward0",
    check=warn_shapes,
)
def mse_loss(
    input,
    target,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight=None,
):
    """Squared difference; with ``weight`` the mean divides by the total weight."""
    how = _how(size_average, reduce, reduction, weight)
    shape, (input, target) = input.shape, broadcast(input, target)
    if weight is None:
        require("mse_cpu", "f", input)
    difference = input - target
    if weight is not None:
        return _weighted(difference * difference, weight, shape, how, by_weight=True)
    return reduced(difference * difference, how)


@op(
    "f",
    space="nn.functional",
    promote=COMMON,
    elementwise=False,
    node="MeanBackward0",
    check=warn_shapes,
)
def l1_loss(
    input,
    target,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight=None,
):
    """Absolute difference; with ``weight`` the mean divides by the total weight."""
    how = _how(size_average, reduce, reduction, weight)
    shape, (input, target) = input.shape, broadcast(input, target)
    text = "Subtraction, the `-` operator, with two bool tensors is not supported. "
    refuse("b", RuntimeError(f"{text}Use the `^` or `logical_xor()` operator instead."), input)
    if weight is not None:
        return _weighted(absolute(input - target), weight, shape, how, by_weight=True)
    return _mean_of(absolute(input - target), how)


@op(
    "f",
    space="nn.functional",
    promote=COMMON,
    elementwise=False,
    node="SmoothL1LossBackward0",
    check=warn_shapes,
)
def smooth_l1_loss(
    input,
    target,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
):
    """Squared difference over ``2 * beta`` where it is below ``beta``, else absolute less ``beta /
    2``.
    """
    how = reduction_of(size_average, reduce, reduction)
    input, target = broadcast(input, target)
    if beta == 0:
        return _mean_of(absolute(input - target), how)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    require("smooth_l1_cpu", "f", input)
    size = absolute(input - target)
    return reduced(jnp.where(size < beta, 0.5 * size * size / beta, size - 0.5 * beta), how)


def _check_huber(input, target, reduction="mean", delta=1.0, weight=None):
    warn_shapes(input, target, reduction=reduction)


@op("f", space="nn.functional", node="HuberLossBackward0", check=_check_huber)
def huber_loss(input, target, reduction: str = "mean", delta: float = 1.0, weight=None):
    """Half the squared difference below ``delta``, else ``delta * (absolute - delta / 2)``."""
    how = _how(None, None, reduction, weight)
    shape, own = input.shape, input.dtype
    common = dt.promote(dt.from_np(input.dtype), dt.from_np(target.dtype))
    wide = jnp.float32 if common in dt.REDUCED_FLOATS else common.np
    input, target = broadcast(input.astype(wide), target.astype(wide))
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    require("huber_cpu", "f", input)
    size = absolute(input - target)
    losses = jnp.where(size <= delta, 0.5 * size * size, delta * (size - 0.5 * delta))
    if weight is not None:
        return _weighted(losses, weight, shape, how, by_weight=False).astype(own)
    return reduced(losses, how).astype(own)


def _check_probabilities(input, target, weight=None, **arguments):
    """Raise for an input or target outside [0, 1]; a NaN is outside."""
    warn_deprecated(**arguments)
    for name, values in (("input", input), ("target", target)):
        values = np.asarray(values)
        if not np.all((values >= 0) & (values <= 1)):
            raise RuntimeError(f"all elements of {name} should be between 0 and 1")


@op("f", space="nn.functional", node="BinaryCrossEntropyBackward0", check=_check_probabilities)
def binary_cross_entropy(
    input,
    target,
    weight=None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
):
    """``-(t log x + (1 - t) log(1 - x))`` with logarithms clamped at -100, weighted by element."""
    how = reduction_of(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise ValueError(
            f"Using a target size (torch.Size({list(target.shape)})) that is different to the "
            "input size "
            f"(torch.Size({list(input.shape)})) is deprecated. Please ensure they have the same "
            "size."
        )
    _check_expandable(input, weight)
    for other in (target, weight):
        if other is not None and other.dtype != input.dtype:
            names = [dt.scalar_name(dt.from_np(x.dtype)) for x in (other, input)]
            raise RuntimeError(f"Found dtype {names[0]} but expected {names[1]}")
    require("binary_cross_entropy", "f", input)
    losses = _bce(widened(input), widened(target))
    if weight is not None:
        losses = losses * widened(weight)
    return reduced(losses, how).astype(input.dtype)


@jax.custom_jvp
def _bce(x, t):
    return (t - 1) * jnp.maximum(jnp.log1p(-x), -100) - t * jnp.maximum(jnp.log(x), -100)


@_bce.defjvp
def _bce_jvp(primals, tangents):
    (x, t), (dx, dt_) = primals, tangents
    slope = (x - t) / jnp.maximum((1 - x) * x, 1e-12)
    return _bce(x, t), slope * dx + (jnp.log1p(-x) - jnp.log(x)) * dt_


def _check_logits(input, target, weight=None, pos_weight=None, **arguments):
    warn_deprecated(**arguments)


@op(
    "f",
    space="nn.functional",
    promote=COMMON,
    elementwise=False,
    node="BinaryCrossEntropyWithLogitsBackward0",
    check=_check_logits,
)
def binary_cross_entropy_with_logits(
    input,
    target,
    weight=None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight=None,
):
    """Binary cross entropy of ``sigmoid(input)``, computed stably; ``pos_weight`` scales
    positives.
    """
    how = reduction_of(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise ValueError(
            f"Target size (torch.Size({list(target.shape)})) must be the same as input size "
            f"(torch.Size({list(input.shape)}))"
        )
    require("log_sigmoid_cpu", "f", input)
    positive = 1 if pos_weight is None else 1 + (broadcast(pos_weight, target)[0] - 1) * target
    losses = (1 - target) * input + positive * jax.nn.softplus(-input)
    if weight is not None:
        losses, weight = broadcast(losses, weight)
        losses = losses * weight
    return reduced(losses, how)


_KL_MEAN = (
    "reduction: 'mean' divides the total loss by both the batch size and the support size."
    "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
    "'mean' will be changed to behave the same as 'batchmean' in the next major release."
)


def _check_kl(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    if reduction == "mean" and size_average is None and reduce is None:
        warnings.warn(_KL_MEAN, UserWarning, stacklevel=3)
    warn_deprecated(size_average, reduce, reduction)


@op(
    "f",
    space="nn.functional",
    promote=COMMON,
    elementwise=False,
    node="MeanBackward0",
    check=_check_kl,
)
def kl_div(
    input,
    target,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
):
    """``t (log t - x)`` for log probabilities ``x``; "batchmean" divides the sum by the first
    dim.
    """
    batch = reduction == "batchmean" and size_average is None and reduce is None
    how = "sum" if batch else reduction_of(size_average, reduce, reduction)
    refuse("bi", RuntimeError("kl_div: Integral inputs not supported."), input, target)
    rows = input.shape[0] if input.ndim else 1
    target, input = broadcast(target, input)
    if log_target:
        losses = jnp.exp(target) * (target - input)
    else:
        losses = jax.scipy.special.xlogy(target, target) - target * input
    loss = reduced(losses, how)
    return loss / rows if batch else loss


def _check_poisson(input, target, log_input=True, full=False, eps=1e-8, **arguments):
    warn_deprecated(**arguments)


@op(
    "f",
    space="nn.functional",
    promote=FLOAT,
    elementwise=False,
    node="MeanBackward0",
    check=_check_poisson,
)
def poisson_nll_loss(
    input,
    target,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: Scalar = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
):
    """``exp(x) - t x``, or ``x - t log(x + eps)`` for a rate; ``full`` adds Stirling's term."""
    how = reduction_of(size_average, reduce, reduction)
    input, target = broadcast(input, target)
    losses = jnp.exp(input) - target * input if log_input else input - target * jnp.log(input + eps)
    if full:
        stirling = target * jnp.log(target) - target + 0.5 * jnp.log(2 * math.pi * target)
        losses = losses + jnp.where(target <= 1, 0, stirling)
    return reduced(losses, how)


def _check_variance(input, target, var, **_):
    if np.any(np.asarray(var) < 0):
        raise ValueError("var has negative entry/entries")


@op("f", space="nn.functional", node="MeanBackward0", check=_check_variance, numbers="var")
def gaussian_nll_loss(
    input, target, var, full: bool = False, eps: Scalar = 1e-6, reduction: str = "mean"
):
    """``(log v + (x - t)^2 / v) / 2`` with the variance ``v`` clamped from below at ``eps``."""
    var = _variance(input, var)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    out = input.dtype
    x, t, v = broadcast(widened(input), widened(target), widened(var))
    # The clamp is not part of the gradient: it passes through unchanged.
    v = v + jax.lax.stop_gradient(jnp.maximum(v, eps) - v)
    losses = 0.5 * (jnp.log(v) + (x - t) ** 2 / v)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduced(losses, reduction).astype(
        jnp.promote_types(out, losses.dtype) if out == x.dtype else out
    )


def _variance(input, var):
    if getattr(var, "weak_type", False) or isinstance(var, (int, float)):
        return jnp.full(input.shape, var, input.dtype)
    if var.shape == input.shape:
        return var
    if input.shape[:-1] == var.shape:
        return var[..., None]
    unequal = [v for n, v in zip(input.shape, var.shape, strict=False) if n != v]
    if input.ndim == var.ndim and sum(unequal) == 1:
        return var
    raise ValueError("var is of incorrect size")


def _how(size_average, reduce, reduction, weight):
    if weight is not None and reduction not in ("none", "mean", "sum"):
        raise ValueError(
            f"Invalid reduction mode: {reduction}. Expected one of 'none', 'mean', 'sum'."
        )
    return reduction_of(size_average, reduce, reduction)


def _weighted(losses, weight, shape, how, by_weight):
    if weight.shape != shape:
        raise ValueError("Weights and input must have the same size.")
    losses = losses * weight
    if how == "mean" and by_weight:
        return total(losses) / total(weight)
    return reduced(losses, how)


def _mean_of(losses, how):
    """Reduce as ``Tensor.mean`` does, which refuses integers."""
    if how == "mean" and not jnp.issubdtype(losses.dtype, jnp.inexact):
        name = dt.scalar_name(dt.from_np(losses.dtype))
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or "
            "complex "
            f"dtype. Got: {name}"
        )
    return reduced(losses, how)


def _check_expandable(input, weight):
    if weight is None:
        return
    for back, (have, want) in enumerate(
        zip(weight.shape[::-1], input.shape[::-1], strict=False), 1
    ):
        if have not in (1, want):
            raise RuntimeError(
                f"Attempting to broadcast a dimension of length {have} at -{back}! Mismatching "
                "argument at "
                f"index 1 had torch.Size({list(weight.shape)}); but expected shape should be "
                "broadcastable "
                f"to {list(input.shape)}"
            )
