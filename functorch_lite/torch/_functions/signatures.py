"""What PyTorch says of a call to a factory that fits none of its signatures.

The factories are Python functions, whose own TypeErrors speak of Python's parameters.  Each that is
listed here gets a wrapper that holds the arguments against PyTorch's signatures: once for each
combination of types, and again when a TypeError comes out, since sequences hold types of their own.
"""

import functools
import numbers
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..._core import dtype as dt
from .._engine.bind import got_types, misfit_text
from .._engine.dispatch import type_name
from .._engine.register import SPACES
from .._engine.tensor import Tensor
from .chance.random import Generator
from .device import device

_DTYPE = (
    "torch.dtype dtype = None, torch.layout layout = None, torch.device device = None, "
    "bool pin_memory = False, bool requires_grad = False"
)
_MADE = f"*, Tensor out = None, {_DTYPE}"
_DRAWN = (f"*, torch.Generator generator, Tensor out = None, {_DTYPE}", _MADE)
_BOUNDS = ("Tensor start, Tensor end", "Number start, Tensor end", "Tensor start, Number end")
_BOUNDS += ("Number start, Number end",)
_NOISE = "*, torch.Generator generator = None, Tensor out = None"

SIGNATURES: dict[str, tuple[str, ...]] = {
    "arange": (
        f"Number end, {_MADE}",
        f"Number start, Number end, *, {_DTYPE}",
        f"Number start, Number end, Number step = 1, {_MADE}",
    ),
    "empty": (f"tuple of ints size, {_MADE}, torch.memory_format memory_format = None",),
    "eye": (f"int n, {_MADE}", f"int n, int m, {_MADE}"),
    "full": (f"tuple of ints size, Number fill_value, {_MADE}",),
    "linspace": tuple(f"{bounds}, int steps, {_MADE}" for bounds in _BOUNDS),
    "logspace": tuple(f"{bounds}, int steps, float base = 10.0, {_MADE}" for bounds in _BOUNDS),
    "normal": (
        f"Tensor mean, Tensor std, {_NOISE}",
        f"Tensor mean, float std = 1, {_NOISE}",
        f"float mean, Tensor std, {_NOISE}",
        f"float mean, float std, tuple of ints size, {_NOISE}, {_DTYPE}",
    ),
    "ones": (f"tuple of ints size, {_MADE}",),
    "rand": tuple(f"tuple of ints size, {rest}" for rest in _DRAWN),
    "randint": tuple(
        f"{bounds}, tuple of ints size, {rest}"
        for bounds in ("int high", "int low, int high")
        for rest in _DRAWN
    ),
    "randn": tuple(f"tuple of ints size, {rest}" for rest in _DRAWN),
    "randperm": tuple(f"int n, {rest}" for rest in _DRAWN),
    "tensor": (f"object data, *, {_DTYPE}",),
    "zeros": (f"tuple of ints size, {_MADE}",),
}


UNPACK = "failed to unpack"


class Parameter(NamedTuple):
    """One parameter of a signature."""

    kind: str
    name: str
    required: bool
    keyword_only: bool


class Signature(NamedTuple):
    """One of PyTorch's signatures, as text and taken apart."""

    text: str
    parameters: tuple[Parameter, ...]

    def complaint(self, function: str, args: tuple, kwargs: dict[str, Any]) -> str:
        """Return PyTorch's words for arguments that do not fit; "" if they do."""
        positional = [p for p in self.parameters if not p.keyword_only]
        if positional[0].kind == "tuple of ints" and len(positional) == 1 and args:
            if _is_int(args[0]) and not all(map(_is_int, args)):
                place, wrong = next((i, v) for i, v in enumerate(args, 1) if not _is_int(v))
                return (
                    f"{function}(): argument 'size' {UNPACK} the object at pos {place} with error "
                    f'"type must be tuple of ints,but got {type_name(wrong)}"'
                )
            args = (args,) if _is_int(args[0]) else args
        if len(args) > len(positional):
            plural = "s" * (len(positional) > 1)
            return (
                f"{function}() takes {len(positional)} positional argument{plural} but {len(args)} "
                "were given"
            )
        given = dict(zip((p.name for p in positional), args, strict=False)) | kwargs
        missing = [p.name for p in self.parameters if p.required and p.name not in given]
        if missing:
            plural = "s" * (len(missing) == 1)  # as PyTorch has it
            names = ", ".join(f'"{n}"' for n in missing)
            return (
                f"{function}() missing {len(missing)} required positional argument{plural}: {names}"
            )
        for place, p in enumerate(self.parameters, 1):
            if p.name in given and not _fits(p.kind, given[p.name]):
                where = "" if p.name in kwargs else f" (position {place})"
                return _misfit(f"{function}(): argument '{p.name}'{where}", p.kind, given[p.name])
        strange = [name for name in kwargs if name not in {p.name for p in self.parameters}]
        return f"{function}() got an unexpected keyword argument '{strange[0]}'" if strange else ""


def _misfit(argument: str, kind: str, value: Any) -> str:
    if kind == "tuple of ints" and isinstance(value, (tuple, list)):
        place = next(i for i, n in enumerate(value) if not _fits("int", n))
        found = f"found element of type {type_name(value[place])} at pos {place}"
        return f"{argument} must be tuple of ints, but {found}"
    return f"{argument} must be {kind}, not {type_name(value)}"


def _fits(kind: str, value: Any) -> bool:
    if kind == "int":
        return _is_int(value)
    if kind == "tuple of ints":
        inside = value.tolist() if isinstance(value, Tensor) and value._sizes else value
        return isinstance(inside, (tuple, list)) and all(map(_is_int, inside))
    if kind in ("Number", "float"):  # a tensor of one element passes for its number
        one = isinstance(value, Tensor) and not value._sizes
        return one or isinstance(value, (numbers.Number, np.generic))
    return value is None or isinstance(value, _CLASSES[kind])


def _is_int(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value._dtype.category == dt.INTEGRAL and not value._sizes
    return hasattr(value, "__index__") and not isinstance(value, bool)


_CLASSES: dict[str, Any] = {
    "Tensor": Tensor,
    "bool": (bool, np.bool_),
    "object": object,
    "torch.Generator": Generator,
    "torch.device": (device, str, int),
    "torch.dtype": (dt.dtype, type),
    "torch.layout": object,
    "torch.memory_format": object,
}


@functools.cache
def signature(text: str) -> Signature:
    """Return a signature taken apart."""
    parameters, keyword_only = [], False
    for part in text.split(", "):
        if part == "*":
            keyword_only = True
            continue
        kind, name = part.partition(" = ")[0].rsplit(" ", 1)
        parameters.append(Parameter(kind, name, " = " not in part, keyword_only))
    return Signature(text, tuple(parameters))


def explanation(function: str, args: tuple, kwargs: dict[str, Any]) -> str:
    """Return PyTorch's words for a call that fits no signature of ``function``; "" if one fits.

    If only one has room for as many arguments, PyTorch says what is wrong with them there.
    """
    every = [signature(text) for text in SIGNATURES[function]]
    count = len(args) + len(kwargs)
    complaints = [s.complaint(function, args, kwargs) for s in every]
    if not all(complaints) or "names" in kwargs:
        return ""
    roomy = [
        words
        for words, s in zip(complaints, every, strict=True)
        if sum(p.required for p in s.parameters) <= count <= len(s.parameters)
    ]
    if len(every) == 1 or UNPACK in complaints[-1]:
        return complaints[-1]
    if len(roomy) == 1:
        return roomy[0]
    return misfit_text(function, got_types(args, kwargs), [s.text for s in every])


def explaining(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function`` with its TypeErrors in PyTorch's words."""
    known: set[tuple] = set()

    @functools.wraps(function)
    def factory(*args: Any, **kwargs: Any) -> Any:
        types = (*map(type, args), *kwargs, *map(type, kwargs.values()))
        if types not in known:
            if words := explanation(name, args, kwargs):
                raise TypeError(words)
            known.add(types)
        try:
            return function(*args, **kwargs)
        except TypeError:
            if words := explanation(name, args, kwargs):
                raise TypeError(words) from None
            raise

    return factory


for _name in SIGNATURES:
    SPACES[""][_name] = explaining(_name, SPACES[""][_name])
