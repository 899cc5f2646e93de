"""Forward-mode differentiation: ``jvp`` and ``linearize``.  Floor 4."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ._arguments import dtype_of, size_text
from ._levels import FORWARD, Level, without_effects
from ._reverse import cells, traced_function
from ._where import explained
from ._world import Opened, World, is_array, opened, world_of

JVP = "jvp(f, primals, tangents)"


def jvp(
    func: Callable[..., Any],
    primals: Any,
    tangents: Any,
    *,
    strict: bool = False,
    has_aux: bool = False,
) -> Any:
    """Run ``func`` and push ``tangents`` of its inputs forward to its output.

    Args:
        primals: tuple of the positional arguments, nested containers of floating-point arrays.
        tangents: the directions, in the structure and shapes of ``primals``.
        strict: raise if the output does not depend on the inputs (else its tangent is zero).
        has_aux: ``func`` returns ``(output, aux)``.

    Returns:
        ``(output, tangent of the output)``, and ``aux`` third with ``has_aux``.

    Source: ``torch.func.jvp``.

    >>> [float(x) for x in jvp(lambda x: x * x, (3.0,), (1.0,))]
    [9.0, 6.0]
    """
    flat, directions = _checked(primals, tangents)
    world, boxes = world_of(func, primals, tangents)

    def call() -> Any:
        output, moved, aux, dependent = pushed(world, func, flat, directions, has_aux, JVP)
        if strict and not dependent:
            raise explained(
                RuntimeError,
                "jvp(f, primals, tangents, strict=True): The output of f is independent of the "
                "inputs. This is not allowed with strict=True.",
            )
        return (output, moved, aux) if has_aux else (output, moved)

    return world.run(call, boxes)


def pushed(
    world: World,
    func: Callable[..., Any],
    primals: Opened,
    tangents: Opened,
    has_aux: bool,
    name: str,
) -> tuple[Any, Any, Any, bool]:
    """Return (output, tangent, aux, whether the output depends on the inputs)."""
    arrays = [jnp.asarray(a) for a in primals.arrays()]
    moves = [jnp.asarray(t, a.dtype) for t, a in zip(tangents.arrays(), arrays, strict=True)]
    level = Level(FORWARD, "jvp")
    level.owned = cells(world, primals.boxes)
    traced = traced_function(world, level, primals, func, has_aux, name)
    inside: list[Any] = []

    def pure(*values: Any) -> tuple[Any, Any]:
        outputs, extra = traced(*values)
        inside[:] = outputs
        return outputs, (extra, outputs)

    outputs, moved, (extra, outside) = jax.jvp(pure, arrays, moves, has_aux=True)
    output, aux = traced.finish(outputs, extra)
    tangent = traced.tangent(moved, extra)
    dependent = all(a is not b for a, b in zip(inside, outside, strict=True))
    return output, tangent, aux, dependent


def linearize(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Run ``func`` once and return its derivative there as a function of tangents.

    Returns:
        ``(output, push)``, and ``aux`` third with ``has_aux``. ``push(*tangents)`` takes one
        tangent a primal and returns that of the output, without running ``func`` again.

    Source: ``torch.func.linearize``.

    >>> output, push = linearize(lambda x: x * x, 3.0)
    >>> float(push(1.0))
    6.0
    """
    flat = opened(primals)
    world, boxes = world_of(func, primals)
    draws = world.draw_state()

    def run() -> Any:
        arrays = [jnp.asarray(a) for a in flat.arrays()]
        level = Level(FORWARD, "linearize")
        level.owned = cells(world, flat.boxes)
        traced = traced_function(world, level, flat, func, has_aux, LINEARIZE)
        outputs, push, extra = jax.linearize(traced, *arrays, has_aux=True)
        output, aux = traced.finish(outputs, extra)
        return output, push, aux, traced, extra

    output, push, aux, traced, extra = world.run(run, boxes)
    taped = world.taped()

    def push_forward(*tangents: Any) -> Any:
        moves = _fitting(opened(tangents), flat)
        if taped:

            def rerun() -> Any:
                with world.replayed(draws), without_effects():
                    return pushed(world, func, flat, moves, has_aux, LINEARIZE)[1]

            return world.run(rerun, [*boxes, *moves.boxes])

        def forward() -> Any:
            moved = push(*[jnp.asarray(m) for m in moves.arrays()])
            return traced.tangent(list(moved), extra)

        return world.run(forward, [])

    return (output, push_forward, aux) if has_aux else (output, push_forward)


LINEARIZE = "linearize(f, *primals)"


def _fitting(tangents: Opened, primals: Opened) -> Opened:
    """Return the tangents of ``linearize`` if they fit the primals; RuntimeError if not."""
    if tangents.spec != primals.spec:
        raise explained(
            RuntimeError,
            f"Expected the tangents {tangents.spec} to have the same argspec as the primals "
            f"{primals.spec}",
        )
    for i, (tangent, primal) in enumerate(zip(tangents.leaves, primals.leaves, strict=True)):
        for kind, own, other in (
            ("shape", *(size_text(x) for x in (tangent, primal))),
            ("dtype", *(f"torch.{dtype_of(x)}" for x in (tangent, primal))),
        ):
            if own != other:
                raise explained(
                    RuntimeError,
                    f"tangent:{i} with {kind} {own} in flattened pytree doesn't match the {kind} "
                    f"{other} of the corresponding primal.",
                )
    return tangents


def _checked(primals: Any, tangents: Any) -> tuple[Opened, Opened]:
    """Return primals and tangents taken apart; torch.func's error if they do not fit."""
    if not isinstance(primals, tuple):
        raise explained(
            RuntimeError,
            f"{JVP}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals).",
            "jvp(f, (x,), (t,))",
        )
    flat, directions = opened(primals), opened(tangents)
    if flat.spec != directions.spec:
        raise explained(
            RuntimeError,
            f"{JVP}: Expected primals and tangents to have the same python structure. For example, "
            "if primals is a tuple of 3 tensors, tangents also must be. Got primals with structure "
            f"{flat.spec} and tangents with structure {directions.spec}",
        )
    if not flat.leaves:
        raise explained(RuntimeError, f"{JVP}: Expected primals to contain at least one Tensor.")
    for name, side in (("primals", flat), ("tangents", directions)):
        for leaf in side.leaves:
            if not is_array(leaf) and type(leaf) not in (float, complex):
                raise explained(
                    RuntimeError,
                    f"{JVP}: Expected {name} to only contain Tensors, got {type(leaf)}",
                )
    for primal, tangent in zip(flat.leaves, directions.leaves, strict=True):
        _check_pair(primal, tangent)
    return flat, directions


def _check_pair(primal: Any, tangent: Any) -> None:
    if not jnp.issubdtype(dtype_of(primal), jnp.inexact):
        raise explained(
            ValueError,
            f"Expected primal to be floating point or complex, but got: torch.{dtype_of(primal)}",
        )
    own, other = (list(x.shape) if is_array(x) else [] for x in (primal, tangent))
    if own != other:
        raise explained(
            RuntimeError,
            "Trying to set a forward gradient that has a different size than that of the original "
            f"Tensor, this is not supported. Tensor is of size {own} while the given forward "
            f"gradient is of size {other}.",
        )
