"""Random masks: dropout in its forms, and the random slopes of ``rrelu``.

The masks are drawn as PyTorch draws them, in the order of its CPU stream.  ``nn.functional`` has
the same functions under other signatures and calls these.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...._core import dtype as dt
from ....ops._registry import OPS
from ..._engine.dispatch import call, type_name
from ..._engine.register import SPACES, expose
from ..._engine.storage import memory_order
from ..._engine.tensor import Tensor
from ..._engine.writing import call_inplace
from ..create import wrap
from .random import Generator, draw

_ALPHA = 1.7580993408473766
"""Minus the value at which SELU saturates: ``scale * alpha`` of Klambauer et al., 2017."""


def keep_mask(input: Tensor, shape: Any, p: float) -> Tensor:
    """Return ones with probability 1 - p and zeros elsewhere, in the dtype of ``input``.

    A mask of the input's own shape is drawn in the order in which the input lies in memory.
    """
    shape = tuple(shape)
    order = list(range(len(shape)))
    if input._strides is not None and shape == input._sizes and 0 not in input._strides:
        order = memory_order(input._strides)
    drawn = draw(None, "bernoulli", tuple(shape[d] for d in order), input._dtype, 1 - p)
    if order != sorted(order):
        drawn = drawn.transpose(np.argsort(order))
    own = isinstance(drawn, np.ndarray)  # inside a transform it may be an array of JAX's
    return wrap(np.array(drawn, order="C") if own else drawn, input.device)


def _channels(input: Tensor) -> tuple[int, ...]:
    """Return the shape of a mask with one element a channel (the first two dims name them)."""
    if len(input._sizes) < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return (*input._sizes[:2], *(1 for _ in input._sizes[2:]))


def _masked(name: str, whole_channels: bool, alpha: bool, doc: str) -> None:
    """Expose ``torch.name(input, p, train)`` and its in-place form."""

    def drop(input: Tensor, p: float, train: bool, inplace: bool) -> Tensor:
        if not isinstance(input, Tensor):
            raise TypeError(
                f"{name}(): argument 'input' (position 1) must be Tensor, not {type_name(input)}"
            )
        if p < 0 or p > 1:
            raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p:g}")
        if p == 0 or not train or not input.numel():
            return input
        multiply = input.mul_ if inplace else input.mul
        if p == 1:
            return multiply(SPACES[""]["zeros"]((), dtype=input._dtype))
        mask = keep_mask(input, _channels(input) if whole_channels else input._sizes, p)
        if not alpha:
            return multiply(mask.div_(1 - p))
        scale = 1 / math.sqrt((_ALPHA * _ALPHA * p + 1) * (1 - p))
        shift = mask.add(-1).mul_(_ALPHA * scale).add_(_ALPHA * scale * p)
        return multiply(mask.mul_(scale)).add_(shift)

    def fresh(input: Tensor, p: float, train: bool) -> Tensor:
        return drop(input, p, train, False)

    def inplace(input: Tensor, p: float, train: bool) -> Tensor:
        return drop(input, p, train, True)

    _publish(fresh, name, doc)
    _publish(inplace, name + "_", doc + " In place.")


def _publish(function: Callable[..., Any], name: str, doc: str) -> None:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    expose("f")(function)


_masked(
    "dropout",
    False,
    False,
    "Zero elements with probability ``p``, scale the others by 1 / (1 - p).",
)
_masked("feature_dropout", True, False, "``dropout`` of whole channels (dims 0 and 1 name them).")
_masked("alpha_dropout", False, True, "``dropout`` that keeps mean and variance of SELU networks.")
_masked("feature_alpha_dropout", True, True, "``alpha_dropout`` of whole channels.")


@expose("f")
def native_dropout(input: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """Return ``dropout`` of ``input`` and the boolean mask of the elements that were kept."""
    if train is False or not input.numel():
        kept = SPACES[""]["ones_like"](input, dtype=dt.bool_)
        return input.clone(), kept
    mask = keep_mask(input, input._sizes, p)
    scale = 0.0 if p == 1 else 1 / (1 - p)
    return call(OPS["_scaled_mask"], (input, mask, scale), ()), mask.bool()


# --- rrelu ---------------------------------------------------------------------------------------


def _rrelu(
    input: Tensor, lower: float, upper: float, training: bool, generator: Any, inplace: bool
) -> Tensor:
    noise = None
    if training and lower <= upper:
        content = input._array
        slopes = draw(generator, "rrelu_noise", input._sizes, input._dtype, content, lower, upper)
        noise = wrap(slopes, input.device)
    run = call_inplace if inplace else call
    return run(OPS["_rrelu_with_noise"], (input, noise, lower, upper), ())


@expose("f")
def rrelu(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Leaky ReLU whose slope is random in training and the mean of the bounds otherwise."""
    return _rrelu(input, lower, upper, training, generator, False)


@expose("f")
def rrelu_(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """``rrelu`` in place."""
    return _rrelu(input, lower, upper, training, generator, True)
