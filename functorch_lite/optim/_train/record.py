"""The records of a training run: pytrees of arrays, frozen, with no behaviour but their own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from ..._core.types import Array, PyTree


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LossScale:
    """The factor that keeps float16 gradients from vanishing, and how it moves.

    The loss is multiplied by ``scale``, its gradients are divided by it. After a step whose
    gradients are not finite it shrinks by ``factor``; after ``growth_interval`` finite steps in a
    row it grows by ``factor``. (The defaults are those of ``torch.amp.GradScaler``.)
    """

    scale: Array  # shape=(), dtype=float32
    finite_steps: Array  # shape=(), dtype=int32: in a row, since the scale last moved
    factor: float = field(default=2.0, metadata={"static": True})
    growth_interval: int = field(default=2000, metadata={"static": True})

    @classmethod
    def create(
        cls, scale: float = 2.0**16, *, factor: float = 2.0, growth_interval: int = 2000
    ) -> LossScale:
        """Begin at ``scale``."""
        return cls(jnp.float32(scale), jnp.int32(0), factor, growth_interval)

    def adjusted(self, finite: Array) -> LossScale:
        """Return the scale for the next step; ``finite``: () bool, whether this one's was good."""
        count = self.finite_steps + 1
        grown = self.scale * self.factor
        is_due = (count >= self.growth_interval) & jnp.isfinite(grown)
        shrunk = jnp.maximum(self.scale / self.factor, jnp.finfo(jnp.float32).tiny)
        scale = jnp.where(finite, jnp.where(is_due, grown, self.scale), shrunk)
        count = jnp.where(finite & (count < self.growth_interval), count, 0)
        return replace(self, scale=scale, finite_steps=count)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TrainState:
    """Everything that a training step reads and writes, as one pytree."""

    params: PyTree  # what is trained, in full precision
    state: PyTree  # what the model keeps beside: batch-norm statistics, counters
    opt_state: PyTree
    step: Array  # shape=(), dtype=int32: calls of the training step so far
    key: Array | None  # the run's random key; a step folds ``step`` into it and does not change it
    ema: PyTree = None  # exponential moving average of ``params``
    loss_scale: LossScale | None = None

    @classmethod
    def create(
        cls,
        params: PyTree,
        tx: optax.GradientTransformation,
        *,
        state: PyTree | None = None,
        key: Array | None = None,
        ema: bool = False,
        loss_scale: LossScale | None = None,
    ) -> TrainState:
        """Begin a run: ``tx.init(params)``, step 0, and the average, if any, at ``params``.

        The record owns its arrays: they are copies, because a step donates their memory.

        Args:
            params: a tree of arrays.
            tx: the optimizer.
            state: the model's own state; {} if it has none.
            key: ``jax.random.key(seed)``, or None if the loss draws no random numbers.
            ema: keep an average of the parameters (``make_train_step(ema_decay=...)``).
            loss_scale: for float16.
        """
        record = cls(
            params=params,
            state={} if state is None else state,
            opt_state=tx.init(params),
            step=jnp.int32(0),
            key=key,
            ema=params if ema else None,
            loss_scale=loss_scale,
        )
        return jax.tree.map(jnp.copy, record)

    def replace(self, **changes: Any) -> TrainState:
        """Return a record in which the named fields have other values."""
        return replace(self, **changes)


class Gradients(NamedTuple):
    """What a loss says about one batch, before the optimizer hears of it."""

    grads: PyTree  # like params; of the mean loss, not scaled
    loss: Array  # shape=(), dtype=float32
    state: PyTree  # the model's new state
    aux: PyTree


class Metrics(NamedTuple):
    """What a training step reports."""

    loss: Array  # shape=(), dtype=float32
    aux: PyTree  # the loss function's; under ``accumulate`` with a leading axis of micro-batches
    grad_norm: Array | None  # shape=(), before clipping; None without ``clip_norm``
    finite: Array | None  # shape=(), bool: whether the step was taken; None without a loss scale
