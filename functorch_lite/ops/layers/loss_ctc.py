"""Connectionist temporal classification loss.

The forward recursion over time runs in log space over the labels with blanks between them.  As in
PyTorch the gradient with respect to ``log_probs`` is that of the logits behind them: probability
minus posterior, which is the same once it has passed a log-softmax.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..._core import dtype as dt
from .._common import require
from .._registry import op
from ._reduction import reduced, reduction_of

_WHERE = "(while checking arguments for ctc_loss_allocate_outputs)"


def _check_lengths(log_probs, targets, input_lengths, target_lengths, blank=0, **_):
    """Raise for lengths that do not fit the tensors."""
    inputs, labels = (
        np.atleast_1d(np.asarray(input_lengths)),
        np.atleast_1d(np.asarray(target_lengths)),
    )
    if inputs.dtype.kind not in "iu" or labels.dtype.kind not in "iu":
        return
    rows = log_probs.shape[1] if log_probs.ndim == 3 else 1
    if inputs.size != rows or labels.size != rows:
        return
    if labels.min(initial=0) < 0:
        bad = labels[labels < 0][0]
        raise RuntimeError(
            f"Expected target_lengths to have value at least 0, but got value {bad} {_WHERE}"
        )
    if log_probs.ndim == 3 and targets.ndim == 1 and targets.size != labels.sum():
        raise RuntimeError(
            f"Expected tensor to have size {labels.sum()} at dimension 0, but got size "
            f"{targets.size} for "
            f"argument #2 'targets' {_WHERE}"
        )
    if targets.ndim == 2 and labels.max(initial=0) > targets.shape[1]:
        raise RuntimeError(
            f"Expected tensor to have size at least {labels.max()} at dimension 1, but got size "
            f"{targets.shape[1]} for argument #2 'targets' {_WHERE}"
        )
    steps = log_probs.shape[0]
    for bad, rule in (
        (inputs[inputs < 0], "at least 0"),
        (inputs[inputs > steps], f"at most {steps}"),
    ):
        if bad.size:
            raise RuntimeError(
                f"Expected input_lengths to have value {rule}, but got value {bad[0]} {_WHERE}"
            )


@op("f", space="nn.functional", node="CtcLossBackward0", check=_check_lengths)
def ctc_loss(
    log_probs,
    targets,
    input_lengths,
    target_lengths,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
):
    """Minus the log probability of ``targets`` (N, S), or concatenated, under ``log_probs`` (T, N,
    C).

    "mean" divides each loss by its target's length.  ``zero_infinity`` zeroes impossible
    alignments.
    """
    how = reduction_of(None, None, reduction)
    single = log_probs.ndim == 2
    x = log_probs[:, None] if single else log_probs
    lengths = [
        jnp.atleast_1d(_lengths(v, n))
        for v, n in ((input_lengths, "input"), (target_lengths, "target"))
    ]
    _check(x, lengths, blank)
    labels = _padded(targets, lengths[1], x.shape[1])
    loss = _ctc(x, labels, *lengths, blank, zero_infinity)
    if how == "mean":
        loss = loss / jnp.maximum(lengths[1], 1).astype(loss.dtype)
    return loss[0] if single and how == "none" else reduced(loss, how)


def _lengths(value, name):
    array = (
        jnp.stack([jnp.asarray(v) for v in value]) if isinstance(value, (list, tuple)) else value
    )
    if not jnp.issubdtype(array.dtype, jnp.integer):
        raise RuntimeError(f"{name}_lengths must be integral")
    return array


def _padded(targets, lengths, rows):
    """Return targets as (N, S); concatenated ones are cut at the running sum of ``lengths``."""
    if targets.ndim == 2:
        return targets
    if rows == 1:
        return targets[None]
    starts = jnp.cumsum(lengths) - lengths
    return jnp.take(targets, starts[:, None] + jnp.arange(targets.shape[0]), mode="clip")


def _ctc_jvp(blank, zero_infinity, primals, tangents):
    x, labels, input_lengths, target_lengths = primals
    loss, pull = jax.vjp(lambda v: _losses(v, labels, input_lengths, target_lengths, blank), x)
    (slope,) = pull(jnp.ones_like(loss))
    valid = (jnp.arange(x.shape[0])[:, None] < input_lengths)[..., None]
    # An impossible alignment has no posterior: its gradient is NaN, or 0 if its loss is.
    slope = jnp.where(jnp.isinf(loss)[:, None], jnp.nan, jnp.exp(x) + slope)
    if zero_infinity:
        slope = jnp.where(jnp.isinf(loss)[:, None], 0, slope)
        loss = jnp.where(jnp.isinf(loss), 0, loss)
    return loss, (jnp.where(valid, slope, 0) * tangents[0]).sum((0, 2))


def _losses(x, labels, input_lengths, target_lengths, blank):
    """Return minus the log probability of each row's labels: (N,)."""
    steps, rows, _ = x.shape
    states = 2 * labels.shape[1] + 1
    path = jnp.full((rows, states), blank, labels.dtype).at[:, 1::2].set(labels)
    emitted = jnp.take_along_axis(
        x, jnp.broadcast_to(path, (steps, rows, states)), axis=2
    )  # (T, N, 2S + 1)
    skips = jnp.zeros((rows, states), bool)
    skips = skips.at[:, 2:].set((path[:, 2:] != blank) & (path[:, 2:] != path[:, :-2]))
    nothing = jnp.full((rows, states), -jnp.inf, x.dtype)
    start = jnp.where(jnp.arange(states) < 2, emitted[0] if steps else nothing, -jnp.inf)

    def advance(alpha, step):
        probs, t = step
        stay, one = alpha, jnp.pad(alpha[:, :-1], ((0, 0), (1, 0)), constant_values=-jnp.inf)
        two = jnp.pad(alpha[:, :-2], ((0, 0), (2, 0)), constant_values=-jnp.inf)[:, :states]
        new = _log_sum(stay, one, jnp.where(skips, two, -jnp.inf)) + probs
        return jnp.where((t < input_lengths)[:, None], new, alpha), None

    alpha, _ = lax.scan(advance, start, (emitted[1:], jnp.arange(1, max(steps, 1))))
    last = (2 * target_lengths)[:, None]
    final = jnp.take_along_axis(alpha, last, 1)[:, 0]
    before = jnp.take_along_axis(alpha, jnp.maximum(last - 1, 0), 1)[:, 0]
    before = jnp.where(target_lengths > 0, before, -jnp.inf)
    loss = -_log_sum(final, before)
    return jnp.where(input_lengths > 0, loss, jnp.where(target_lengths > 0, jnp.inf, 0))


@functools.partial(jax.custom_jvp, nondiff_argnums=(4, 5))
def _ctc(x, labels, input_lengths, target_lengths, blank, zero_infinity):
    loss = _losses(x, labels, input_lengths, target_lengths, blank)
    return jnp.where(jnp.isinf(loss), 0, loss) if zero_infinity else loss


_ctc.defjvp(_ctc_jvp)


def _log_sum(*terms):
    """``log(sum(exp(terms)))`` that is minus infinity, with gradient zero, where all of them
    are.
    """
    top = lax.stop_gradient(jnp.stack(terms).max(0))
    base = jnp.where(jnp.isinf(top), 0, top)
    sums = sum(jnp.exp(t - base) for t in terms)
    empty = sums == 0
    return jnp.where(empty, -jnp.inf, jnp.log(jnp.where(empty, 1, sums)) + base)


def _check(x, lengths, blank):
    require("ctc_loss_cpu", "f", x)
    if not 0 <= blank < x.shape[2]:
        raise RuntimeError("blank must be in label range")
    for value, name in zip(lengths, ("input", "target"), strict=True):
        if value.shape[0] != x.shape[1]:
            raise RuntimeError(f"{name}_lengths must be of size batch_size")
    if x.dtype not in (jnp.float32, jnp.float64):
        name = dt.scalar_name(dt.from_np(x.dtype))
        raise NotImplementedError(f"\"ctc_loss_cpu\" not implemented for '{name}'")
