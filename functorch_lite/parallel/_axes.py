"""``in_axes`` and ``out_axes`` of ``pmap``: reading them, applying them, and saying what is wrong.

Axes are a tree prefix of what they describe: an int (the axis to split), None (no axis: the same
for all devices), or a container of these.  Floor 5.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .._core.execute import Device
from .._core.types import Array, PyTree
from ._mesh import MORE_DEVICES


def is_none(value: Any) -> bool:
    """Tell whether ``value`` is None, which JAX's tree functions would take for an empty tree."""
    return value is None


def map_axes(fun: Callable[[int | None], Any], axes: PyTree) -> PyTree:
    """Apply ``fun`` to each entry of ``axes``, None included."""
    return jax.tree.map(fun, axes, is_leaf=is_none)


def check_axes(axes: PyTree, name: str) -> None:
    """Raise TypeError or ValueError unless ``axes`` is made of non-negative ints and None."""
    for axis in jax.tree.leaves(axes, is_leaf=is_none):
        if axis is None:
            continue
        if not isinstance(axis, int) or isinstance(axis, bool):
            raise TypeError(
                f"pmap: {name} is made of ints, None and containers of these, got {axis!r}"
            )
        if axis < 0:
            raise ValueError(
                f"pmap: {name} counts from the front: an axis must be 0 or more, got {axis}"
            )


def first_size(axes: PyTree, tree: PyTree) -> int | None:
    """Return the size of the first mapped axis in ``tree``, or None if nothing is mapped.

    Runs at every call, so the usual ``axes`` (an int, or a tuple of ints) take the short way.
    """
    if type(axes) is int:
        shape = np.shape(_first_leaf(tree))
        return shape[axes] if axes < len(shape) else None
    if axes is None:
        return None
    if type(axes) is tuple and type(tree) is tuple:
        for axis, part in zip(axes, tree, strict=False):
            size = first_size(axis, part)
            if size is not None:
                return size
        return None
    sizes = jax.tree.map(first_size, axes, tree, is_leaf=is_none)
    return next(iter(jax.tree.leaves(sizes)), None)


def _first_leaf(tree: PyTree) -> Any:
    """Return some leaf of ``tree``, or None; plain containers need no flattening."""
    while not hasattr(tree, "shape"):
        kind = type(tree)
        if kind is dict and len(tree):
            tree = next(iter(tree.values()))
        elif (kind is tuple or kind is list) and len(tree):
            tree = tree[0]
        else:
            return next(iter(jax.tree.leaves(tree)), None)
    return tree


def remove_axes(axes: PyTree, tree: PyTree) -> PyTree:
    """Take the mapped axis, of size 1 on each device, out of every array of ``tree``."""

    def remove(axis: int | None, leaf: Array) -> Array:
        return leaf if axis is None else lax.squeeze(leaf, [axis])

    return jax.tree.map(remove, spread_axes(axes, tree), tree, is_leaf=is_none)


def insert_axes(axes: PyTree, tree: PyTree) -> PyTree:
    """Put an axis of size 1 into every array of ``tree``, where ``axes`` says."""

    def insert(axis: int | None, leaf: Any) -> Array:
        leaf = jnp.asarray(leaf)
        if axis is not None and axis > leaf.ndim:
            raise ValueError(
                f"pmap: out_axes={axis} is beyond a result of shape {leaf.shape}: "
                f"use at most {leaf.ndim}"
            )
        return leaf if axis is None else lax.expand_dims(leaf, [axis])

    try:
        spread = spread_axes(axes, tree)
    except ValueError as error:
        raise ValueError(
            "pmap: out_axes must have the structure of the result, or of its beginning: "
            f"out_axes={axes!r}, the result is {_structure(tree)}. Give one int for all of it"
        ) from error
    return jax.tree.map(insert, spread, tree, is_leaf=is_none)


def spread_axes(axes: PyTree, tree: PyTree) -> PyTree:
    """Return a tree like ``tree`` with the axis of each leaf; ValueError if they do not fit."""
    return jax.tree.broadcast(axes, tree, is_leaf=is_none)


# --- what is wrong with a call


def check_call(axes: PyTree, args: tuple, kwargs: dict[str, Any], size: int | None = None) -> None:
    """Raise ValueError unless ``axes`` fit ``args``, and all mapped axes have one size.

    Args:
        axes: one entry a positional argument.
        args: the positional arguments that are not static.
        kwargs: arguments by name, mapped over axis 0.
        size: the size that ``devices`` or ``axis_size`` ask for.
    """
    if isinstance(axes, tuple) and len(axes) != len(args):
        raise ValueError(
            f"pmap: in_axes has {len(axes)} entries for {len(args)} positional arguments: "
            "give one entry an argument (static ones too), or one int for all; arguments passed "
            "by name are mapped over axis 0"
        )
    try:
        spread = spread_axes(axes, args)
    except ValueError as error:
        raise ValueError(
            f"pmap: in_axes must have the structure of the arguments, or of their beginning: "
            f"in_axes={axes!r}, the arguments are {_structure(args)}. Give one int or None for a "
            "whole argument"
        ) from error
    sizes = [*_sizes(spread, args, "argument "), *_sizes(spread_axes(0, kwargs), kwargs, "")]
    if len({size for size, _ in sizes}) > 1:
        raise ValueError(
            "pmap: the mapped axes differ in size: "
            + "; ".join(f"{where} has {size}" for size, where in sizes)
            + ". Give all the same size, or broadcast an argument with in_axes=None"
        )
    if size is not None and sizes and sizes[0][0] != size:
        raise ValueError(
            f"pmap: {sizes[0][1]} has {sizes[0][0]} slices for {size} devices, the number that "
            "devices= or axis_size= ask for: give one slice a device, "
            "x.reshape(devices, batch // devices, *x.shape[1:])"
        )


def check_devices(size: int, devices: Sequence[Device]) -> None:
    """Raise ValueError unless a mapped axis of ``size`` can have a device for each entry."""
    count = len(devices)
    if size > count:
        split = next(n for n in range(count, 0, -1) if size % n == 0)
        several = (
            f"give each several examples, x.reshape({split}, {size // split}, *x.shape[1:]) with a "
            "vmap inside"
            if split > 1
            else "pad it first, fl.parallel.shard_batch(batch, pad='repeat')"
        )
        raise ValueError(
            f"pmap: a mapped axis of size {size} needs {size} devices and there "
            f"{'is' if count == 1 else 'are'} {count}: {several}; or {MORE_DEVICES}"
        )
    if size == 0:
        raise ValueError("pmap: the mapped axis has size 0: there is nothing to map over")


def _sizes(axes: PyTree, tree: PyTree, kind: str) -> list[tuple[int, str]]:
    """Return (size, description) of every mapped axis in ``tree``."""
    found = []
    leaves, _ = jax.tree.flatten_with_path(tree)
    for (path, leaf), axis in zip(leaves, jax.tree.leaves(axes, is_leaf=is_none), strict=True):
        if axis is None:
            continue
        where = kind + _name(path)
        shape = np.shape(leaf)
        if axis >= len(shape):
            raise ValueError(
                f"pmap: {where} has shape {shape} and no axis {axis} to map over: "
                "stack one value a device, or broadcast it with in_axes=None"
            )
        found.append((shape[axis], f"axis {axis} of {where}, shape {shape},"))
    return found


def _name(path: Sequence[Any]) -> str:
    """Return ``0['weight']`` for a path into the arguments."""
    first, *rest = path
    head = getattr(first, "idx", None)
    head = getattr(first, "key", first) if head is None else head
    return f"{head}{jax.tree_util.keystr(tuple(rest))}"


def _structure(tree: PyTree) -> str:
    return str(jax.tree.map(lambda _: "*", tree)).replace("'*'", "*")
