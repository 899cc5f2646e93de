"""Random draws inside transforms: one draw for each slice of ``vmap``, or one for all.

PyTorch draws a mapped operation for the whole batch at once. So do we: the draw gets the lengths of
the mapped dimensions in front, outermost first, and each slice picks its part by its position.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ....transforms._levels import BATCH, TRACE, Level, running, state
from ....transforms._where import explained
from ..._engine.inside.values import is_traced, known

ERROR_MODE = (
    "vmap: called random operation while in randomness error mode. Please either use the 'same' or "
    "'different' randomness flags on vmap or perform the randomness operation out of vmap"
)
SAME_OF_MAPPED = (
    "Vmap does not currently support same randomness with a batched tensor input. Please file an "
    "issue with functorch"
)

Draw = Callable[..., np.ndarray]
"""``(shape, *parameters) -> array``: one draw from a generator."""


def draw_inside(draw: Draw, kind: str, shape: Any, dtype: np.dtype, parameters: tuple) -> Any:
    """Draw inside the running transforms: a NumPy array, or a traced one that differs by slice.

    ``kind`` is a key of ``_core.draws.DRAWS``, ``shape`` a tuple, or the length of a permutation.
    """
    for level in reversed(state.stack):
        if level.keys is not None:
            return level.keys.draw(kind, shape, dtype, parameters)
    _refuse_repeats()
    mapped = [level for level in state.stack if level.kind == BATCH]
    if any(level.randomness == "error" for level in mapped):
        raise explained(
            RuntimeError, ERROR_MODE, "torch.vmap(f, randomness='different'), or 'same'."
        )
    own = [level for level in mapped if level.randomness == "different"]
    values = [known(p) for p in parameters]
    if any(is_traced(v) for v in values):
        return _by_slices(draw, shape, dtype, values, own, mapped)
    values = [np.asarray(v) if isinstance(v, jax.Array) else v for v in values]
    sizes = tuple(level.size for level in own)

    def once() -> np.ndarray:
        if isinstance(shape, tuple):
            return draw((*sizes, *shape), *values)
        rows = [draw(shape, *values) for _ in range(math.prod(sizes))]
        return np.stack(rows).reshape(*sizes, shape)

    drawn = _recorded(once)
    return jnp.asarray(drawn)[tuple(level.index for level in own)] if own else drawn


def _refuse_repeats() -> None:
    """Raise where the traced code will run again with what was drawn once."""
    for level in state.stack:
        if level.kind == TRACE and level.draws is None:
            raise NotImplementedError(
                f"functorch_lite does not support random operations inside {level.name}: each run "
                "would see the same numbers. Draw before it and pass the numbers in."
            )


def _recorded(once: Callable[[], np.ndarray]) -> Any:
    """Draw; through the program that is being captured, if there is one."""
    for level in running():
        if level.kind == TRACE and level.draws is not None:
            return level.draws(once)
    return once()


def _by_slices(
    draw: Draw, shape: tuple, dtype: np.dtype, values: list, own: list[Level], mapped: list[Level]
) -> Any:
    """Draw with parameters that differ by slice: the host sees the whole batch at once."""
    if len(own) < len(mapped):
        raise explained(RuntimeError, SAME_OF_MAPPED, "torch.vmap(f, randomness='different').")
    if any(level.kind == TRACE for level in running()):
        raise NotImplementedError(
            "functorch_lite does not support random operations with traced parameters inside a "
            "compiled function. Draw from torch.rand and transform the numbers."
        )
    numbers = [i for i, v in enumerate(values) if not isinstance(v, (jax.Array, np.ndarray))]
    failed: list[RuntimeError] = []

    def host(*arrays: Any) -> np.ndarray:
        rest = iter(arrays)
        full = [values[i] if i in numbers else np.asarray(next(rest)) for i in range(len(values))]
        sizes = (*(level.size for level in own), *shape)
        try:
            return draw(sizes, *full).astype(dtype)
        except RuntimeError as error:  # bad parameters; JAX would bury it in a traceback
            failed.append(error)
            return np.zeros(sizes, dtype)

    every = sum((level.index for level in own), jnp.zeros((), np.int32)) * 0
    arrays = [
        v + every.astype(v.dtype) for i, v in enumerate(values) if i not in numbers
    ]  # now each differs at every level, so that the host sees all of them
    result = jax.ShapeDtypeStruct(shape, dtype)
    drawn = jax.pure_callback(host, result, *arrays, vmap_method="broadcast_all")
    for error in failed:
        raise error
    return drawn
