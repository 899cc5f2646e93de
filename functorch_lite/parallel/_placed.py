"""A compiled program that knows where its arguments belong, and moves those that lie elsewhere.

``jax.jit`` traces and compiles anew for every way in which its arguments may lie: once for arrays
from the host, once more for the results of the first call.  And it refuses arrays that the caller
committed to another place.  Here a trace happens only for arguments that lie where the program
wants them, so that a training loop compiles once; others are moved.  Floor 5.
"""

from collections.abc import Callable
from threading import local
from typing import Any

import jax
from jax.core import Tracer
from jax.sharding import Mesh, NamedSharding

from .._core.counters import counters
from .._core.execute import compile
from .._core.types import PyTree
from ._queue import one_at_a_time


class _NotYet(Exception):
    """The program would be traced, before anybody looked where its arguments lie."""


class _Permission(local):
    """Whether this thread may trace now: it has looked."""

    depth = 0


_permission = _Permission()


class Placed:
    """``fun`` compiled for the devices of ``mesh``; a call costs what the compiled call costs."""

    def __init__(
        self,
        fun: Callable[..., PyTree],
        mesh: Mesh,
        layout: tuple,
        explain: Callable[..., None],
        tuned: str = "",
        **options: Any,
    ) -> None:
        """Compile ``fun``.

        Args:
            fun: a pure function of positional arguments, each a pytree of arrays.
            mesh: of the devices that it runs on.
            layout: a tree prefix of the arguments, of shardings.
            explain: called with the arguments of a call that failed; raises if it knows why.
            tuned: see :func:`functorch_lite._core.execute.compile`.
            options: for ``jax.jit``: ``donate_argnums``, ``out_shardings``.
        """

        def program(*args: Any) -> PyTree:
            if not _permission.depth and not _lie_on(mesh, args):
                counters.compilations -= 1  # this is none
                raise _NotYet
            return fun(*args)

        program.__name__ = getattr(fun, "__name__", "program")
        self._layout = layout
        self._compiled: Any = compile(program, tuned, in_shardings=layout, **options)
        self._run = one_at_a_time(self._compiled, tuple(mesh.devices.flat))
        self._explain = explain
        self._looks = False  # whether calls look where the arguments lie before they run
        self._is_used = False

    def __call__(self, *args: Any) -> PyTree:
        """Run the program."""
        if self._is_used and not self._looks:
            try:
                return self._run(*args)
            except (_NotYet, ValueError, TypeError):
                pass  # once more, with care
        return self._carefully(self._run, args)

    def lower(self, *args: Any) -> Any:
        """Return the lowered program, as ``jax.jit(...).lower`` does."""
        return self._carefully(self._compiled.lower, args)

    def _carefully(self, run: Callable[..., Any], args: tuple) -> Any:
        """Move the arguments to where they belong, trace if need be, and explain errors."""
        _permission.depth += 1
        try:
            return run(*self._moved(args))
        except (ValueError, TypeError):
            self._explain(*args)
            raise
        finally:
            _permission.depth -= 1

    def _moved(self, args: tuple) -> tuple:
        leaves = jax.tree.leaves(args)
        if any(isinstance(leaf, Tracer) for leaf in leaves):
            return args
        moved = jax.tree.map(_put, self._layout, args)
        if any(a is not b for a, b in zip(jax.tree.leaves(moved), leaves, strict=True)):
            # Not for the first call, whose arguments are often from elsewhere than later ones.
            self._looks = self._is_used
        self._is_used = True
        return moved


def _lie_on(mesh: Mesh, args: tuple) -> bool:
    """Tell of arguments in a trace whether they come from arrays on ``mesh``, or are numbers."""
    types = [jax.typeof(leaf) for leaf in jax.tree.leaves(args)]
    return all(t.weak_type or t.sharding.mesh == mesh.abstract_mesh for t in types)


def _put(sharding: Any, tree: PyTree) -> PyTree:
    """Return the tree with its arrays at ``sharding``; Python numbers are left to JAX."""

    def put(leaf: Any) -> Any:
        if not hasattr(leaf, "shape"):
            return leaf
        lies = getattr(leaf, "sharding", None)
        if lies == sharding or (
            isinstance(lies, NamedSharding)
            and lies.mesh == sharding.mesh
            and lies.is_equivalent_to(sharding, leaf.ndim)
        ):
            return leaf
        return jax.device_put(leaf, sharding)

    return jax.tree.map(put, tree)
