"""Values of tensors on the host, and what to say where a transform leaves none.

Under differentiation alone every tensor still has its value. ``vmap`` has many in the place of
one, ``jit`` and its like none at all: there PyTorch's error is raised, with the user's line and a
remedy.
"""

from typing import Any

import jax
import jax.core
import numpy as np

from ....transforms._levels import BATCH, TRACE, innermost, state
from ....transforms._where import explained
from ..capture.breaks import GraphBreak

NO_DATA = "Cannot copy out of meta tensor; no data!"
ITEM = (
    "vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over calling "
    ".item() on a Tensor, please try to rewrite what you're doing with other operations. If error "
    "is occurring somewhere inside PyTorch internals, please file a bug report.",
    "keep the number as a 0-d tensor.",
)
CONTROL_FLOW = (
    "vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow. We "
    "don't support that yet, please file an issue at https://github.com/pytorch/pytorch/issues .",
    "choose between both results with torch.where(condition, a, b).",
)
STORAGE = (
    "Cannot access data pointer of Tensor that doesn't have storage",
    "compute with torch operations inside, and convert what the transform returns.",
)
MASK = (
    "vmap: We do not support batching operators that can support dynamic shape. Attempting to "
    "batch over indexing with a boolean mask.",
    "keep the shape: torch.where(mask, x, other), or multiply by the mask.",
)


MASKED_SELECT = (
    "vmap: Attempted to vmap over `mask` in torch.masked_select(self, mask) We cannot support this "
    "because for each batch this would return a differently shaped Tensor. Please file an issue at "
    "https://github.com/pytorch/pytorch/issues if you need this feature.",
    "keep the shape: torch.where(mask, x, other), or multiply by the mask.",
)
NO_VALUE = (
    "the value of a Tensor is needed in Python, but is not known while the function is being "
    "traced by"
)
_ATEN = {"unique": "_unique2"}


def dynamic_shape(name: str) -> tuple[str, str]:
    """Return the refusal of an operator whose result's shape depends on values."""
    if name == "masked_select":
        return MASKED_SELECT
    return (
        "vmap: We do not support batching operators that can output dynamic shape. Attempted to "
        f"vmap over aten::{_ATEN.get(name, name.lstrip('_'))}. Please file an issue at "
        "https://github.com/pytorch/pytorch/issues if you need this feature.",
        "call it outside of the transform, or use a mask of fixed shape.",
    )


def is_traced(array: Any) -> bool:
    """Return True for an array that a JAX transform put a tracer in the place of."""
    return isinstance(array, jax.core.Tracer)


def known(array: Any) -> Any:
    """Return the concrete array behind ``array``, or the tracer that differentiation leaves."""
    return jax.lax.stop_gradient(array) if isinstance(array, jax.core.Tracer) else array


def on_host(array: Any, refusal: tuple[str, str]) -> np.ndarray:
    """Return the value as a NumPy array that must not be written to.

    Raises:
        RuntimeError: there is no single value; ``refusal`` is (message under vmap, remedy).
    """
    value = known(array)
    if isinstance(value, jax.ShapeDtypeStruct):
        raise NotImplementedError(NO_DATA)
    _break_for_value(value)
    if isinstance(value, jax.core.Tracer):
        message, instead = refusal
        if not any(level.kind == BATCH for level in state.stack):
            top = innermost()
            message = f"{NO_VALUE} {top.name if top else 'JAX'}"
        raise explained(RuntimeError, message, instead)
    return np.asarray(value)


def _break_for_value(value: Any) -> None:
    """Stop a capture that needs a value; a transform inside it keeps its own message."""
    ground: Any = state.ground
    if ground is None or any(level.kind == BATCH for level in state.stack):
        return
    if isinstance(value, jax.core.Tracer) or ground.is_concrete(value):
        raise GraphBreak(
            f"{NO_VALUE} {ground.name}",
            "keep it a tensor (torch.where, not if; no .item(), no print), or read it outside.",
        )


def of_all_slices(array: Any) -> np.ndarray | None:
    """Return the value; under ``vmap`` those of all slices, in front; None where there is none."""
    value = known(array)
    _break_for_value(value)
    if not isinstance(value, jax.core.Tracer):
        return np.asarray(value)
    seen: list[np.ndarray] = []

    def look(slices: Any) -> np.ndarray:
        seen.append(np.asarray(slices))
        return np.zeros(slices.shape[: slices.ndim - value.ndim], np.int32)

    if not any(level.kind == TRACE for level in state.stack):
        token = jax.ShapeDtypeStruct((), np.int32)
        jax.pure_callback(look, token, value, vmap_method="broadcast_all")
    return seen[-1] if seen else None


def as_shown(array: Any) -> np.ndarray:
    """Return the value as ``print`` shows it: of all slices at once under ``vmap``."""
    found = of_all_slices(array)
    if found is None:
        raise explained(
            RuntimeError,
            "a Tensor has no value to print while the function is being traced",
            "use jax.debug.print, or print what the function returns.",
        )
    return found
