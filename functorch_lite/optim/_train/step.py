"""``make_train_step``: loss function + optimizer -> one pure, compiled step of training.

grads_fn(train_state, batch)                -> Gradients            the loss and its derivative
reduce_gradients(gradients)                 -> Gradients            agreement between devices
apply_gradients(train_state, gradients)     -> train_state, Metrics clip, optimizer, average
pure(train_state, batch)                    the three in turn;  the step itself: pure, compiled
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import optax

from ..._core.execute import compile
from ..._core.types import Array, PyTree
from .._rule import UpdateRule
from .gradients import accumulated, checked_loss, gradients
from .record import Gradients, LossScale, Metrics, TrainState


@dataclass(frozen=True, eq=False)
class TrainStep:
    """A step of training: call it, or take it apart. ``make_train_step`` explains the fields."""

    loss_fn: Callable[..., Any]
    tx: optax.GradientTransformation
    has_aux: bool = True
    clip_norm: float | None = None
    accumulate: int = 1
    compute_dtype: Any = None
    loss_scale: LossScale | None = None
    ema_decay: float | None = None
    axis_name: str | tuple[str, ...] | None = None
    reduce: Callable[[PyTree], PyTree] | None = None
    donate: bool = True
    jit: bool = True
    tuned: str = ""

    def __call__(self, train_state: TrainState, batch: PyTree) -> tuple[TrainState, Metrics]:
        """Take a step; with ``donate`` the old record's memory is used for the new one."""
        return self._run(train_state, batch)

    @cached_property
    def _run(self) -> Callable[[TrainState, PyTree], tuple[TrainState, Metrics]]:
        if not self.jit:
            return self.pure
        return compile(self.pure, self.tuned, donate_argnums=(0,) if self.donate else ())

    def init(
        self, params: PyTree, *, state: PyTree | None = None, key: Array | None = None
    ) -> TrainState:
        """Return the record that this step begins with (``TrainState.create``)."""
        ema = self.ema_decay is not None
        options: Any = {"state": state, "key": key, "ema": ema, "loss_scale": self.loss_scale}
        return TrainState.create(params, self.tx, **options)

    def replace(self, **options: Any) -> TrainStep:
        """Return the step with other options, for example ``axis_name`` and ``reduce``."""
        return replace(self, **options)

    # --- the pieces: pure, not compiled --------------------------------------------------------

    def pure(self, train_state: TrainState, batch: PyTree) -> tuple[TrainState, Metrics]:
        """Take a step, as a pure function to be transformed: jit, vmap, shard_map."""
        found = self.reduce_gradients(self.grads_fn(train_state, batch))
        return self.apply_gradients(train_state, found)

    def grads_fn(self, train_state: TrainState, batch: PyTree) -> Gradients:
        """Return loss and gradients of the batch that this device sees, in full precision."""
        self._check(train_state)
        params, state = self._varying(train_state.params), self._varying(train_state.state)
        loss = checked_loss(self.loss_fn, self.has_aux, self.compute_dtype)
        scaling = train_state.loss_scale
        scale = None if scaling is None else scaling.scale
        key = self._key(train_state)
        if self.accumulate == 1:
            return gradients(loss, params, state, batch, key, scale)
        count, varying = self.accumulate, self._varying
        return accumulated(count, loss, params, state, batch, key, scale, varying)

    def reduce_gradients(self, found: Gradients) -> Gradients:
        """Average over devices: ``reduce`` if given, else the mean along ``axis_name``."""
        if self.reduce is not None:
            found = found._replace(grads=self.reduce(found.grads))
        if self.axis_name is None:
            return found
        grads = found.grads if self.reduce is not None else self._mean(found.grads)
        return Gradients(grads, self._mean(found.loss), self._mean(found.state), found.aux)

    def apply_gradients(
        self, train_state: TrainState, found: Gradients
    ) -> tuple[TrainState, Metrics]:
        """Clip, update parameters and optimizer, move the average and the loss scale."""
        grads, norm, finite = found.grads, None, None
        if train_state.loss_scale is not None:
            finite = jnp.all(jnp.array([jnp.isfinite(g).all() for g in jax.tree.leaves(grads)]))
        if self.clip_norm is not None:
            norm = optax.tree.norm(grads)
            grads, _ = optax.clip_by_global_norm(self.clip_norm).update(grads, optax.EmptyState())
        new = self._updated(train_state, found._replace(grads=grads))
        if finite is not None and train_state.loss_scale is not None:
            kept = jax.tree.map(lambda n, o: jnp.where(finite, n, o), new, train_state)
            new = kept.replace(loss_scale=train_state.loss_scale.adjusted(finite))
        new = new.replace(step=train_state.step + 1)
        return new, Metrics(found.loss, found.aux, norm, finite)

    # --- inside --------------------------------------------------------------------------------

    def _updated(self, old: TrainState, found: Gradients) -> TrainState:
        """Return the record after the optimizer's step; step count and loss scale as before."""
        if isinstance(self.tx, UpdateRule):
            params, opt_state = self.tx.step(found.grads, old.opt_state, old.params)
        else:
            tx = optax.with_extra_args_support(self.tx)
            updates, opt_state = tx.update(
                found.grads, old.opt_state, old.params, value=found.loss, grad=found.grads
            )
            params = optax.apply_updates(old.params, updates)
        new = old.replace(params=params, opt_state=opt_state, state=found.state)
        if self.ema_decay is None:
            return new
        return new.replace(ema=optax.incremental_update(params, old.ema, 1 - self.ema_decay))

    def _key(self, train_state: TrainState) -> Array | None:
        """Return the key of this step and, under ``axis_name``, of this device."""
        if train_state.key is None:
            return None
        key = jax.random.fold_in(train_state.key, train_state.step)
        if self.axis_name is None:
            return key
        return jax.random.fold_in(key, jax.lax.axis_index(self.axis_name))

    def _mean(self, tree: PyTree) -> PyTree:
        """Average the floating leaves over the devices, in one collective operation."""
        leaves, structure = jax.tree.flatten(tree)
        chosen = [i for i, leaf in enumerate(leaves) if _is_inexact(leaf)]
        means = jax.lax.pmean([leaves[i] for i in chosen], self.axis_name)
        for i, mean in zip(chosen, means, strict=True):
            leaves[i] = mean
        return structure.unflatten(leaves)

    def _varying(self, tree: PyTree) -> PyTree:
        """Say that each device has its own copy: else ``shard_map`` sums their gradients for us."""
        names = (self.axis_name,) if isinstance(self.axis_name, str) else self.axis_name or ()
        manual = jax.sharding.get_abstract_mesh().manual_axes  # not those of vmap
        for name in set(names).intersection(manual):
            tree = jax.tree.map(lambda x, name=name: _cast_to_varying(x, name), tree)
        return tree

    def _check(self, train_state: TrainState) -> None:
        """Refuse a record that was made for another step."""
        if self.compute_dtype == jnp.float16 and train_state.loss_scale is None:
            raise ValueError(
                "float16 gradients vanish without a loss scale, and the train state has none: make "
                "it with train_step.init(params), or TrainState.create(..., loss_scale="
                "LossScale.create())"
            )
        if (self.ema_decay is None) != (train_state.ema is None):
            has, wants = ("no", "one") if train_state.ema is None else ("an", "none")
            raise ValueError(
                f"the train state keeps {has} average of the parameters, and this step wants "
                f"{wants} (ema_decay={self.ema_decay}): make the state with train_step.init(params)"
            )


def _is_inexact(x: Array) -> bool:
    return jnp.issubdtype(x.dtype, jnp.inexact)


def _cast_to_varying(x: Array, axis_name: str) -> Array:
    if not _is_inexact(x):
        return x
    try:
        return jax.lax.pcast(x, axis_name, to="varying")
    except ValueError:  # it varies already
        return x


def make_train_step(
    loss_fn: Callable[..., Any],
    tx: optax.GradientTransformation,
    *,
    has_aux: bool = True,
    clip_norm: float | None = None,
    accumulate: int = 1,
    compute_dtype: Any = None,
    loss_scale: LossScale | None = None,
    ema_decay: float | None = None,
    axis_name: str | tuple[str, ...] | None = None,
    reduce: Callable[[PyTree], PyTree] | None = None,
    donate: bool = True,
    jit: bool = True,
    tuned: str = "",
) -> TrainStep:
    """Build ``step(train_state, batch) -> (train_state, metrics)`` from a loss and an optimizer.

    The contract of the loss, which is pure:

        loss_fn(params, state, batch, key) -> (loss, (new_state, aux))       has_aux=True
        loss_fn(params, state, batch, key) -> loss                           has_aux=False

    ``state`` is what the model keeps beside its parameters, and {} if it keeps nothing; new_state
    has its structure. ``key`` is new in each step, and None if the train state has none. ``loss``
    is a scalar, the mean over the batch. ``aux`` is any tree of arrays, and goes to the metrics.

    Args:
        loss_fn: see above.
        tx: an optax transformation, or a rule of ``optim.pytorch``, which is then followed exactly.
        has_aux: which of the two forms ``loss_fn`` has.
        clip_norm: the largest global norm of the gradients (``optax.clip_by_global_norm``).
        accumulate: into how many micro-batches axis 0 of every batch leaf is split; their gradients
            are averaged, which is the gradient of the whole batch if the loss is a mean. The
            metrics' ``aux`` gets a leading axis (accumulate, ...).
        compute_dtype: bfloat16 or float16: floating parameters and batch leaves are cast to it
            for ``loss_fn``; parameters, gradients and optimizer state stay float32. Sums and
            softmax of the loss are better taken in float32.
        loss_scale: where the dynamic scale begins; float16 has ``LossScale.create()`` by itself.
            A step whose gradients are not finite changes nothing but the scale.
        ema_decay: keep ``ema = decay * ema + (1 - decay) * params`` in the train state.
        axis_name: of ``pmap``, ``shard_map`` or ``vmap`` around ``pure``: gradients, loss and the
            floating part of the new state are averaged along it (its counters must be equal on all
            devices), and every device has its own key. ``aux`` stays each device's own.
        reduce: applied to the gradients instead of that average, before they are clipped.
        donate: reuse the memory of the train state that is passed in, which is then gone.
        jit: compile; False leaves that to whoever wraps the step.
        tuned: "convolution" for XLA options under which convolutions are fast on CPU.

    Returns: a ``TrainStep``: ``step.init(params)`` makes the train state, ``step.pure`` is the
        function before compilation, ``step.grads_fn`` and ``step.apply_gradients`` are its halves,
        ``step.replace(axis_name="data")`` is the step with other options.

    >>> import jax, jax.numpy as jnp
    >>> from functorch_lite import optim
    >>> def loss_fn(params, state, batch, key):
    ...     x, y = batch                                             # (B, D), (B,)
    ...     keep = jax.random.bernoulli(key, 0.9, x.shape)           # dropout
    ...     error = (x * keep / 0.9) @ params["w"] - y               # (B,)
    ...     seen = {"rows": state["rows"] + len(y)}
    ...     return jnp.mean(error**2), (seen, {"worst": jnp.abs(error).max()})
    >>> step = optim.make_train_step(loss_fn, optim.pytorch.adamw(0.1), clip_norm=1.0, accumulate=2)
    >>> run = step.init({"w": jnp.zeros(3)}, state={"rows": 0}, key=jax.random.key(0))
    >>> x = jax.random.normal(jax.random.key(1), (8, 3))
    >>> for _ in range(100):
    ...     run, metrics = step(run, (x, x.sum(1)))
    >>> int(run.step), int(run.state["rows"]), metrics.aux["worst"].shape, bool(metrics.loss < 1)
    (100, 800, (2,), True)
    """
    if accumulate < 1:
        raise ValueError(f"accumulate is a number of micro-batches, at least 1, got {accumulate}")
    if ema_decay is not None and not 0 <= ema_decay <= 1:
        raise ValueError(f"ema_decay must lie in [0, 1], got {ema_decay}")
    if compute_dtype is not None:
        compute_dtype = jnp.dtype(compute_dtype)
        if not jnp.issubdtype(compute_dtype, jnp.floating):
            raise ValueError(f"compute_dtype must be a floating dtype, got {compute_dtype}")
    if compute_dtype == jnp.float16 and loss_scale is None:
        loss_scale = LossScale.create()
    return TrainStep(
        loss_fn=loss_fn,
        tx=tx,
        has_aux=has_aux,
        clip_norm=clip_norm,
        accumulate=accumulate,
        compute_dtype=compute_dtype,
        loss_scale=loss_scale,
        ema_decay=ema_decay,
        axis_name=axis_name,
        reduce=reduce,
        donate=donate,
        jit=jit,
        tuned=tuned,
    )
