"""Which arguments a transform works on, and what a function may return: checks with torch's words.

Floor 4.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ._where import explained
from ._world import Opened, is_array, is_box, worlds

Argnums = int | tuple[int, ...]


def chosen_numbers(argnums: Any, count: int) -> tuple[int, ...]:
    """Return ``argnums`` as positions from the front, for a call with ``count`` arguments."""
    if isinstance(argnums, int):
        return (_wrapped(argnums, count),)
    if not isinstance(argnums, tuple):
        raise explained(
            RuntimeError, f"argnums must be int or Tuple[int, ...], got: {type(argnums)}"
        )
    if not argnums:
        raise explained(RuntimeError, "argnums must be non-empty")
    numbers = tuple(_wrapped(n, count) for n in argnums)
    if len(set(numbers)) != len(numbers):
        raise explained(RuntimeError, f"argnums elements must be unique, got {argnums}")
    return numbers


def _wrapped(number: int, count: int) -> int:
    if not -count <= number < count:
        raise explained(
            RuntimeError,
            f"Got argnum={number}, but only {count} positional inputs",
            "pass what is to be differentiated by position; argnums counts from 0.",
        )
    return number % count


def replaced(args: Sequence[Any], numbers: Sequence[int], values: Sequence[Any]) -> list[Any]:
    """Return ``args`` with ``values`` at the positions ``numbers``."""
    full = list(args)
    for number, value in zip(numbers, values, strict=True):
        full[number] = value
    return full


def dtype_of(leaf: Any) -> Any:
    """Return the NumPy dtype of an array or box, or of a Python number as JAX takes it."""
    if is_box(leaf):
        return worlds.boxed.unwrap(leaf).dtype
    return np.dtype(leaf.dtype) if hasattr(leaf, "dtype") else jax.dtypes.result_type(leaf)


def size_text(leaf: Any) -> str:
    """Spell the shape of an array, box or number as torch does."""
    return f"torch.Size({list(leaf.shape if hasattr(leaf, 'shape') else ())})"


def check_differentiable(flat: Opened, arrays: list[Any]) -> None:
    """Raise unless every leaf is a floating-point or complex array (or a Python float)."""
    for leaf, array in zip(flat.leaves, arrays, strict=True):
        if not is_array(leaf) and type(leaf) not in (float, complex):
            raise explained(
                ValueError,
                f"Thing passed to transform API must be Tensor, got {type(leaf)}",
                "choose the arguments to differentiate with argnums, or pass a float array.",
            )
        if not jnp.issubdtype(dtype_of(array), jnp.inexact):
            raise explained(
                RuntimeError,
                "only Tensors of floating point dtype can require gradients",
                "convert the argument to a floating dtype, or leave it out of argnums.",
            )


def split_aux(output: Any, has_aux: bool, call: str) -> tuple[Any, Any]:
    """Return (output, aux) of a function; ``call`` is how messages spell the call."""
    if not has_aux:
        return output, None
    if not (isinstance(output, tuple) and len(output) == 2):
        raise explained(
            RuntimeError,
            f"{call}: output of function f should be a tuple: (output, aux) if has_aux is True",
        )
    return output


def scalar_of(output: Any) -> Any:
    """Return the output of a function to be differentiated if it is one 0-d real array."""
    if not is_array(output):
        raise explained(
            RuntimeError,
            f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(output)}",
            "return the loss alone, or (loss, aux) with has_aux=True.",
        )
    rank = len(output.shape)
    if rank:
        raise explained(
            RuntimeError,
            "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor "
            f"with {rank} dims. Maybe you wanted to use the vjp or jacrev APIs instead?",
            "reduce the output, for instance with .sum() or .mean().",
        )
    return output


def check_outputs(output: Opened, call: str) -> None:
    """Raise unless a function returned arrays only."""
    for leaf in output.leaves:
        if not is_array(leaf):
            raise explained(
                RuntimeError,
                f"{call}: expected f(*primals) to return only tensors, got unsupported type "
                f"{type(leaf)}",
                "hand anything else out through has_aux=True.",
            )
