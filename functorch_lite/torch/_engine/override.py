"""``__torch_function__``: tensor subclasses, and other classes, that take over operations.

An operation on plain tensors knows nothing of this.  The first operand that overrides raises
:class:`Overridden`; the function that the user called catches it and asks the operands' classes
instead, most derived first.  A subclass that overrides nothing gets the default rule: the operation
runs, and its tensors come back as that subclass.
"""

import functools
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..._core import dtype as dt
from .tensor import Tensor

HOOK = "__torch_function__"


class Overridden(Exception):
    """Raised by the dispatcher when an operand's class wants to run the operation itself."""


class _State(threading.local):
    disabled = 0


state = _State()


class DisableTorchFunctionSubclass:
    """A context in which tensor subclasses are treated as plain tensors."""

    def __enter__(self) -> None:
        state.disabled += 1

    def __exit__(self, *exc: object) -> None:
        state.disabled -= 1


class _Disabled:
    """Runs ``func`` as if no operand had a class of its own; results are plain tensors.

    A subclass whose ``__torch_function__`` is this object opts out, as ``Parameter`` does.
    """

    __name__ = "_disabled_torch_function_impl"

    def __call__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))


disabled_torch_function = _Disabled()


def refuse() -> bool:
    """Return False if an overriding subclass may pass for a plain tensor now; else raise."""
    if state.disabled:
        return False
    raise Overridden


def overrides(value: Any) -> bool:
    """Return True if the operand's class wants to be asked."""
    kind = type(value)
    if kind is Tensor:
        return False
    if isinstance(value, Tensor):
        return kind._overrides and not state.disabled
    return hasattr(kind, HOOK) and not isinstance(value, type)


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if type(value) in (tuple, list):
            yield from value
        else:
            yield value


PLAIN: set[type] = {Tensor, int, float, bool, str, type(None), slice, dt.dtype}
"""Types that never override: what nearly every argument has."""


def plain(values: Iterable[Any]) -> bool:
    """Return True if no value, nor one in a sequence among them, can override (in doubt: False)."""
    for value in values:
        kind = type(value)
        if kind not in PLAIN and (kind not in (tuple, list) or not plain(value)):
            return False
    return True


def overloaded(args: tuple, kwargs: dict) -> list[Any]:
    """Return the operands that override, one per class, a subclass before its bases."""
    found: list[Any] = []
    for value in _flat((*args, *kwargs.values())):
        if overrides(value) and type(value) not in map(type, found):
            place = next(
                (i for i, other in enumerate(found) if issubclass(type(value), type(other))),
                len(found),
            )
            found.insert(place, value)
    return found


def dispatch(func: Callable[..., Any], args: tuple, kwargs: dict, asked: list | None = None) -> Any:
    """Ask the overriding operands' classes to run ``func``; TypeError if all of them decline."""
    asked = overloaded(args, kwargs) if asked is None else asked
    types = tuple(map(type, asked))
    for value in asked:
        result = getattr(value, HOOK)(func, types, args, kwargs)
        if result is not NotImplemented:
            return result
    classes = "".join(f"\n\n  - tensor subclass {kind}" for kind in types)
    raise TypeError(
        f"Multiple dispatch failed for '{full_name(func)}'; all __torch_function__ handlers "
        "returned "
        f"NotImplemented:{classes}\n\nFor more information, try re-running with "
        "TORCH_LOGS=not_implemented"
    )


def full_name(func: Any) -> str:
    """Return the dotted name of a function of ours: ``torch.add``, ``torch.Tensor.view``.

    One that is both a function and a method goes by the function's name.
    """
    name = getattr(func, "__name__", str(func))
    only_method = Tensor.__dict__.get(name) is func and not hasattr(func, "also_function")
    return f"{'torch.Tensor' if only_method else getattr(func, '__module__', 'torch')}.{name}"


def overridable(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``fun`` with the overriding classes among its arguments asked first.

    For the functions written by hand; those of declared ops catch :class:`Overridden` themselves.
    """

    @functools.wraps(fun)
    def asking(*args: Any, **kwargs: Any) -> Any:
        if plain(args) and (not kwargs or plain(kwargs.values())):
            return fun(*args, **kwargs)
        asked = overloaded(args, kwargs)
        return dispatch(asking, args, kwargs, asked) if asked else fun(*args, **kwargs)

    return asking


def overridable_property(
    getter: Callable[[Any], Any], *setters: Any, doc: str | None = None
) -> property:
    """Return a property whose getter asks overriding subclasses, as ``Tensor.T.__get__``."""

    def asking(self: Any) -> Any:
        if type(self) is not Tensor and overrides(self):
            return dispatch(made.__get__, (self,), {}, [self])
        return getter(self)

    made = property(asking, *setters, doc=doc or getter.__doc__)
    return made


def _init_subclass(cls: Any, **more: Any) -> None:
    """Note whether a new subclass of ``Tensor`` overrides operations."""
    super(Tensor, cls).__init_subclass__(**more)
    if "__torch_dispatch__" in cls.__dict__:
        raise NotImplementedError(
            f"functorch_lite does not support __torch_dispatch__ (class {cls.__name__}); "
            "override operations with __torch_function__."
        )
    cls._overrides = getattr(cls, HOOK) is not disabled_torch_function
    if not cls._overrides:
        PLAIN.add(cls)
    for note in on_subclass:
        note(cls)


on_subclass: list[Callable[[type], None]] = []
"""What else is done with each new subclass of ``Tensor``."""


def default_rule(cls: Any, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """Run ``func`` and return its tensors as ``cls``: what a subclass does unless it says
    otherwise."""
    if not all(issubclass(cls, t) for t in types):
        return NotImplemented
    result = disabled_torch_function(func, types, args, kwargs)
    return result if func in unwrapped else as_class(result, cls)


unwrapped: set[Any] = set()
"""Functions whose results stay plain tensors: ``Tensor.grad.__get__``, ``Tensor._base.__get__``."""


def as_class(result: Any, cls: Any) -> Any:
    """Return a tensor, or the tensors in a tuple or list, as instances of ``cls``."""
    if cls is Tensor:
        return result
    if isinstance(result, Tensor):
        return result if isinstance(result, cls) else result.as_subclass(cls)
    if isinstance(result, (tuple, list)):
        return type(result)([as_class(r, cls) for r in result])
    return result


Tensor.__init_subclass__ = classmethod(_init_subclass)  # type: ignore[assignment]
Tensor.__torch_function__ = classmethod(default_rule)  # type: ignore[attr-defined]
