"""A compiled program that knows where its arguments belong, and moves those that lie elsewhere.

``jax.jit(..., in_shardings=...)`` takes arrays from the host and arrays of that layout, with one
trace for both, and refuses arrays that the caller committed to another place.  Here those are
moved, and an error is first offered to the caller, who can say it in better words.  Floor 5.
"""

from collections.abc import Callable
from typing import Any

import jax
from jax.core import Tracer
from jax.sharding import Mesh

from .._core.execute import compile
from .._core.types import PyTree
from ._queue import one_at_a_time


class Placed:
    """``fun`` compiled for the devices of ``mesh``; a call costs what the compiled call costs."""

    __slots__ = ("_compiled", "_explain", "_moves", "_run", "layout")

    def __init__(
        self,
        fun: Callable[..., PyTree],
        mesh: Mesh,
        layout: tuple,
        explain: Callable[..., None],
        tuned: str = "",
        donate_argnums: tuple[int, ...] = (),
    ) -> None:
        """Compile ``fun``.

        Args:
            fun: a pure function of positional arguments, each a pytree of arrays.
            mesh: of the devices that it runs on.
            layout: a tree prefix of the arguments, of shardings.
            explain: called with the arguments of a call that failed; raises if it knows why.
            tuned: see :func:`functorch_lite._core.execute.compile`.
            donate_argnums: arguments whose memory the results may take.
        """
        self.layout = layout
        self._compiled: Any = compile(
            fun, tuned, in_shardings=layout, donate_argnums=donate_argnums
        )
        self._run = one_at_a_time(self._compiled, tuple(mesh.devices.flat))
        self._explain = explain
        self._moves = False  # whether arguments are moved before a call: once needed, always

    def __call__(self, *args: Any) -> PyTree:
        """Run the program."""
        if self._moves:
            args = jax.device_put(args, self.layout)
        try:
            return self._run(*args)
        except (ValueError, TypeError):
            self._explain(*args)
            if not any(jax.tree.leaves(jax.tree.map(_is_elsewhere, self.layout, args))):
                raise
        self._moves = True
        return self._run(*jax.device_put(args, self.layout))

    def lower(self, *args: Any) -> Any:
        """Return the lowered program, as ``jax.jit(...).lower`` does."""
        return self._compiled.lower(*args)


def _is_elsewhere(sharding: Any, tree: PyTree) -> bool:
    """Tell whether an array of ``tree`` is committed to another place than ``sharding``."""
    return any(
        isinstance(leaf, jax.Array)
        and not isinstance(leaf, Tracer)
        and leaf.committed
        and not leaf.sharding.is_equivalent_to(sharding, leaf.ndim)
        for leaf in jax.tree.leaves(tree)
    )
