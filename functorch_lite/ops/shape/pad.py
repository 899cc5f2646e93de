"""``nn.functional.pad``: constant, reflect, replicate and circular.

Pads are given from the last dim backward, (low, high) for each, and may be negative: then they cut.
"""

import jax.numpy as jnp
from jax import lax

from ..._core import dtype as dt
from .._common import cast
from .._registry import Scalar, Size, op


@op("f", node="ConstantPadNdBackward0")
def constant_pad_nd(input, pad: Size, value: Scalar = 0):
    """Surround ``input`` with ``value``; a negative pad cuts instead."""
    pairs = _pairs(input, pad)
    low = [(0, 0)] * (input.ndim - len(pairs)) + pairs
    for dim, (a, b) in enumerate(low):
        size = input.shape[dim]
        if size + min(a, 0) + min(b, 0) < 0 or size + a + b < 0:
            raise RuntimeError("narrow(): length must be non-negative.")
    fill = cast(jnp.asarray(value), dt.from_np(input.dtype))
    return lax.pad(input, fill, [(a, b, 0) for a, b in low])


@op("f", space="nn.functional", node="ConstantPadNdBackward0")
def pad(input, pad: Size, mode: str = "constant", value: Scalar | None = None):
    """Enlarge the trailing dims of ``input`` by ``pad`` = (low, high) from the last dim backward.

    "reflect" mirrors without repeating the border, "replicate" repeats it, "circular" wraps around;
    these need pads for all dims but the first one or two.
    """
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if mode == "constant":
        return constant_pad_nd(input, pad, 0 if value is None else value)
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if value is not None and not (isinstance(value, (int, float)) and value == 0):
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    _check_supported(input, pad)
    pairs = _pairs(input, pad)
    _check_sizes(input, pairs, mode)
    first = input.ndim - len(pairs)
    for axis, (low, high) in enumerate(pairs, first):
        input = _extend(input, axis, low, high, mode)
    return input


def _extend(x, axis, low, high, mode):
    """Enlarge one dim by pieces of itself."""
    size = x.shape[axis]
    middle = lax.slice_in_dim(x, max(-low, 0), size - max(-high, 0), axis=axis)
    pieces = [middle]
    if mode == "circular":
        x = middle
    if low > 0:
        pieces.insert(0, _border(x, axis, low, mode, front=True))
    if high > 0:
        pieces.append(_border(x, axis, high, mode, front=False))
    return jnp.concatenate(pieces, axis) if len(pieces) > 1 else middle


def _border(x, axis, count, mode, front):
    size = x.shape[axis]
    if mode == "reflect":
        start = 1 if front else size - 1 - count
        return jnp.flip(lax.slice_in_dim(x, start, start + count, axis=axis), axis)
    if mode == "replicate":
        start = 0 if front else size - 1
        edge = lax.slice_in_dim(x, start, start + 1, axis=axis)
        return jnp.broadcast_to(edge, (*x.shape[:axis], count, *x.shape[axis + 1 :]))
    start = size - count if front else 0
    return lax.slice_in_dim(x, start, start + count, axis=axis)


def _pairs(input, pad):
    """Return the (low, high) pairs in the order of the dims, for the last len(pad) / 2 of them."""
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) > 2 * input.ndim:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got "
            "padding "
            f"length {len(pad)} and input of dimension {input.ndim}"
        )
    return [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]


def _check_supported(input, pad):
    if len(pad) not in (2, 4, 6) or input.ndim not in (len(pad) // 2 + 1, len(pad) // 2 + 2):
        raise NotImplementedError(
            f"Padding size {len(pad)} is not supported for {input.ndim}D input tensor.\n"
            "Supported combinations for non-constant padding:\n"
            "  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
            "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
            "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
        )


def _check_sizes(input, pairs, mode):
    n = len(pairs)
    own = input.shape[-n - 1 :] if mode != "circular" else ()
    if 0 in own:
        raise RuntimeError(
            f"Expected {n + 1}D or {n + 2}D (batch mode) tensor with possibly 0 batch size and "
            "other non-zero "
            f"dimensions for input, but got: {list(input.shape)}"
        )
    for i, (low, high) in enumerate(reversed(pairs)):
        dim = input.ndim - 1 - i
        size = input.shape[dim]
        if mode == "circular" and (low > size or high > size):
            raise RuntimeError("Padding value causes wrapping around more than once.")
        if mode == "circular" and (size + min(low, 0) + min(high, 0) < 0 or size + low + high < 0):
            raise RuntimeError("Negative padding value is resulting in an empty dimension")
        if mode == "reflect" and (low >= size or high >= size):
            raise RuntimeError(
                f"Argument #{4 + 2 * i}: Padding size should be less than the corresponding input "
                "dimension, "
                f"but got: padding ({low}, {high}) at dimension {dim} of input {list(input.shape)}"
            )
    if mode != "circular" and all(
        input.shape[d - n] + sum(pair) < 1 for d, pair in enumerate(pairs)
    ):
        raise RuntimeError(
            f"input ({_sizes(input, pairs)}) is too small. Calculated output "
            f"{_outputs(input, pairs)}"
        )


def _sizes(input, pairs):
    names = "DHW"[-len(pairs) :]
    return ", ".join(f"{d}: {s}" for d, s in zip(names, input.shape[-len(pairs) :], strict=True))


def _outputs(input, pairs):
    names, sizes = "DHW"[-len(pairs) :], input.shape[-len(pairs) :]
    return " ".join(f"{d}: {s + a + b}" for d, s, (a, b) in zip(names, sizes, pairs, strict=True))
