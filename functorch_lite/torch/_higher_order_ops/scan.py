"""``scan``: carry a state along a dimension, and stack what each step returns."""

from collections.abc import Callable
from typing import Any

from ... import transforms
from ...transforms._world import opened
from .. import _api as torch
from ._staging import is_staged, metadata


def scan(
    combine_fn: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any,
    *,
    dim: int = 0,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """Return the last carry of ``carry, y = combine_fn(carry, x)``, and the stacked ``y``.

    Args:
        combine_fn: returns a carry like the one that it takes, and a container of tensors.
        init: the first carry, a container of tensors.
        xs: a container of tensors, cut into slices along ``dim``.
        dim: where the slices of ``xs`` are, and those of the stacked ``y``.
        reverse: begin with the last slice.

    By itself it is a loop of Python; in a captured program, and under transforms, it is XLA's loop,
    which is compiled once for all steps. Gradients flow through both.

    Raises:
        RuntimeError: an argument is not what it should be, or the carry changes.
    """
    if not callable(combine_fn):
        raise RuntimeError(f"Combine_fn must be a callable, but got {combine_fn}")
    if not opened(init).leaves:
        raise RuntimeError("scan() operator requires init leaves.")
    slices = opened(xs)
    if not slices.leaves:
        return init, xs
    if not all(isinstance(leaf, torch.Tensor) for leaf in (*opened(init).leaves, *slices.leaves)):
        raise RuntimeError("scan() takes containers of tensors as init and xs.")
    slices = opened(slices.with_leaves([leaf.movedim(dim, 0) for leaf in slices.leaves]))
    lengths = {leaf.shape[0] for leaf in slices.leaves}
    if len(lengths) > 1:
        raise RuntimeError(f"All xs leaves must have the same size along dim {dim}: {lengths}")
    step = _checked(combine_fn, init)
    if is_staged() or lengths == {0}:
        last, ys = transforms.scan(step, init, slices.with_leaves(slices.leaves), reverse=reverse)
    else:
        last, ys = _loop(step, init, slices, reverse)
    found = opened(ys)
    return last, found.with_leaves([_moved(leaf, dim) for leaf in found.leaves])


def _moved(leaf: Any, dim: int) -> Any:
    return leaf.movedim(0, dim) if dim and isinstance(leaf, torch.Tensor) else leaf


def _checked(combine: Callable, init: Any) -> Callable:
    """Return ``combine`` as one that raises where the carry does not stay what it is."""
    first = opened(init)
    wanted = [metadata(leaf) for leaf in first.leaves]

    def step(carry: Any, x: Any) -> tuple[Any, Any]:
        found = combine(carry, x)
        if not isinstance(found, (tuple, list)) or len(found) != 2:
            raise RuntimeError(f"combine_fn must return (next carry, y), but got {found}")
        after = opened(found[0])
        now = [metadata(leaf) for leaf in after.leaves]
        if after.spec != first.spec or now != wanted:
            raise RuntimeError(
                f"Expected init and carry to have same metadata but found: {wanted} vs {now}"
            )
        return found[0], found[1]

    return step


def _loop(step: Callable, carry: Any, slices: Any, reverse: bool) -> tuple[Any, Any]:
    """Take one step after the other; all tensors have values."""
    rows = list(zip(*[leaf.unbind(0) for leaf in slices.leaves], strict=True))
    outputs = []
    for row in reversed(rows) if reverse else rows:
        carry, y = step(carry, slices.with_leaves(row))
        outputs.append(opened(y))
    columns = zip(*[y.leaves for y in (reversed(outputs) if reverse else outputs)], strict=True)
    return carry, outputs[0].with_leaves([torch.stack(column) for column in columns])
