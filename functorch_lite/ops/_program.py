"""From an op and its arguments to a compiled program, and from a program to its backward program.

A :class:`Program` is a pure function of flat arrays, compiled once per set of shapes.  It is made
from an op, its static arguments and one *descriptor* per operand, and cached under that key, so a
changed Python float or index reuses it.  Casts of the promotion rules are part of the program and
cost nothing at run time.  ``Program.vjp`` is again a Program: that closes the loop for gradients
of gradients.  Floor 1; no op, Tensor or tape is known here.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from .._core import dtype as dt
from .._core.eager import eager
from ._cascade import sum_to
from ._registry import OPERAND, Op, Promotion

Descriptor = Any
"""What an operand is: a ``dtype`` (tensor with dims), a ``dtype.zero_dim`` (0-d tensor), a Python
number type, None, or a tuple of descriptors for a sequence."""


class Program:
    """A compiled pure function of flat operands.

    Attributes:
        fn: the traceable function; returns an array or a tuple of arrays.
        call: ``fn``, compiled when first called.
        node: name of its backward node.
        op: the op that it was made from (None for a backward program).
        common: the dtype to which operands were promoted, or None.
        tuned: compiler options, see ``_core.execute.compile``.
        arguments: tells the op's arguments by name from the flat operands.
    """

    arguments: Callable[[Sequence[Any]], dict[str, Any]]

    __slots__ = ("_vjps", "arguments", "call", "common", "fn", "node", "op", "tuned")

    def __init__(
        self,
        fn: Callable[..., Any],
        node: str,
        op: Op | None = None,
        common: dt.dtype | None = None,
        tuned: str = "",
    ) -> None:
        self.fn = fn
        self.call = self._first_call
        self.node = node
        self.op = op
        self.common = common
        self.tuned = tuned or (op.tuned if op is not None else "")
        self._vjps: dict[tuple, Program] = {}

    def _first_call(self, *operands: Any) -> Any:
        """Compile on the first call: many programs only serve their gradient or other programs."""
        self.call = eager(self.fn, self.tuned)
        return self.call(*operands)

    def vjp(self, wanted: tuple[int, ...], given: tuple[int, ...] | None = None) -> "Program":
        """Return the program ``(*operands, *cotangents) -> gradients`` of the operands ``wanted``.

        ``given`` are the indices of the outputs that have a cotangent; None: there is one output.
        Gradients follow PyTorch's convention for complex numbers, the conjugate of JAX's.
        """
        key = (wanted, given)
        found = self._vjps.get(key)
        if found is None:
            elementwise = given is None and self.op is not None and self.op.elementwise
            back = _backward(self.fn, wanted, given, elementwise)
            found = self._vjps[key] = Program(back, _double_node(self), tuned=self.tuned)
        return found

    def pulled(self, operands: Sequence[Any]) -> tuple[Any, Callable[[dict[int, Any]], list[Any]]]:
        """Return the result, and the function from its cotangents to gradients, for one trace.

        That function takes (number of an output -> cotangent) and returns one gradient an operand,
        None where there is none.
        """
        places = [i for i, o in enumerate(operands) if _is_inexact(o)]

        def of_chosen(*chosen: Any) -> Any:
            full = list(operands)
            for place, value in zip(places, chosen, strict=True):
                full[place] = value
            return self.fn(*full)

        out, pull = jax.vjp(of_chosen, *(operands[i] for i in places))
        outputs = out if isinstance(out, tuple) else (out,)

        def back(given: dict[int, Any]) -> list[Any]:
            cotangents = tuple(
                _as_cotangent(given[i], o) if i in given else jnp.zeros_like(o)
                for i, o in enumerate(outputs)
            )
            gradients: list[Any] = [None] * len(operands)
            found = pull(cotangents if isinstance(out, tuple) else cotangents[0])
            for place, gradient in zip(places, found, strict=True):
                gradients[place] = conj(gradient)
            return gradients

        return out, back


def _double_node(program: Program) -> str:
    """Return the node name of a backward program: PyTorch's formulas mostly end in a product."""
    if program.op is None:
        return program.node
    return "MulBackward0" if program.op.elementwise else program.node + "Backward"


def _backward(
    fn: Callable[..., Any],
    wanted: tuple[int, ...],
    given: tuple[int, ...] | None,
    elementwise: bool,
) -> Callable[..., Any]:
    """Return the backward function of ``fn``.

    Operands of an element-wise op are broadcast before the VJP, so that their gradients come back
    in full shape and are summed here, in PyTorch's order, instead of inside JAX.
    """
    count = 1 if given is None else len(given)

    def backward(*args: Any) -> tuple:
        operands, cotangents = args[:-count], args[-count:]

        def of_wanted(*chosen: Any) -> tuple:
            full = list(operands)
            for index, value in zip(wanted, chosen, strict=True):
                full[index] = value
            out = fn(*full)
            return (out,) if given is None else tuple(out[i] for i in given)

        chosen = [operands[i] for i in wanted]
        full = cotangents[0].shape
        if elementwise:
            chosen = [jnp.broadcast_to(c, full) for c in chosen]
        out, pull = jax.vjp(of_wanted, *chosen)
        cotangents = tuple(_as_cotangent(c, o) for c, o in zip(cotangents, out, strict=True))
        gradients = (conj(g) for g in pull(cotangents))
        return tuple(
            sum_to(g, jnp.shape(operands[i])) for g, i in zip(gradients, wanted, strict=True)
        )

    return backward


def _as_cotangent(cotangent: Any, output: Any) -> Any:
    """Conjugate the cotangent and give it its output's dtype (real may meet complex)."""
    return conj(jnp.asarray(cotangent, output.dtype))


def conj(array: Any) -> Any:
    """Return the conjugate of a complex array, and any other array as it is."""
    return jnp.conj(array) if jnp.iscomplexobj(array) else array


_programs: dict[tuple, Program] = {}


def program(
    op: Op, descriptors: tuple[Descriptor, ...], statics: tuple, into: dt.dtype | None = None
) -> Program:
    """Return the program of ``op`` for these operand descriptors and static arguments.

    ``descriptors`` follow the operand and scalar parameters of the op in order, ``statics`` its
    static ones.  ``into`` casts the result, for in-place and ``out=`` forms.
    """
    key = (op, descriptors, statics, into, dt.get_default_dtype())
    found = _programs.get(key)
    if found is None:
        found = _programs[key] = _build(op, descriptors, statics, into)
    return found


def _build(
    op: Op, descriptors: tuple[Descriptor, ...], statics: tuple, into: dt.dtype | None
) -> Program:
    names = [p.name for p in op.run_time]
    fixed = dict(zip((p.name for p in op.static), statics, strict=True))
    promoted = _promoted_names(op)
    common = _common(op.promote, promoted, dict(zip(names, descriptors, strict=True)))
    widen = common in (dt.float16, dt.bfloat16) and not (
        op.promote is not None and op.promote.to_bool
    )
    compute = dt.float32 if widen else common
    numpy_type = None if compute is None else compute.np

    def arguments(flat: Sequence[Any]) -> dict[str, Any]:
        rest = list(flat)
        return fixed | {n: _take(rest, d) for n, d in zip(names, descriptors, strict=True)}

    def fn(*flat: Any) -> Any:
        given = arguments(flat)
        if numpy_type is not None:
            for name in promoted.intersection(names):
                given[name] = jax.tree.map(lambda v: jnp.asarray(v, numpy_type), given[name])
        return _cast_result(op.body(**given), op.promote, common, into)

    fn.__name__ = op.name.replace(".", "_")
    made = Program(fn, op.node, op, common)
    made.arguments = arguments
    return made


def _take(rest: list, descriptor: Descriptor) -> Any:
    """Take the values that ``descriptor`` describes from the front of ``rest``."""
    if descriptor is None:
        return None
    if _is_sequence(descriptor):
        return [_take(rest, d) for d in descriptor]
    return rest.pop(0)


def _is_sequence(descriptor: Descriptor) -> bool:
    return type(descriptor) is tuple and not (len(descriptor) == 2 and descriptor[1] is dt.ZERO_DIM)


def _promoted_names(op: Op) -> frozenset[str]:
    if op.promote is None:
        return frozenset()
    return frozenset(op.promote.names or (p.name for p in op.params if p.role == OPERAND))


def _common(
    promote: Promotion | None, promoted: frozenset[str], by_name: dict[str, Descriptor]
) -> dt.dtype | None:
    if promote is None:
        return None
    pairs = [pair for name in by_name if name in promoted for pair in levels(by_name[name])]
    if not pairs:
        return None
    common = dt.result_dtype(pairs)
    if promote.to_float and common.category <= dt.INTEGRAL:
        return dt.get_default_dtype()
    return common


def levels(descriptor: Descriptor) -> Sequence[tuple[dt.dtype, int]]:
    """Return the (dtype, level) pairs of a descriptor, as ``result_dtype`` takes them."""
    if descriptor is None:
        return ()
    if isinstance(descriptor, dt.dtype):
        return ((descriptor, dt.DIMENSIONED),)
    if isinstance(descriptor, type):
        return ((dt.of_number(descriptor), dt.NUMBER),)
    if _is_sequence(descriptor):
        return [pair for d in descriptor for pair in levels(d)]
    return (descriptor,)


def _cast_result(
    result: Any, promote: Promotion | None, common: dt.dtype | None, into: dt.dtype | None
) -> Any:
    if isinstance(result, list):
        result = tuple(result)
    target = into
    if (
        target is None
        and common in dt.REDUCED_FLOATS
        and promote is not None
        and not promote.to_bool
    ):
        target = common
    if target is None:
        return result
    if isinstance(result, tuple):
        return tuple(r.astype(target.np) if _is_float(r) else r for r in result)
    if _is_complex(result) and not target.is_complex:
        result = result.real
    return result.astype(target.np)


def _is_inexact(value: Any) -> bool:
    return hasattr(value, "dtype") and jnp.issubdtype(value.dtype, jnp.inexact)


def _is_float(array: Any) -> bool:
    return jnp.issubdtype(array.dtype, jnp.floating)


def _is_complex(array: Any) -> bool:
    return jnp.issubdtype(array.dtype, jnp.complexfloating)
