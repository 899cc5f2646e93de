"""A captured function as a program for ``jax.export``: what it reads is known by name.

Only pure programs can be exported: no writes to what lies outside, no random numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.export
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from ...._core.errors import UnsupportedError
from ...._core.execute import x64
from ...._core.xla.layout import RELAID, relaid
from ...._core.xla.options import tuning
from ....transforms._exported.function import Exported, positional
from ....transforms._exported.signature import SCALARS, Signature, Source
from ....transforms._world import ARRAYS, Opened, opened
from ..grad_mode import recording
from ..tensor import Tensor, make
from .breaks import GraphBreak, break_graph
from .function import STATIC, Unsupported
from .tracing import Trace

_SMALL = 1024
"""Constants of so few bytes are part of the program."""


class Export:
    """A function as an exported program.

    Attributes:
        exported: takes the operands and then the inputs of its signature.
        operands: names of the tensors that it reads.
        returned: names of those that it returns as they are.
        constants: those among both that have no name outside.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple,
        kwargs: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        platforms: Sequence[str] | None,
    ) -> None:
        """Capture ``function`` for arguments like these; it may read ``tensors``.

        Raises:
            Unsupported: it needs Python at some point.
            NotImplementedError: it is not pure.
        """
        break_graph("torch.export.export is called")
        flat = opened((args, dict(kwargs)))
        fixed = [0 if isinstance(leaf, (Tensor, *ARRAYS)) else STATIC for leaf in flat.leaves]
        self.trace = trace = _trace(function, flat, fixed)
        _refuse_effects(trace)
        self.tensors = tensors
        self.named: dict[Any, str] = {}
        for name, tensor in tensors.items():
            if not tensor._chain:
                self.named.setdefault(tensor._storage, name)
        self.operands: list[str] = []
        self.returned: list[str] = []
        self.constants: dict[str, Tensor] = {}
        self.values: list[Any] = []
        self.index = [self._source(const) for const in trace.closed.consts]
        arrays = [
            leaf._array if isinstance(leaf, Tensor) else leaf
            for leaf in map(flat.leaves.__getitem__, trace.places)
        ]
        parameters = positional(getattr(function, "forward", function), len(args))
        signature = Signature(
            parameters,
            flat.spec,
            [self._given(place, leaf) for place, leaf in enumerate(flat.leaves)],
            [(array.dtype.name, tuple(array.shape)) for array in arrays],
            trace.tree.flat.spec,
            [self._returned(kind, what) for kind, what in trace.tree.sources],
        )
        tuned = tuning(trace.closed.jaxpr)
        chosen = tuple(platforms or (jax.export.default_export_platform(),))

        def body(*arrays: Any) -> list[Any]:
            return self._body(*arrays)

        body.__name__ = type(function).__name__
        if tuned in RELAID and chosen == ("cpu",):
            body = relaid(body)
        with x64(True):
            program = jax.export.export(jax.jit(body), platforms=chosen)(*self.values, *arrays)
        self.exported = Exported(type(function).__name__, signature, program, tuned)
        del self.trace, self.values, self.index, self.named, self.tensors

    def _body(self, *arrays: Any) -> list[Any]:
        """Run the captured program on the operands and the inputs."""
        shift = {"operand": 0, "input": len(self.operands)}
        values = [
            what if kind == "constant" else arrays[shift[kind] + what] for kind, what in self.index
        ]
        return jaxpr_as_fun(ClosedJaxpr(self.trace.closed.jaxpr, values))()

    def _source(self, const: Any) -> Source:
        """Return what a constant of the trace is: an operand, an input, or itself."""
        kind, what = self.trace.origin(const)
        if kind == "arg":
            return "input", what
        if kind == "cell":
            name = self.named.get(what) or self._unnamed(what, const)
        elif const.size * const.dtype.itemsize <= _SMALL:
            return "constant", const
        else:
            name = self._constant(const)
        if name in self.operands:
            return "operand", self.operands.index(name)
        self.operands.append(name)
        self.values.append(const)
        return "operand", len(self.operands) - 1

    def _unnamed(self, cell: Any, array: Any) -> str:
        for name, tensor in self.tensors.items():
            if tensor._storage is cell:
                raise UnsupportedError(
                    f"a view as a tensor of an exported module ({name})",
                    f"Give it memory of its own: {name}.data = {name}.data.clone().",
                )
        return self._constant(array)

    def _constant(self, array: Any) -> str:
        name = f"_constant_{len(self.constants)}"
        self.constants[name] = make(array)
        return name

    def _given(self, place: int, leaf: Any) -> Source:
        if place in self.trace.places:
            return "input", self.trace.places.index(place)
        if isinstance(leaf, Tensor):
            raise UnsupportedError("the same tensor twice among exported arguments", "Clone it.")
        return "value", self._fixed(leaf)

    def _returned(self, kind: str, what: Any) -> Source:
        if kind == "made":
            return "output", what
        if kind == "array":
            return "array", len(self.trace.templates) + what
        if kind == "arg":
            return self._given(what, None)
        if isinstance(what, Tensor):
            self.returned.append(self.named.get(what._storage) or self._constant(what._array))
            return "tensor", self.returned[-1]
        return "value", self._fixed(what)

    def _fixed(self, value: Any) -> Any:
        if isinstance(value, SCALARS):
            return value
        raise UnsupportedError(
            f"{type(value).__name__} among the arguments or results of an exported program",
            "Use tensors, numbers, strings and None.",
        )


def _trace(function: Callable[..., Any], flat: Opened, fixed: Sequence[int]) -> Trace:
    try:
        with recording(False):
            return Trace(function, flat, fixed, True, "torch.export")
    except GraphBreak as stop:
        lines = [f"torch.export: {stop.reason}", f"  at {stop.at}" if stop.at else ""]
        lines.append(f"  Instead: {stop.instead}" if stop.instead else "")
        raise Unsupported("\n".join(filter(None, lines))) from None


def _refuse_effects(trace: Trace) -> None:
    """Raise unless the program is pure; the generators are put back."""
    recorder = trace.recorder
    if trace.draws:
        recorder.undo()
        raise UnsupportedError(
            "random numbers in an exported program", "Call module.eval(), or pass them in."
        )
    written = bool(recorder.writes or trace.written_arguments or trace.grads)
    names = [getattr(slot, "label", ".grad of a tensor") for slot, _, _ in trace.changed]
    if written or names or recorder.optimizers or recorder.after:
        what = f" ({', '.join(names)})" if names else ""
        raise UnsupportedError(
            f"writing to tensors or attributes{what} in an exported program",
            "Call module.eval() (batch normalization writes its statistics in training), or return "
            "the new values.",
        )
