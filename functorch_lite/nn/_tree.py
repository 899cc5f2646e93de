"""Between nested dicts of arrays and flat ones with dotted keys: the way to a checkpoint and back.

A ``state_dict`` is ``{"0.weight": array, "1.running_mean": array}``, params and state together.
The params of a repeated layer lie under ``"0"``, ``"1"``, ... or, after :func:`stack`, as one array
with a leading axis under ``"*"``; :func:`flatten` gives the same keys for both.  Floor 5.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._core.types import Array
from ._contract import Layer, Params, State

STACKED = "*"
"""The key under which :func:`stack` puts the params of all copies of a layer."""


def flatten(tree: Mapping[str, Any]) -> dict[str, Array]:
    """Return ``{dotted key: array}`` of nested dicts.

    >>> flatten({"0": {"weight": 1, "bias": 2}, "2": {"weight": 3}})
    {'0.weight': 1, '0.bias': 2, '2.weight': 3}
    """
    flat = {}
    for name, value in (unstack(tree) if STACKED in tree else tree).items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{rest}": leaf for rest, leaf in flatten(value).items()}
        else:
            flat[name] = value
    return flat


def unflatten(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return the nested dicts of ``{dotted key: array}``; the inverse of :func:`flatten`.

    >>> unflatten({"0.weight": 1, "0.bias": 2, "2.weight": 3})
    {'0': {'weight': 1, 'bias': 2}, '2': {'weight': 3}}
    """
    tree: dict[str, Any] = {}
    for key, value in flat.items():
        *path, last = key.split(".")
        inner = tree
        for name in path:
            inner = inner.setdefault(name, {})
            if not isinstance(inner, dict):
                raise ValueError(f"unflatten: {key!r} lies below another key, which is an array")
        if last in inner:
            raise ValueError(f"unflatten: {key!r} is an array and also the beginning of a key")
        inner[last] = value
    return tree


def stack(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{"*": tree}`` with the arrays of copies "0", "1", ... along a new leading axis.

    For the params and the state of ``repeat``, which then need not be stacked at each call.
    """
    if STACKED in tree or not tree:
        return dict(tree)
    if set(tree) != {str(i) for i in range(len(tree))}:
        raise ValueError(
            f"stack: the keys must be those of copies, '0' to '{len(tree) - 1}', got "
            f"{list(tree)}: stack the params of a repeat layer"
        )
    copies = [tree[str(i)] for i in range(len(tree))]
    return {STACKED: jax.tree.map(lambda *leaves: jnp.stack(leaves), *copies)}


def unstack(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{"0": ..., "1": ...}`` of ``{"*": tree}``; the inverse of :func:`stack`."""
    if STACKED not in tree:
        return dict(tree)
    leaves, structure = jax.tree.flatten(tree[STACKED])
    count = leaves[0].shape[0]
    return {str(i): structure.unflatten([leaf[i] for leaf in leaves]) for i in range(count)}


def to_state_dict(params: Params, state: State) -> dict[str, Array]:
    """Return params and state as one flat dict with PyTorch's keys.

    >>> to_state_dict({"0": {"weight": 1}}, {"1": {"running_mean": 2}})
    {'0.weight': 1, '1.running_mean': 2}
    """
    return flatten(params) | flatten(state)


def from_state_dict(layer: Layer, state_dict: Mapping[str, Any]) -> tuple[Params, State]:
    """Return the (params, state) of ``layer`` with the values of ``state_dict``.

    Args:
        layer: says which keys are params, which are state, their shapes and dtypes.
        state_dict: ``{dotted key: array}``, NumPy, JAX or anything NumPy can read.

    Raises:
        ValueError: keys are missing or left over, or a shape differs; the message lists them.
    """
    expected = jax.eval_shape(layer.init, jax.random.key(0))
    shapes = to_state_dict(*expected)
    _check_keys(layer, shapes, state_dict)
    arrays = {name: _as_array(state_dict[name]) for name in shapes}
    wrong = [
        f"{name} is {arrays[name].shape} and should be {shape.shape}"
        for name, shape in shapes.items()
        if arrays[name].shape != shape.shape
    ]
    if wrong:
        raise ValueError(f"from_state_dict: {layer!r} has other shapes: {'; '.join(wrong)}")
    arrays = {name: jnp.asarray(arrays[name], shapes[name].dtype) for name in shapes}
    params, state = (unflatten({k: arrays[k] for k in flatten(part)}) for part in expected)
    return params, state


def _check_keys(layer: Layer, expected: Mapping, given: Mapping) -> None:
    missing = [name for name in expected if name not in given]
    unexpected = [name for name in given if name not in expected]
    if missing or unexpected:
        raise ValueError(
            f"from_state_dict: the keys are not those of {layer!r}: missing {missing}, "
            f"unexpected {unexpected}"
        )


def _as_array(value: Any) -> Any:
    return value if isinstance(value, jax.Array) else np.asarray(value)
