"""The node of the tape that stands for a captured forward pass."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp

from ...._core.execute import x64
from ..grad_mode import mode
from ..graph import FREED, Node, node_type, sequence
from ..tensor import Tensor, make

TWICE = (
    "torch.compile with aot_autograd does not currently support double backward: call the function "
    "without torch.compile where create_graph=True."
)


class CapturedNode(Node):
    """The node of a captured function; its backward is the second half of the captured program."""

    opaque = True
    program: Any = None
    residuals: Any = None

    def backward_tensors(self, gradients: list) -> list:
        """Return one gradient an edge."""
        if self.residuals is None:
            raise RuntimeError(FREED)
        if mode.grad:
            raise RuntimeError(TWICE)
        metas = self.program.trace.cotangents
        with x64(True):
            given = [
                jnp.zeros(shape, dtype) if g is None else jnp.asarray(g._array, dtype)
                for g, (shape, dtype) in zip(gradients, metas, strict=True)
            ]
            return [make(g) for g in self.program.backward(self.residuals, given)]

    def free(self) -> None:
        """Drop what the backward needs."""
        self.residuals = None


def begin(
    program: Any, made: Mapping[int, Tensor], residuals: list[Any], leaves: Sequence[Any]
) -> None:
    """Put one node behind the results that have a history."""
    trace = program.trace
    node = node_type(trace.node, CapturedNode)()
    node.number = next(sequence)
    node.program, node.residuals, node.dead = program, residuals, trace.dead
    node.edges = tuple(
        (leaves[what] if kind == "arg" else what)._history() for kind, what in trace.edges
    )
    node.outputs = len(trace.differentiable)
    for index, place in enumerate(trace.differentiable):
        tensor = made[place]
        tensor._node, tensor._nr, tensor._requires_grad = node, index, True
