"""Writing: in-place operations and ``out=``, and what autograd makes of them.

The result of an op is stored in a tensor that exists: checks first, then the program, then the
storage, then the history.  Reading and calling are in ``dispatch.py``.
"""

import math
from typing import Any, cast

import jax

from ..._core import dtype as dt
from ..._core.execute import x64
from ...ops._common import cast as convert
from ...ops._program import Program
from ...ops._registry import Op
from ...ops.shape.view import strided_places
from ...transforms._levels import active, innermost
from .dispatch import (
    Operands,
    _operand_error,
    call,
    lookup,
    named_tuple,
    record,
    run,
    run_check,
    shown_strides,
    type_name,
)
from .grad_mode import mode, recording
from .inside.world import cut
from .mixed.state import uncast
from .tensor import Tensor
from .view import rebase

QUIET_WRITE = (
    " is being modified inplace with grad mode enabled. Given that this use case is ambiguous and "
    "error-prone, it is forbidden. You can clarify your code by moving both the view and the "
    "inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or "
    "both outside (if you want the inplace to be tracked)."
)
LEAF_WRITE = "a leaf Variable that requires grad is being used in an in-place operation."
LEAF_VIEW_WRITE = (
    "a view of a leaf Variable that requires grad is being used in an in-place operation."
)


def call_inplace(op: Op, operands: tuple, statics: tuple) -> Tensor:
    """Run ``op`` and write the result into its first operand, which is returned."""
    target = operands[0]
    if not isinstance(target, Tensor):
        raise TypeError(_operand_error(op, 0, target))
    taken = Operands()
    descriptors = tuple([taken.take(op, i, v) for i, v in enumerate(operands)])
    found = lookup(op, descriptors, statics, target._dtype)
    if found.common is not None and op.promote is not None:
        source = dt.bool_ if op.promote.to_bool else found.common
        check_castable(source, target._dtype)
    check_writable(target, taken.wants_grad and mode.grad)
    with x64(True):
        out = run(op, found, taken.flat)
    if op.check is not None:
        run_check(op, operands, statics)
    if active.count:
        out = _written_inside(op, target, out)
    if out.shape != target._sizes:
        raise RuntimeError(
            f"output with shape {list(target._sizes)} doesn't match the broadcast shape "
            f"{list(out.shape)}"
        )
    write(target, out, op, found, taken)
    return target


def _written_inside(op: Op, target: Tensor, out: Any) -> Any:
    """Tell the running transform what writes, and obey ``no_grad`` there.

    What is written under ``no_grad`` to a tensor from outside is hidden from every level: such a
    write is bookkeeping (running statistics, averages of weights).
    """
    top = innermost()
    if top is None:
        return out
    overload = ".Tensor" if op.name in ("add", "sub", "mul", "div") else ""
    top.operation = f"aten::{op.name}_{overload}"
    if mode.grad:
        return out
    return jax.lax.stop_gradient(out) if target._storage.born < top.stamp else cut(out)


def check_castable(source: dt.dtype, target: dt.dtype) -> None:
    """Raise PyTorch's error if a result of dtype ``source`` may not be stored as ``target``."""
    if source.category > target.category:
        raise RuntimeError(
            f"result type {dt.scalar_name(source)} can't be cast to the desired output type "
            f"{dt.scalar_name(target)}"
        )


def check_writable(target: Tensor, wants_grad: bool) -> None:
    """Raise PyTorch's error if ``target`` cannot be written to in place."""
    _check_autograd_allows(target, wants_grad)
    check_overlap(target)


def _check_autograd_allows(target: Tensor, wants_grad: bool) -> None:
    if target._inference and not mode.inference:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed.You can make "
            "a clone to get a normal tensor before doing inplace update.See "
            "https://github.com/pytorch/rfcs/pull/17 for more details."
        )
    if not mode.grad:
        return
    if target._made_quietly and (wants_grad or target._shows_grad):
        raise RuntimeError(target._made_quietly + QUIET_WRITE)
    if target._multi_view and (wants_grad or target._requires_grad):
        raise RuntimeError(
            f"{target._multi_view} is a view and is being modified inplace. This view "
            "is the output of a function that returns multiple views. Such functions do not allow "
            "the output views to be modified inplace. You should replace the inplace operation by "
            "an out-of-place one."
        )
    base = target._grad_base
    if base is not None and base._node is None and (base._requires_grad or target._requires_grad):
        raise RuntimeError(LEAF_VIEW_WRITE)
    if target._requires_grad and target._node is None:
        raise RuntimeError(LEAF_WRITE)


def check_overlap(target: Tensor) -> None:
    """Raise PyTorch's error if writing to ``target`` would write to some place twice."""
    if target._chain and has_overlap(target):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a "
            "single memory location. Please clone() the tensor before performing the operation."
        )


def has_overlap(tensor: Tensor) -> bool:
    """Return True if some memory location belongs to more than one element (``expand``)."""
    strides = tensor._strides
    return strides is not None and any(
        s == 0 and n > 1 for n, s in zip(tensor._sizes, strides, strict=True)
    )


def write(target: Tensor, out: Any, op: Op, found: Program, taken: Operands) -> None:
    """Store ``out``, which is ``found(*taken.flat)``, in ``target``; give it the new history.

    If ``target`` is a view, its base gets the history.
    """
    wants = mode.grad and taken.wants_grad and op.grad
    base = target._grad_base
    old_root = base._array if wants and base is not None else None
    target._write(out)
    if not wants:
        return
    former, place = target._node, target._nr
    _record_write(target, op, found, taken, old_root)
    if former is not None and former.retains and place in former.retains:
        target._node.retains = {target._nr: former.retains.pop(place)}  # type: ignore[union-attr]


def _record_write(target: Tensor, op: Op, found: Program, taken: Operands, old_root: Any) -> None:
    base = target._grad_base
    if base is None:
        record(op, found, taken, (target,))
        if target._node is not None:
            target._storage.writer = target._node.name()
        return
    edges = tuple(t._history() if t is not None else None for t in taken.tensors)
    slot = next((i for i, t in enumerate(taken.tensors) if t is target), -1)
    rebase(target, found, tuple(taken.flat), edges, _saved(taken.tensors, target), slot, old_root)


def _saved(tensors: list, target: Tensor) -> tuple:
    """Return (storage, version) per operand, before the write to ``target``; else None."""
    written = target._storage
    return tuple(
        None if t is None else (t._storage, t._storage.version - (t._storage is written))
        for t in tensors
    )


def call_out(op: Op, operands: tuple, statics: tuple, out: Any) -> Any:
    """Run ``op`` and store the result in ``out`` (a tensor, or a tuple of them)."""
    several = isinstance(out, tuple) or (isinstance(out, list) and op.returns)
    outs = cast(tuple[Any, ...], out if several else (out,))
    for o in outs:
        if not isinstance(o, Tensor):
            raise TypeError(f"{op.name}(): argument 'out' must be Tensor, not {type_name(o)}")
    taken = Operands()
    for i, v in enumerate(operands):
        taken.take(op, i, v)
    short = op.name.rsplit(".", 1)[-1]
    if mode.grad and any(t is not None and t._requires_grad for t in (*taken.tensors, *outs)):
        raise RuntimeError(
            f"{short}(): functions with out=... arguments don't support automatic differentiation, "
            "but one of the arguments requires grad."
        )
    with recording(False), uncast():  # PyTorch casts nothing for ``out=``
        result = call(op, operands, statics)
    results = result if isinstance(result, tuple) else (result,)
    exact = bool(EXACT_OUT & {short, op.name})
    for source, target in zip(results, outs, strict=True):
        if exact and source._dtype is not target._dtype:
            raise RuntimeError(
                f"Expected out tensor to have dtype {c_name(source._dtype)}, but got "
                f"{c_name(target._dtype)} instead"
            )
        check_castable(source._dtype, target._dtype)
        _check_apart(op, short, taken.tensors, target)
    for source, target in zip(results, outs, strict=True):
        store_out(source, target)
    if isinstance(result, tuple):
        return named_tuple(op)(tuple(outs)) if op.returns else out
    return outs[0]


# PyTorch converts no result of these for ``out=``; nor lets these write what they still read.
EXACT_OUT = frozenset(
    [
        "addbmm",
        "addmm",
        "addmv",
        "addr",
        "aminmax",
        "argmax",
        "argmin",
        "baddbmm",
        "bmm",
        "cross",
        "diag",
        "gather",
        "index_add",
        "inv_ex",
        "isin",
        "log_softmax",
        "matmul",
        "max.dim",
        "min.dim",
        "mm",
        "mv",
        "renorm",
        "scatter",
        "scatter_add",
        "softmax",
        "sort",
        "topk",
        "tril",
        "triu",
        "vector_norm",
    ]
)
APART_OUT = frozenset(
    ["cat", "cross", "gather", "index_select", "kron", "kthvalue", "masked_select", "stack", "take"]
)


def c_name(d: dt.dtype) -> str:
    """Return the name of a dtype's elements in C++, as some messages of PyTorch have it."""
    return _C_NAMES.get(d.name, d.name)


_C_NAMES = {
    "bfloat16": "c10::BFloat16",
    "complex128": "c10::complex<double>",
    "complex64": "c10::complex<float>",
    "float16": "c10::Half",
    "float32": "float",
    "float64": "double",
    "int16": "short int",
    "int32": "int",
    "int64": "long int",
    "int8": "signed char",
    "uint8": "unsigned char",
}


def _check_apart(op: Op, name: str, operands: list, target: Tensor) -> None:
    """Raise PyTorch's error if ``out=`` overlaps an operand that is read while it is written."""
    if not (op.elementwise or name in APART_OUT) or not math.prod(target._sizes):
        return
    for operand in operands:
        if operand is None or operand._storage is not target._storage:
            continue
        same = _place(operand) == _place(target)
        if (name in APART_OUT or not same) and _span(operand) & _span(target):
            raise RuntimeError(
                "unsupported operation: some elements of the input tensor and the written-to "
                "tensor refer to a single memory location. Please clone() the tensor before "
                "performing the operation."
            )


def _place(tensor: Tensor) -> tuple:
    return tensor._offset, tensor._sizes, shown_strides(tensor)


def _span(tensor: Tensor) -> set[int]:
    return set(strided_places(tensor._sizes, shown_strides(tensor), tensor._offset).reshape(-1))


def store_out(source: Tensor, target: Tensor) -> None:
    """Copy ``source`` into an ``out=`` tensor, resizing it where PyTorch does."""
    if source._sizes != target._sizes:
        resize_out(target, source._sizes)
    check_overlap(target)
    array = source._array
    if source._dtype is not target._dtype:
        with x64(True):
            array = convert(array, target._dtype)
    target._write(array)


_resize: list[Any] = []


def resize_out(target: Tensor, sizes: tuple[int, ...]) -> None:
    """Resize an ``out=`` tensor (set by ``_methods``, which has ``resize_``)."""
    _resize[0](target, sizes)
