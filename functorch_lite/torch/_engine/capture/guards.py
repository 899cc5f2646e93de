"""Guards: what must still hold at a later call for a captured program to be valid.

Asked at every call, so they are lists walked by short loops. Modules are looked at again only when
an attribute of *some* module was set since (``epoch``).
"""

from collections.abc import Callable, Iterable
from typing import Any

from ..tensor import Tensor
from .hooks import MODULE_HOOKS, TENSOR_HOOKS, epoch, hooks_everywhere, hooks_of
from .recorder import MISSING
from .slots import SCALARS, Contents, Slot, same

_PARTS = ("_parameters", "_buffers", "_modules")


class ModuleGuards:
    """The parts, flags and hooks of modules as they were."""

    def __init__(
        self,
        modules: Iterable[Any],
        tensors: Iterable[Tensor],
        names: set[str],
        changed: set[tuple],
    ) -> None:
        """Remember what ``modules`` hold, and the hooks of ``tensors``.

        ``names``: attributes that the user's code reads; ``changed``: (id of a module, name) of
        what the function itself replaces.
        """
        self.checks: list[tuple[str, dict, str, Callable[[Any], bool]]] = []
        self.sizes: list[tuple[str, dict, int]] = []
        self.hooks: list[tuple[str, Any, str, list[Any]]] = [
            (f"a tensor's {name}", tensor, name, hooks_of(tensor, name))
            for tensor in tensors
            for name in TENSOR_HOOKS
        ]
        self.everywhere = hooks_everywhere()
        for module in modules:
            own, label = module.__dict__, type(module).__name__
            for part in _PARTS:
                members = own.get(part) or {}
                self.sizes.append((f"{label}.{part}", members, len(members)))
                for name, member in members.items():
                    if (id(module), name) in changed:
                        continue
                    self._check(f"{label}.{name}", members, name, member)
            for name in MODULE_HOOKS:
                self.hooks.append((f"{label}.{name}", module, name, hooks_of(module, name)))
            library = type(module).__module__.startswith("functorch_lite")
            for name in _hidden(type(module), names) - own.keys():
                self._check(f"{label}.{name}", own, name, MISSING)
            for name, value in list(own.items()):
                if (id(module), name) in changed or (name.startswith("_") and library):
                    continue
                if name == "training" or library or name in names:
                    self._attribute(f"{label}.{name}", own, name, value)
        self.valid_at = epoch.now

    def _attribute(self, label: str, own: dict, name: str, value: Any) -> None:
        if isinstance(value, (*SCALARS, Tensor)) or callable(value):
            self._check(label, own, name, value)
        elif isinstance(value, (tuple, list)) and all(isinstance(v, SCALARS) for v in value):
            kept = list(value)
            self.checks.append((label, own, name, lambda now: list(now) == kept))

    def _check(self, label: str, holder: dict, name: str, value: Any) -> None:
        self.checks.append((label, holder, name, same(value)))

    def broken(self) -> str:
        """Return what changed, or ""."""
        if self.valid_at == epoch.now:
            return ""
        for label, holder, name, test in self.checks:
            now = holder.get(name, MISSING)
            if not test(now):
                return f"{label} is now {_shown(now)}"
        for label, members, size in self.sizes:
            if len(members) != size:
                return f"{label} has {len(members)} entries, not {size}"
        for label, holder, name, hooks in self.hooks:
            if hooks_of(holder, name) != hooks:
                return f"{label} are others now"
        if hooks_everywhere() != self.everywhere:
            return "the hooks of all modules are others now"
        self.valid_at = epoch.now
        return ""


class SlotGuards:
    """Values in closures, globals and objects of the user's classes."""

    def __init__(self, slots: Iterable[tuple[Slot, Any]], contents: Iterable[Contents]) -> None:
        self.checks = [(slot, same(value), value) for slot, value in slots]
        self.contents = list(contents)

    def broken(self) -> str:
        """Return what changed, or ""."""
        for slot, test, before in self.checks:
            now = slot.get()
            if now is not before and not test(now):
                return f"{slot.label} was {_shown(before)} and is now {_shown(now)}"
        for contents in self.contents:
            if contents.changed():
                return contents.difference()
        return ""


def _hidden(kind: type, names: set[str]) -> set[str]:
    """Return the attributes of a module's class that an attribute of its own would hide."""
    users = [base for base in kind.__mro__ if not base.__module__.startswith("functorch_lite")]
    return {"forward"}.union(*(names.intersection(vars(base)) for base in users))


def _shown(value: Any) -> str:
    if value is MISSING:
        return "missing"
    if isinstance(value, Tensor):
        return f"another tensor of shape {list(value._sizes)}"
    text = repr(value) if isinstance(value, SCALARS) else f"another {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."
