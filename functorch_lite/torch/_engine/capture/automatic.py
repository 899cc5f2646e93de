"""``run --compile``: the outermost calls of modules are captured, and the script is not touched.

Losses that are modules are captured too; ``backward()`` runs the backward programs of what was
captured, and an optimizer's step is one program anyway. What cannot be captured runs eagerly, and
then the modules inside it are the outermost ones.
"""

import functools
from typing import Any

from ....transforms._levels import state
from .function import Compiled


def compile_calls(kind: Any) -> None:
    """Capture the outermost calls of all objects of the class ``kind`` (``nn.Module``)."""
    plain = kind.__call__
    if hasattr(plain, "__wrapped__"):
        return

    @functools.wraps(plain)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._compiled_call_impl is None and state.ground is None and not state.stack:
            self.__dict__["_compiled_call_impl"] = Compiled(self._call_impl, quiet=True)
        return plain(self, *args, **kwargs)

    kind.__call__ = call
