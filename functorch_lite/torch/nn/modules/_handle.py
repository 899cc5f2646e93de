"""The handle that every ``register_*_hook`` returns. Plain Python, knows no tensor."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from typing import Any


class RemovableHandle:
    """Takes its hook out of the dictionaries that hold it: ``remove()``, or at the end of a with.

    Args: ``hooks_dict`` the dictionary that holds the hook under ``id`` (kept weakly);
    ``extra_dict`` one more dictionary, or a list of them, with entries under the same id.
    """

    id: int
    next_id: int = 0

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None) -> None:
        """Draw a fresh id."""
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        extras = extra_dict if isinstance(extra_dict, list) else [extra_dict]
        self.extra_dict_ref = tuple(weakref.ref(d) for d in extras if d is not None)

    def remove(self) -> None:
        """Forget the hook. A second call does nothing."""
        for ref in (self.hooks_dict_ref, *self.extra_dict_ref):
            hooks = ref()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __getstate__(self) -> tuple[Any, ...]:
        """Pickle the dictionaries themselves: weak references cannot be."""
        return self.hooks_dict_ref(), self.id, tuple(ref() for ref in self.extra_dict_ref)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Refer to the unpickled dictionaries, and keep later ids distinct."""
        hooks, self.id = state[0], state[1]
        self.hooks_dict_ref = weakref.ref(OrderedDict() if hooks is None else hooks)
        extras = state[2] if len(state) > 2 and state[2] is not None else ()
        self.extra_dict_ref = tuple(weakref.ref(d) for d in extras)
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)

    def __enter__(self) -> RemovableHandle:
        """Keep the hook for the length of a ``with``."""
        return self

    def __exit__(self, type: Any, value: Any, tb: Any) -> None:
        """Remove the hook."""
        self.remove()
