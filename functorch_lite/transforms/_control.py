"""Loops and branches as one operation: ``scan``, ``cond``, ``while_loop``, ``associative_scan``.

JAX's, on nested containers of arrays or Tensors. The functions are traced once, without values.
They may read captured tensors but not write to them. Floor 4.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ._staged import Staged, as_arrays
from ._where import explained
from ._world import Kept, Opened, World, in_world, is_array, opened


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> tuple[Any, Any]:
    """Carry a state along a leading dimension: ``carry, y = f(carry, x)`` for each slice.

    Args:
        f: takes and returns the carry in one structure, with one shape and dtype.
        init: the first carry.
        xs: what is scanned over, along dimension 0 of each leaf; None with ``length``.
        length: the number of steps.
        reverse: begin at the end.
        unroll: how many steps the compiled loop does at a time.

    Returns:
        ``(last carry, ys)``, the ``ys`` stacked along dimension 0.

    >>> carry, ys = scan(lambda c, x: (c + x, c), jnp.zeros(()), jnp.arange(3.0))
    >>> float(carry), ys.tolist()
    (3.0, [0.0, 0.0, 1.0])
    """

    def call(world: World) -> tuple[Any, Any]:
        first, args = as_arrays(init), Kept()
        arrays = args.put((first, as_arrays(xs)))
        carry = opened(first)
        count = sum(map(is_array, carry.leaves))  # None has no array
        step = Staged(world, f, args, "scan")

        def body(state: list[Any], x: list[Any]) -> tuple[list[Any], list[Any]]:
            found = step.run(*state, *x)
            _check_carry("scan", carry, step.output.tree[0])
            return found[:count], found[count:]

        last, ys = jax.lax.scan(body, arrays[:count], arrays[count:], length, reverse, unroll)  # type: ignore[arg-type]
        return step.output.take([*last, *ys])

    return in_world(call, f, init, xs)


def _check_carry(name: str, before: Opened, after: Any) -> None:
    """Raise unless what is carried on has the structure of what came in."""
    found = opened(after)
    if found.spec != before.spec:
        raise explained(
            TypeError,
            f"{name}: the carry that comes out has structure {found.spec.short()}, the one that "
            f"goes in {before.spec.short()}",
            "return the carry in the structure, shapes and dtypes of the initial one.",
        )


def cond(pred: Any, true_fun: Callable, false_fun: Callable, *operands: Any) -> Any:
    """Return ``true_fun(*operands)`` where ``pred`` is true, else ``false_fun(*operands)``.

    Args:
        pred: a scalar: a bool, or a 0-d array or Tensor.
        true_fun, false_fun: return the same structure, shapes and dtypes. Both are traced.

    >>> float(cond(True, lambda x: x + 1, lambda x: x - 1, 2.0))
    3.0
    """

    def call(world: World) -> Any:
        args = Kept()
        arrays = args.put(as_arrays((pred, *operands)))
        branches = [
            Staged(world, _without_first(fun), args, "cond") for fun in (true_fun, false_fun)
        ]
        test, *rest = arrays
        found = jax.lax.cond(
            jnp.reshape(test, ()),
            *(lambda *values, branch=branch: branch.run(test, *values) for branch in branches),
            *rest,
        )
        return branches[0].output.take(found)

    return in_world(call, true_fun, false_fun, pred, operands)


def _without_first(fun: Callable[..., Any]) -> Callable[..., Any]:
    return lambda _, *rest: fun(*rest)


def while_loop(
    cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], init_val: Any
) -> Any:
    """Repeat ``val = body_fun(val)`` while ``cond_fun(val)`` is true; return the last ``val``.

    ``val`` keeps its structure, shapes and dtypes. Forward-mode transforms work; reverse mode needs
    a known number of steps: use :func:`scan`.

    >>> int(while_loop(lambda n: n < 100, lambda n: n * 2, 1))
    128
    """

    def call(world: World) -> Any:
        first, args = as_arrays(init_val), Kept()
        arrays = args.put((first,))
        carry = opened(first)
        test, step = (Staged(world, fun, args, "while_loop") for fun in (cond_fun, body_fun))

        def keep_going(state: list[Any]) -> Any:
            return jnp.reshape(test.run(*state)[0], ())

        def body(state: list[Any]) -> list[Any]:
            found = step.run(*state)
            _check_carry("while_loop", carry, step.output.tree)
            return found

        return args.take(jax.lax.while_loop(keep_going, body, arrays))[0]

    return in_world(call, cond_fun, body_fun, init_val)


def associative_scan(
    fn: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """Return all partial results of the associative ``fn`` along ``axis``, in O(log n) steps.

    Args:
        fn: ``fn(a, b)`` combines two slices (with ``axis`` kept, of any length) into one.
        elems: nested container of arrays or Tensors of one length along ``axis``.

    >>> associative_scan(lambda a, b: a + b, jnp.arange(4.0)).tolist()
    [0.0, 1.0, 3.0, 6.0]
    """

    def call(world: World) -> Any:
        args, elements = Kept(), Kept()
        args.put((elems, elems))
        arrays = elements.put(elems)
        step = Staged(world, fn, args, "associative_scan")
        found = jax.lax.associative_scan(
            lambda a, b: step.run(*a, *b), arrays, reverse=reverse, axis=axis
        )
        return elements.take(found)

    return in_world(call, fn, elems)
