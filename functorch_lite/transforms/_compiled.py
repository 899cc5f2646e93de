"""``jit``, ``make_jaxpr`` and ``checkpoint``: programs of whole functions.

On plain arrays these are JAX's. A function of Tensors is captured once for each structure of its
arguments: tensors from outside that it reads become inputs of the program, what it writes to them
becomes outputs, random draws are drawn anew for each call. Floor 4.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from .._core.execute import compile
from .._core.xla.options import tuning
from ._staged import Staged, draw_once
from ._world import (
    Kept,
    World,
    in_world,
    opened,
    world_of,
    worlds,
)


def jit(
    func: Callable[..., Any],
    *,
    static_argnums: int | tuple[int, ...] = (),
    static_argnames: str | tuple[str, ...] = (),
    donate_argnums: int | tuple[int, ...] = (),
    donate_argnames: str | tuple[str, ...] = (),
) -> Callable[..., Any]:
    """Compile ``func`` as one XLA program for each new combination of shapes and dtypes.

    Args:
        func: takes and returns nested containers of arrays or Tensors. Its Python code runs only
            while it is traced.
        static_argnums, static_argnames: arguments that are part of the program (hashable).
        donate_argnums, donate_argnames: arguments whose memory the program may reuse (plain arrays
            only).

    Of a function of Tensors the Python floats among the arguments are run-time numbers; other
    Python values are static. Captured tensors are read anew at each call, and written to.

    >>> float(jit(lambda x: x + 1)(2.0))
    3.0
    """
    plain = _OfArrays(
        func,
        static_argnums=static_argnums,
        static_argnames=static_argnames,
        donate_argnums=donate_argnums,
        donate_argnames=donate_argnames,
    )
    static = {
        *((static_argnums,) if isinstance(static_argnums, int) else static_argnums),
        *((static_argnames,) if isinstance(static_argnames, str) else static_argnames),
    }
    captured = functools.cache(lambda: worlds.boxed.compiled(func, frozenset(static)))
    refers = functools.cache(lambda: worlds.boxed.refers(func))

    @functools.wraps(func)
    def compiled(*args: Any, **kwargs: Any) -> Any:
        if _holds_boxes(args, kwargs) or refers():
            return captured()(*args, **kwargs)
        return plain(*args, **kwargs)

    compiled.lower = plain.lower  # type: ignore[attr-defined]
    compiled.captured = captured  # type: ignore[attr-defined]
    return compiled


class _OfArrays:
    """A function of plain arrays; what it contains, seen at its first call, chooses options."""

    def __init__(self, func: Callable[..., Any], **options: Any) -> None:
        self.func, self.options = func, options
        self.chosen: Callable[..., Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return (self.chosen or self._choose(*args, **kwargs))(*args, **kwargs)

    def _choose(self, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        traced = jax.jit(self.func, **self.options).trace(*args, **kwargs)
        self.chosen = compile(self.func, tuning(traced.jaxpr.jaxpr), **self.options)
        return self.chosen

    def lower(self, *args: Any, **kwargs: Any) -> Any:
        """Return JAX's lowered program for these arguments."""
        return (self.chosen or self._choose(*args, **kwargs)).lower(  # type: ignore[attr-defined]
            *args, **kwargs
        )


_boxed: dict[Any, bool] = {}


def _holds_boxes(args: tuple, kwargs: dict[str, Any]) -> bool:
    """Return True if a leaf is a box; remembered by structure, since it is asked at each call."""
    box = worlds.boxed.box
    if not box:
        return False
    if any(isinstance(arg, box) for arg in args):  # most calls are told by this
        return True
    structure = jax.tree.structure((args, kwargs))
    found = _boxed.get(structure)
    if found is None:
        found = _boxed[structure] = bool(world_of(args, kwargs)[1])
    return found


def make_jaxpr(func: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that traces ``func`` and returns its program as JAX prints it.

    >>> print(make_jaxpr(lambda x: x + 1)(jnp.float32(2.0)))
    { lambda ; a:f32[]. let b:f32[] = add a 1.0:f32[] in (b,) }
    """

    @functools.wraps(func)
    def traced(*args: Any, **kwargs: Any) -> Any:
        def call(world: World) -> Any:
            kept = Kept()
            arrays = kept.put(args)
            staged = Staged(
                world, lambda *inner: func(*inner, **kwargs), kept, "make_jaxpr", draw_once
            )
            return jax.make_jaxpr(lambda *values: staged(*values)[0])(*arrays)

        return in_world(call, func, args, kwargs)

    return traced


def checkpoint(
    func: Callable[..., Any], *, policy: Callable[..., bool] | None = None
) -> Callable[..., Any]:
    """Return ``func`` with its inner values computed again, not kept, when it is differentiated.

    Args:
        policy: which values may be kept all the same (``jax.checkpoint_policies``).

    Random draws are repeated with the same numbers. Source: ``jax.checkpoint``.

    >>> from functorch_lite.transforms import grad
    >>> float(grad(checkpoint(lambda x: x * x))(3.0))
    6.0
    """

    @functools.wraps(func)
    def rematerialized(*args: Any, **kwargs: Any) -> Any:
        def call(world: World) -> Any:
            kept = Kept()
            arrays = kept.put(_floats_as_arrays(args))
            staged = Staged(
                world, lambda *inner: func(*inner, **kwargs), kept, "checkpoint", draw_once
            )
            found, written = jax.checkpoint(staged, policy=policy)(*arrays)
            return staged.finish(found, written)

        return in_world(call, func, args, kwargs)

    return rematerialized


def _floats_as_arrays(tree: Any) -> Any:
    flat = opened(tree)
    return flat.with_leaves([jnp.asarray(x) if type(x) is float else x for x in flat.leaves])
