"""Graphs of the operations that are one program here and several nodes in PyTorch.

``linear`` is one op, one dispatch, one node; PyTorch records a transposition and an ``addmm``.  Who
walks the graph through ``next_functions`` sees PyTorch's nodes all the same: a template per op says
how they hang together.  Its leaves are the op's operands by number, its branches are tuples of a
node's name and what it leads to.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...._core.errors import UnsupportedError
from ..graph import Node, OpNode, node_type

Template = Any
"""The number of an operand, or ``(name, *templates)``."""


class InnerNode(Node):
    """A step that PyTorch records by itself and that is part of a larger one here."""

    def register_hook(self, hook: Callable[..., Any]) -> Any:
        """Raise: no gradient stops here."""
        raise UnsupportedError(
            f"hooks on {self.name()} inside another operation", "Hook the result's grad_fn."
        )

    register_prehook = register_hook


def _linear(ndims: list[int], given: dict[str, Any]) -> Template:
    rows, weight = ndims[0], ("TBackward0", 1)
    if given["bias"] is not None:
        if rows == 2:
            return ("AddmmBackward0", 2, 0, weight)
        return ("ViewBackward0", ("AddmmBackward0", 2, ("ViewBackward0", 0), weight))
    return _product(rows, 2, weight)


def _matmul(ndims: list[int], given: dict[str, Any]) -> Template:
    return _product(ndims[0], ndims[1], 1)


def _product(left: int, right: int, other: Template) -> Template:
    """Return the graph of operand 0, of ``left`` dims, times ``other``, of ``right`` dims."""
    if left > 2 >= right:
        name = "MvBackward0" if right == 1 else "MmBackward0"
        return ("UnsafeViewBackward0", (name, ("ViewBackward0", 0), other))
    if right == 1:
        return ("DotBackward0" if left == 1 else "MvBackward0", 0, other)
    if left == 1 and right == 2:
        return ("SqueezeBackward4", ("MmBackward0", ("UnsqueezeBackward0", 0), other))
    if right == 2:
        return ("MmBackward0", 0, other)
    sides = (("ViewBackward0", ("ExpandBackward0", side)) for side in (0, other))
    return ("UnsafeViewBackward0", ("BmmBackward0", *sides))


def _cross_entropy(ndims: list[int], given: dict[str, Any]) -> Template:
    if ndims[0] == ndims[1] or given["label_smoothing"]:
        return None  # many nodes, and one of them twice
    return _nll_of(ndims[0], ("LogSoftmaxBackward0", 0), given["reduction"])


def _nll_loss(ndims: list[int], given: dict[str, Any]) -> Template:
    return _nll_of(ndims[0], 0, given["reduction"])


def _nll_of(dims: int, scores: Template, reduction: str) -> Template:
    if dims <= 2:
        return ("NllLossBackward0", scores)
    if dims == 4:
        return ("NllLoss2DBackward0", scores)
    loss = ("NllLoss2DBackward0", ("ViewBackward0", scores))
    return ("ViewBackward0", loss) if reduction == "none" else loss


def _l1_loss(ndims: list[int], given: dict[str, Any]) -> Template:
    if len(ndims) > 2:
        return None
    absolute = ("AbsBackward0", ("SubBackward0", 0, 1))
    ends = {"mean": "MeanBackward0", "sum": "SumBackward0"}
    end = ends.get(given["reduction"])
    return absolute if end is None else (end, absolute)


def _normalize(ndims: list[int], given: dict[str, Any]) -> Template:
    norm = ("ClampMinBackward0", ("LinalgVectorNormBackward0", 0))
    return ("DivBackward0", 0, ("ExpandBackward0", norm))


def _squeezed(name: str) -> Callable[[list[int], dict[str, Any]], Template]:
    return lambda ndims, given: ("SqueezeBackward1", (name, ("UnsqueezeBackward0", 0)))


TEMPLATES: dict[str, Callable[[list[int], dict[str, Any]], Template]] = {
    "__rmatmul__": _matmul,
    "adaptive_avg_pool1d": _squeezed("AdaptiveAvgPool2DBackward0"),
    "avg_pool1d": _squeezed("AvgPool2DBackward0"),
    "matmul": _matmul,
    "max_pool1d": _squeezed("MaxPool2DWithIndicesBackward0"),
    "nn.functional.cross_entropy": _cross_entropy,
    "nn.functional.l1_loss": _l1_loss,
    "nn.functional.linear": _linear,
    "nn.functional.nll_loss": _nll_loss,
    "nn.functional.normalize": _normalize,
}
"""By the op's name: from the operands' numbers of dims and the arguments (operands by number)."""


def note_dims(node: OpNode) -> None:
    """Note how many dims the operands have, before they are freed."""
    op = node.program.op
    if op is not None and op.name in TEMPLATES and node.operands is not None:
        node.ndims = [np.ndim(value) for value in node.operands]


def template_of(node: OpNode) -> Template:
    """Return the template of a node's op for its operands; None if PyTorch has one node as well."""
    op = node.program.op
    make = None if op is None else TEMPLATES.get(op.name)
    if make is None:
        return None
    note_dims(node)
    return make(node.ndims, node.program.arguments(range(len(node.ndims))))


def _shown_edges(node: OpNode) -> tuple:
    """Return the edges that PyTorch's node of this op has."""
    template = template_of(node)
    if template is None:
        return Node.shown_edges(node)
    if node.inner is None:
        _, *parts = template
        node.inner = tuple(_edge(node, part) for part in parts)
    return node.inner


def _edge(node: OpNode, part: Template) -> tuple[Node, int] | None:
    if isinstance(part, int):
        return node.edges[part]
    name, *parts = part
    edges = tuple(_edge(node, p) for p in parts)
    if not any(edges):
        return None
    made = node_type(name, InnerNode)()
    made.number, made.edges = node.number, edges
    return made, 0


def as_shown(node: Node) -> Node:
    """Return a node, under the name that PyTorch's has for operands of these dims."""
    if isinstance(node, OpNode) and node.inner is None:
        template = template_of(node)
        if template is not None and type(node).__name__ != template[0]:
            node.__class__ = node_type(template[0])
    return node


OpNode.shown_edges = _shown_edges  # type: ignore[method-assign]
