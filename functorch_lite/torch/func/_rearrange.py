"""``torch.func.rearrange``: reorder, split and join dimensions by a pattern that names them."""

import keyword
import math
import re
import warnings
from functools import lru_cache
from typing import Any

from .. import _api as torch

ELLIPSIS = "\u2026"

Side = list[list[str] | str]
"""One side of a pattern: for each dimension the names of its axes (none: a "1"), or ELLIPSIS."""


class DimensionBindError(Exception):
    """The lengths of the axes do not fit the tensor."""

    __module__ = "functorch.dim"


def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Any:
    """Return ``tensor`` with its dimensions reordered, split and joined as ``pattern`` says.

    Args:
        tensor: a tensor; or a list of equal ones, which are stacked along dimension 0.
        pattern: ``"b (h p) w -> b p (w h)"``: names of the axes before and after. Parentheses stand
            for one dimension of several axes, the first one varying slowest; ``...`` for any number
            of dimensions; ``1`` for a dimension of length 1 that comes or goes.
        axes_lengths: lengths of axes; needed for all but one axis of a dimension that is split.

    Raises:
        ValueError: the pattern is malformed or does not fit the number of dimensions.
        TypeError: a length is no int.
        DimensionBindError: the lengths do not fit the tensor.

    Source: ``torch.func.rearrange``; einops.

    >>> from functorch_lite.torch import arange
    >>> rearrange(arange(6), "(a b) -> b a", a=2).tolist()
    [[0, 3], [1, 4], [2, 5]]
    """
    if not isinstance(tensor, torch.Tensor):
        tensor = torch.stack(tensor)
    left, right = _parsed(pattern, tuple(axes_lengths.items()))
    spread = _spread(left, tensor.ndim)
    axes = [axis for group in left for axis in _axes(group, spread)]
    if not axes:
        return tensor
    lengths = _lengths(left, spread, axes, tuple(tensor.shape), axes_lengths)
    kept = [axis for group in right for axis in _axes(group, spread) if axis in lengths]
    gone = [axis for axis in axes if axis not in kept]
    split = tensor.reshape([lengths[axis] for axis in axes])
    moved = split.permute([axes.index(axis) for axis in [*kept, *gone]])
    if gone:
        moved = moved.sum(tuple(range(len(kept), len(axes))))
    return moved.reshape(
        [
            math.prod(lengths[axis] for axis in dim)
            for group in right
            for dim in _dims(group, spread)
        ]
    )


# --- lengths --------------------------------------------------------------------------------------


def _spread(left: Side, ndim: int) -> list[str]:
    """Return names for the dimensions that ``...`` stands for; ValueError if there are too few."""
    named = [group for group in left if group != ELLIPSIS]
    if ELLIPSIS in left:
        count = sum(max(len(group), 1) for group in named)
        if count > ndim:
            raise ValueError(
                f"Number of dimensions in pattern ({count}) must be less than or equal to the "
                f"number of dimensions in the tensor ({ndim})"
            )
        return [f"{ELLIPSIS}{i}" for i in range(ndim - len(named))]
    if len(left) != ndim:
        raise ValueError(
            f"Number of dimensions in pattern ({len(left)}) must be equal to the number of "
            f"dimensions in the tensor ({ndim})"
        )
    return []


def _dims(group: list[str] | str, spread: list[str]) -> list[list[str]]:
    """Return the axes of each dimension that an entry of a pattern stands for."""
    if group == ELLIPSIS:
        return [[axis] for axis in spread]
    return [[axis for name in group for axis in (spread if name == ELLIPSIS else [name])]]


def _axes(group: list[str] | str, spread: list[str]) -> list[str]:
    return [axis for dim in _dims(group, spread) for axis in dim]


def _lengths(
    left: Side, spread: list[str], axes: list[str], shape: tuple[int, ...], given: dict[str, int]
) -> dict[str, int]:
    """Return the length of each axis, working out one per dimension."""
    lengths = dict(given)
    dims = [dim for group in left for dim in _dims(group, spread)]
    for dim, size in zip(dims, shape, strict=True):
        label = [f"d{axes.index(axis)}" for axis in dim]
        open_ = [i for i, axis in enumerate(dim) if axis not in lengths]
        known = math.prod(lengths[axis] for axis in dim if axis in lengths)
        if len(open_) > 1:
            first, second = (label[i] for i in open_[:2])
            raise DimensionBindError(
                f"cannot infer the sizes of two dimensions at once {first} and {second}"
            )
        if open_ and size % known:
            shown = tuple(lengths.get(axis, "?") for axis in dim)
            raise DimensionBindError(
                f"inferred dimension does not evenly fit into larger dimension: {size} vs {shown}"
            )
        if not open_ and known != size:
            pack = f"({label[0]},)" if len(label) == 1 else f"({', '.join(label)})"
            raise DimensionBindError(
                f"Dimension sizes to do not match ({size} != {known}) when matching dimension pack "
                f"{pack}"
            )
        if open_:
            lengths[dim[open_[0]]] = size // known
    return lengths


# --- patterns -------------------------------------------------------------------------------------


@lru_cache(256)
def _parsed(pattern: str, lengths: tuple[tuple[str, Any], ...]) -> tuple[Side, Side]:
    """Return both sides of a pattern; ValueError, TypeError if it is wrong or lengths are."""
    sides = pattern.split("->")
    if len(sides) != 2:
        raise ValueError("Pattern must contain a single '->' separator")
    given = dict(lengths)
    if ELLIPSIS in given:
        raise ValueError(f"'{ELLIPSIS}' is not an allowed axis identifier")
    left, right = map(_side, sides)
    names, others = ({name for group in side for name in group} for side in (left, right))
    if ELLIPSIS in others - names:
        raise ValueError(f"Ellipsis found in right side, but not left side of a pattern {pattern}")
    if ELLIPSIS in names and ELLIPSIS not in left:
        raise ValueError(f"Ellipsis is parenthesis in the left side is not allowed: {pattern}")
    for length in given.values():
        if type(length) is not int:
            raise TypeError(f"rearrange axis lengths must be integers, got: {type(length)}")
    if any(name.isdecimal() for name in names | others):
        raise ValueError("rearrange only supports unnamed axes of size 1")
    if names != others:
        raise ValueError(
            "Identifiers only on one side of rearrange expression (should be on both): "
            f"{names ^ others}"
        )
    if unknown := given.keys() - names:
        raise ValueError(f"Identifiers not found in rearrange expression: {unknown}")
    unit = iter(range(len(left)))  # a dimension of length 1 is an axis of its own, which goes
    return [group or [f"1.{next(unit)}"] for group in left], right


def _side(text: str) -> Side:
    """Return what one side of a pattern says, dimension by dimension."""
    if "." in text:
        if "..." not in text:
            raise ValueError("Expression may contain dots only inside ellipsis (...)")
        if text.count("...") != 1 or text.count(".") != 3:
            raise ValueError(
                "Expression may contain dots only inside ellipsis (...); only one ellipsis for "
                "tensor "
            )
        text = text.replace("...", ELLIPSIS)
    side: Side = []
    inside: list[str] | None = None
    seen: set[str] = set()
    for token in re.findall(rf"[\w{ELLIPSIS}]+|[^ ]", text):
        if token == "(":
            if inside is not None:
                raise ValueError(
                    "Axis composition is one-level (brackets inside brackets not allowed)"
                )
            inside = []
        elif token == ")":
            if inside is None:
                raise ValueError("Brackets are not balanced")
            side.append(inside)
            inside = None
        else:
            _check_name(token, seen)
            seen.add(token)
            if inside is not None:
                inside += [] if token == "1" else [token]
            else:
                side.append(ELLIPSIS if token == ELLIPSIS else [] if token == "1" else [token])
    if inside is not None:
        raise ValueError(f"Imbalanced parentheses in expression: '{text}'")
    return side


def _check_name(name: str, seen: set[str]) -> None:
    """Raise ValueError unless ``name`` may stand in a pattern."""
    if not re.fullmatch(rf"[\w{ELLIPSIS}]+", name):
        raise ValueError(f"Unknown character '{name}'")
    if name in seen and not name.isdecimal():
        raise ValueError(f"Indexing expression contains duplicate dimension '{name}'")
    if name.isdecimal() and int(name) < 1:
        raise ValueError(f"Anonymous axis should have positive length, not {int(name)}")
    if name.isdecimal() or name == ELLIPSIS:
        return
    if not name.isidentifier():
        raise ValueError(f"Invalid axis identifier: {name}\nnot a valid python identifier")
    if name[0] == "_" or name[-1] == "_":
        raise ValueError(
            f"Invalid axis identifier: {name}\naxis name should should not start or end with "
            "underscore"
        )
    if keyword.iskeyword(name):
        warnings.warn(
            f"It is discouraged to use axes names that are keywords: {name}",
            RuntimeWarning,
            stacklevel=5,
        )
    if name == "axis":
        warnings.warn(
            "It is discouraged to use 'axis' as an axis name and will raise an error in future",
            FutureWarning,
            stacklevel=5,
        )
