"""``torch.autograd.graph``: looking at the recorded graph, and hooks on several tensors."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from .. import _api as torch
from .._engine.backward import running
from .._engine.graph import AccumulateGrad, Node, RemovableHandle
from .._engine.shown import packing

__all__ = [
    "GradientEdge",
    "Node",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]


class GradientEdge(NamedTuple):
    """Where a tensor's gradient flows to: a node and which of its outputs the tensor is."""

    node: Node
    output_nr: int
    ownership_token: Any = None


def get_gradient_edge(tensor: Any) -> GradientEdge:
    """Return the edge along which the gradient of ``tensor`` flows."""
    if not tensor.requires_grad:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require "
            "gradients"
        )
    node, index = tensor._history()
    token = tensor if isinstance(node, AccumulateGrad) else None
    return GradientEdge(node, index, token)


def increment_version(tensor: Any) -> None:
    """Count an in-place change that autograd did not see, of a tensor or of several."""
    for each in (tensor,) if isinstance(tensor, torch.Tensor) else tensor:
        each._storage.version += 1


class saved_tensors_hooks:
    """In the ``with`` block the graph keeps ``pack_hook(tensor)`` of what it saves for backward.

    ``unpack_hook`` makes a tensor of that again. What is saved are operands: where PyTorch keeps a
    result (``exp``), the hooks see the operand here.
    """

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        """Keep the hooks."""
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self) -> None:
        """Set the hooks; RuntimeError where they are forbidden."""
        if packing.forbidden:
            raise RuntimeError(packing.forbidden[-1])
        packing.hooks.append((self.pack_hook, self.unpack_hook))

    def __exit__(self, *args: object) -> None:
        """Go back to the hooks of the block around."""
        packing.hooks.pop()


class save_on_cpu(saved_tensors_hooks):
    """In the ``with`` block the graph keeps what it saves in host memory.

    ``pin_memory`` changes nothing here: host memory is not pinned.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        """Make the hooks: to the CPU, and back to where the tensor was."""
        super().__init__(lambda x: (x.device, x.cpu()), lambda held: held[1].to(held[0]))


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Let setting hooks raise RuntimeError with this message in the ``with`` block."""
    if packing.hooks:
        raise RuntimeError(error_message)
    packing.forbidden.append(error_message)
    try:
        yield
    finally:
        packing.forbidden.pop()


class _Handles:
    """Removes several hooks at once: by ``remove()`` or at the end of a ``with``."""

    def __init__(self, handles: Iterable[RemovableHandle]) -> None:
        self.handles = tuple(handles)

    def remove(self) -> None:
        """Take the hooks out."""
        for handle in self.handles:
            handle.remove()

    def __enter__(self) -> "_Handles":
        return self

    def __exit__(self, *exc: Any) -> None:
        self.remove()


def register_multi_grad_hook(
    tensors: Sequence[Any], fn: Callable[..., None], *, mode: str = "all"
) -> _Handles:
    """Call ``fn`` once per backward pass about the gradients of several tensors.

    Args:
        tensors: tensors that require grad.
        fn: takes the list of their gradients (None where there is none), or, with ``mode="any"``,
            the first gradient that is ready.
        mode: "all" or "any".
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    if mode == "any":
        return _on_first(tensors, fn)
    gathered: dict[int, list[Any]] = defaultdict(lambda: [None] * len(tensors))

    def hook_of(place: int) -> Callable[[Any], None]:
        def hook(gradient: Any) -> None:
            walk = running[-1]
            taking_part = [i for i, t in enumerate(tensors) if t._history()[0] in walk.members]
            held = gathered[id(walk)]
            held[place] = gradient
            if sum(g is not None for g in held) == len(taking_part):
                del gathered[id(walk)]
                fn(held)

        return hook

    return _Handles(t.register_hook(hook_of(i)) for i, t in enumerate(tensors))


def _on_first(tensors: Sequence[Any], fn: Callable[[Any], None]) -> _Handles:
    seen: list[Any] = [None]

    def hook(gradient: Any) -> None:
        walk = running[-1]
        if seen[0] is not walk:
            seen[0] = walk
            fn(gradient)

    return _Handles(t.register_hook(hook) for t in tensors)
