"""Losses over classes: cross entropy and negative log likelihood.

The class dim is dim 1 (dim 0 of a single sample).  A class is picked by comparing with the class
numbers, not by a gather, so that the backward is a select and never a scatter.  An out-of-range
target is an IndexError when called eagerly; inside a trace it contributes like an ignored one.
"""

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from .._common import require, widened
from .._registry import op
from ._reduction import reduction_of, total, warn_deprecated
from ._sums import row_sum


def _check_targets(input, target, weight=None, ignore_index=-100, **arguments):
    """Raise IndexError for the first target that is no class."""
    if target.dtype not in (jnp.int64, jnp.uint8) or not target.size:
        warn_deprecated(**arguments)
        return
    classes = input.shape[0 if input.ndim == 1 else 1]
    values = np.asarray(target).reshape(-1)
    wrong = ((values < 0) | (values >= classes)) & (values != ignore_index)
    if wrong.any():
        raise IndexError(f"Target {values[wrong.argmax()]} is out of bounds.")
    warn_deprecated(**arguments)


@op("f", space="nn.functional", node="NllLossBackward0", check=_check_targets)
def cross_entropy(
    input,
    target,
    weight=None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
):
    """Cross entropy of logits (N, C, *) with class indices (N, *) or class probabilities (N, C, *).

    With indices "mean" divides by the total weight of the targets that are not ``ignore_index``.
    ``label_smoothing`` mixes each target with the uniform distribution.
    """
    how = reduction_of(size_average, reduce, reduction)
    _check_cross_entropy(input, target, weight, ignore_index, label_smoothing)
    axis = 0 if input.ndim == 1 else 1
    x = widened(input)
    if target.shape == input.shape:
        result = dt.promote(dt.from_np(input.dtype), dt.from_np(target.dtype)).np
        target = _smoothed(widened(target), label_smoothing, input.shape[axis])
        losses = _log_softmax(x, axis) * target
        if weight is not None:
            losses = losses * _along(weight, axis, x.ndim)
        losses = -losses.sum(axis)
        count = input.size // input.shape[axis] if input.shape[axis] else 0
        return _finish(losses, how, count).astype(result)
    logs = _log_softmax(x, axis)
    loss = _nll(logs, target, weight, ignore_index, how)
    if label_smoothing > 0:
        smooth = _smooth_part(logs, target, weight, ignore_index, axis, how)
        loss = (1 - label_smoothing) * loss + label_smoothing / input.shape[axis] * smooth
    return loss.astype(input.dtype)


@op("f", space="nn.functional", node="NllLossBackward0", check=_check_targets)
def nll_loss(
    input,
    target,
    weight=None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
):
    """Minus the log probability (N, C, *) of the target class (N, *), weighted by class."""
    how = reduction_of(size_average, reduce, reduction)
    _check_nll(input, target, weight)
    require("nll_loss_out_frame", "f", input)
    return _nll(widened(input), target, weight, ignore_index, how).astype(input.dtype)


def _nll(logs, target, weight, ignore_index, how):
    axis = 0 if logs.ndim == 1 else 1
    single = logs.ndim == 1
    if single:
        target = target.reshape(())
    hit = jnp.expand_dims(target, axis) == _along(
        jnp.arange(logs.shape[axis], dtype=target.dtype), axis, logs.ndim
    )
    valid = target != ignore_index
    picked = -_class_sum(jnp.where(hit, logs, 0), axis)
    weights = valid.astype(logs.dtype)
    if weight is not None:
        of_class = jnp.broadcast_to(_along(widened(weight), axis, logs.ndim), logs.shape)
        weights = weights * _class_sum(jnp.where(hit, of_class, 0), axis)
    losses = jnp.where(valid, picked * weights, 0)
    if how == "none":
        return losses
    if how == "sum":
        return total(losses)
    return total(losses) / (target.size if weight is None and target.size == 0 else total(weights))


def _smooth_part(logs, target, weight, ignore_index, axis, how):
    """Sum over classes of minus the (weighted) log probabilities, reduced as the loss is."""
    valid = (target.reshape(()) if logs.ndim == 1 else target) != ignore_index
    scaled = logs if weight is None else logs * _along(widened(weight), axis, logs.ndim)
    losses = jnp.where(valid, -_class_sum(scaled, axis), 0)
    if how != "mean":
        return _finish(losses, how, 1)
    weights = valid.astype(logs.dtype)
    if weight is not None:
        classes = _along(jnp.arange(logs.shape[axis], dtype=target.dtype), axis, logs.ndim)
        hit = jnp.expand_dims(target.reshape(valid.shape), axis) == classes
        of_class = jnp.broadcast_to(_along(widened(weight), axis, logs.ndim), logs.shape)
        weights = weights * _class_sum(jnp.where(hit, of_class, 0), axis)
    return total(losses) / total(weights)


def _finish(losses, how, count):
    if how == "none":
        return losses
    return total(losses) / count if how == "mean" else total(losses)


def _smoothed(target, label_smoothing, classes):
    if label_smoothing > 0:
        return target * (1 - label_smoothing) + label_smoothing / classes
    return target


def _log_softmax(x, axis):
    require("log_softmax_lastdim_kernel_impl", "f", x)
    if x.size == 0:
        return x
    shifted = x - jax.lax.stop_gradient(x.max(axis, keepdims=True))
    exps = jnp.exp(shifted)
    sums = row_sum(exps) if axis == x.ndim - 1 else exps.sum(axis, keepdims=True)
    return shifted - jnp.log(sums)


def _class_sum(x, axis):
    return row_sum(x)[..., 0] if axis == x.ndim - 1 else x.sum(axis)


def _along(vector, axis, ndim):
    """Shape (C,) so that it lies along ``axis`` of ``ndim`` dims."""
    return vector.reshape(-1, *(1,) * (ndim - 1 - axis))


# The checks, in PyTorch's words.


def _check_cross_entropy(input, target, weight, ignore_index, label_smoothing):
    if target.shape == input.shape:
        if not jnp.issubdtype(target.dtype, jnp.floating):
            name = dt.scalar_name(dt.from_np(target.dtype))
            raise RuntimeError(
                f"Expected floating point type for target with class probabilities, got {name}"
            )
        if ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
    if input.ndim == 0:
        raise IndexError("Dimension out of range (expected to be in range of [-1, 0], but got 1)")
    classes = input.shape[0 if input.ndim == 1 else 1]
    if target.shape == input.shape:
        if weight is not None and weight.shape != (classes,):
            raise RuntimeError(f"cross_entropy: {_weight_text(classes, weight)}")
    else:
        require("log_softmax_lastdim_kernel_impl", "f", input)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if target.shape != input.shape:
        _check_nll(input, target, weight)


def _check_nll(input, target, weight):
    if input.ndim < 1:
        raise ValueError(f"Expected 1 or more dimensions (got {input.ndim})")
    if input.ndim != 1 and (input.shape[:1] != target.shape[:1]):
        got = target.shape[0] if target.ndim else 0
        raise ValueError(
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({got})."
        )
    if input.ndim <= 2:
        if target.ndim > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    elif input.ndim == 4:
        if target.ndim != 3:
            raise RuntimeError(
                "only batches of spatial targets supported (3D tensors) but got targets of "
                f"dimension: {target.ndim}"
            )
        if input.shape[2:] != target.shape[1:]:
            raise RuntimeError(
                f"size mismatch (got input: {list(input.shape)} , target: {list(target.shape)}"
            )
    elif input.shape[2:] != target.shape[1:]:
        wanted = [input.shape[0], *input.shape[2:]]
        raise RuntimeError(f"Expected target size {wanted}, got {list(target.shape)}")
    if target.dtype not in (jnp.int64, jnp.uint8):
        name = dt.scalar_name(dt.from_np(target.dtype))
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {name}")
    classes = input.shape[0 if input.ndim == 1 else 1]
    if weight is not None and weight.shape != (classes,):
        raise RuntimeError(_weight_text(classes, weight))
    if weight is not None and weight.dtype != input.dtype:
        names = [dt.scalar_name(dt.from_np(x.dtype)) for x in (input, weight)]
        raise RuntimeError(f"expected scalar type {names[0]} but found {names[1]}")


def _weight_text(classes, weight):
    return (
        f"weight tensor should be defined either for all {classes} classes or no classes "
        f"but got weight tensor of shape: {list(weight.shape)}"
    )
