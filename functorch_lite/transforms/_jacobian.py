"""Whole Jacobians and Hessians: a derivative along every direction of a basis.

``jacrev`` pulls back the unit cotangents of the outputs, ``jacfwd`` pushes forward the unit
tangents of the inputs, mapped over the basis (in chunks of ``chunk_size`` directions). Floor 4.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ._arguments import Argnums, check_differentiable, chosen_numbers, replaced
from ._forward import JVP, pushed
from ._levels import BATCH, Level, axis_here
from ._reverse import VJP, differentiated, gradients
from ._tree import unflatten
from ._vmap import vmap
from ._where import explained
from ._world import Opened, World, in_world, opened


def jacrev(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:
    """Return a function that computes the Jacobian of ``func`` by reverse mode.

    Best where there are fewer outputs than inputs.

    Args:
        func: takes and returns nested containers of real arrays or Tensors.
        argnums: the positional argument(s) to differentiate by, as in :func:`grad`.
        has_aux: ``func`` returns ``(output, aux)``; the Jacobian comes back as
            ``(jacobian, aux)``.
        chunk_size: how many rows are computed at a time (all by default).

    Returns:
        A function whose result has the output's structure; in the place of each output of shape
        ``(*o)`` stands the structure of the argument(s), with arrays of shape ``(*o, *i)``.

    Source: ``torch.func.jacrev``.

    >>> jacrev(lambda x: x**2)(jnp.array([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    _check_chunk("jacrev", chunk_size)

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        numbers = chosen_numbers(argnums, len(args))

        def call(world: World) -> Any:
            chosen = _real_inputs("jacrev", args, numbers)

            def run(*inner: Any) -> Any:
                return func(*replaced(args, numbers, inner), **kwargs)

            traced, outputs, pull, extra = differentiated(world, run, chosen, has_aux, VJP)
            output, aux = traced.finish(outputs, extra)
            rows = _rows(world, pull, outputs, chunk_size)
            blocks = _blocks(chosen, outputs, rows, isinstance(argnums, int))
            still = [None] * len(extra[0])  # integers have no Jacobian
            found = unflatten(opened(output).spec, traced.merged(blocks, still))
            return (found, aux) if has_aux else found

        return in_world(call, func, args, kwargs)

    return jacobian


def _check_chunk(name: str, chunk_size: Any) -> None:
    if chunk_size is not None and not chunk_size > 0:
        raise explained(ValueError, f"{name}: `chunk_size` should be greater than 0.")


def _real_inputs(name: str, args: tuple, numbers: tuple[int, ...]) -> Opened:
    """Return the chosen arguments taken apart; RuntimeError if one is complex or no float."""
    chosen = opened(tuple(args[n] for n in numbers))
    arrays = chosen.arrays()
    check_differentiable(chosen, arrays)
    for i, array in enumerate(arrays):
        if jnp.iscomplexobj(array):
            raise explained(
                RuntimeError,
                f"{name}: Expected all inputs to be real but received complex tensor at flattened "
                f"input idx: {i}",
            )
    return chosen


def _rows(
    world: World, pull: Callable[..., Any], outputs: list[Any], chunk_size: int | None
) -> list[Any]:
    """Pull back every unit cotangent; return one array of rows an input."""
    total = sum(math.prod(o.shape) for o in outputs)
    parts = []
    for start, stop in _chunks(total, chunk_size):
        axis = axis_here()
        level = Level(BATCH, "jacrev", size=stop - start, randomness="error", axis=axis)

        def row(cotangents: list[Any], level: Level = level) -> list[Any]:
            with level.running(), world.inside(level):
                return gradients(world, pull, cotangents)

        parts.append(jax.vmap(row, axis_name=axis)(_basis(outputs, start, stop)))
    return [jnp.concatenate(column) for column in zip(*parts, strict=True)]


def _chunks(total: int, chunk_size: int | None) -> list[tuple[int, int]]:
    step = chunk_size or max(total, 1)
    return [(s, min(s + step, total)) for s in range(0, max(total, 1), step)]


def _basis(arrays: Sequence[Any], start: int, stop: int) -> list[Any]:
    """Return the unit vectors ``start`` to ``stop`` of the space that ``arrays`` span together.

    One array of shape ``(stop - start, *a)`` for each array of shape ``(*a)``.
    """
    found, offset = [], 0
    for array in arrays:
        size = math.prod(array.shape)
        block = jnp.eye(stop - start, size, k=start - offset, dtype=array.dtype)
        found.append(block.reshape(stop - start, *array.shape))
        offset += size
    return found


def _blocks(chosen: Opened, outputs: list[Any], rows: list[Any], single: bool) -> list[Any]:
    """Cut the rows into one block an output and give each the arguments' structure."""
    blocks, start = [], 0
    for array in outputs:
        stop = start + math.prod(array.shape)
        found = chosen.closed([r[start:stop].reshape(*array.shape, *r.shape[1:]) for r in rows])
        blocks.append(found[0] if single else found)
        start = stop
    return blocks


def jacfwd(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that computes the Jacobian of ``func`` by forward mode.

    Best where there are fewer inputs than outputs. ``func`` is mapped over the directions, so that
    random operations in it follow ``randomness`` (see :func:`vmap`). Otherwise as :func:`jacrev`.

    Source: ``torch.func.jacfwd``; ``chunk_size`` is ours.

    >>> jacfwd(lambda x: x**2)(jnp.array([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    _check_chunk("jacfwd", chunk_size)
    vmap(func, randomness=randomness)  # refuses an unknown mode

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        numbers = chosen_numbers(argnums, len(args))

        def call(world: World) -> Any:
            chosen = _real_inputs("jacfwd", args, numbers)
            inputs = [jnp.asarray(a) for a in chosen.arrays()]

            def run(*inner: Any) -> Any:
                return func(*replaced(args, numbers, inner), **kwargs)

            def along(*direction: Any) -> Any:
                tangents = Opened(list(direction), chosen.spec)
                _, tangent, aux, _ = pushed(world, run, chosen, tangents, has_aux, JVP)
                return (tangent, aux) if has_aux else tangent

            across = vmap(
                along,
                out_dims=(-1, 0) if has_aux else -1,
                randomness=randomness,
                chunk_size=chunk_size,
            )
            total = sum(math.prod(a.shape) for a in inputs)
            found = across(*_basis(inputs, 0, total))
            columns = opened(found[0] if has_aux else found)
            jacobian = _split_columns(columns, chosen, inputs, isinstance(argnums, int))
            return (jacobian, _first(found[1])) if has_aux else jacobian

        return in_world(call, func, args, kwargs)

    return jacobian


def _split_columns(columns: Opened, chosen: Opened, inputs: list[Any], single: bool) -> Any:
    """Cut the last dimension of each output's columns into one block an input."""
    blocks = []
    for array in columns.arrays():
        parts, start = [], 0
        for a in inputs:
            size = math.prod(a.shape)
            part = array[..., start : start + size]
            parts.append(part.reshape(*array.shape[:-1], *a.shape))
            start += size
        found = chosen.closed(parts)
        blocks.append(found[0] if single else found)
    return unflatten(columns.spec, blocks)


def _first(tree: Any) -> Any:
    """Return the tree of the first slices: what is equal for all directions."""
    flat = opened(tree)
    return flat.closed([a[0] for a in flat.arrays()])


def hessian(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that computes the Hessian of ``func``: forward over reverse mode.

    The result has the structure of a Jacobian of a Jacobian: for an output of shape ``(*o)`` and
    an argument of shape ``(*i)`` an array of shape ``(*o, *i, *i)``.  ``has_aux`` and
    ``chunk_size`` (directions at a time) are as in :func:`jacfwd`.

    Source: ``torch.func.hessian``; ``has_aux`` and ``chunk_size`` are ours.

    >>> hessian(lambda x: (x**3).sum())(jnp.array([1.0, 2.0])).tolist()
    [[6.0, 0.0], [0.0, 12.0]]
    """
    return jacfwd(
        jacrev(func, argnums, has_aux=has_aux), argnums, has_aux=has_aux, chunk_size=chunk_size
    )
