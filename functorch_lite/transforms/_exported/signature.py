"""What goes into an exported program and what comes out: structure, names, shapes, fixed values.

Floor 4.
"""

from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._tree import LEAF, Spec, unflatten
from .._world import opened

Source = tuple[str, Any]
"""What a leaf is: ("input", i), ("output", i), ("array", i: an output without a box), ("tensor",
name) or ("value", a Python value that is part of the program)."""

SCALARS = (bool, int, float, str, type(None))
_KINDS: dict[str, type] = {k.__name__: k for k in (tuple, list, dict, OrderedDict)}


class Mismatch(AssertionError, ValueError):
    """An exported program is called with other arguments than it was made for."""


@dataclass
class Signature:
    """The call of a program.

    Attributes:
        parameters: names of the positional arguments.
        arguments: the structure of ``(args, kwargs)``; ``given`` says what its leaves are.
        inputs: dtype and shape of each.
        results: the structure of what is returned; ``returned`` says what its leaves are.
    """

    parameters: list[str]
    arguments: Spec
    given: list[Source]
    inputs: list[tuple[str, tuple]]
    results: Spec
    returned: list[Source]

    def leaves(self, args: tuple, kwargs: Mapping[str, Any]) -> list[Any]:
        """Return the inputs among the arguments, in order.

        Raises:
            ValueError: other keywords than expected.
            Mismatch: another structure or fixed value.
        """
        flat = opened(self._bound(args, kwargs))
        if flat.spec != self.arguments and not _alike(flat.spec, self.arguments):
            raise Mismatch(
                f"the arguments have structure {flat.spec.short()}, and the program was exported "
                f"for {self.arguments.short()}"
            )
        found: list[Any] = [None] * len(self.inputs)
        for (kind, what), leaf, path in zip(self.given, flat.leaves, self.paths(), strict=True):
            if kind == "input":
                found[what] = leaf
            elif type(leaf) is not type(what) or leaf != what:
                raise Mismatch(f"Guard failed: {path} == {what!r} (it is {leaf!r})")
        return found

    def _bound(self, args: tuple, kwargs: Mapping[str, Any]) -> tuple[tuple, dict[str, Any]]:
        """Return the arguments in the order that the program knows."""
        places, keywords = self.arguments.children
        missing = self.parameters[len(args) : len(places.children)]
        args = (*args, *[kwargs[name] for name in missing if name in kwargs])
        rest = {k: v for k, v in kwargs.items() if k not in missing}
        if set(rest) != set(keywords.aux or ()):
            raise ValueError(
                "Ran into a kwarg keyword mismatch: Got the following keywords "
                f"{list(rest)} but expected {list(keywords.aux or ())}"
            )
        return args, {name: rest[name] for name in keywords.aux or ()}

    def check(self, place: int, dtype: str, shape: Sequence[Any]) -> None:
        """Raise ``Mismatch`` unless an input is what the program was made for."""
        wanted, sizes = self.inputs[place]
        if (dtype, tuple(shape)) == (wanted, sizes):
            return
        name = self.name_of(place)
        if dtype != wanted:
            raise Mismatch(f"Guard failed: {name}.dtype == {wanted} (it is {dtype})")
        if len(shape) != len(sizes):
            raise Mismatch(f"Guard failed: {name}.dim() == {len(sizes)} (it is {len(shape)})")
        for dim, (size, known) in enumerate(zip(shape, sizes, strict=True)):
            if isinstance(known, int) and size != known:
                raise Mismatch(
                    f"Guard failed: {name}.size()[{dim}] == {known} (it is {size}). The program "
                    "was exported for one shape: export another one."
                )

    def result(
        self, outputs: Sequence[Any], inputs: Sequence[Any], box: Callable, tensors: Mapping
    ) -> Any:
        """Return the results around what came out of the program."""
        find: dict[str, Callable[[Any], Any]] = {
            "output": lambda i: box(outputs[i]),
            "array": lambda i: outputs[i],
            "input": lambda i: inputs[i],
            "tensor": lambda name: tensors[name],
            "value": lambda value: value,
        }
        return unflatten(self.results, [find[kind](what) for kind, what in self.returned])

    def paths(self) -> Iterator[str]:
        """Yield how each argument is written: ``x``, ``batch['y'][0]``."""
        places, keywords = self.arguments.children
        known = len(self.parameters)
        named = [*self.parameters, *(f"args[{i}]" for i in range(known, len(places.children)))]
        named += map(str, keywords.aux or ())
        for name, spec in zip(named, (*places.children, *keywords.children), strict=True):
            yield from _below(spec, name)

    def name_of(self, place: int) -> str:
        """Return how messages call an input."""
        return next(
            path
            for path, given in zip(self.paths(), self.given, strict=True)
            if given == ("input", place)
        )

    # --- in files ---------------------------------------------------------------------------------

    def as_json(self) -> dict[str, Any]:
        """Return it in lists and dicts; NotImplementedError for structures of unknown classes."""
        return {
            **vars(self),
            "arguments": _spec_as_json(self.arguments),
            "results": _spec_as_json(self.results),
            "inputs": [[dtype, [_size(s) for s in shape]] for dtype, shape in self.inputs],
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Signature":
        """Return what ``as_json`` wrote; ValueError, KeyError or TypeError if it is not that."""
        signature = cls(
            list(found["parameters"]),
            _spec_from_json(found["arguments"]),
            [(kind, what) for kind, what in found["given"]],
            [(dtype, tuple(shape)) for dtype, shape in found["inputs"]],
            _spec_from_json(found["results"]),
            [(kind, what) for kind, what in found["returned"]],
        )
        counts = signature.arguments.count, signature.results.count
        if counts != (len(signature.given), len(signature.returned)):
            raise ValueError("the structure of the arguments or results does not fit their leaves")
        return signature


def _size(size: Any) -> Any:
    return size if isinstance(size, int) else str(size)


def _below(spec: Spec, path: str) -> Iterator[str]:
    if spec.kind is None:
        yield path
        return
    keys = spec.aux if spec.kind in (dict, OrderedDict) else range(len(spec.children))
    for key, child in zip(keys, spec.children, strict=True):
        yield from _below(child, f"{path}[{key!r}]")


def _alike(a: Spec, b: Spec) -> bool:
    """Return True if only the classes of named tuples differ: those of a file are made anew."""
    try:
        return _spec_as_json(a) == _spec_as_json(b)
    except NotImplementedError:
        return False


def _spec_as_json(spec: Spec) -> Any:
    if spec.kind is None:
        return "*"
    children = [_spec_as_json(child) for child in spec.children]
    name = spec.kind.__name__
    if _KINDS.get(name) is spec.kind:
        keys = list(spec.aux or ())
        if all(isinstance(key, (str, int)) for key in keys):
            return {"kind": name, "keys": keys, "children": children}
    elif issubclass(spec.kind, tuple):
        fields = getattr(spec.kind, "_fields", None) or [  # torch.return_types have properties
            key for key, value in vars(spec.kind).items() if isinstance(value, property)
        ]
        if len(fields) == len(children):
            return {"kind": "namedtuple", "name": name, "keys": list(fields), "children": children}
    raise NotImplementedError(
        f"functorch_lite does not support {name} among the arguments or results of an exported "
        "program. Use tuples, lists, dicts with strings as keys, and named tuples."
    )


def _spec_from_json(found: Any) -> Spec:
    if found == "*":
        return LEAF
    children = tuple([_spec_from_json(child) for child in found["children"]])
    kind, keys = found["kind"], tuple(found["keys"])
    count = sum(child.count for child in children)
    if kind == "namedtuple":
        return Spec(namedtuple(found["name"], keys), None, children, count)
    kind = _KINDS[kind]
    return Spec(kind, None if kind in (tuple, list) else keys, children, count)
