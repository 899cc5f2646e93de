"""Normalisation with running statistics: batch and instance norm.

The statistics are state, under PyTorch's keys: ``running_mean``, ``running_var`` and
``num_batches_tracked``.  A call in training returns the new ones; nothing is written.  Floor 5.
"""

from typing import Any, ClassVar

import jax.numpy as jnp

from ..ops.layers.normalize import batch_norm, instance_norm
from ._check import as_input, check_ndim, check_several, check_size
from ._contract import Key, Layer, Params, State
from ._norm import affine_params


def _initial_statistics(layer: Any) -> State:
    if not layer.track_running_stats:
        return {}
    return {
        "running_mean": jnp.zeros(layer.num_features, layer.dtype),
        "running_var": jnp.ones(layer.num_features, layer.dtype),
        "num_batches_tracked": jnp.zeros((), int),
    }


def _running(layer: Any, state: State) -> tuple[Any, Any]:
    """Return the running mean and variance, or (None, None) for a layer that keeps none."""
    if not layer.track_running_stats:
        return None, None
    if "running_mean" not in state:
        raise ValueError(
            f"{layer!r}: its state lacks running_mean and running_var: pass the state that init "
            "returned, outputs, state = layer.apply(params, state, x)"
        )
    return state["running_mean"], state["running_var"]


class _BatchNorm(Layer):
    """What batch normalisation of all dimensions shares."""

    num_features: int
    eps: float = 1e-5
    momentum: float | None = 0.1
    affine: bool = True
    track_running_stats: bool = True
    bias: bool = True
    dtype: Any = jnp.float32

    _ranks: ClassVar[tuple[int, ...]]

    def init(self, key: Key) -> tuple[Params, State]:
        """Make weight and bias; the statistics of no batch."""
        params = affine_params((self.num_features,), self.affine, self.bias, self.dtype)
        return params, _initial_statistics(self)

    def apply(
        self,
        params: Params,
        state: State,
        input: Any,
        *,
        key: Key | None = None,
        train: bool = False,
    ) -> tuple[Any, State]:
        """(N, num_features, *) -> the same shape; in training with new running statistics."""
        x = as_input(self, input)
        check_ndim(self, x, *self._ranks)
        check_size(self, x, 1, "num_features")
        running = _running(self, state)
        weight, bias = params.get("weight"), params.get("bias")
        if not train:
            by_batch = not self.track_running_stats
            return batch_norm(x, *running, weight, bias, by_batch, 0.0, self.eps)[0], state
        check_several(self, x, (0, *range(2, x.ndim)), "batch")
        if not self.track_running_stats:
            return batch_norm(x, None, None, weight, bias, True, 0.0, self.eps)[0], state
        count = state["num_batches_tracked"] + 1
        # Without a momentum the statistics are the mean over all batches so far.
        momentum: Any = self.momentum
        if momentum is None:
            momentum = 1 / count.astype(running[0].dtype)
        out, mean, var = batch_norm(x, *running, weight, bias, True, momentum, self.eps)
        return out, {"running_mean": mean, "running_var": var, "num_batches_tracked": count}


class BatchNorm1d(_BatchNorm):
    """Mean 0 and variance 1 of each channel over the batch, then scale and shift (Ioffe 2015).

    (N, num_features) or (N, num_features, L) -> the same shape.  Training normalises by the batch,
    evaluation by the running statistics.  ``momentum`` None averages over all batches.
    Params: ``weight``, ones, and ``bias``, zeros, (num_features,).  State: ``running_mean``, zeros,
    and ``running_var``, ones, (num_features,); ``num_batches_tracked``, an integer.

    >>> params, state = BatchNorm1d(2).init(None)
    >>> x = jnp.array([[0.0, 1.0], [4.0, 1.0]])
    >>> _, state = BatchNorm1d(2).apply(params, state, x, train=True)
    >>> state["running_mean"]
    Array([0.2, 0.1], dtype=float32)
    """

    _ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of images (N, num_features, H, W); as :class:`BatchNorm1d`."""

    _ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of volumes (N, num_features, D, H, W); as :class:`BatchNorm1d`."""

    _ranks = (5,)


class _InstanceNorm(Layer):
    """What instance normalisation of all dimensions shares."""

    num_features: int
    eps: float = 1e-5
    momentum: float = 0.1
    affine: bool = False
    track_running_stats: bool = False
    bias: bool = True
    dtype: Any = jnp.float32

    _dims: ClassVar[int]

    def init(self, key: Key) -> tuple[Params, State]:
        """Make weight, bias and statistics, as far as the settings ask for them."""
        params = affine_params((self.num_features,), self.affine, self.bias, self.dtype)
        return params, _initial_statistics(self)

    def apply(
        self,
        params: Params,
        state: State,
        input: Any,
        *,
        key: Key | None = None,
        train: bool = False,
    ) -> tuple[Any, State]:
        """(N, num_features, *) or (num_features, *) -> the same shape."""
        n = self._dims
        x = as_input(self, input)
        check_ndim(self, x, n + 1, n + 2)
        check_size(self, x, -n - 1, "num_features")
        running = _running(self, state)
        by_input = train or not self.track_running_stats
        if by_input:
            check_several(self, x, tuple(range(x.ndim - n, x.ndim)), "input")
        batch = x if x.ndim == n + 2 else x[None]
        weights = params.get("weight"), params.get("bias")
        out, mean, var = instance_norm(batch, *running, *weights, by_input, self.momentum, self.eps)
        out = out if x.ndim == n + 2 else out[0]
        if not (train and self.track_running_stats):
            return out, state
        return out, state | {"running_mean": mean, "running_var": var}


class InstanceNorm1d(_InstanceNorm):
    """Mean 0 and variance 1 of each channel of each sample (Ulyanov et al. 2016).

    (N, num_features, L) or (num_features, L) -> the same shape.  Params only with ``affine``, state
    only with ``track_running_stats``; both as in :class:`BatchNorm1d`.
    """

    _dims = 1


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of images (N, num_features, H, W); as :class:`InstanceNorm1d`."""

    _dims = 2


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of volumes (N, num_features, D, H, W)."""

    _dims = 3
