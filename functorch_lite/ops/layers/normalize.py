"""Normalization layers: batch, instance, layer, group, RMS and local response.

Each subtracts a mean and divides by a deviation over some dims.  The derivative is written by hand
so that forward and backward share their few reductions: it is the one that autodiff would give,
summed once.  Running statistics are returned, not written: an op is pure, and the layer writes
them back.  float16 and bfloat16 are computed in float32; their parameters may be either.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from .._common import require, widened
from .._registry import Scalar, Size, op
from ._sums import channel_sum, column_spread, row_sum, spread


@op("f", name="_native_batch_norm", node="NativeBatchNormBackward0")
def batch_norm(
    input,
    running_mean,
    running_var,
    weight=None,
    bias=None,
    training: bool = False,
    momentum: Scalar = 0.1,
    eps: Scalar = 1e-5,
):
    """Normalize ``input`` (N, C, *) per channel; return (output, new_running_mean,
    new_running_var).

    Training uses the batch's biased variance and updates with the unbiased one.  Without running
    statistics the last two results are the batch's mean and unbiased variance.
    """
    if input.size == 0:
        empty = jnp.zeros(0, input.dtype)
        return input, *(empty if s is None else s for s in (running_mean, running_var))
    _check_channels(input.shape[1], running_mean, running_var, weight, bias, training)
    require("batch_norm", "f", input)
    _check_params(input, weight, bias, running_mean, running_var)
    x, w, b = _wide(input), _wide(weight), _wide(bias)
    w = jnp.ones(x.shape[1], x.dtype) if w is None else w
    b = jnp.zeros(x.shape[1], x.dtype) if b is None else b
    old = _stopped(running_mean), _stopped(running_var)
    if not training:
        scale = w / jnp.sqrt(_wide(old[1]) + eps)
        shift = spread(b - _wide(old[0]) * scale, x.shape)
        return (x * spread(scale, x.shape) + shift).astype(input.dtype), *old
    out, mean, var = _batch(x, w, b, jnp.asarray(eps, x.dtype))
    count = x.size // max(x.shape[1], 1)
    unbiased = var * (count / (count - 1) if count > 1 else np.nan)
    if running_mean is None:
        return out.astype(input.dtype), mean, unbiased
    new = (
        momentum * s + (1 - momentum) * _wide(o) for s, o in zip((mean, unbiased), old, strict=True)
    )
    return out.astype(input.dtype), *(n.astype(o.dtype) for n, o in zip(new, old, strict=True))


@op("f", name="_native_instance_norm", node="ViewBackward0")
def instance_norm(
    input,
    running_mean,
    running_var,
    weight=None,
    bias=None,
    use_input_stats: bool = True,
    momentum: Scalar = 0.1,
    eps: Scalar = 1e-5,
):
    """Normalize ``input`` (N, C, *) per sample and channel; results as in ``_native_batch_norm``.

    The new running statistics are the mean over the batch of those that each sample would give.
    """
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError(
            "Expected running_mean and running_var to be defined when use_input_stats is false"
        )
    n, c = input.shape[:2]
    tiled = [
        None if p is None else jnp.tile(p, n) for p in (running_mean, running_var, weight, bias)
    ]
    flat = input.reshape(1, n * c, *input.shape[2:])
    out, *stats = batch_norm(flat, *tiled, use_input_stats, momentum, eps)
    return out.reshape(input.shape), *(s.reshape(n, c).mean(0).astype(s.dtype) for s in stats)


@op("f", node="NativeLayerNormBackward0", aliases="nn.functional.layer_norm")
def layer_norm(
    input,
    normalized_shape: Size,
    weight=None,
    bias=None,
    eps: Scalar = 1e-5,
    cudnn_enable: bool = True,
):
    """Normalize over the trailing dims ``normalized_shape``, then scale and shift each of their
    elements.
    """
    return native_layer_norm(input, normalized_shape, weight, bias, eps)[0]


@op("f", name="_native_layer_norm", node="NativeLayerNormBackward0")
def native_layer_norm(input, normalized_shape: Size, weight, bias, eps: Scalar):
    """``layer_norm`` with the mean and the reciprocal deviation of each row: (output, mean,
    rstd).
    """
    shape = _check_trailing(input, normalized_shape, weight, bias)
    require("LayerNormKernelImpl", "f", input)
    _check_params(input, weight, bias)
    x = _wide(input).reshape(-1, int(np.prod(shape)))
    outer = (*input.shape[: input.ndim - len(shape)], *(1,) * len(shape))
    if x.size == 0:
        empty = jnp.zeros(outer, x.dtype)
        return input, empty, empty
    out, mean, rstd = _rows(x, jnp.asarray(eps, x.dtype))
    if weight is not None:
        out = out * column_spread(_wide(weight).reshape(-1), x.shape[0])
    if bias is not None:
        out = out + column_spread(_wide(bias).reshape(-1), x.shape[0])
    stats = jnp.float32 if weight is None or weight.dtype == jnp.float32 else input.dtype
    stats = x.dtype if input.dtype == x.dtype else stats
    return out.reshape(input.shape).astype(input.dtype), *(
        s.reshape(outer).astype(stats) for s in (mean, rstd)
    )


@op("f", node="NativeGroupNormBackward0")
def group_norm(
    input, num_groups: int, weight=None, bias=None, eps: Scalar = 1e-5, cudnn_enabled: bool = True
):
    """Normalize (N, C, *) over each of ``num_groups`` groups of channels, then scale per
    channel.
    """
    _check_groups(input, num_groups, weight, bias)
    require("GroupNormKernelImpl", "f", input)
    _check_params(input, weight, bias)
    if input.size == 0:
        return input
    x = _wide(input)
    out, _, _ = _rows(x.reshape(x.shape[0] * num_groups, -1), jnp.asarray(eps, x.dtype))
    out = out.reshape(x.shape)
    if weight is not None:
        out = out * spread(_wide(weight), out.shape)
    if bias is not None:
        out = out + spread(_wide(bias), out.shape)
    return out.astype(input.dtype)


@op("f", node="NativeGroupNormBackward0")
def native_group_norm(input, weight, bias, N: int, C: int, HxW: int, group: int, eps: Scalar):
    """``group_norm`` with the mean and the reciprocal deviation of each group (N, group)."""
    out = group_norm(input, group, weight, bias, eps)
    x = _wide(input)
    if x.size == 0:
        return out, *(jnp.zeros((N, group), input.dtype),) * 2
    _, mean, rstd = _rows(x.reshape(N * group, -1), jnp.asarray(eps, x.dtype))
    return out, *(s.reshape(N, group).astype(input.dtype) for s in (mean, rstd))


@op("f", space="nn.functional", name="group_norm", node="NativeGroupNormBackward0")
def group_norm_checked(input, num_groups: int, weight=None, bias=None, eps: Scalar = 1e-5):
    """``torch.group_norm`` that refuses groups of a single value."""
    if input.ndim < 2:
        raise RuntimeError(
            f"Expected at least 2 dimensions for input tensor but received {input.ndim}"
        )
    size = [input.shape[0] * input.shape[1] // num_groups, num_groups, *input.shape[2:]]
    if size[0] * int(np.prod(size[2:])) == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {size}"
        )
    return group_norm(input, num_groups, weight, bias, eps)


@op("f", node="MulBackward0", aliases="nn.functional.rms_norm")
def rms_norm(input, normalized_shape: Size, weight=None, eps: Scalar | None = None):
    """Divide by the root of the mean square over the trailing dims; ``eps`` None is float
    epsilon.
    """
    shape = _check_trailing(input, normalized_shape, weight, None, star="*")
    require("rms_norm", "fc", input)
    x = _wide(input)
    if eps is None:
        eps = float(jnp.finfo(x.dtype).eps)
    rows = x.reshape(-1, int(np.prod(shape)))
    out = (rows / jnp.sqrt(row_sum(rows * rows) / max(rows.shape[-1], 1) + eps)).reshape(x.shape)
    return (out if weight is None else out * _wide(weight)).astype(input.dtype)


@op("f", space="nn.functional", node="DivBackward0")
def local_response_norm(
    input, size: int, alpha: Scalar = 1e-4, beta: Scalar = 0.75, k: Scalar = 1.0
):
    """Divide (N, C, *) by ``(k + alpha * mean of squares over size neighbouring channels) **
    beta``.
    """
    if input.ndim < 3:
        raise ValueError(
            "Expected 3D or higher dimensionality                          input (got "
            f"{input.ndim} dimensions)"
        )
    if input.size == 0:
        return input
    if size <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got kH: {size} kW: 1")
    x = _wide(input)
    low = size // 2
    padded = jnp.pad(x * x, [(0, 0), (low, (size - 1) // 2), *[(0, 0)] * (x.ndim - 2)])
    total: Any = sum(padded[:, i : i + x.shape[1]] for i in range(size))
    if not jnp.issubdtype(x.dtype, jnp.floating):
        # The mean of integers is an integer.
        real = dt.get_default_dtype().np
        total, x = (total // size * size).astype(real), x.astype(real)
        return x / (total / size * alpha + k) ** beta
    return (x / (total / size * alpha + k) ** beta).astype(input.dtype)


# The arithmetic.  Written so that each derivative needs two sums, which every operand's gradient
# shares.


@jax.custom_jvp
def _batch(x, w, b, eps):
    """Return (normalized, mean, biased variance) of (N, C, *) per channel; the last two are
    constants.
    """
    mean, var = _batch_stats(x)
    scale = w / jnp.sqrt(var + eps)
    return x * spread(scale, x.shape) + spread(b - mean * scale, x.shape), mean, var


@_batch.defjvp
def _batch_jvp(primals, tangents):
    (x, w, b, eps), (dx, dw, db, _) = primals, tangents
    mean, var = _batch_stats(x)
    count = x.size // x.shape[1]
    rstd = 1 / jnp.sqrt(var + eps)
    normal = x * spread(rstd, x.shape) + spread(-mean * rstd, x.shape)
    scale = w * rstd
    shift = db - scale * (channel_sum(dx) / count)
    slope = dw - scale * (channel_sum(normal * dx) / count)
    out = x * spread(scale, x.shape) + spread(b - mean * scale, x.shape)
    tangent = dx * spread(scale, x.shape) + spread(shift, x.shape) + normal * spread(slope, x.shape)
    return (out, mean, var), (tangent, jnp.zeros_like(mean), jnp.zeros_like(var))


def _batch_stats(x):
    count = max(x.size // max(x.shape[1], 1), 1)
    mean = channel_sum(x) / count
    centered = x - spread(mean, x.shape)
    return mean, channel_sum(centered * centered) / count


@jax.custom_jvp
def _rows(x, eps):
    """Return (normalized, mean, 1 / deviation) of each row of (R, D)."""
    mean, rstd = _row_stats(x, eps)
    return x * rstd - mean * rstd, mean, rstd


@_rows.defjvp
def _rows_jvp(primals, tangents):
    (x, eps), (dx, _) = primals, tangents
    mean, rstd = _row_stats(x, eps)
    normal, count = x * rstd - mean * rstd, x.shape[1]
    dmean, slope = row_sum(dx) / count, row_sum(normal * dx) / count
    tangent = rstd * (dx - dmean - normal * slope)
    return (normal, mean, rstd), (tangent, dmean, -rstd * rstd * slope)


def _row_stats(x, eps):
    mean = row_sum(x) / x.shape[1]
    centered = x - mean
    return mean, 1 / jnp.sqrt(row_sum(centered * centered) / x.shape[1] + eps)


def _wide(x) -> Any:
    return None if x is None else widened(x)


def _stopped(x) -> Any:
    return None if x is None else jax.lax.stop_gradient(x)


# The checks, in PyTorch's words.


def _check_channels(channels, mean, var, weight, bias, training):
    if training and (mean is None) != (var is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")
    if not training:
        for name, stat in (("running_mean", mean), ("running_var", var)):
            if stat is None:
                raise RuntimeError(f"{name} must be defined in evaluation mode")
    named = {"running_mean": mean, "running_var": var, "weight": weight, "bias": bias}
    for name, param in named.items():
        if param is not None and param.size != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {param.size}")


def _check_params(x, *params):
    """Parameters have the input's dtype; those of a float16 or bfloat16 input may be float32."""
    for param in params:
        if param is None or param.dtype == x.dtype:
            continue
        if x.dtype not in (jnp.float16, jnp.bfloat16):
            if x.dtype == jnp.float32:
                raise RuntimeError(
                    "mixed dtype (CPU): expect parameter to have scalar type of Float"
                )
            raise RuntimeError("mixed dtype (CPU): all inputs must share same datatype.")
        if param.dtype != jnp.float32:
            raise RuntimeError("mixed dtype (CPU): all inputs must share same datatype.")


def _check_trailing(input, normalized_shape, weight, bias, star="*, "):
    shape = tuple(normalized_shape)
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
            "element, "
            "but got normalized_shape = []"
        )
    for name, param in (("weight", weight), ("bias", bias)):
        if param is not None and param.shape != shape:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{list(param.shape)} and normalized_shape = {list(shape)}"
            )
    if input.shape[-len(shape) :] != shape:
        tail = ", ".join(map(str, shape))
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [{star}{tail}], "
            f"but got input of size{list(input.shape)}"
        )
    return shape


def _check_groups(input, num_groups, weight, bias):
    if num_groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {num_groups}")
    if input.shape[1] % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of "
            "shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    for name, param in (("weight", weight), ("bias", bias)):
        if param is not None and param.shape != (input.shape[1],):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, "
                "but got "
                f"{name} of shape {list(param.shape)} and input of shape {list(input.shape)}"
            )
