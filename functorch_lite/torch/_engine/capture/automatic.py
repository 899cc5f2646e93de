"""``run --compile``: outermost calls are captured, and the script is not touched.

Of modules (and so of losses that are modules): ``backward()`` runs the backward programs of what
was captured, and an optimizer's step is one program anyway. Of what ``vmap``, ``grad`` and their
like return, from the second call on: a function that is transformed anew for each call would be
compiled anew, too. What cannot be captured runs eagerly, and then what is inside it is outermost.
"""

import functools
from collections.abc import Callable
from typing import Any

from ....transforms._levels import state
from .function import Compiled

TRANSFORMS = ("grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "vmap")
"""Those that return a function."""


def compile_calls(kind: Any) -> None:
    """Capture the outermost calls of all objects of the class ``kind`` (``nn.Module``)."""
    plain = kind.__call__
    if hasattr(plain, "__wrapped__"):
        return

    @functools.wraps(plain)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._compiled_call_impl is None and _is_outermost():
            self.__dict__["_compiled_call_impl"] = Compiled(self._call_impl, quiet=True)
        return plain(self, *args, **kwargs)

    kind.__call__ = call


def compile_transformed(*namespaces: Any) -> None:
    """Capture the outermost calls of what the transforms in these namespaces return."""
    for namespace in namespaces:
        for name in TRANSFORMS:
            transform = getattr(namespace, name, None)
            if transform is not None and not hasattr(transform, "__wrapped__"):
                setattr(namespace, name, _capturing(transform))


def _capturing(transform: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(transform)
    def making(*args: Any, **kwargs: Any) -> Any:
        function = transform(*args, **kwargs)
        outermost = _FromTheSecondCall(function)

        @functools.wraps(function)
        def transformed(*args: Any, **kwargs: Any) -> Any:
            return (outermost if _is_outermost() else function)(*args, **kwargs)

        return transformed

    return making


class _FromTheSecondCall:
    """A function that is captured when it is called again.

    No closure: a capture that meets the function looks at what is in closures.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._plain, self._called = function, False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._called:
            return self._compiled(*args, **kwargs)
        self._called = True
        return self._plain(*args, **kwargs)

    @functools.cached_property
    def _compiled(self) -> Compiled:
        return Compiled(self._plain, quiet=True)


def _is_outermost() -> bool:
    return state.ground is None and not state.stack
