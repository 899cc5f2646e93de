"""``torch.jit``: TorchScript is not supported.

What only asks or marks works (``is_scripting``, ``ignore``, ``unused``, ``export``, ``annotate``);
what would compile, trace or load raises.  The undecorated Python function gives the same numbers.
"""

from collections.abc import Callable
from typing import Any, Final, NoReturn

from .._core.errors import UnsupportedError

__all__ = [
    "Final",
    "annotate",
    "export",
    "ignore",
    "is_scripting",
    "is_tracing",
    "isinstance",
    "load",
    "save",
    "script",
    "script_if_tracing",
    "trace",
    "trace_module",
    "unused",
]

_INSTEAD = "Leave it out: the Python function gives the same numbers."


def _absent(name: str, instead: str = _INSTEAD) -> Callable[..., NoReturn]:
    def absent(*args: Any, **kwargs: Any) -> NoReturn:
        raise UnsupportedError(f"torch.jit.{name} (TorchScript)", instead)

    absent.__name__ = absent.__qualname__ = name
    absent.__doc__ = f"Raise: functorch_lite has no TorchScript, hence no ``torch.jit.{name}``."
    return absent


script = _absent("script")
trace = _absent("trace")
trace_module = _absent("trace_module")
freeze = _absent("freeze")
optimize_for_inference = _absent("optimize_for_inference")
fork = _absent("fork")
wait = _absent("wait")
save = _absent("save", "Use torch.save(model.state_dict(), path).")
load = _absent("load", "Use torch.load on a checkpoint that holds a state_dict.")


def is_scripting() -> bool:
    """Return False."""
    return False


def is_tracing() -> bool:
    """Return False."""
    return False


def export(fn: Any) -> Any:
    """Mark a method for TorchScript: it stays as it is."""
    return fn


def unused(fn: Any) -> Any:
    """Mark a function as unused by TorchScript: it stays as it is."""
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """Mark a function as left to Python: it stays as it is."""
    return drop if callable(drop) else lambda fn: fn


def script_if_tracing(fn: Any) -> Any:
    """Return ``fn``: nothing is ever traced."""
    return fn


def annotate(the_type: Any, the_value: Any) -> Any:
    """Return the value; the type is for TorchScript."""
    del the_type
    return the_value


_isinstance_of = isinstance


def isinstance(obj: Any, target_type: Any) -> bool:
    """Return ``isinstance`` of Python."""
    return _isinstance_of(obj, target_type)
