"""Rules of ``gather`` and ``scatter``: windows of an array at places that other arrays hold.

Both see the operand through one array of indices per dim, of shape (B, *window): the starts of the
B windows plus the steps within a window.  Floor 0.
"""

from typing import Any

import jax
import numpy as np

from .rules import REDUCED, RULES, Run, dtype_of, is_float, rule

Mode = jax.lax.GatherScatterMode

_COMBINE = {
    "scatter": None,
    "scatter-add": np.add,
    "scatter_add": np.add,
    "scatter-sub": np.subtract,
    "scatter_sub": np.subtract,
    "scatter-mul": np.multiply,
    "scatter_mul": np.multiply,
    "scatter-min": np.minimum,
    "scatter_min": np.minimum,
    "scatter-max": np.maximum,
    "scatter_max": np.maximum,
}


class _Windows:
    """Where the windows of a gather or scatter lie.

    Attributes:
        shape: of the array that holds the windows.
        sizes: of a window, along every dim of that array.
        kept: the dims that a window keeps; it has size 1 along the others.
        starts: the dims that the last dim of the indices counts.
        batched: pairs (dim of the array, dim of the indices) that run in step.
    """

    def __init__(self, shape: Any, sizes: Any, dropped: Any, starts: Any, batched: Any) -> None:
        self.shape = shape
        self.sizes = sizes
        self.starts = tuple(starts)
        self.batched = tuple(batched)
        own = {*dropped, *(dim for dim, _ in self.batched)}
        self.kept = [d for d in range(len(shape)) if d not in own]

    def corners(self, indices: Any) -> tuple[list, Any]:
        """Return the first place of each window along each dim, (B,) each, and which lie inside."""
        batch = indices.shape[:-1]
        count = int(np.prod(batch, dtype=np.int64))
        corners: list[Any] = [np.zeros(count, np.int64)] * len(self.shape)
        inside = np.ones(count, bool)
        for column, dim in enumerate(self.starts):
            corners[dim] = place = indices[..., column].reshape(-1).astype(np.int64)
            inside &= (place >= 0) & (place <= self.shape[dim] - self.sizes[dim])
        for dim, along in self.batched:
            steps = np.arange(batch[along]).reshape(
                [-1 if i == along else 1 for i in range(len(batch))]
            )
            corners[dim] = np.broadcast_to(steps, batch).reshape(-1)
        return corners, inside

    def clamped(self, corners: list) -> list:
        """Move windows that lie outside to the nearest place inside."""
        room = [max(full - size, 0) for full, size in zip(self.shape, self.sizes, strict=True)]
        return [np.clip(c, 0, most) for c, most in zip(corners, room, strict=True)]

    def places(self, corners: list) -> tuple:
        """Return the index arrays, one per dim, that broadcast to (B, *kept sizes)."""
        rank = len(self.kept)
        places = []
        for dim, corner in enumerate(corners):
            place = corner.reshape([-1] + [1] * rank)
            if dim in self.kept:
                at = self.kept.index(dim)
                steps = np.arange(self.sizes[dim])
                place = place + steps.reshape([1] + [-1 if i == at else 1 for i in range(rank)])
            places.append(place)
        return tuple(places)

    def window(self) -> list[int]:
        """Return the shape of a window without the dims of size 1 that it drops."""
        return [self.sizes[d] for d in self.kept]


def _fill(equation: Any) -> Any:
    """Return what a gather reads outside: its own value, or JAX's for the dtype."""
    given, dtype = equation.params["fill_value"], dtype_of(equation)
    if given is not None:
        return given
    if is_float(dtype) or dtype.kind == "c":
        return np.nan
    if dtype == np.bool_:
        return True
    return np.iinfo(dtype).min if dtype.kind == "i" else np.iinfo(dtype).max


@rule("gather")
def _gather(equation: Any) -> Run:
    numbers, mode = equation.params["dimension_numbers"], equation.params["mode"]
    shape, dtype = equation.outvars[0].aval.shape, dtype_of(equation)
    windows = _Windows(
        equation.invars[0].aval.shape,
        equation.params["slice_sizes"],
        numbers.collapsed_slice_dims,
        numbers.start_index_map,
        zip(numbers.operand_batching_dims, numbers.start_indices_batching_dims, strict=True),
    )
    offset = tuple(numbers.offset_dims)
    batch_dims = [d for d in range(len(shape)) if d not in offset]
    order = np.argsort([*batch_dims, *offset]) if offset else None
    fills = mode in (None, Mode.FILL_OR_DROP)
    fill: Any = _fill(equation) if fills else 0
    window = windows.window()

    def run(x: Any, indices: Any) -> Any:
        corners, inside = windows.corners(indices)
        if x.size == 0:
            out = np.full((len(inside), *window), fill, dtype)
        else:
            out = x[windows.places(windows.clamped(corners))]
            out = np.broadcast_to(out, (len(inside), *window))
        if fills and not inside.all():
            out = np.where(inside.reshape([-1] + [1] * len(window)), out, fill).astype(dtype)
        out = out.reshape((*indices.shape[:-1], *window))
        return out if order is None else out.transpose(order)

    return run


def _scatter(equation: Any) -> Run:
    numbers, mode = equation.params["dimension_numbers"], equation.params["mode"]
    ufunc, dtype = _COMBINE[equation.primitive.name], dtype_of(equation)
    shape = equation.invars[0].aval.shape
    update = equation.invars[2].aval
    inserted = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
    within = iter(numbers.update_window_dims)
    sizes = [1 if d in inserted else update.shape[next(within)] for d in range(len(shape))]
    windows = _Windows(
        shape,
        sizes,
        numbers.inserted_window_dims,
        numbers.scatter_dims_to_operand_dims,
        zip(numbers.operand_batching_dims, numbers.scatter_indices_batching_dims, strict=True),
    )
    window_dims = tuple(numbers.update_window_dims)
    order = (*(d for d in range(update.ndim) if d not in window_dims), *window_dims)
    window = windows.window()
    clip = mode == Mode.CLIP
    wide = np.dtype(np.float32) if ufunc is not None and dtype in REDUCED else dtype

    def run(x: Any, indices: Any, updates: Any) -> Any:
        out = np.array(x, wide)
        corners, inside = windows.corners(indices)
        values = updates.transpose(order).reshape(len(inside), *window)
        if clip:
            corners = windows.clamped(corners)
        elif not inside.all():  # a window that lies outside is dropped whole
            corners, values = [c[inside] for c in corners], values[inside]
        if values.size == 0:
            return out.astype(dtype, copy=False)
        places = windows.places(corners)
        if ufunc is None:
            out[places] = values
        else:
            ufunc.at(out, places, values.astype(wide, copy=False))
        return out.astype(dtype, copy=False)

    return run


RULES.update(dict.fromkeys(_COMBINE, _scatter))
