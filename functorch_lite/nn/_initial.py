"""The initial distributions of PyTorch's layers, drawn with JAX keys.

The distributions are PyTorch's, the numbers are not: a JAX key gives another stream than
``torch.manual_seed``.  Floor 5.
"""

import math
from collections.abc import Mapping
from typing import Any

import jax

from .._core.types import Array, Shape
from ._contract import Key, Params


def uniform(key: Key, shape: Shape, bound: float, dtype: Any) -> Array:
    """Draw from U(-bound, bound)."""
    return jax.random.uniform(key, shape, dtype, -bound, bound)


def fan_in(shape: Shape) -> int:
    """Return how many products are summed into an output of a weight (out, in, *kernel)."""
    return math.prod(shape[1:])


def uniform_params(key: Key, shapes: Mapping[str, Shape], bound: float, dtype: Any) -> Params:
    """Draw each of several params from U(-bound, bound), with a key of its own."""
    keys = jax.random.split(key, len(shapes))
    return {
        name: uniform(k, shape, bound, dtype)
        for (name, shape), k in zip(shapes.items(), keys, strict=True)
    }


def weight_and_bias(key: Key, weight: Shape, bias: int | None, dtype: Any) -> Params:
    """Draw a weight and, unless None, a bias of that size, from U(-b, b), b = 1 / sqrt(fan in).

    That is ``kaiming_uniform_(a=sqrt(5))`` for the weight: gain sqrt(1 / 3), times sqrt(3 / fan).
    """
    shapes = {"weight": weight} | ({} if bias is None else {"bias": (bias,)})
    return uniform_params(key, shapes, 1 / math.sqrt(max(fan_in(weight), 1)), dtype)


def xavier_uniform(key: Key, shape: Shape, dtype: Any) -> Array:
    """Draw a (out, in) matrix from U(-b, b), b = sqrt(6 / (in + out)) (Glorot and Bengio 2010)."""
    return uniform(key, shape, math.sqrt(6 / (shape[0] + shape[1])), dtype)
