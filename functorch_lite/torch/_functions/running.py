"""``batch_norm`` and ``instance_norm``, whose running statistics are written in place.

The ops return the new statistics; here they are stored.  ``nn.functional`` has both under other
signatures.
"""

from typing import Any

from ...ops._registry import OPS
from .._engine.dispatch import call
from .._engine.grad_mode import no_grad
from .._engine.register import expose
from .._engine.tensor import Tensor

_BATCH, _INSTANCE = OPS["_native_batch_norm"], OPS["_native_instance_norm"]


def _keep(statistic: Tensor | None, new: Tensor) -> None:
    if statistic is not None:
        with no_grad():
            statistic.copy_(new)


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
    with no_grad():
        variance = input.var(dims, correction=0)
        return output, input.mean(dims), (variance + eps).rsqrt()
