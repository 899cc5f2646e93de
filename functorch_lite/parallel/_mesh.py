"""Which devices a program runs on, as a mesh with one named axis.

Floor 5.
"""

from collections.abc import Sequence
from functools import cache

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from .._core.execute import Device

MORE_DEVICES = (
    "start the program with `python -m functorch_lite run --devices N` for N virtual CPU devices"
)


def choose_devices(devices: Sequence[Device] | None) -> tuple[Device, ...]:
    """Return ``devices``, or all of this process if None; ValueError if one is named twice."""
    if devices is None:
        return tuple(jax.local_devices())
    devices = tuple(devices)
    if not devices:
        raise ValueError("devices is empty: name at least one, such as jax.local_devices()[:1]")
    if len(set(devices)) < len(devices):
        raise ValueError(f"devices names a device twice: {[str(d) for d in devices]}")
    return devices


@cache
def make_mesh(devices: tuple[Device, ...], axis_name: str, parts: int | None = None) -> Mesh:
    """Return the mesh of ``devices`` along the axis ``axis_name``.

    With fewer ``parts`` than devices that axis has ``parts`` places, and the devices at each place
    do the same: a second axis, of which nothing else knows.
    """
    if parts is None or parts == len(devices):
        return Mesh(np.array(devices), (axis_name,))
    return Mesh(np.array(devices).reshape(parts, -1), (axis_name, f"copies of {axis_name}"))


def spec(axis: int | None, axis_name: str) -> PartitionSpec:
    """Return the partition that splits array axis ``axis`` over the devices; None: over none."""
    if axis is None:
        return PartitionSpec()
    return PartitionSpec(*[None] * axis, axis_name)


def split_over(mesh: Mesh, axis: int | None = 0) -> NamedSharding:
    """Return the layout with array axis ``axis`` split over the mesh; None: a copy everywhere."""
    if mesh.size == 1:  # JAX's own results on one device lie like this
        axis = None
    return NamedSharding(mesh, spec(axis, mesh.axis_names[0]))
