"""Hooks of modules and tensors, and a count of changes: while it stands, guards need not look."""

from typing import Any

MODULE_HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")
TENSOR_HOOKS = ("_hooks", "_post_accumulate_grad_hooks")

EVERYWHERE: list[Any] = []
"""The dicts of the hooks that hold for every module."""


def hooks_everywhere() -> list[Any]:
    """Return the hooks that hold for every module."""
    return [hook for hooks in EVERYWHERE for hook in hooks.values()]


def hooks_of(holder: Any, name: str) -> list[Any]:
    """Return the hooks of one kind that a module or tensor has now, in order."""
    hooks = holder.__dict__.get(name)
    return list(hooks.values()) if hooks else []


def functions_of(holder: Any, names: tuple[str, ...]) -> list[Any]:
    """Return the user's functions among the hooks of a module or tensor."""
    return [getattr(h, "hook", h) for name in names for h in hooks_of(holder, name)]


def has_hooks(tensor: Any) -> bool:
    """Return True if a tensor has hooks of its own."""
    return any(hooks_of(tensor, name) for name in TENSOR_HOOKS)


class _Epoch:
    """Counts the changes of attributes and parts of all modules, and of hooks."""

    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now = 0


epoch = _Epoch()
