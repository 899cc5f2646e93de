"""``pmap``: one function, one device for each slice of its arguments.

A call looks up the program for (size of the mapped axis, number of arguments, static values) and
runs it, nothing else; errors are explained after the fact, by looking at the arguments of a call
that failed.  How a program is made is in ``_program.py``.  Floor 5.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import update_wrapper
from typing import Any

import jax
from jax.sharding import get_abstract_mesh

from .._core.execute import Device
from .._core.types import PyTree
from ._axes import check_axes, check_call, first_size
from ._mesh import choose_devices
from ._placed import Placed
from ._program import Settings, axes_of, build, join

UNNAMED = "pmap"
"""What the mesh axis is called where the caller gives no ``axis_name``."""


def pmap(
    fun: Callable[..., PyTree],
    axis_name: str | None = None,
    *,
    in_axes: Any = 0,
    out_axes: Any = 0,
    static_broadcasted_argnums: int | Iterable[int] = (),
    devices: Sequence[Device] | None = None,
    axis_size: int | None = None,
    donate_argnums: int | Iterable[int] = (),
) -> "Pmapped":
    """Make a function that runs ``fun`` on several devices, one slice of the arguments on each.

    ``pmap(fun)(x)`` computes what ``vmap(fun)(x)`` computes: ``x`` of shape (D, ...) goes to D
    devices, ``fun`` sees (...) and its results come back stacked, (D, ...), as one array that lies
    on the D devices.  Inside, ``psum``, ``pmean``, ``all_gather``, ... combine the devices.

    Args:
        fun: a pure function of pytrees of arrays.
        axis_name: the name by which collectives inside call the mapped axis; a string.
        in_axes: the axis of each positional argument that is split over the devices, an int from 0;
            None gives every device the whole argument.  One entry for all, or a tuple with an entry
            an argument, each of which may be a pytree.  Arguments by name are split on axis 0.
        out_axes: where the device axis goes in the results, as a pytree prefix; None for a result
            that is the same on every device (a ``psum``, say), which comes back without the axis.
        static_broadcasted_argnums: positional arguments that are part of the program: any hashable
            value, another value compiles again.  Their entries of ``in_axes`` don't matter.
        devices: one for each slice, in order; the first D of ``jax.local_devices()`` if None.
        axis_size: the size of the mapped axis, needed where no argument is mapped.
        donate_argnums: positional arguments whose memory the results may take; don't use them
            after the call.

    Returns:
        A function with ``fun``'s arguments.  It can be differentiated, vmapped and jitted.

    Raises:
        ValueError: mapped axes differ in size, there are fewer devices than slices, ``in_axes`` or
            ``out_axes`` do not fit, or a result with ``out_axes=None`` differs between devices.
        TypeError: a static argument cannot be hashed.

    Nesting: a ``pmap`` called inside another (or inside ``shard_map``) runs its slices together on
    each outer device, as ``vmap`` with its ``axis_name``; collectives inside may name either axis
    or both.  For inner slices on devices of their own, map over the flattened axes instead.

    On CPU devices a call returns when its result is there (see :func:`.one_at_a_time`).  A
    derivative is best taken inside: ``pmap(grad(loss))``.  ``grad(pmap(...))`` outside ``jit`` runs
    its backward program outside of that guard.

    Differs from jax: sizes and structures are checked with messages of their own, ``axis_name`` is
    a string, and inner ``devices`` are refused.  Gradients follow ``vmap`` and ``jax.pmap``: the
    transpose of ``psum`` is ``psum``.

    >>> pmap(lambda x: x / psum(x, "i"), "i")(jnp.arange(4.0)).tolist()  # doctest: +SKIP
    [0.0, 0.1666..., 0.3333..., 0.5]
    """
    return Pmapped(
        fun,
        Settings(
            _check_name(axis_name),
            axis_name,
            _check_in_axes(in_axes),
            out_axes,
            _indices(static_broadcasted_argnums, "static_broadcasted_argnums"),
            None if devices is None else choose_devices(devices),
            axis_size,
            _indices(donate_argnums, "donate_argnums"),
        ),
    )


class Pmapped:
    """What :func:`pmap` returns: call it, or ``lower`` it to look at the program."""

    def __init__(self, fun: Callable[..., PyTree], settings: Settings) -> None:
        """Check the settings; programs are made when a call asks for them."""
        s = settings
        check_axes(s.out_axes, "out_axes")
        if s.devices is not None and s.axis_size not in (None, len(s.devices)):
            raise ValueError(
                f"pmap: axis_size={s.axis_size} and {len(s.devices)} devices: leave axis_size out"
            )
        if both := set(s.statics) & set(s.donated):
            raise ValueError(f"pmap: static arguments {sorted(both)} cannot be donated")
        self._fun = fun
        self._settings = settings
        self._size = s.axis_size if s.devices is None else len(s.devices)
        self._first_axis: Any = next(iter(axes_of(s, 1 + len(s.statics))), None)
        self._programs: dict[Any, Placed] = {}
        update_wrapper(self, fun, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> PyTree:
        """Run ``fun`` on each device with its slice."""
        if get_abstract_mesh().manual_axes:
            return self._inside(args, kwargs)
        statics: tuple = ()
        if self._settings.statics:
            statics, args = self._part(args)
        return self._program(statics, args, kwargs)(kwargs, *args)

    def lower(self, *args: Any, **kwargs: Any) -> Any:
        """Return the lowered program for these arguments, as ``jax.jit(...).lower`` does."""
        statics, args = self._part(args)
        return self._program(statics, args, kwargs).lower(kwargs, *args)

    def __repr__(self) -> str:
        """Name the function."""
        return f"pmap({getattr(self._fun, '__name__', self._fun)!s})"

    def _program(self, statics: tuple, args: tuple, kwargs: dict[str, Any]) -> Placed:
        try:
            size = self._size or args[0].shape[self._first_axis]
        except (AttributeError, IndexError, TypeError):  # it is a tree, not mapped, or wrong
            size = self._size_of(args, kwargs)
        key = (size, len(args), statics)
        program = self._programs.get(key)
        if program is None:
            program = build(self._settings, self._fun, size, statics, args, kwargs)
            program = self._programs.setdefault(key, program)
        return program

    def _part(self, args: tuple) -> tuple[tuple, tuple]:
        """Separate static arguments, with their types (1, 1.0 and True are equal), from others."""
        positions = self._settings.statics
        if not positions:
            return (), args
        if max(positions) >= len(args):
            raise ValueError(
                f"pmap: static_broadcasted_argnums={positions} and only {len(args)} positional "
                "arguments: pass static arguments by position"
            )
        statics = tuple((type(args[i]), args[i]) for i in positions)
        for i, (kind, value) in zip(positions, statics, strict=True):
            try:
                hash(value)
            except TypeError:
                raise TypeError(
                    f"pmap: static argument {i} is a {kind.__name__}, which cannot be hashed: pass "
                    "a tuple or another hashable value, or broadcast arrays with in_axes=None"
                ) from None
        return statics, tuple(a for i, a in enumerate(args) if i not in positions)

    def _size_of(self, args: tuple, kwargs: dict[str, Any]) -> int:
        axes = axes_of(self._settings, len(args))
        try:
            size = first_size(axes, args)
        except ValueError:
            check_call(axes, args, kwargs)
            raise
        size = first_size(0, kwargs) if size is None else size
        if size is None:
            check_call(axes, args, kwargs)
            raise ValueError(
                "pmap: no argument has a mapped axis, so the number of devices is unknown: "
                "give axis_size=, or devices="
            )
        return size

    def _inside(self, args: tuple, kwargs: dict[str, Any]) -> PyTree:
        """Run as ``vmap`` on this device of an outer pmap."""
        s = self._settings
        if s.devices is not None:
            raise ValueError(
                "pmap: devices= cannot be chosen inside another pmap, whose devices run all "
                "slices: leave it out"
            )
        statics, args = self._part(args)
        axes = axes_of(s, len(args))
        check_call(axes, args, kwargs, s.axis_size)

        def body(kwargs: dict[str, Any], *args: Any) -> PyTree:
            return self._fun(*join(s, statics, args), **kwargs)

        options: dict[str, Any] = {"axis_size": s.axis_size, "axis_name": s.axis_name}
        return jax.vmap(body, (0, *axes), s.out_axes, **options)(kwargs, *args)


def _check_name(axis_name: Any) -> str:
    if axis_name is None:
        return UNNAMED
    if not isinstance(axis_name, str):
        raise TypeError(f"pmap: axis_name must be a string, got {axis_name!r}")
    return axis_name


def _check_in_axes(in_axes: Any) -> Any:
    in_axes = tuple(in_axes) if isinstance(in_axes, list) else in_axes
    if not (in_axes is None or isinstance(in_axes, int | tuple)):
        raise TypeError(
            "pmap: in_axes must be an int, None or a tuple with an entry an argument, "
            f"got {in_axes!r}"
        )
    check_axes(in_axes, "in_axes")
    return in_axes


def _indices(argnums: int | Iterable[int], name: str) -> tuple[int, ...]:
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    if any(not isinstance(n, int) or n < 0 for n in numbers):
        raise ValueError(f"pmap: {name} are positions from 0, got {argnums!r}")
    return tuple(sorted(set(numbers)))
