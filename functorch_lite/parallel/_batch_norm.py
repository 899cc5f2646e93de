"""Synchronized batch norm: a layer whose batch norms take the statistics of all devices.

Layers of ``fl.nn`` are frozen records, so this is a function from layer to layer: the same params
and state, another ``apply``.  Floor 5.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import jax.numpy as jnp

from .._core.types import Array
from ..nn import BatchNorm1d, BatchNorm2d, BatchNorm3d
from ._collectives import AxisName, all_gather, axis_size

BATCH_NORMS = (BatchNorm1d, BatchNorm2d, BatchNorm3d)


def sync_batch_norm(layer: Any, axis_name: str = "data") -> Any:
    """Return ``layer`` with every batch norm in it normalising over the examples of all devices.

    In training under ``axis_name`` the batch's mean and variance are those of all devices, in the
    forward and the backward pass, so that D devices with n examples each compute what one device
    computes with D * n.  Elsewhere, and in evaluation, nothing changes.  Found are batch norms in
    settings (``serial``, ``residual``, ``repeat``, ...) and among ``children()``.

    Args:
        layer: of ``fl.nn``; with the same params, state and keys as before.
        axis_name: that of :func:`.data_parallel`, ``pmap`` or ``shard_map``.

    Raises:
        ValueError: there is no batch norm in ``layer``.

    >>> sync_batch_norm(BatchNorm1d(3))
    SyncBatchNorm1d(3)
    """
    synced = _synced(layer, axis_name)
    if synced is layer:
        raise ValueError(
            f"sync_batch_norm: {layer!r} has no batch norm among its settings and children: give "
            "it the layer that does"
        )
    return synced


def _synced(value: Any, axis_name: str) -> Any:
    """Return the same object if there is nothing to change in it."""
    if isinstance(value, BATCH_NORMS):
        if _is_synced(value):
            return value
        return _as(_synced_norm(type(value), axis_name), value)
    if type(value) is tuple:
        new = tuple(_synced(part, axis_name) for part in value)
        return value if all(a is b for a, b in zip(new, value, strict=True)) else new
    if not (is_dataclass(value) and hasattr(value, "apply")):
        return value
    old = {field.name: getattr(value, field.name) for field in fields(value)}
    new = {name: _synced(part, axis_name) for name, part in old.items()}
    if any(new[name] is not old[name] for name in old):
        value = _as(type(value), value, new)
    if not hasattr(value, "children") or _is_synced(value):
        return value
    children: Mapping[str, Any] = value.children()  # pyright: ignore
    if all(_synced(child, axis_name) is child for child in children.values()):
        return value
    return _as(_synced_composite(type(value), axis_name), value)


def _is_synced(layer: Any) -> bool:
    return hasattr(type(layer), "synced_over")


def _as(cls: type, layer: Any, changed: Mapping[str, Any] | None = None) -> Any:
    """Return a ``cls`` with the settings of ``layer``, some of them changed."""
    made = object.__new__(cls)
    for name, value in (vars(layer) | dict(changed or {})).items():
        object.__setattr__(made, name, value)
    return made


@cache
def _synced_composite(base: Any, axis_name: str) -> type:
    """Make the subclass of a composite whose children are synchronized."""

    def children(self: Any) -> Mapping[str, Any]:
        own = base.children(self)
        return {name: _synced(child, axis_name) for name, child in own.items()}

    return type(base.__name__, (base,), {"children": children, "synced_over": axis_name})


@cache
def _synced_norm(base: Any, axis_name: str) -> type:
    """Make the subclass of a batch norm that takes its statistics over the devices."""

    def apply(
        self: Any,
        params: dict,
        state: dict,
        input: Any,
        *,
        key: Any = None,
        train: bool = False,
    ) -> tuple[Array, dict]:
        if not train or not _is_shared(axis_name):
            return base.apply(self, params, state, input, key=key, train=train)
        return _normalize(self, params, state, jnp.asarray(input), axis_name)

    return type(f"Sync{base.__name__}", (base,), {"apply": apply, "synced_over": axis_name})


def _is_shared(axis_name: AxisName) -> bool:
    """Tell whether there is a mapped axis of that name here, and more than one device on it."""
    try:
        return axis_size(axis_name) > 1
    except NameError:
        return False


def _normalize(
    layer: Any, params: dict, state: dict, x: Array, axis_name: AxisName
) -> tuple[Array, dict]:
    """Return (output, new state) of ``layer`` in training: (N, C, *) -> (N, C, *)."""
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    mean, var, count = batch_statistics(wide, axis_name)

    def spread(v: Array) -> Array:
        return v.reshape(1, -1, *[1] * (x.ndim - 2))  # (C,) -> (1, C, 1, ...)

    scale = params.get("weight", 1) / jnp.sqrt(var + layer.eps)  # (C,)
    out = (wide - spread(mean)) * spread(scale)
    if "bias" in params:
        out = out + spread(params["bias"])
    out = out.astype(x.dtype)
    if not layer.track_running_stats:
        return out, state
    batches = state["num_batches_tracked"] + 1
    momentum = 1 / batches if layer.momentum is None else layer.momentum
    new = {"running_mean": mean, "running_var": var * (count / max(count - 1, 1))}
    for name, value in new.items():
        old = state[name]
        new[name] = ((1 - momentum) * old + momentum * value).astype(old.dtype)
    return out, new | {"num_batches_tracked": batches}


def batch_statistics(x: Array, axis_name: AxisName) -> tuple[Array, Array, int]:
    """Return (mean, biased variance, number of values) of each channel over all devices.

    Args:
        x: (N, C, *), of this device; every device has as many.
        axis_name: of the devices.

    Returns: (C,), (C,), and the number of values that each is of.
    """
    axes = (0, *range(2, x.ndim))
    mean = x.mean(axes)  # (C,)
    centred = x - jnp.expand_dims(mean, axes)
    # The variance of all is the mean variance within a device plus that of the devices' means,
    # without the cancellation of E[x^2] - E[x]^2, and with one exchange for both.
    within = (centred * centred).mean(axes)
    means, withins = all_gather((mean, within), axis_name)  # (D, C) each
    var = withins.mean(0) + means.var(0)
    return means.mean(0), var, x.size // x.shape[1] * axis_size(axis_name)
