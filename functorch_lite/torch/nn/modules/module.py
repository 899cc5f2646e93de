"""``Module``: the base of every layer and network.

Its parts, a file each: ``_members`` (parameters, buffers, submodules, attributes), ``_walk``
(iteration and sweeps), ``_convert`` (dtype and device), ``_state`` (saving and loading), ``_hooks``
(the call and what may watch it). This file puts them together and prints them.
"""

from __future__ import annotations

import types
from collections import OrderedDict
from typing import Any

from ..._engine.capture.function import compile_function
from ._convert import Convert
from ._hooks import (
    Hooks,
    register_module_backward_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
)
from ._members import (
    Members,
    register_module_buffer_registration_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from ._state import _EXTRA_STATE_KEY_SUFFIX as _EXTRA_STATE_KEY_SUFFIX
from ._state import State
from ._state import _IncompatibleKeys as _IncompatibleKeys
from ._walk import Walk

__all__ = [
    "Module",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]

_HOOK_TABLES = (
    "_backward_pre_hooks",
    "_backward_hooks",
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)


def _addindent(s_: str, numSpaces: int) -> str:
    """Indent all lines of ``s_`` but the first."""
    first, *rest = s_.split("\n")
    return "\n".join([first, *(" " * numSpaces + line if line.strip() else "" for line in rest)])


def _forward_unimplemented(self: Any, *input: Any) -> None:
    """Say that the subclass must define ``forward``."""
    raise NotImplementedError(
        f'Module [{type(self).__name__}] is missing the required "forward" function'
    )


class Module(Hooks, State, Convert, Walk, Members):
    """A layer or a network: parameters, buffers, submodules and a ``forward``.

    A subclass calls ``super().__init__()``, assigns ``Parameter``, ``Buffer`` and ``Module``
    objects as attributes, and defines ``forward``. Calling the module runs it, with hooks.

    >>> class Twice(Module):
    ...     def forward(self, x):
    ...         return 2 * x
    >>> Twice()(21)
    42
    """

    dump_patches: bool = False
    call_super_init: bool = False
    forward: Any = _forward_unimplemented

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Start without parts, in training mode."""
        if not self.call_super_init and (args or kwargs):
            name = f"{type(self).__name__}.__init__()"
            if kwargs:
                raise TypeError(f"{name} got an unexpected keyword argument '{next(iter(kwargs))}'")
            raise TypeError(f"{name} takes 1 positional argument but {len(args) + 1} were given")
        own = self.__dict__  # straight in: __setattr__ looks for parts, and there are none yet
        own["training"] = True
        own["_parameters"], own["_buffers"] = {}, {}
        own["_non_persistent_buffers_set"] = set()
        own["_is_full_backward_hook"] = None
        for table in _HOOK_TABLES:
            own[table] = OrderedDict()
        own["_modules"] = {}
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Run later calls through ``torch.compile``, whose arguments these are."""
        self._compiled_call_impl = compile_function(self._call_impl, *args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        """Pickle everything but the compiled call."""
        return {k: v for k, v in self.__dict__.items() if k != "_compiled_call_impl"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpickle; pickles of older versions lack some tables."""
        self.__dict__.update(state)
        for table in _HOOK_TABLES:
            self.__dict__.setdefault(table, OrderedDict())
        self.__dict__.setdefault("_non_persistent_buffers_set", set())
        self.__dict__.setdefault("_is_full_backward_hook", None)

    def _replicate_for_data_parallel(self) -> Any:
        """Make a shallow copy without parameters, which ``DataParallel`` fills in."""
        replica = self.__new__(type(self))
        replica.__dict__ = self.__dict__.copy()
        replica._parameters = {}
        replica._buffers = replica._buffers.copy()
        replica._modules = replica._modules.copy()
        replica._is_replica = True
        return replica

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """Override to show settings between the parentheses of ``repr``."""
        return ""

    def __repr__(self) -> str:
        """Show the name, ``extra_repr()`` and, indented, the children."""
        extra = self.extra_repr()
        extra_lines = extra.split("\n") if extra else []
        children = [f"({k}): {_addindent(repr(m), 2)}" for k, m in self._modules.items()]
        lines = extra_lines + children
        if len(extra_lines) == 1 and not children:
            body = extra_lines[0]
        elif lines:
            body = "\n  " + "\n  ".join(lines) + "\n"
        else:
            body = ""
        return f"{self._get_name()}({body})"


# Python's own TypeErrors and reprs name a method by its __qualname__: say Module, not the part.
for _part in Module.__bases__:
    for _member in vars(_part).values():
        if isinstance(_member, types.FunctionType):
            _member.__qualname__ = f"Module.{_member.__name__}"
