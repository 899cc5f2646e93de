"""``grad_fn._saved_self`` and its kin: what a node keeps for backward, under PyTorch's names.

``saved.txt`` lists the fields of PyTorch 2.13's nodes.  Here a node keeps its operands, whatever
backward reads of them; a result is computed again from these.
"""

import itertools
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from ...._core.execute import x64
from ....ops._registry import OPERAND, STATIC, Dims, Op, Param, Size
from ..backward import check_unmodified
from ..graph import FREED, AccumulateGrad, OpNode
from ..tensor import Tensor, make
from ..uses import uses_operands
from .packing import unpacked

_PREFIX = "_saved_"
_REDUCTIONS = {"none": 0, "mean": 1, "sum": 2}


@cache
def _fields() -> dict[str, list[str]]:
    text = (
        files("functorch_lite.torch._engine.shown")
        .joinpath("saved.txt")
        .read_text(encoding="utf-8")
    )
    return {name: fields for name, *fields in map(str.split, text.splitlines())}


def saved_attribute(node: OpNode, name: str) -> Any:
    """Return what the node keeps under ``name``; AttributeError for any other name."""
    field = name.removeprefix(_PREFIX)
    if field == name or field not in _fields().get(type(node).__name__, ()):
        raise AttributeError(f"'{type(node).__name__}' object has no attribute '{name}'")
    if node.operands is None:
        raise RuntimeError(FREED)
    value = _value(node, field)
    if value is NotImplemented:
        raise AttributeError(f"functorch_lite does not keep '{name}' of {type(node).__name__}")
    return value


def _value(node: OpNode, field: str) -> Any:
    op = node.program.op
    if op is None or (op.node != type(node).__name__ and op.name != "matmul"):
        return NotImplemented
    if field == "result" or field in op.returns:
        return _result(node, op.returns.index(field) if field in op.returns else 0)
    places = node.program.arguments(range(len(node.operands)))
    name, fact = field, ""
    if "_sym_" in field:
        name, _, fact = field.partition("_sym_")
    param = _param(op, name)
    if param is None:
        return NotImplemented
    place = places[param.name]
    if param.role == STATIC:
        listed = param.annotation in (Dims, Size) and type(place) is int
        return _static(name, (place,) if listed else place)
    if fact:
        return (
            _shape_fact(np.shape(node.operands[place]), fact)
            if type(place) is int
            else NotImplemented
        )
    if param.role != OPERAND:
        return None if place is None else node.operands[place]
    if isinstance(place, list):
        return tuple(_operand(node, p) for p in place)
    return None if place is None else _operand(node, place)


def _param(op: Op, name: str) -> Param | None:
    """Return the parameter that PyTorch's node speaks of as ``name``."""
    wanted = op.params[0].name if name == "self" else name
    if op.name == "matmul" and name in ("mat2", "tensor", "vec"):
        wanted = "other"
    return next((p for p in op.params if p.name == wanted), None)


def _static(name: str, value: Any) -> Any:
    """Return a static argument as PyTorch shows it: ints without a sign, reductions as numbers."""
    if isinstance(value, tuple):
        return tuple(_static(name, v) for v in value)
    if name == "reduction":
        return _REDUCTIONS[value]
    return value + 2**64 if type(value) is int and value < 0 else value


def _shape_fact(shape: tuple[int, ...], fact: str) -> Any:
    if fact == "sizes":
        return shape
    if fact == "numel":
        return int(np.prod(shape))
    dim = fact.removeprefix("argsize_").replace("minus_", "-")
    return shape[int(dim)] if dim != fact else NotImplemented


def _operand(node: OpNode, place: int) -> Tensor | None:
    """Return an operand as a tensor with the history it had; None if backward does not read it."""
    if place not in uses_operands(node.program, node.wanted, node.outputs, node.operands):
        return None
    if node.packed is not None and place in node.packed:
        return node.packed[place].unpack()
    check_unmodified(node, (place,))
    value, edge = node.operands[place], node.edges[place]
    if edge is not None and isinstance(edge[0], AccumulateGrad):
        return edge[0].variable
    with x64(True):
        tensor = make(np.asarray(value) if not hasattr(value, "dtype") else value)
    if edge is not None:
        tensor._node, tensor._nr = edge
        tensor._requires_grad = True
    return tensor


def _result(node: OpNode, index: int) -> Tensor:
    check_unmodified(node, ())
    with x64(True):
        out = node.program.call(*unpacked(node))
    tensor = make(out[index] if node.several else out)
    if np.issubdtype(tensor._dtype.np, np.inexact):
        tensor._node, tensor._nr, tensor._requires_grad = node, index, True
    return tensor


def _directory(node: OpNode) -> list[str]:
    kept = (_PREFIX + field for field in _fields().get(type(node).__name__, ()))
    return sorted(itertools.chain(object.__dir__(node), kept))


OpNode.__getattr__ = saved_attribute  # type: ignore[attr-defined]
OpNode.__dir__ = _directory  # type: ignore[method-assign]
