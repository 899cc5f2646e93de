"""The gradients that a captured step leaves behind, one tensor a parameter.

A step replaces all of them, and few programs look at them between two steps.  What a call costs in
Python grows with the arrays that come out of the program and are freed at the next call; so small
gradients come out in one array, which is taken apart if somebody reads one of them, and the tensors
of the last call serve again if nobody else holds them.
"""

import math
import operator
import sys
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ...._core.execute import compile, x64
from ..storage import Storage
from ..tensor import Tensor
from .results import Template

PACKED_SIZE = 1 << 14
"""Elements up to which a gradient is packed: copying a larger one costs more than its array."""

_one = [object()]
HELD_BY_LIST = max(map(sys.getrefcount, _one))
"""The count of references to an object that one list holds, as ``map`` sees it."""


class Grads:
    """Puts gradients in place after each call.

    Attributes:
        packed: the places, among the results of the trace, of those that come out in one array.
        place_of: place of another result in the trace -> its place among the others.
        others: by place, the templates of the results that are not gradients only.
    """

    def __init__(self, trace: Any, pack: bool) -> None:
        """Look at what the trace leaves behind; ``pack``: whether some may come out in one."""
        targets: dict[int, Tensor] = {place: tensor for tensor, place in trace.grads}
        places = range(len(trace.templates))
        self.others = {i: trace.templates[i] for i in places if i not in targets}
        self.packed = _small({i: trace.templates[i] for i in targets}) if pack else []
        together = set(self.packed)
        self.place_of = {p: i for i, p in enumerate(p for p in places if p not in together)}
        alone = [p for p in targets if p not in together]
        self.places = [self.place_of[p] for p in alone]
        self.targets = [targets[p] for p in (*self.packed, *alone)]
        self.templates: list[Template] = [trace.templates[p] for p in (*self.packed, *alone)]
        shapes = [trace.templates[p].attributes["_sizes"] for p in self.packed]
        self.unpack = compile(lambda flat: unpack(flat, shapes)) if shapes else None
        self.last: list[Tensor] = []
        self.storages: list[Storage] = []
        self.pack = Pack(None, None)

    def put(self, out: list[Any], flat: Any) -> None:
        """Set the gradients to the arrays of ``out``, results that are not packed, and ``flat``."""
        if not self.targets:
            return
        arrays = [out[place] for place in self.places]
        count = len(self.packed)
        if not self._untouched():
            self.pack = Pack(flat, self.unpack)
            self.storages = [Packed(self.pack, i) for i in range(count)]
            self.storages += map(Storage, arrays)
            self.last = [t.around(s) for t, s in zip(self.templates, self.storages, strict=True)]
            for target, tensor in zip(self.targets, self.last, strict=True):
                target._grad = tensor
            return
        self.pack.flat = flat
        for storage, array in zip(self.storages[count:], arrays, strict=True):
            storage.array = array

    def _untouched(self) -> bool:
        """Return True if the tensors of the last call are in place, as made, and only here."""
        last, storages = self.last, self.storages
        return (
            bool(last)
            and self.pack.pieces is None
            and all(map(operator.is_, [t._grad for t in self.targets], last))
            and max(map(sys.getrefcount, last)) <= HELD_BY_LIST + 1
            and max(map(sys.getrefcount, storages)) <= HELD_BY_LIST + 1
            and not any([s.version or s.buffer is not None for s in storages])
        )


def _small(templates: dict[int, Template]) -> list[int]:
    """Return the places of the gradients to pack: small ones of one dtype, at least two."""
    of_dtype: dict[Any, list[int]] = {}
    for place, template in templates.items():
        if math.prod(template.attributes["_sizes"]) <= PACKED_SIZE:
            of_dtype.setdefault(template.attributes["_dtype"], []).append(place)
    most = max(of_dtype.values(), key=len, default=[])
    return most if len(most) > 1 else []


def pack(arrays: Sequence[Any]) -> Any:
    """Return the arrays end to end, flat.

    The barrier keeps them apart from their making: one loop would ask for each element whose it is.
    """
    return jnp.concatenate([jnp.ravel(a) for a in jax.lax.optimization_barrier(list(arrays))])


def unpack(flat: Any, shapes: Sequence[Sequence[int]]) -> list[Any]:
    """Take apart what :func:`pack` put together."""
    ends = [0]
    for shape in shapes:
        ends.append(ends[-1] + math.prod(shape))
    parts = zip(ends, ends[1:], shapes, strict=False)
    return [jnp.reshape(flat[start:end], tuple(shape)) for start, end, shape in parts]


class Pack:
    """Arrays that lie in one, and one by one once somebody has asked.

    Attributes:
        flat: all of them, or None once they are apart.
        pieces: each of them, or None before.
    """

    __slots__ = ("flat", "pieces", "unpack")

    def __init__(self, flat: Any, unpack: Any) -> None:
        self.flat, self.unpack = flat, unpack
        self.pieces: Any = None

    def piece(self, place: int) -> Any:
        """Return one of the arrays."""
        pieces = self.pieces
        if pieces is None:
            with jax.ensure_compile_time_eval(), x64(True):  # in a trace, too, they are values
                pieces = self.pieces = self.unpack(self.flat)
            self.flat = None
        return pieces[place]


class Packed(Storage):
    """A storage whose array is taken out of a pack when it is first asked for."""

    __slots__ = ("pack", "place")

    def __init__(self, pack: Pack, place: int) -> None:
        super().__init__(None)
        del self.array  # so that Python asks ``__getattr__`` for it
        self.pack, self.place = pack, place

    def __getattr__(self, name: str) -> Any:
        """Take the array out of the pack."""
        if name != "array":
            raise AttributeError(name)
        self.array = self.pack.piece(self.place)
        return self.array
