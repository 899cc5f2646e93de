"""Questions that need no computation: what is a tensor, what would promotion give, names of
types."""

from typing import Any

from ..._core import dtype as dt
from ...ops._program import levels
from .._engine.dispatch import type_name
from .._engine.tensor import Size, Tensor
from .storages import TypedStorage, UntypedStorage


def is_tensor(obj: Any) -> bool:
    """Return True if ``obj`` is a tensor."""
    return isinstance(obj, Tensor)


def is_storage(obj: Any) -> bool:
    """Return True if ``obj`` is a storage."""
    return isinstance(obj, (UntypedStorage, TypedStorage))


def is_nonzero(input: Tensor) -> bool:
    """Return True if a one-element tensor is not zero."""
    if not isinstance(input, Tensor):
        raise TypeError(
            f"is_nonzero(): argument 'input' (position 1) must be Tensor, not {type_name(input)}"
        )
    return bool(input)


def _check_dtypes(function: str, **given: Any) -> None:
    for position, (name, value) in enumerate(given.items(), 1):
        if not isinstance(value, dt.dtype):
            raise TypeError(
                f"{function}(): argument '{name}' (position {position}) must be torch.dtype, not "
                f"{type_name(value)}"
            )


def promote_types(type1: dt.dtype, type2: dt.dtype) -> dt.dtype:
    """Return the smallest dtype that both fit in."""
    _check_dtypes("promote_types", type1=type1, type2=type2)
    return dt.promote(type1, type2)


def can_cast(from_: dt.dtype, to: dt.dtype) -> bool:
    """Return True if PyTorch's rules allow the cast (no step down in category)."""
    _check_dtypes("can_cast", from_=from_, to=to)
    return from_.category <= to.category


def result_type(tensor1: Any, tensor2: Any) -> dt.dtype:
    """Return the dtype of an operation on two tensors or numbers."""
    given = (tensor1, tensor2)
    if not all(isinstance(t, (Tensor, int, float, complex)) for t in given):
        raise TypeError(_no_result_type(", ".join(map(type_name, given))))
    described = (t._desc if isinstance(t, Tensor) else type(t) for t in given)
    return dt.result_dtype(pair for d in described for pair in levels(d))


def _no_result_type(given: str) -> str:
    why = "didn't match because some of the arguments have invalid types: "
    wrong = "(" + ", ".join(f"!{g}!" for g in given.split(", ")) + ")"
    forms = (
        "(Tensor tensor, Tensor other)",
        "(Number scalar, Tensor tensor)",
        "(Tensor tensor, Number other)",
        "(Number scalar1, Number scalar2)",
    )
    text = "".join(f" * {form}\n      {why}{wrong}\n" for form in forms)
    return (
        f"result_type() received an invalid combination of arguments - got ({given}), "
        f"but expected one of:\n{text}"
    )


def typename(obj: Any, /) -> str:
    """Return the full name of an object's type; a tensor's legacy type.

    >>> typename(3)
    'int'
    """
    if isinstance(obj, Tensor):
        return obj.type()
    named = obj if hasattr(obj, "__qualname__") or hasattr(obj, "__name__") else type(obj)
    module = getattr(named, "__module__", None) or ""
    name = getattr(named, "__qualname__", None) or named.__name__
    return (
        name if module in ("", "builtins") else f"{module.removeprefix('functorch_lite.')}.{name}"
    )


def broadcast_shapes(*shapes: Any) -> Size:
    """Return the shape that the shapes (tuples, or ints for 1-d) broadcast to."""
    result: list[int] = []
    for place, given in enumerate(shapes):
        shape = (given,) if isinstance(given, int) else tuple(given)
        if any(n < 0 for n in shape):
            raise ValueError("Attempting to broadcast a dimension with negative length!")
        result = [1] * (len(shape) - len(result)) + result
        for back in range(1, len(shape) + 1):
            n = shape[-back]
            if n not in (1, result[-back]) and result[-back] != 1:
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {n} at {-back}! Mismatching "
                    "argument at index "
                    f"{place} had {shape}; but expected shape should be broadcastable to {result}"
                )
            result[-back] = n if n != 1 else result[-back]
    return Size(result)
