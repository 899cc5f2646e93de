"""How a pmapped function becomes a program: ``jax.jit`` of ``jax.shard_map`` over one mesh axis.

Its arguments are ``(kwargs, *args)`` without the static ones, which are part of it.  Floor 5.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from .._core.execute import Device
from .._core.types import PyTree
from ._axes import (
    check_call,
    check_devices,
    insert_axes,
    is_none,
    map_axes,
    remove_axes,
)
from ._mesh import choose_devices, make_mesh, spec, split_over
from ._placed import Placed


class Settings(NamedTuple):
    """The arguments of ``pmap``, checked."""

    mesh_name: str
    axis_name: str | None
    in_axes: Any
    out_axes: Any
    statics: tuple[int, ...]
    devices: tuple[Device, ...] | None
    axis_size: int | None
    donated: tuple[int, ...]


def axes_of(settings: Settings, count: int) -> tuple:
    """Return the entries of ``in_axes`` for the ``count`` arguments that are not static."""
    axes = settings.in_axes
    if not isinstance(axes, tuple):
        return (axes,) * count
    if not settings.statics:
        return axes
    return tuple(axis for i, axis in enumerate(axes) if i not in settings.statics)


def join(settings: Settings, statics: tuple, args: tuple) -> list:
    """Return all positional arguments in order; static ones come as (type, value)."""
    joined = list(args)
    for i, (_, value) in zip(settings.statics, statics, strict=True):
        joined.insert(i, value)
    return joined


def build(
    settings: Settings,
    fun: Callable[..., PyTree],
    size: int,
    statics: tuple,
    args: tuple,
    kwargs: dict[str, Any],
) -> Placed:
    """Make the program of ``fun`` for mapped axes of ``size`` and these static values.

    ``args``, those that are not static, and ``kwargs`` are looked at for their structure alone.
    """
    s, axes = settings, axes_of(settings, len(args))
    check_call(axes, args, kwargs, size)
    devices = s.devices or choose_devices(None)
    check_devices(size, devices)
    devices = devices[:size]
    mesh = make_mesh(devices, s.mesh_name)
    layout = map_axes(lambda axis: split_over(mesh, axis), (0, *axes))
    in_specs, out_specs = (
        map_axes(lambda axis: spec(axis, s.mesh_name), tree) for tree in ((0, *axes), s.out_axes)
    )

    def body(kwargs: dict[str, Any], *args: Any) -> PyTree:
        return fun(*join(s, statics, args), **kwargs)

    def on_each(kwargs: dict[str, Any], *args: Any) -> PyTree:
        result = body(remove_axes(0, kwargs), *remove_axes(axes, args))
        return insert_axes(s.out_axes, result)

    def program(kwargs: dict[str, Any], *args: Any) -> PyTree:
        check_call(axes, args, kwargs, size)
        if None in jax.tree.leaves(s.out_axes, is_leaf=is_none):
            mapped = jax.vmap(body, (0, *axes), s.out_axes, axis_size=size, axis_name=s.mesh_name)
            _check_one_result(mapped, s.mesh_name, (kwargs, *args))
        split = jax.shard_map(
            on_each, mesh=mesh, in_specs=in_specs, out_specs=out_specs, check_vma=False
        )
        return split(kwargs, *args)

    def explain(kwargs: dict[str, Any], *args: Any) -> None:
        check_call(axes, args, kwargs, size)

    program.__name__ = getattr(fun, "__name__", "program")
    donated = _donated(s, len(args) + len(statics))
    return Placed(program, mesh, layout, explain, donate_argnums=donated)


def _donated(settings: Settings, count: int) -> tuple[int, ...]:
    """Return where donated arguments are in ``program(kwargs, *those not static)``."""
    kept = [i for i in range(count) if i not in settings.statics]
    return tuple(kept.index(i) + 1 for i in settings.donated if i < count)


def _check_one_result(mapped: Callable[..., Any], axis_name: str, args: tuple) -> None:
    """Raise ValueError if a result with ``out_axes=None`` may differ between devices.

    ``vmap`` knows, so the function is traced once more, under it.
    """
    try:
        jax.eval_shape(mapped, *args)
    except ValueError as error:
        if not ("out_axes" in str(error) and "None" in str(error)):
            raise
        raise ValueError(
            "pmap: out_axes=None says that a result is the same on every device, and it is "
            f"not: combine it, such as pmean(result, {axis_name!r}), or give it an axis"
        ) from error
