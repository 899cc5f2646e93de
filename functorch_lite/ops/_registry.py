"""The record of an operator, and the decorator that makes one from a pure function.

An op is declared once::

    @op("fmio", promote=COMMON, methods="__add__ __radd__")
    def add(input, other, *, alpha: Scalar = 1):
        '''Sum of ``input`` and ``alpha * other``. Shapes broadcast.'''
        return input + alpha * other

Its parameters say by annotation what they are to the compiler:

* bare: an **operand**: a tensor or a Python number (or ``None``, or a sequence of tensors);
* ``Scalar``: a **run-time number**: another value does not compile again;
* anything else (``int``, ``bool``, ``str``, ``dtype``, ``Dims``, ``Size``): **static**, part of the
  program.

``kinds`` says which spellings exist: ``f`` function, ``m`` method, ``i`` in-place method and
function (``add_``), ``o`` an ``out=`` argument.  This file knows no op by name; ``OPS`` fills up as
the families in this folder are imported.  Floor 1.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import UnionType
from typing import TYPE_CHECKING, Any, NewType, Optional

if TYPE_CHECKING:
    Scalar = Dims = Size = Any
else:
    Scalar = NewType("Scalar", object)
    """Annotation of a parameter that is a Python number handed to the program at run time."""

    Dims = NewType("Dims", tuple)
    """Annotation of a static int or sequence of ints (dims, kernel sizes), passed on as it is."""

    Size = NewType("Size", tuple)
    """Annotation of static ints that may be spelled as separate arguments: ``x.view(2, 3)``."""

_UNION = type(Optional[int])  # noqa: UP045 - what NewType | None makes


@dataclass(frozen=True, slots=True)
class Promotion:
    """How operands are cast before the body and the result after it.

    Attributes:
        name: for messages and docs.
        to_float: integers and bools become the default floating dtype first.
        to_bool: the result is bool whatever the operands are.
        names: the operands that take part; empty means every bare parameter.
    """

    name: str
    to_float: bool = False
    to_bool: bool = False
    names: tuple[str, ...] = ()

    def of(self, *names: str) -> "Promotion":
        """Return this promotion restricted to the named operands."""
        return Promotion(self.name, self.to_float, self.to_bool, names)


COMMON = Promotion("common")
"""Operands are cast to their common dtype, which is also the result's.  float16 and bfloat16 are
computed in float32 and rounded once at the end, as PyTorch's CPU kernels do."""
FLOAT = Promotion("float", to_float=True)
"""Like COMMON, but integers and bools become the default floating dtype."""
BOOL = Promotion("bool", to_bool=True)
"""Like COMMON for the operands; the body returns bool and nothing is cast back."""


@dataclass(frozen=True, slots=True)
class View:
    """What makes an op a view: where its elements lie, and how a write goes through it.

    Attributes:
        layout: ``(shape, strides, offset, *args) -> (shape, strides, offset)`` with the op's own
            arguments; raises PyTorch's error where the view is impossible.  A fourth item, a
            function of the parent's dtype, gives the child's where they differ (``view_as_real``).
        put: ``(parent, child, *args) -> parent`` with the child written in; None for a bijection,
            whose ``put`` is the transpose of its ``get``.
        repeats: an element of the parent may stand at several places of the child.
    """

    layout: Callable[..., tuple]
    put: Callable[..., Any] | None = None
    repeats: bool = False


OPERAND, SCALAR, STATIC = "operand", "scalar", "static"


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of an op: its name, role (OPERAND, SCALAR or STATIC), default and annotation."""

    name: str
    role: str
    default: Any
    annotation: Any
    keyword_only: bool


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """An operator: a pure function of arrays and what the bindings need to know about it.

    Attributes:
        name: PyTorch's name, dotted below ``torch`` (``"linalg.norm"``, ``"nn.functional.relu"``).
        body: pure function on JAX arrays with PyTorch's signature.
        kinds: the spellings that exist, of ``"fmio"``.
        promote: cast rule, or None when the body sees its operands as they are.
        elementwise: each element of the result comes from one of each (broadcast) operand.
        node: name of the backward node, such as ``"AddBackward0"``.
        methods: further method names (``"__add__"``).
        aliases: further function names; a bare one is a method as well where the op is.
        returns: field names of the named tuple that several results come in.
        view: present if the result aliases the first operand.
        saves_result: PyTorch keeps the result (not the operands) for backward, so that writing
            into the result is what invalidates it.
        grad: False if no gradient ever flows (``zeros_like``, ``histc``).
        check: ``check(**arguments)`` on concrete values, for errors that depend on them
            (an index out of range); not run inside a trace.
        host: the shape of the result depends on values, so the body is a NumPy function that runs
            on concrete arrays (``nonzero``, ``unique``); it has no gradient.
        numbers: the operands that may be Python numbers; the others must be tensors.
        value: the result is handed out as a Python value (``equal``, ``allclose``).
        loops: the body has a loop. In a captured program its backward takes what the forward pass
            computed: XLA finds what two pieces of a program have in common, but not two loops.
        tuned: which of ``_core.xla.options.CPU_OPTIONS`` its programs are compiled with.
        doc: the docstring.
        params: the parameters in order.
    """

    name: str
    body: Callable[..., Any]
    kinds: str
    promote: Promotion | None
    elementwise: bool
    node: str
    methods: tuple[str, ...]
    aliases: tuple[str, ...]
    returns: tuple[str, ...]
    view: View | None
    saves_result: bool
    grad: bool
    check: Callable[..., None] | None
    host: bool
    numbers: frozenset[str]
    value: bool
    loops: bool
    tuned: str
    doc: str
    params: tuple[Param, ...] = field(repr=False)

    @property
    def run_time(self) -> list[Param]:
        """The parameters whose values reach the program at run time: operands and scalars."""
        return [p for p in self.params if p.role != STATIC]

    @property
    def static(self) -> list[Param]:
        """The parameters that are part of the program."""
        return [p for p in self.params if p.role == STATIC]

    def arguments(self, values: Iterable[Any], statics: Iterable[Any]) -> dict[str, Any]:
        """Return name -> argument, in order, from run-time values and static ones."""
        values, statics = iter(values), iter(statics)
        return {p.name: next(statics if p.role == STATIC else values) for p in self.params}


OPS: dict[str, Op] = {}

NAMESPACES = ("nn.functional", "linalg", "special", "fft", "_C")


def split_name(full: str) -> tuple[str, str, str]:
    """Return (namespace, base name, overload) of an op's full name.

    >>> split_name("linalg.norm"), split_name("max.dim")
    (('linalg', 'norm', ''), ('', 'max', 'dim'))
    """
    space = next((s for s in NAMESPACES if full.startswith(s + ".")), "")
    base, _, overload = full[len(space) + 1 if space else 0 :].partition(".")
    return space, base, overload


def op(
    kinds: str,
    *,
    name: str = "",
    space: str = "",
    promote: Promotion | None = None,
    elementwise: bool = True,
    node: str = "",
    methods: str = "",
    aliases: str = "",
    returns: str = "",
    view: View | None = None,
    saves_result: bool = False,
    grad: bool = True,
    check: Callable[..., None] | None = None,
    host: bool = False,
    numbers: str = "",
    value: bool = False,
    loops: bool = False,
    tuned: str = "",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare the decorated pure function as an operator; see the module docstring and :class:`Op`.

    ``name`` defaults to the function's own; ``space`` is put before it with a dot.  The decorated
    function itself is returned unchanged, so that bodies can call each other.

    Raises:
        ValueError: the name is taken, the docstring is missing, or ``kinds`` has an unknown letter.
    """

    def declare(body: Callable[..., Any]) -> Callable[..., Any]:
        own = name or body.__name__
        full = f"{space}.{own}" if space else own
        if full in OPS:
            raise ValueError(f"op {full!r} is declared twice: {OPS[full].body} and {body}")
        if not body.__doc__:
            raise ValueError(f"op {full!r} has no docstring")
        if set(kinds) - set("fmio"):
            raise ValueError(f"op {full!r}: kinds {kinds!r} has a letter that is not one of 'fmio'")
        OPS[full] = Op(
            name=full,
            body=body,
            kinds=kinds,
            promote=promote,
            elementwise=elementwise and promote is not None,
            node=node or default_node(split_name(full)[1]),
            methods=tuple(methods.split()),
            aliases=tuple(aliases.split()),
            returns=tuple(returns.split()),
            view=view,
            saves_result=saves_result,
            grad=grad,
            check=check,
            host=host,
            numbers=frozenset(numbers.split()),
            value=value,
            loops=loops,
            tuned=tuned,
            doc=inspect.cleandoc(body.__doc__),
            params=_params(body),
        )
        return body

    return declare


def unary(
    name: str,
    fun: Callable[..., Any],
    promote: Promotion | None,
    doc: str,
    kinds: str = "fmio",
    **more: Any,
) -> Callable[..., Any]:
    """Declare the one-operand op ``name`` whose body is ``fun``: a row of a table."""

    def body(input):
        return fun(input)

    return _row(body, name, doc, kinds, promote, more)


def binary(
    name: str,
    fun: Callable[..., Any],
    promote: Promotion | None,
    doc: str,
    kinds: str = "fmio",
    **more: Any,
) -> Callable[..., Any]:
    """Declare the two-operand op ``name`` whose body is ``fun``: a row of a table."""

    def body(input, other):
        return fun(input, other)

    return _row(body, name, doc, kinds, promote, more)


def _row(
    body: Callable, name: str, doc: str, kinds: str, promote: Promotion | None, more: dict
) -> Callable:
    body.__name__ = body.__qualname__ = name
    body.__doc__ = doc
    return op(kinds, promote=promote, **more)(body)


def default_node(name: str) -> str:
    """Return PyTorch's usual node name: ``log1p`` -> ``Log1PBackward0``.

    >>> default_node("index_select")
    'IndexSelectBackward0'
    """
    words = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    letters = [c.upper() if i and words[i - 1].isdigit() else c for i, c in enumerate(words)]
    return "".join(letters) + "Backward0"


def _params(body: Callable[..., Any]) -> tuple[Param, ...]:
    return tuple(
        Param(p.name, _role(kind), p.default, kind, p.kind is p.KEYWORD_ONLY)
        for p in inspect.signature(body).parameters.values()
        for kind in (_plain(p.annotation),)
    )


def _plain(annotation: Any) -> Any:
    """Return ``int`` for ``int | None``: that None is allowed is told by the default."""
    kinds = [a for a in getattr(annotation, "__args__", ()) if a is not type(None)]
    return (
        kinds[0] if isinstance(annotation, (UnionType, _UNION)) and len(kinds) == 1 else annotation
    )


def _role(annotation: Any) -> str:
    if annotation is inspect.Parameter.empty:
        return OPERAND
    return SCALAR if annotation is Scalar else STATIC
