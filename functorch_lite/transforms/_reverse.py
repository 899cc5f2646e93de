"""Reverse-mode differentiation: ``grad``, ``grad_and_value``, ``value_and_grad`` and ``vjp``.

The mathematics is ``jax.vjp``. What is added: leaves may be boxes, dicts keep their order, writes
to outside cells are carried out, and misuse is reported in torch.func's words. Floor 4.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ..ops._program import conj
from ._arguments import (
    Argnums,
    check_differentiable,
    check_outputs,
    chosen_numbers,
    replaced,
    scalar_of,
    size_text,
    split_aux,
)
from ._levels import REVERSE, Level, without_effects
from ._where import explained
from ._world import Kept, Opened, World, in_world, interleaved, is_array, opened, world_of

GRAD = "grad_and_value(f)(*args)"
VJP = "vjp(f, *primals)"


def grad(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function that computes the gradient of the scalar function ``func``.

    Args:
        func: returns one 0-d real array; or ``(array, aux)`` with ``has_aux``.
        argnums: the positional argument(s) to differentiate by: an int or a tuple of them. Each
            may be a nested container of floating-point arrays or Tensors.
        has_aux: ``func`` returns something besides, which is handed through.

    Returns:
        A function with ``func``'s arguments. It returns the gradient in the structure of the chosen
        argument (a tuple of them for a tuple ``argnums``), and ``(gradient, aux)`` with
        ``has_aux``.

    Raises:
        RuntimeError: the output is no scalar, an argument is missing or not floating-point, or a
            captured tensor is written to with a value that depends on the argument.

    Source: ``torch.func.grad``; ``jax.grad`` for arrays.

    >>> float(grad(lambda x: x * x)(3.0))
    6.0
    """

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        found, _, aux = _gradient(func, argnums, has_aux, args, kwargs)
        return (found, aux) if has_aux else found

    return gradient


def grad_and_value(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function that computes ``(gradient, value)``, as ``torch.func`` orders them.

    With ``has_aux`` it returns ``(gradient, (value, aux))``. See :func:`grad`.

    >>> grad_and_value(lambda x: x * x)(3.0)
    (Array(6., dtype=float32, weak_type=True), Array(9., dtype=float32, weak_type=True))
    """

    @functools.wraps(func)
    def gradient_and_value(*args: Any, **kwargs: Any) -> Any:
        found, value, aux = _gradient(func, argnums, has_aux, args, kwargs)
        return found, ((value, aux) if has_aux else value)

    return gradient_and_value


def value_and_grad(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function that computes ``(value, gradient)``, as JAX orders them.

    With ``has_aux`` it returns ``((value, aux), gradient)``. See :func:`grad`.

    >>> value_and_grad(lambda x: x * x)(3.0)
    (Array(9., dtype=float32, weak_type=True), Array(6., dtype=float32, weak_type=True))
    """

    @functools.wraps(func)
    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        found, value, aux = _gradient(func, argnums, has_aux, args, kwargs)
        return ((value, aux) if has_aux else value), found

    return value_and_gradient


def _gradient(
    func: Callable[..., Any], argnums: Argnums, has_aux: bool, args: tuple, kwargs: dict
) -> tuple[Any, Any, Any]:
    """Return (gradient, value, aux) of ``func`` at these arguments."""
    numbers = chosen_numbers(argnums, len(args))

    def call(world: World) -> tuple[Any, Any, Any]:
        chosen = opened(tuple(args[n] for n in numbers))
        arrays = chosen.arrays()
        check_differentiable(chosen, arrays)

        def scalar(inner: tuple) -> tuple[Any, Any]:
            output = func(*replaced(args, numbers, inner), **kwargs)
            value, aux = split_aux(output, has_aux, GRAD)
            return scalar_of(value), aux

        level = Level(REVERSE, "grad")
        level.owned = cells(world, opened((args, kwargs)).boxes)
        traced = Traced(world, level, chosen, scalar)
        outputs, pull, extra = jax.vjp(traced, *arrays, has_aux=True)
        if not outputs or jnp.iscomplexobj(outputs[0]):
            raise _not_real(outputs, extra[0])
        value, aux = traced.finish(outputs, extra)
        found = chosen.closed(gradients(world, pull, [jnp.ones_like(outputs[0])]))
        return (found[0] if isinstance(argnums, int) else found), value, aux

    return in_world(call, func, args, kwargs)


def _not_real(outputs: list[Any], rest: list[Any]) -> Exception:
    """Return the error for a scalar that has no gradient: complex, or an integer."""
    (value,) = outputs or rest
    if jnp.iscomplexobj(value):
        message = "grad can be implicitly created only for real scalar outputs but got "
        return explained(
            RuntimeError,
            f"{message}torch.{value.dtype}",
            "differentiate a real number, such as the absolute value.",
        )
    return explained(
        RuntimeError,
        "element 0 of tensors does not require grad and does not have a grad_fn",
        f"the function returns {value.dtype}; return a floating-point number.",
    )


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Run ``func`` and return what pulls cotangents of its output back to its inputs.

    Args:
        func: returns a nested container of arrays or Tensors; ``(output, aux)`` with ``has_aux``.
        primals: the positional arguments, nested containers of floating-point arrays.

    Returns:
        ``(output, pull)``, and ``aux`` third with ``has_aux``. ``pull(cotangents)`` takes the
        output's structure (a tuple's items may also be separate arguments) and returns a tuple of
        gradients, one a primal. It may be called again.

    Source: ``torch.func.vjp``.

    >>> output, pull = vjp(lambda x: 3 * x, 2.0)
    >>> float(pull(jnp.asarray(1.0))[0])
    3.0
    """

    def call(world: World) -> tuple[Any, Any, Any]:
        return _pulled(world, func, primals, has_aux)

    world, boxes = world_of(func, primals)
    draws = world.draw_state()
    output, pull, aux = world.run(lambda: call(world), boxes)
    taped = world.taped()

    def pull_back(*cotangents: Any) -> Any:
        given = _cotangents(cotangents, opened(output))
        if taped:  # the tape must see through the gradient: run again, inside it

            def rerun() -> Any:
                with world.replayed(draws), without_effects():
                    return call(world)[1](given)

            return world.run(rerun, [*boxes, *opened(given).boxes])
        return world.run(lambda: pull(given), [])

    return (output, pull_back, aux) if has_aux else (output, pull_back)


def _pulled(
    world: World, func: Callable[..., Any], primals: tuple, has_aux: bool
) -> tuple[Any, Any, Any]:
    """Return (output, pull, aux); ``pull`` takes cotangents in the output's structure."""
    chosen = opened(primals)
    traced, outputs, raw, extra = differentiated(world, func, chosen, has_aux, VJP)
    output, aux = traced.finish(outputs, extra)

    def pull(cotangents: Any) -> Any:
        flat = [
            jnp.asarray(c, o.dtype)
            for c, o in zip(traced.smooth(opened(cotangents).arrays()), outputs, strict=True)
        ]
        return chosen.closed(gradients(world, raw, flat))

    return output, pull, aux


def _cotangents(given: tuple, output: Opened) -> Any:
    """Return the cotangents in the output's structure; RuntimeError if they do not fit it."""
    if not given:
        raise TypeError("wrapper() missing 1 required positional argument: 'cotangents'")
    cotangents = given[0] if len(given) == 1 else given
    flat = opened(cotangents)
    if flat.spec != output.spec:
        raise explained(
            RuntimeError,
            "Expected pytree structure of cotangents to be the same as pytree structure of outputs "
            f"to the function. cotangents: {flat.spec.short()}, primal output: "
            f"{output.spec.short()}",
        )
    for i, (cotangent, primal) in enumerate(zip(flat.leaves, output.leaves, strict=True)):
        if not is_array(cotangent):
            raise TypeError(
                f"gradients can be either Tensors or None, but got {type(cotangent).__name__}"
            )
        if tuple(cotangent.shape) != tuple(primal.shape):
            raise explained(
                RuntimeError,
                f"Mismatch in shape: grad_output[{i}] has a shape of {size_text(cotangent)} and "
                f"output[{i}] has a shape of {size_text(primal)}.",
            )
    return cotangents


# --- shared with the other transforms -------------------------------------------------------------


def cells(world: World, boxes: list[Any]) -> frozenset[Any]:
    """Return the cells behind the boxes of the arguments."""
    return frozenset(world.cell(box) for box in boxes)


def traced_function(
    world: World,
    level: Level,
    chosen: Opened,
    func: Callable[..., Any],
    has_aux: bool,
    name: str,
) -> "Traced":
    """Return ``func`` as a pure function of the arrays of its arguments ``chosen``."""
    return Traced(world, level, chosen, lambda inner: split_aux(func(*inner), has_aux, name), name)


def differentiated(
    world: World, func: Callable[..., Any], chosen: Opened, has_aux: bool, name: str
) -> tuple["Traced", list[Any], Callable[..., Any], Any]:
    """Run ``func`` under ``jax.vjp``; return (traced, outputs, pull, extra), all on arrays."""
    arrays = chosen.arrays()
    check_differentiable(chosen, arrays)
    level = Level(REVERSE, "vjp")
    level.owned = cells(world, chosen.boxes)
    traced = traced_function(world, level, chosen, func, has_aux, name)
    outputs, pull, extra = jax.vjp(traced, *arrays, has_aux=True)
    return traced, outputs, pull, extra


def gradients(world: World, pull: Callable[..., Any], cotangents: list[Any]) -> list[Any]:
    """Pull cotangents back, in the world's convention for complex numbers."""
    if not world.conjugate:
        return list(pull(cotangents))
    return [conj(g) for g in pull([conj(c) for c in cotangents])]


class Traced:
    """A user's function as a pure one: ``(*arrays) -> (outputs, (rest, aux, written values))``.

    ``fun`` takes the closed arguments and returns ``(output, aux)``. Outputs that no gradient can
    flow to (integers, bools) travel in ``rest``.
    """

    def __init__(
        self,
        world: World,
        level: Level,
        chosen: Opened,
        fun: Callable[[Any], tuple[Any, Any]],
        name: str = "",
    ) -> None:
        """Wrap ``fun``; with a ``name``, check that it returns arrays only."""
        self.world, self.level, self.chosen, self.fun, self.name = world, level, chosen, fun, name
        self.output, self.aux = Kept(), Kept()
        self.inexact: list[bool] = []

    def __call__(self, *arrays: Any) -> tuple[list[Any], Any]:
        """Run the function at its level on these arrays."""
        with self.level.running(), self.world.inside(self.level):
            inner = self.chosen.closed(arrays, tracked=self.level.kind == REVERSE)
            output, aux = self.fun(inner)
            if self.name:
                check_outputs(opened(output), self.name)
            found = self.output.put(output)
            extra = self.aux.put(aux)
        self.inexact = [jnp.issubdtype(a.dtype, jnp.inexact) for a in found]
        outputs = self.smooth(found)
        rest = [a for a, smooth in zip(found, self.inexact, strict=True) if not smooth]
        return outputs, (rest, extra, self.level.left)

    def smooth(self, leaves: list[Any]) -> list[Any]:
        """Return those of the output's leaves that a gradient can flow to."""
        return [x for x, smooth in zip(leaves, self.inexact, strict=True) if smooth]

    def finish(self, outputs: list[Any], extra: Any) -> tuple[Any, Any]:
        """Settle the writes; return (output, aux) closed around what came out of the trace."""
        rest, aux, written = extra
        self.level.settle(written)
        return self.output.take(self.merged(outputs, rest)), self.aux.take(aux)

    def merged(self, outputs: list[Any], rest: list[Any]) -> list[Any]:
        """Put the outputs and the rest back into the output's order."""
        return interleaved(self.inexact, outputs, rest)

    def tangent(self, moved: list[Any], extra: Any) -> Any:
        """Return the output's tangent, closed; that of integers and bools is zero."""
        still = [jnp.zeros_like(a) for a in extra[0]]
        return self.output.take(self.merged(moved, still))
