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
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from .._core.execute import compile
from ._levels import TRACE, Level, state
from ._staged import Staged, as_arrays, draw_once
from ._world import (
    ARRAYS,
    Kept,
    Opened,
    World,
    in_world,
    is_array,
    is_box,
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
    plain = compile(
        func,
        static_argnums=static_argnums,
        static_argnames=static_argnames,
        donate_argnums=donate_argnums,
        donate_argnames=donate_argnames,
    )
    captured = _Captured(func, static_argnums, static_argnames)

    @functools.wraps(func)
    def compiled(*args: Any, **kwargs: Any) -> Any:
        if _holds_boxes(args, kwargs):
            return captured(*args, **kwargs)
        return plain(*args, **kwargs)

    return compiled


_boxed: dict[Any, bool] = {}


def _holds_boxes(*trees: Any) -> bool:
    """Return True if a leaf is a box; remembered by structure, since it is asked at each call."""
    if not worlds.boxed.box:
        return False
    structure = jax.tree.structure(trees)
    found = _boxed.get(structure)
    if found is None:
        found = _boxed[structure] = bool(world_of(trees)[1])
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


# --- functions of boxes ---------------------------------------------------------------------------


class _Captured:
    """The programs of a function of boxes, one for each structure of its arguments."""

    def __init__(self, func: Callable[..., Any], argnums: Any, argnames: Any) -> None:
        self.func = func
        self.static = {
            *((argnums,) if isinstance(argnums, int) else argnums),
            *((argnames,) if isinstance(argnames, str) else argnames),
        }
        self.programs: dict[Any, _Program] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if state.stack:
            return self.func(*args, **kwargs)  # part of the transform that is running

        flat, fixed = opened((args, kwargs)), self._fixed(args, kwargs)
        world = worlds.boxed
        key = (world.trace_key(), flat.spec, *map(_leaf_key, flat.leaves, fixed))
        program = self.programs.get(key)
        if program is None or not program.fits():

            def trace() -> Any:
                found = self.programs[key] = _Program(world, self.func, flat, fixed)
                return found(flat)

            return world.run(trace, [*flat.boxes, *world.captured(self.func)])
        return world.run(lambda: program(flat), [*flat.boxes, *program.read])

    def _fixed(self, args: tuple, kwargs: dict) -> list[bool]:
        """Return for each leaf whether it belongs to a static argument."""
        named = [*enumerate(args), *kwargs.items()]
        return [name in self.static for name, arg in named for _ in opened(arg).leaves]


def _is_run_time(leaf: Any, fixed: bool) -> bool:
    return not fixed and (is_array(leaf) or type(leaf) is float)


def _leaf_key(leaf: Any, fixed: bool) -> Any:
    """Return what a program depends on: shape and dtype of run-time leaves, the static values."""
    if not _is_run_time(leaf, fixed):
        return (type(leaf), leaf)
    return (tuple(leaf.shape), leaf.dtype, is_box(leaf)) if is_array(leaf) else float


class _Program:
    """One captured program: its inputs from outside, and how to call it."""

    def __init__(
        self, world: World, func: Callable[..., Any], flat: Opened, fixed: list[bool]
    ) -> None:
        self.places = [
            i for i, (x, f) in enumerate(zip(flat.leaves, fixed, strict=True)) if _is_run_time(x, f)
        ]
        self.fresh: list[Any] = []
        self.draws: list[Callable[[], Any]] = []
        self.output, self.outputs = Kept(), 0
        self.first = True
        self.level = level = Level(TRACE, "jit", draws=self.recorded)
        level.reads = {}

        def pure(*values: Any) -> list[Any]:
            with level.running(), world.inside(level):
                leaves = list(flat.leaves)
                for place, value in zip(self.places, values, strict=True):
                    leaf = leaves[place]
                    wrap = world.wrap if is_box(leaf) else world.number
                    leaves[place] = value if isinstance(leaf, ARRAYS) else wrap(value)
                args, kwargs = flat.with_leaves(leaves)
                found = self.output.put(as_arrays(func(*args, **kwargs)))
            self.outputs = len(found)
            return [*found, *level.left]

        closed = jax.make_jaxpr(pure)(*self.inputs(flat))
        self.sources = [self._source(c) for c in closed.consts]
        self.avals = [jax.typeof(c) for c in closed.consts]
        self.read = [box for _, _, box in level.reads.values() if box is not None]
        level.reads = None

        def run(consts: list[Any], values: list[Any]) -> list[Any]:
            return jaxpr_as_fun(ClosedJaxpr(closed.jaxpr, consts))(*values)

        self.run = compile(run, tuning(closed.jaxpr))

    def inputs(self, flat: Opened) -> list[Any]:
        """Return the run-time leaves of the arguments as arrays and Python floats."""
        arrays = flat.arrays()
        return [arrays[place] for place in self.places]

    def recorded(self, draw: Callable[[], Any]) -> Any:
        """Draw while tracing, and remember to draw again at each call."""
        with jax.ensure_compile_time_eval():
            drawn = jnp.asarray(draw())
        self.fresh.append(drawn)
        self.draws.append(draw)
        return drawn

    def _source(self, const: Any) -> Callable[[], Any]:
        """Return how to find the value of a constant of the trace at a later call."""
        for place, drawn in enumerate(self.fresh):
            if drawn is const:
                return functools.partial(self._drawn, place)
        read = self.level.reads.get(id(const))  # type: ignore[union-attr]
        return read[1] if read is not None and read[0] is const else lambda: const

    def _drawn(self, place: int) -> Any:
        return self.now[place]

    def fits(self) -> bool:
        """Return True if everything captured still has the shape and dtype it was traced with."""
        self.now = [jax.ShapeDtypeStruct(d.shape, d.dtype) for d in self.fresh]
        now = (source() for source in self.sources)
        return all(
            tuple(v.shape) == tuple(a.shape) and v.dtype == a.dtype
            for v, a in zip(now, self.avals, strict=True)
        )

    def __call__(self, flat: Opened) -> Any:
        """Run the program on these arguments."""
        if self.first:
            self.now, self.first = self.fresh, False
        else:
            self.now = [jnp.asarray(draw()) for draw in self.draws]
        found = self.run([source() for source in self.sources], self.inputs(flat))
        self.level.settle(found[self.outputs :])
        return self.output.take(found[: self.outputs])


def tuning(jaxpr: Any) -> str:
    """Return which compiler options suit a program, by what it contains."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "conv_general_dilated":
            return "convolution"
        for inner in jax.tree.leaves(equation.params, is_leaf=_is_jaxpr):
            if _is_jaxpr(inner) and (found := tuning(getattr(inner, "jaxpr", inner))):
                return found
    return ""


def _is_jaxpr(value: Any) -> bool:
    return hasattr(value, "eqns")
