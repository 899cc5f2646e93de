"""Hooks on what the graph saves: ``torch.autograd.graph.saved_tensors_hooks``.

While hooks are set, each operand that a node's backward will read is given to the pack hook, and
the node keeps what that returns instead; the unpack hook turns it into a tensor for backward.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.core
import numpy as np

from ..grad_mode import recording
from ..graph import OpNode
from ..tensor import Tensor, make
from ..uses import uses_operands

hooks: list[tuple[Callable[[Tensor], Any], Callable[[Any], Tensor]]] = []
"""The (pack, unpack) pairs of the ``with`` blocks that we are in; the innermost counts."""

forbidden: list[str] = []
"""The messages of the blocks in which hooks may not be set."""


class Packed:
    """What a pack hook made of a tensor, and the hook that makes a tensor of it again."""

    __slots__ = ("content", "unpacking")

    def __init__(self, tensor: Tensor) -> None:
        pack, self.unpacking = hooks[-1]
        version = tensor._storage.version
        with recording(False):
            self.content = pack(tensor)
        if tensor._storage.version != version:
            raise RuntimeError(
                "A saved tensor pack hook is modifying its input in place. Tensors provided as "
                "input to pack hook cannot be modified by in-place operations as this can lead to "
                "unexpected side-effects. Please open an issue if you need to perform in-place "
                "operations on the input to a pack hook."
            )

    def unpack(self) -> Tensor:
        """Return the tensor."""
        with recording(False):
            tensor = self.unpacking(self.content)
        if not isinstance(tensor, Tensor):
            raise TypeError(
                "Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                f"{type(tensor).__name__}"
            )
        return tensor


def pack(node: OpNode, tensors: list[Tensor | None]) -> None:
    """Let the pack hook have the operands (``tensors``, None for others) that backward reads."""
    read = uses_operands(node.program, node.wanted, node.outputs, node.operands)
    operands, saved = list(node.operands), list(node.saved)
    for place in sorted(read, reverse=True):
        tensor = tensors[place]
        if tensor is not None:
            same = tensor._array is operands[place]  # no: it was written to by this very node
            node.packed = node.packed or {}
            node.packed[place] = Packed(tensor if same else make(operands[place]))
            operands[place], saved[place] = hollow(operands[place]), None
    node.operands, node.saved = operands, tuple(saved)


def unpacked(node: OpNode) -> Any:
    """Return a node's operands, those that hooks packed unpacked."""
    if node.packed is None:
        return node.operands
    operands = list(node.operands)
    for place, packed in node.packed.items():
        operands[place] = packed.unpack()._array
    return operands


def hollow(value: Any) -> Any:
    """Return a stand-in of the same shape that takes no memory, for a value that is never read."""
    if isinstance(value, jax.core.Tracer) or not isinstance(value, jax.Array):
        return value
    return np.broadcast_to(np.zeros((), value.dtype), value.shape)
