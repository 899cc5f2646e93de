"""``fl.export``: functions of arrays as programs that run without their source. Floor 4."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.export
import numpy as np

from ..._core.execute import compile
from ..._core.version import __version__
from ..._core.xla.options import CPU_OPTIONS, tuning
from .._world import ARRAYS, NUMBERS, is_box, opened
from .archive import Archive, deserialized, read, serialized, write
from .signature import SCALARS, Mismatch, Signature, Source


class Exported:
    """A program with the structure of its arguments and results.

    Attributes:
        name: the function that it was.
        signature: what goes in and comes out.
        program: JAX's object, a function of a list of arrays.
        tuned: which compiler options suit it.
    """

    def __init__(
        self, name: str, signature: Signature, program: jax.export.Exported, tuned: str = ""
    ) -> None:
        """Wrap ``program``."""
        self.name, self.signature, self.program, self.tuned = name, signature, program, tuned
        self.run: Callable[..., Any] = compile(program.call, tuned)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Run on arrays of the structure, shapes and dtypes that it was exported for.

        Raises:
            ValueError: the arguments are others.
        """
        signature = self.signature
        arrays = signature.leaves(args, kwargs)
        for place, array in enumerate(arrays):
            if isinstance(array, NUMBERS):
                continue  # JAX gives it the dtype of the program
            if not isinstance(array, ARRAYS):
                raise Mismatch(f"{signature.name_of(place)} must be an array, not {array!r}")
            signature.check(place, array.dtype.name, array.shape)
        typed = [
            np.asarray(a, dtype) if isinstance(a, NUMBERS) else a
            for a, (dtype, _) in zip(arrays, signature.inputs, strict=True)
        ]
        return signature.result(self.run(*typed), arrays, lambda array: array, {})

    def save(self, file: Any) -> None:
        """Write to a path or a binary file, for :func:`load_exported`."""
        write(file, Archive(self.described("function"), serialized(self.program), {}))

    def described(self, kind: str) -> dict[str, Any]:
        """Return what the file says of the program."""
        return {
            "kind": kind,
            "name": self.name,
            "functorch_lite": __version__,
            "jax": jax.__version__,
            "calling_convention": self.program.calling_convention_version,
            "platforms": list(self.program.platforms),
            "tuned": self.tuned,
            "signature": self.signature.as_json(),
        }

    def __deepcopy__(self, memo: dict) -> "Exported":
        """Return itself: nothing in it changes."""
        return self

    def __repr__(self) -> str:
        """Spell the call and its types."""
        return f"<exported {self.typed()} for {', '.join(self.program.platforms)}>"

    def typed(self) -> str:
        """Return the call with dtypes and shapes: ``f(x: float32[4, 3]) -> float32[4]``."""
        signature = self.signature
        types = [_type(dtype, shape) for dtype, shape in signature.inputs]
        shown = []
        for path, (kind, what) in zip(signature.paths(), signature.given, strict=True):
            shown.append(f"{path}: {types[what]}" if kind == "input" else f"{path}={what!r}")
        out = [_type(aval.dtype.name, aval.shape) for aval in self.program.out_avals]
        found = {"output": out, "array": out, "input": types}
        results = [
            found[kind][what] if kind in found else repr(what) for kind, what in signature.returned
        ]
        return f"{self.name}({', '.join(shown)}) -> {', '.join(results)}"


def _type(dtype: str, shape: Sequence[Any]) -> str:
    return f"{dtype}[{', '.join(map(str, shape))}]"


def restored(archive: Archive, kind: str, instead: str) -> Exported:
    """Return the program of a file.

    Raises:
        RuntimeError: it is of another kind (``instead`` says who reads that), damaged, or too new.
    """
    found = archive.description
    if found.get("kind") != kind:
        raise RuntimeError(f"the file holds an exported {found.get('kind')}: {instead}")
    program = deserialized(archive.program, found)
    try:
        signature = Signature.from_json(found["signature"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"the description of the exported program is damaged: {error!r}"
        raise RuntimeError(reason) from error
    tuned = found.get("tuned")
    return Exported(
        str(found.get("name")), signature, program, str(tuned) if tuned in CPU_OPTIONS else ""
    )


def load_exported(file: Any) -> Exported:
    """Return what :meth:`Exported.save` wrote to a path or binary file.

    The function's source is not needed, and nothing in the file is run as Python. XLA runs the
    program as native code: load what you trust.

    Raises:
        RuntimeError: it is not such a file, is damaged, or too new.
    """
    return restored(read(file), "function", "use torch.export.load.")


def export(
    func: Callable[..., Any], *, platforms: Sequence[str] | None = None
) -> Callable[..., Exported]:
    """Return a function that makes a program of ``func`` for arguments like those it is given.

    Args:
        func: a function of nested containers of arrays. Arrays that it captures are part of the
            program; pass weights as arguments.
        platforms: what it is lowered for ("cpu", "cuda", "tpu"); None: where JAX runs now.

    The example arguments are arrays, numbers, or ``jax.ShapeDtypeStruct``, whose shapes may come
    from ``jax.export.symbolic_shape``; strings, bools and None are part of the program. The program
    is differentiated before it is exported (``export(grad(f))``), not after.

    >>> import jax.numpy as jnp
    >>> double = export(lambda x: {"y": x * 2})(jnp.ones(3))
    >>> double.call(jnp.arange(3.0))["y"].tolist()
    [0.0, 2.0, 4.0]
    """

    def exported(*args: Any, **kwargs: Any) -> Exported:
        flat = opened((args, kwargs))
        inputs, given = _taken_apart(flat.leaves, "input")
        returned: list[Any] = []

        def body(*arrays: Any) -> list[Any]:
            leaves = [arrays[what] if kind == "input" else what for kind, what in given]
            args, kwargs = flat.with_leaves(leaves)
            result = opened(func(*args, **kwargs))
            outputs, sources = _taken_apart(result.leaves, "output")
            returned[:] = result.spec, sources
            return outputs

        jitted = jax.jit(body)
        shapes = [_shape(leaf) for leaf in inputs]
        program = jax.export.export(jitted, platforms=platforms)(*shapes)
        signature = Signature(
            positional(func, len(args)),
            flat.spec,
            given,
            [(aval.dtype.name, aval.shape) for aval in program.in_avals],
            *returned,
        )
        name = getattr(func, "__name__", type(func).__name__)
        return Exported(name, signature, program, tuning(jitted.trace(*shapes).jaxpr.jaxpr))

    return exported


def _shape(leaf: Any) -> Any:
    return leaf if isinstance(leaf, jax.ShapeDtypeStruct) else jax.typeof(leaf)


def _taken_apart(leaves: Sequence[Any], kind: str) -> tuple[list[Any], list[Source]]:
    """Return the arrays among arguments or results, and what each leaf is.

    A number among the arguments is an input, one among the results a fixed value.
    """
    arrays: list[Any] = []
    sources: list[Source] = []
    for leaf in leaves:
        number = isinstance(leaf, NUMBERS) and not isinstance(leaf, bool) and kind == "input"
        if isinstance(leaf, (*ARRAYS, jax.ShapeDtypeStruct)) or number:
            sources.append((kind, len(arrays)))
            arrays.append(leaf)
        elif isinstance(leaf, SCALARS):
            sources.append(("value", leaf))
        else:
            instead = "use torch.export.export" if is_box(leaf) else f"not of {leaf!r}"
            raise TypeError(f"fl.export takes functions of arrays: {instead}")
    return arrays, sources


def positional(func: Callable[..., Any], count: int) -> list[str]:
    """Return the names of the first ``count`` positional parameters, as far as they have some."""
    try:
        found = inspect.signature(func).parameters.values()
    except (TypeError, ValueError):
        return []
    names = [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return names[:count]
