"""``associative_scan``: all partial results of an associative function, in O(log n) steps."""

from collections.abc import Callable
from typing import Any

from ... import transforms
from ...transforms._world import opened
from .. import _api as torch


def associative_scan(
    combine_fn: Callable[[Any, Any], Any],
    xs: Any,
    dim: int,
    reverse: bool = False,
    combine_mode: str = "pointwise",
) -> Any:
    """Return the partial results of ``combine_fn`` along ``dim``, in the shapes of ``xs``.

    Args:
        combine_fn: combines two slices, containers of tensors like ``xs`` without ``dim``.
        xs: a container of tensors.
        reverse: begin with the last slice.
        combine_mode: accepted; every function is combined in the same way.

    Raises:
        ValueError: an argument is not what it should be.
    """
    if not callable(combine_fn):
        raise ValueError(f"Combine_fn must be a callable, but got {combine_fn}")
    if combine_mode not in ("pointwise", "generic"):
        raise ValueError(
            f"Combine_mode must either 'pointwise' or 'generic', but got {combine_mode}"
        )
    leaves = opened(xs).leaves
    if not leaves or not all(isinstance(leaf, torch.Tensor) for leaf in leaves):
        raise ValueError(f"xs leaves must be a Tensor, but got {xs}")
    if not -leaves[0].dim() <= dim < leaves[0].dim():
        raise IndexError(
            f"Dimension out of range (expected to be in range of [-{leaves[0].dim()}, "
            f"{leaves[0].dim() - 1}], but got {dim})"
        )
    dim %= leaves[0].dim()
    # XLA combines many pairs at once: the function sees one of them
    pairs = transforms.vmap(combine_fn, in_dims=dim, out_dims=dim)
    return transforms.associative_scan(pairs, xs, reverse=reverse, axis=dim)
