"""From a loss function and a batch to gradients: precision, loss scale, micro-batches.

Pure functions; ``step.py`` puts them together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ..._core.types import Array, PyTree
from .record import Gradients

# (params, state, batch, key) -> (loss, (state, aux)), whatever the user's function returns.
Loss = Callable[[PyTree, PyTree, PyTree, Any], tuple[Array, tuple[PyTree, PyTree]]]

CONTRACT = "loss_fn(params, state, batch, key) -> (loss, (new_state, aux))"


def checked_loss(loss_fn: Callable[..., Any], has_aux: bool, compute_dtype: Any) -> Loss:
    """Return ``loss_fn`` in ``compute_dtype``, with a float32 loss, held to its contract."""

    def loss(params: PyTree, state: PyTree, batch: PyTree, key: Any) -> Any:
        if compute_dtype is not None:
            params, batch = _cast(params, compute_dtype), _cast(batch, compute_dtype)
        out = loss_fn(params, state, batch, key)
        value, new_state, aux = _taken_apart(out, state) if has_aux else (out, state, None)
        if jnp.shape(value) != ():
            raise ValueError(
                f"the loss must be a scalar, and loss_fn returned one of shape {jnp.shape(value)}: "
                "reduce it, for example with .mean()"
            )
        value = jnp.asarray(value)
        wide = jnp.promote_types(value.dtype, jnp.float32)
        return value.astype(wide), (_like(new_state, state), aux)

    return loss


def _taken_apart(out: Any, state: PyTree) -> tuple[Any, PyTree, PyTree]:
    match out:
        case (value, (new_state, aux)):
            pass
        case _:
            raise ValueError(
                f"the contract is {CONTRACT}, and loss_fn returned {_described(out)}: a function "
                "that returns the loss alone needs make_train_step(..., has_aux=False)"
            )
    wanted, got = jax.tree.structure(state), jax.tree.structure(new_state)
    if wanted != got:
        raise ValueError(
            f"loss_fn returned a new_state of another structure than state: {got} instead of "
            f"{wanted}. Return every entry, and `state` itself if nothing changes"
        )
    return value, new_state, aux


def _described(out: Any) -> str:
    if isinstance(out, tuple):
        return f"a tuple of {len(out)}: ({', '.join(type(part).__name__ for part in out)})"
    return f"a {type(out).__name__}"


def _cast(tree: PyTree, dtype: Any) -> PyTree:
    """Return the tree with its floating arrays in ``dtype``."""
    return jax.tree.map(lambda x: jnp.asarray(x, dtype) if _is_floating(x) else x, tree)


def _is_floating(x: Any) -> bool:
    return jnp.issubdtype(jnp.result_type(x), jnp.floating)


def _like(new: PyTree, old: PyTree) -> PyTree:
    """Return ``new`` in the dtypes of ``old``, so that a step's output fits its input."""
    return jax.tree.map(lambda n, o: jnp.asarray(n, jnp.result_type(o)), new, old)


def gradients(
    loss: Loss, params: PyTree, state: PyTree, batch: PyTree, key: Any, scale: Array | None
) -> Gradients:
    """Differentiate the loss of a whole batch; ``scale`` multiplies it meanwhile."""

    def scaled(params: PyTree) -> Any:
        value, rest = loss(params, state, batch, key)
        return (value if scale is None else value * scale), (value, rest)

    grads, (value, (new_state, aux)) = jax.grad(scaled, has_aux=True)(params)
    if scale is not None:
        grads = jax.tree.map(lambda g: g * (1 / scale).astype(g.dtype), grads)
    return Gradients(grads, value, new_state, aux)


def accumulated(
    count: int,
    loss: Loss,
    params: PyTree,
    state: PyTree,
    batch: PyTree,
    key: Any,
    scale: Array | None,
    varying: Callable[[PyTree], PyTree],
) -> Gradients:
    """Differentiate the mean loss of ``count`` micro-batches, one after the other.

    Batch leaves (N, ...) are taken as (count, N / count, ...). The model's state goes through the
    micro-batches in turn; each has a key of its own. ``aux`` is stacked: (...) -> (count, ...).
    """
    keys = None if key is None else jax.random.split(key, count)
    batches = split_batch(batch, count)
    zeros = jax.tree.map(lambda p: jnp.zeros(p.shape, _wide(p)), params)

    def body(carry: Any, given: Any) -> Any:
        total, state = carry
        batch, key = given
        new = gradients(loss, params, state, batch, key, scale)
        total = jax.tree.map(lambda t, g: t + g.astype(t.dtype), total, new.grads)
        return (total, new.state), (new.loss, new.aux)

    carry, (losses, aux) = jax.lax.scan(body, (varying(zeros), state), (batches, keys))
    total, state = carry
    grads = jax.tree.map(lambda t, p: (t / count).astype(p.dtype), total, params)
    return Gradients(grads, losses.mean(), state, aux)


def _wide(x: Array) -> Any:
    return jnp.promote_types(x.dtype, jnp.float32)


def split_batch(batch: PyTree, count: int) -> PyTree:
    """Cut axis 0 of every leaf into ``count`` equal parts: (N, ...) -> (count, N / count, ...).

    Raises: ValueError if a leaf has no axis 0, or one that cannot be cut.
    """

    def cut(path: Any, leaf: Any) -> Array:
        where = f"batch{jax.tree_util.keystr(path)}"
        shape = jnp.shape(leaf)
        if not shape:
            raise ValueError(
                f"accumulate={count}: {where} is a scalar and has no axis 0 to split into "
                "micro-batches; give constants to the loss function in another way"
            )
        if shape[0] % count:
            raise ValueError(
                f"accumulate={count}: {where} has {shape[0]} rows, which cannot be split into "
                f"{count} micro-batches of equal size: use a batch size that {count} divides, and "
                "drop or pad the last batch"
            )
        return jnp.reshape(leaf, (count, shape[0] // count, *shape[1:]))

    return jax.tree_util.tree_map_with_path(cut, batch)
