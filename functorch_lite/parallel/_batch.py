"""Between a batch and its shards, a value and its copies: what a ``pmap`` takes and gives.

``pmap`` maps over a leading axis of size D, the number of devices.  Floor 5.
"""

from collections.abc import Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from .._core.execute import Device
from .._core.types import Array, PyTree
from ._collectives import AxisName, axis_size, psum
from ._mesh import choose_devices, make_mesh, split_over


def replicate(tree: PyTree, devices: Sequence[Device] | None = None) -> PyTree:
    """Put a copy of every array on each device, stacked: (*s) -> (D, *s), for ``pmap``.

    :func:`.data_parallel` and ``in_axes=None`` want no copies: they take the arrays themselves.

    Args:
        tree: arrays, NumPy's or JAX's, or numbers.
        devices: D of them; all of this process if None.
    """
    chosen = choose_devices(devices)
    sharding = split_over(make_mesh(chosen, "replicate"))

    def copies(leaf: Any) -> Array:
        leaf = jnp.asarray(leaf)[None]  # (1, *s)
        parts = [jax.device_put(leaf, device) for device in chosen]
        shape = (len(chosen), *leaf.shape[1:])
        return jax.make_array_from_single_device_arrays(shape, sharding, parts)

    return jax.tree.map(copies, tree)


def unreplicate(tree: PyTree) -> PyTree:
    """Take the first copy of every array: (D, *s) -> (*s); no communication between devices.

    Raises:
        ValueError: an array has no leading axis to take an entry of.
    """

    def first(path: Any, leaf: Any) -> Any:
        if not np.shape(leaf):
            raise ValueError(
                f"unreplicate: tree{jax.tree_util.keystr(path)} is a scalar, without the leading "
                "axis of devices that replicate and pmap make"
            )
        if isinstance(leaf, jax.Array) and leaf.is_fully_addressable:
            leaf = min(leaf.addressable_shards, key=_start).data
        return leaf[0]

    return jax.tree_util.tree_map_with_path(first, tree)


def _start(shard: Any) -> int:
    return shard.index[0].start or 0


def shard_batch(
    tree: PyTree,
    devices: Sequence[Device] | None = None,
    *,
    pad: Literal["drop", "repeat"] | None = None,
) -> Any:
    """Split a batch over the devices: (B, *s) -> (D, n, *s), where B = D * n, for ``pmap``.

    Args:
        tree: arrays that share axis 0, of size B.
        devices: D of them; all of this process if None.
        pad: for a B that D does not divide.  None: an error.  "drop": the last B % D examples are
            left out.  "repeat": the batch is filled up with examples from its beginning, and
            weights are returned that are 1 for real examples and 0 for these.

    Returns:
        The shards, each on its device; for "repeat" (shards, weights) whatever B is, weights
        (D, n) in float32.  :func:`weighted_mean` takes the mean over real examples.

    Raises:
        ValueError: the arrays differ in size, or the batch cannot be split.

    >>> shard_batch(np.arange(3), jax.devices()[:1]).shape
    (1, 3)
    """
    chosen = choose_devices(devices)
    size, count = batch_size(tree, "shard_batch"), len(chosen)
    if pad not in (None, "drop", "repeat"):
        raise ValueError(f'shard_batch: pad must be None, "drop" or "repeat", got {pad!r}')
    if pad is None and size % count:
        raise ValueError(indivisible(size, count) + 'pad="repeat" fills it up and returns weights')
    if size == 0 or (pad == "drop" and size < count):
        raise ValueError(
            f"a batch of {size} leaves nothing for some of {count} devices: use "
            f'pad="repeat", or fewer devices (devices=jax.local_devices()[:{max(size, 1)}])'
        )
    each = size // count if pad != "repeat" else -(-size // count)
    total, sharding = each * count, split_over(make_mesh(chosen, "shard"))

    def split(leaf: Any) -> Array:
        leaf = leaf if hasattr(leaf, "shape") else np.asarray(leaf)
        if total > size:
            leaf = _on_host(leaf)[np.arange(total) % size]
        elif total < size:
            leaf = leaf[:total]
        return jax.device_put(leaf.reshape(count, each, *leaf.shape[1:]), sharding)

    shards = jax.tree.map(split, tree)
    if pad != "repeat":
        return shards
    weights = (np.arange(total) < size).astype(np.float32).reshape(count, each)
    return shards, jax.device_put(weights, sharding)


def unshard_batch(tree: PyTree, size: int | None = None) -> PyTree:
    """Join shards into one batch on the host: (D, n, *s) -> (D * n, *s), NumPy arrays.

    Args:
        tree: results of a ``pmap`` with one row an example.
        size: keep this many examples, where ``shard_batch`` filled the batch up.
    """

    def join(leaf: Any) -> np.ndarray:
        leaf = np.asarray(leaf)
        if leaf.ndim < 2:
            raise ValueError(
                f"unshard_batch: shards have two leading axes, (devices, examples), and one has "
                f"shape {leaf.shape}"
            )
        return leaf.reshape(leaf.shape[0] * leaf.shape[1], *leaf.shape[2:])[:size]

    return jax.tree.map(join, tree)


def weighted_mean(
    values: Array, weights: Array | None = None, axis_name: AxisName | None = None
) -> Array:
    """Average one value an example, so that the mean over devices is that of all real examples.

    On device d: D * sum(weights * values) / (sum of weights on all devices).  ``pmean`` of these
    losses, and of their gradients, is the loss of the whole batch and its gradient.

    Args:
        values: (n, *s), the losses of the examples of this device.
        weights: (n,), 0 for examples that do not count; None for 1.
        axis_name: of the devices; None where there is but one.

    Returns: the mean over all axes, shape ().
    """
    if weights is None:
        weights = jnp.ones(values.shape[:1], values.dtype)
    per_example = values.reshape(len(values), -1).mean(axis=1)  # (n,)
    total = jnp.sum(weights)
    devices = 1
    if axis_name is not None:
        total, devices = psum(total, axis_name), axis_size(axis_name)
    return devices * jnp.sum(weights * per_example) / total


# --- shared with data_parallel


def batch_size(tree: PyTree, who: str) -> int:
    """Return the size of axis 0, which all arrays of a batch share; ValueError if they do not."""
    leaves, _ = jax.tree.flatten_with_path(tree)
    sizes = {}
    for path, leaf in leaves:
        shape, where = np.shape(leaf), f"batch{jax.tree_util.keystr(path)}"
        if not shape:
            raise ValueError(
                f"{who}: {where} is a scalar, and a batch is split along axis 0: "
                "give constants to the function in another way"
            )
        sizes[where] = shape[0]
    if not sizes:
        raise ValueError(f"{who}: the batch has no arrays")
    if len(set(sizes.values())) > 1:
        named = ", ".join(f"{where} {size}" for where, size in sizes.items())
        raise ValueError(f"{who}: the arrays of a batch share axis 0, and these differ: {named}")
    return next(iter(sizes.values()))


def indivisible(size: int, count: int) -> str:
    """Return the beginning of the error for a batch that cannot be split."""
    nearest = ", ".join(str(n) for n in (size // count * count, -(-size // count) * count) if n)
    return (
        f"a batch of {size} cannot be split over {count} devices: "
        f'use a batch size of {nearest.replace(", ", " or ")}; pad="drop" leaves out the last '
        f"{size % count}; "
    )


def _on_host(leaf: Any) -> Any:
    """Return a host array, so that no program runs across devices; random keys stay as they are."""
    if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return leaf
    return np.asarray(leaf)
