"""Losses with a margin: embeddings, rankings, hinges, multi-class and multi-label margins,
triplets.

A hinge passes gradient 1 at its kink where PyTorch clamps, and 0 where its kernel asks ``> 0``.
"""

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from .._common import require
from .._registry import COMMON, FLOAT, Scalar, op
from ._reduction import broadcast, reduced, reduction_of, warn_deprecated
from .similarity import distance


def _check(size_average=None, reduce=None, reduction="mean", **_):
    reduction_of(size_average, reduce, reduction)
    warn_deprecated(size_average, reduce, reduction)


def _warn(size_average=None, reduce=None, reduction="mean", **_):
    warn_deprecated(size_average, reduce, reduction)


@op(
    "f",
    space="nn.functional",
    promote=FLOAT.of("input1", "input2"),
    elementwise=False,
    node="MeanBackward0",
    check=_check,
)
def cosine_embedding_loss(
    input1,
    input2,
    target,
    margin: Scalar = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
):
    """``1 - cos`` of the rows where ``target`` is 1, ``max(0, cos - margin)`` where it is -1."""
    how = reduction_of(size_average, reduce, reduction)
    ndim = target.ndim
    if ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if input1.ndim != ndim + 1 or input2.ndim != ndim + 1:
        raise RuntimeError(
            f"{ndim}D target tensor expects {ndim + 1}D input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and {list(input2.shape)}."
        )
    input1, input2 = broadcast(input1, input2)
    tiny = 1e-12
    size1, size2 = ((x * x).sum(-1) + tiny for x in (input1, input2))
    cosine = (input1 * input2).sum(-1) / jnp.sqrt(size1 * size2)
    cosine, target = broadcast(cosine, target)
    losses = jnp.where(target == 1, 1 - cosine, 0) + jnp.where(
        target == -1, _clamp(cosine - margin), 0
    )
    return reduced(losses, how)


@op(
    "f", space="nn.functional", promote=FLOAT, elementwise=False, node="MeanBackward0", check=_check
)
def margin_ranking_loss(
    input1,
    input2,
    target,
    margin: Scalar = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
):
    """``max(0, margin - target * (input1 - input2))``: ``target`` 1 ranks the first above."""
    how = reduction_of(size_average, reduce, reduction)
    if not input1.ndim == input2.ndim == target.ndim:
        sizes = [f"torch.Size({list(x.shape)})" for x in (input1, input2, target)]
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {sizes[0]}, input2: {sizes[1]}, target: {sizes[2]} "
        )
    input1, input2 = broadcast(input1, input2)
    target, difference = broadcast(target, input1 - input2)
    return reduced(_clamp(margin - target * difference), how)


@op(
    "f",
    space="nn.functional",
    promote=FLOAT.of("input"),
    elementwise=False,
    node="MeanBackward0",
    check=_check,
)
def hinge_embedding_loss(
    input,
    target,
    margin: Scalar = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
):
    """``input`` where ``target`` is 1, ``max(0, margin - input)`` where it is -1, both summed
    elsewhere.
    """
    how = reduction_of(size_average, reduce, reduction)
    target, input = broadcast(target, input)
    losses = jnp.where(target != 1, _clamp(margin - input), 0) + jnp.where(target != -1, input, 0)
    return reduced(losses, how)


@op(
    "f",
    space="nn.functional",
    promote=COMMON,
    elementwise=False,
    node="SoftMarginLossBackward0",
    check=_check,
)
def soft_margin_loss(
    input,
    target,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
):
    """``log(1 + exp(-target * input))``."""
    how = reduction_of(size_average, reduce, reduction)
    input, target = broadcast(input, target)
    return reduced(jax.nn.softplus(-target * input), how)


def _check_classes(input, target, p=1, weight=None, **arguments):
    _check(**arguments)
    _check_multi_margin(input, target, p, weight)
    classes, values = input.shape[-1] if input.ndim else 1, np.asarray(target)
    if np.any((values < 0) | (values >= classes)):
        raise RuntimeError("target out of range")


@op("f", space="nn.functional", node="MultiMarginLossBackward0", check=_check_classes)
def multi_margin_loss(
    input,
    target,
    p: int = 1,
    margin: Scalar = 1.0,
    weight=None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
):
    """Mean over the other classes of ``max(0, margin - x[target] + x[class]) ** p``: (N, C) with
    (N,).
    """
    how = reduction_of(size_average, reduce, reduction)
    _check_multi_margin(input, target, p, weight)
    rows = input.reshape(-1, input.shape[-1] if input.ndim else 1)
    hit = target.reshape(-1, 1) == jnp.arange(rows.shape[1])
    own = jnp.where(hit, rows, 0).sum(1, keepdims=True)
    gaps = jax.nn.relu(margin - own + rows) ** p
    if weight is not None:
        gaps = gaps * jnp.where(hit, weight, 0).sum(1, keepdims=True)
    losses = jnp.where(hit, 0, gaps).sum(1) / rows.shape[1]
    return reduced(losses if target.ndim else losses[0], how)


def _check_labels(input, target, **arguments):
    _check(**arguments)
    _check_label_shapes(input, target)
    classes, values = input.shape[-1] if input.ndim else 1, np.asarray(target)
    if np.any((values < -1) | (values >= classes)):
        raise RuntimeError("argument #2 'target' is out of range")


@op("f", space="nn.functional", node="MultilabelMarginLossBackward0", check=_check_labels)
def multilabel_margin_loss(
    input,
    target,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
):
    """Sum over labels and non-labels of ``max(0, 1 - x[label] + x[other]) / C``.

    A row of ``target`` lists labels up to the first -1.
    """
    how = reduction_of(size_average, reduce, reduction)
    _check_label_shapes(input, target)
    require("multilabel_margin_loss_forward_out_frame", "f", input)
    classes = input.shape[-1] if input.ndim else 1
    rows, labels = input.reshape(-1, classes), target.reshape(-1, classes)
    valid = jnp.cumsum(labels < 0, axis=1) == 0
    hit = (labels[..., None] == jnp.arange(classes)) & valid[..., None]  # (N, label, C)
    own = jnp.where(hit, rows[:, None], 0).sum(-1, keepdims=True)
    gaps = jax.nn.relu(1 - own + rows[:, None])
    losses = jnp.where(valid[..., None] & ~hit.any(1, keepdims=True), gaps, 0).sum((1, 2)) / classes
    return reduced(losses if input.ndim > 1 else losses[0], how)


@op(
    "f", space="nn.functional", promote=COMMON, elementwise=False, node="MeanBackward0", check=_warn
)
def multilabel_soft_margin_loss(
    input,
    target,
    weight=None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
):
    """Mean over the last dim of the binary cross entropy of ``sigmoid(input)``."""
    if size_average is not None or reduce is not None:
        reduction = reduction_of(size_average, reduce, reduction)
    input, target = broadcast(input, target)
    losses = target * jax.nn.softplus(-input) + (1 - target) * jax.nn.softplus(input)
    if weight is not None:
        losses = losses * weight
    losses = losses.sum(-1) / input.shape[-1]
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    return reduced(losses, reduction)


@op(
    "f", space="nn.functional", promote=FLOAT, elementwise=False, node="MeanBackward0", check=_check
)
def triplet_margin_loss(
    anchor,
    positive,
    negative,
    margin: float = 1.0,
    p: float = 2.0,
    eps: Scalar = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
):
    """``max(0, margin + d(anchor, positive) - d(anchor, negative))`` with the p-norm distance.

    ``swap`` takes the smaller of the distances of anchor and positive to the negative.
    """
    how = reduction_of(size_average, reduce, reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            "dimensions, "
            f"but got: anchor {anchor.ndim}D, positive {positive.ndim}D, and negative "
            f"{negative.ndim}D inputs"
        )
    near, far = distance(anchor, positive, p, eps), distance(anchor, negative, p, eps)
    if swap:
        far = jnp.minimum(far, distance(positive, negative, p, eps))
    return reduced(_clamp(margin + near - far), how)


def _clamp(x):
    """Clamp from below at 0 with gradient 1 at 0."""
    return jnp.where(x < 0, 0, x)


def _check_rows(input):
    if input.ndim > 2 or (input.ndim and input.shape[-1] == 0):
        raise RuntimeError(
            "Expected non-empty vector or matrix with optional 0-dim batch size, but got: "
            f"{list(input.shape)}"
        )


def _check_label_shapes(input, target):
    _check_rows(input)
    if target.shape != input.shape:
        shapes = f"{list(target.shape)} for input of size: {list(input.shape)}"
        raise RuntimeError(f"inconsistent target size: {shapes}")
    _check_long(target)


def _check_long(target):
    if target.dtype != jnp.int64:
        raise RuntimeError(
            f"expected scalar type Long but found {dt.scalar_name(dt.from_np(target.dtype))}"
        )


def _check_multi_margin(input, target, p, weight):
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    _check_rows(input)
    rows = input.shape[0] if input.ndim > 1 else 1
    if target.ndim > 1 or target.size != rows:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input "
            "samples "
            f"(batch size). Expected target size [{rows}], but got {list(target.shape)}. "
            f"Input has shape {list(input.shape)}."
        )
    classes = input.shape[-1] if input.ndim else 1
    if weight is not None and weight.size != classes:
        raise RuntimeError(
            f"inconsistent weight size, expected {classes} but got {list(weight.shape)}"
        )
    _check_long(target)
    if input.dtype not in (jnp.float32, jnp.float64):
        name = dt.scalar_name(dt.from_np(input.dtype))
        raise NotImplementedError(f"\"multi_margin_loss_cpu_kernel\" not implemented for '{name}'")
