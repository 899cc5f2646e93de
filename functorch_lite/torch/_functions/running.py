"""Normalization and the statistics that come with it.

``batch_norm`` and ``instance_norm`` return the new running statistics as ops; here they are written
in place.  ``nn.functional`` has both under other signatures.  The statistics that the ``native_``
functions return carry no gradient.
"""

from typing import Any

import jax

from ..._core.execute import x64
from ...ops._registry import OPS
from ...transforms._levels import BATCH, active, state
from .._engine.dispatch import call
from .._engine.grad_mode import no_grad
from .._engine.register import expose
from .._engine.tensor import Tensor, make

_BATCH, _INSTANCE = OPS["_native_batch_norm"], OPS["_native_instance_norm"]
_LAYER = OPS["_native_layer_norm"]


def _keep(statistic: Tensor | None, new: Tensor) -> None:
    if statistic is not None:
        with no_grad():
            statistic.copy_(_of_all_slices(statistic, new) if active.count else new)


def _of_all_slices(statistic: Tensor, new: Tensor) -> Tensor:
    """Return the mean of a new statistic over the slices of ``vmap`` that share the old one.

    PyTorch refuses batch norm there. Each slice moves the statistic by its own batch; their mean is
    what one batch of all of them, weighted alike, would do.
    """
    shared = [
        level.axis
        for level in state.stack
        if level.kind == BATCH and statistic._storage.born < level.stamp
    ]
    if not shared:
        return new
    with x64(True):
        return make(jax.lax.pmean(new._array, tuple(shared)))


@expose("f")
def batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """Normalise each channel over the batch; in training the running statistics are updated in
    place.
    """
    operands = (input, running_mean, running_var, weight, bias, momentum, eps)
    output, mean, variance = call(_BATCH, operands, (training,))
    if training:
        _keep(running_mean, mean)
        _keep(running_var, variance)
    return output


@expose("f")
def instance_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """Normalise each channel of each sample; the running statistics are averaged over the batch."""
    operands = (input, running_mean, running_var, weight, bias, momentum, eps)
    output, mean, variance = call(_INSTANCE, operands, (use_input_stats,))
    if use_input_stats:
        _keep(running_mean, mean)
        _keep(running_var, variance)
    return output


@expose("f")
def native_batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Any, Any]:
    """Return ``batch_norm`` and, in training, the batch's mean and reciprocal deviation."""
    output = batch_norm(
        input, weight, bias, running_mean, running_var, training, momentum, eps, False
    )
    if not training:
        return output, input.new_empty(0), input.new_empty(0)
    dims = [d for d in range(input.dim()) if d != 1]
    given = input.detach()
    return output, given.mean(dims), (given.var(dims, correction=0) + eps).rsqrt()


@expose("f")
def native_layer_norm(
    input: Tensor,
    normalized_shape: list[int],
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> tuple[Tensor, Any, Any]:
    """Return ``layer_norm``, and the mean and reciprocal deviation of each row."""
    output, mean, rstd = call(_LAYER, (input, weight, bias, eps), (tuple(normalized_shape),))
    return output, mean.detach(), rstd.detach()
