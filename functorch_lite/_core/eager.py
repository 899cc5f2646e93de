"""Programs of eager code: at once on NumPy while they are cold, compiled by XLA once they are hot.

Compiling takes tens of milliseconds, and a script calls most of its operations a few times.  So:

    **The rule.**  A program runs on NumPy the first ``HOT`` times that it meets operands of the
    same shapes and dtypes, as long as it computes no more than ``WORK`` elements there in all.
    After that it is compiled for these shapes, and from then on a call is the compiled call.
    It is compiled at once where the operands are not on a CPU, under a transform or a trace, or
    where a part of it has no rule on NumPy (``host/``).

Shapes are counted apart, so code whose shapes always change does not compile for each; results of
the two ways agree to rounding.  ``FUNCTORCH_LITE_NUMPY=0`` compiles everything at once.  Floor 0.
"""

import os
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.core import Tracer
from jax.extend.core import get_opaque_trace_state

from .counters import counters, tracing
from .execute import Device, compile
from .host.plan import Plan, make

HOT = 4
"""Calls at the same shapes after which a program is worth compiling."""

WORK = 4_000_000
"""Elements that NumPy may compute before that: a few milliseconds, less than compiling takes."""

MAX_SHAPES = 512
"""Combinations of shapes that a program remembers; the oldest is forgotten."""

ENABLED = os.environ.get("FUNCTORCH_LITE_NUMPY", "1") != "0"

_NUMBERS = frozenset((bool, int, float, complex))
_NOT_ARRAYS = frozenset((*_NUMBERS, type(None), tuple, list, dict))
_TOP = get_opaque_trace_state()
_config: Any = jax.config  # a type checker does not see its fields


class Cold(BaseException):
    """Raised by a call of :func:`together` that would have to compile for shapes that are cold."""


def eager(fun: Callable[..., Any], tuned: str = "") -> Callable[..., Any]:
    """Return ``fun`` as a program that follows the rule above; inside another trace it is inlined.

    Args:
        fun: a pure function of arrays and Python numbers, or of nested tuples and lists of them.
        tuned: compiler options, see :func:`execute.compile`.
    """
    return _program(_ColdProgram(fun), tuned) if ENABLED else compile(fun, tuned)


def together(fun: Callable[..., Any], tuned: str = "") -> Callable[..., Any]:
    """Return a program that stands for several smaller ones, and is worth compiling once hot.

    While its operands' shapes are cold a call raises :class:`Cold`: then run the smaller ones.
    """
    return _program(_ColdParts(fun), tuned)


def _program(cold: "_ColdProgram", tuned: str) -> Callable[..., Any]:
    """Return the function that calls the compiled program, and ``cold`` where that is not hot.

    What is hot is looked up before JAX is asked: a jitted function whose trace raises an exception
    serves the shapes at hand without its fast path ever after.
    """
    compiled = compile(cold.fun, tuned)
    hot: set[tuple] = set()

    def call(*operands: Any) -> Any:
        shapes = _shapes(operands)
        if shapes in hot:
            return compiled(*operands)
        return cold.call(operands, compiled, lambda: _add(hot, shapes))

    return call


def _add(hot: set[tuple], shapes: tuple) -> None:
    if len(hot) >= MAX_SHAPES:  # compiled they stay: those that are met again come back at once
        hot.clear()
    hot.add(shapes)


def _shapes(operands: Any) -> tuple:
    """Return what of the operands tells hot calls from cold ones."""
    return tuple([_shape(x) if type(x) in _NOT_ARRAYS else (x.shape, x.dtype) for x in operands])


def _shape(operand: Any) -> Any:
    if isinstance(operand, dict):
        return (*operand, *_shapes(operand.values()))
    return _shapes(operand) if isinstance(operand, tuple | list) else type(operand)


class _Shapes:
    """What a program knows about one combination of shapes.

    Attributes:
        left: calls until it is hot.
        plan: how NumPy runs it, if it has to.
        tree: the structure of its results.
    """

    __slots__ = ("left", "plan", "tree")

    def __init__(self, left: int, plan: Plan | None = None, tree: Any = None) -> None:
        self.left = left
        self.plan = plan
        self.tree = tree


class _ColdProgram:
    """A program while it is not compiled: what it knows by shapes, and when to give that up."""

    __slots__ = ("_known", "fun")

    def __init__(self, fun: Callable[..., Any]) -> None:
        self.fun = fun
        self._known: dict[Any, _Shapes] = {}

    def call(self, operands: tuple, compiled: Callable[..., Any], heat: Callable[[], None]) -> Any:
        """Run on NumPy, or compile if the rule says so; ``heat()`` tells that they are hot now."""
        leaves, tree = jax.tree.flatten(operands)
        if any(isinstance(leaf, Tracer) for leaf in leaves) or get_opaque_trace_state() != _TOP:
            return compiled(*operands)
        try:
            place = self.place(leaves)
        except _Elsewhere:
            heat()
            return compiled(*operands)
        key = (tree, _config.jax_enable_x64, *map(_signature, leaves))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self.meet(operands, leaves)
            if len(self._known) > MAX_SHAPES:
                del self._known[next(iter(self._known))]
        if not known.left:
            counters.promotions += known.plan is not None
            known.plan = None
            heat()
            return compiled(*operands)
        known.left -= 1
        return self.run(known, leaves, place)

    def place(self, leaves: list) -> Device | None:
        """Return where results go; _Elsewhere if that is not for NumPy."""
        return _place(leaves)

    def meet(self, operands: tuple, leaves: list) -> _Shapes:
        """Trace the program for shapes that are new, and translate it."""
        with tracing():
            closed, out = jax.make_jaxpr(self.fun, return_shape=True)(*operands)
        weak = any(v.aval.weak_type for v in closed.jaxpr.outvars)  # NumPy has no such arrays
        plan = None if weak else make(closed)
        left = 0 if plan is None else min(HOT, WORK // max(plan.work, 1))
        return _Shapes(left, plan, jax.tree.structure(out))

    def run(self, known: _Shapes, leaves: list, place: Device | None) -> Any:
        """Run on NumPy."""
        counters.numpy_calls += 1
        assert known.plan is not None
        results = known.plan.run(list(map(_read, leaves, known.plan.inputs)))
        # Not jnp.asarray, which compiles a copy for every new shape.
        return jax.tree.unflatten(known.tree, [jax.device_put(array, place) for array in results])


class _ColdParts(_ColdProgram):
    """Several programs that are run one by one until it is worth compiling them into one."""

    __slots__ = ()

    def place(self, leaves: list) -> None:
        """Do not mind: the parts know."""

    def meet(self, operands: tuple, leaves: list) -> _Shapes:
        """Wait as long as its parts may run on NumPy, but never less than one call."""
        elements = sum(getattr(leaf, "size", 1) for leaf in leaves)
        return _Shapes(HOT if ENABLED and elements * HOT <= WORK and _on_cpu() else 1)

    def run(self, known: _Shapes, leaves: list, place: Device | None) -> Any:
        """Leave it to the parts."""
        raise Cold


def _on_cpu() -> bool:
    return jax.default_backend() == "cpu"


class _Elsewhere(Exception):
    """The operands are not on one CPU device, or too large to be tiny."""


def _place(leaves: list) -> Device | None:
    """Return the CPU device that the operands ask for; None: JAX's default one."""
    place, elements, default = None, 0, not leaves
    for leaf in leaves:
        if isinstance(leaf, jax.Array):
            if len(leaf.devices()) != 1:
                raise _Elsewhere
            (device,) = leaf.devices()
            if device.platform != "cpu" or (leaf.committed and place not in (None, device)):
                raise _Elsewhere
            if leaf.committed:
                place = device
        elif type(leaf) in _NUMBERS or isinstance(leaf, np.generic | np.ndarray):
            default = True
        else:
            raise _Elsewhere
        elements += getattr(leaf, "size", 1)
    if elements > WORK or (default and place is None and not _on_cpu()):
        raise _Elsewhere
    return place


def _signature(leaf: Any) -> Any:
    """Return what of an operand a trace depends on."""
    kind = type(leaf)
    if kind in _NUMBERS:
        return kind
    return leaf.shape, leaf.dtype, getattr(leaf, "weak_type", False)


def _read(leaf: Any, dtype: np.dtype) -> np.ndarray:
    """Return an operand as an array: the read-only memory of a JAX array, a copy of another."""
    return np.asarray(leaf) if isinstance(leaf, jax.Array) else np.array(leaf, dtype)
