"""One captured program: traced once, called many times.

A call gathers what the program reads (tensors found where the trace found them, arguments, random
numbers, hyper-parameters), runs one compiled function, and puts what came out where it belongs.
"""

import math
import sys
from collections.abc import Sequence
from itertools import accumulate
from operator import attrgetter
from time import perf_counter
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from ...._core.counters import counters
from ...._core.execute import compile, x64
from ...._core.xla.options import tuning
from ....transforms._explain import Facts, facts_of
from ..tensor import Tensor
from .grads import HELD_BY_LIST, Grads, pack
from .guards import ModuleGuards, SlotGuards
from .joint import Halves
from .node import begin
from .recorder import as_numbers
from .tracing import Trace

_storage_of = attrgetter("_storage")
_requires_grad_of = attrgetter("_requires_grad")

_UNSHARED = HELD_BY_LIST + 1
"""The count of references to an array that only its storage and one list hold."""


class Stale(BaseException):
    """The compiled function was about to be traced again: shapes changed that no guard knows."""


class Program:
    """A captured function for arguments of one structure.

    Attributes:
        trace: what the capture found out.
        donated: how many of the cells' arrays the program may overwrite.
    """

    def __init__(self, trace: Trace, start: float) -> None:
        """Make the program of a trace that began at ``start`` (``perf_counter``)."""
        self.trace = trace
        self.tracing_s = perf_counter() - start
        self.compiling_s = 0.0
        self.avals: Any = None
        recorder, closed = trace.recorder, trace.closed
        self.tensors, self.grad_of, loose = trace.owners()
        written = {cell for cell in recorder.writes if cell in recorder.cells}
        self.joint = bool(trace.cotangents)
        if self.joint:
            written = set()
        # Where no optimizer steps, somebody outside is about to read the gradients.
        quiet = bool(recorder.optimizers) and not (self.joint or self.grad_of)
        self.grads = Grads(trace, pack=quiet)
        self._arrange(written, loose)
        self.known = [t._storage for t in self.tensors]
        self.flags = list(map(_requires_grad_of, self.tensors))
        self.slots = SlotGuards(trace.guarded(), trace.reach.contents.values())
        self.modules = ModuleGuards(
            trace.modules(), self.tensors, trace.reach.names, trace.changed_attributes()
        )
        self.holds = recorder.holds
        self.grads_read = [
            (g.tensor, trace.argument_place(g.tensor), g.entry is None)
            for g in recorder.grads.values()
            if g.read
        ]
        self.written_set = set(recorder.writes)
        self.asks = recorder.asks
        self._compile(closed)
        self.first = True
        trace.forget()

    # --- building ---------------------------------------------------------------------------------

    def _arrange(self, written: set[Any], loose: list[Any]) -> None:
        """Number the cells, those that may be overwritten first, and what each constant is."""
        trace = self.trace
        cells = [t._storage for t in self.tensors]
        cells += [t._grad._storage for t in self.grad_of]  # type: ignore[union-attr]
        cells += loose
        self.loose = loose
        order = sorted(range(len(cells)), key=lambda i: cells[i] not in written)
        self.order = order
        self.donated = sum(c in written for c in cells)
        place_of = {cells[i]: place for place, i in enumerate(order)}
        self.index: list[tuple[str, Any]] = []
        self.constants: list[Any] = []
        self.number_dtypes: dict[int, Any] = {}
        for const in trace.closed.consts:
            kind, what = trace.origin(const)
            if kind == "cell":
                place = place_of[what]
                given = place < self.donated
                self.index.append(("donated", place) if given else ("kept", place - self.donated))
            elif kind == "constant":
                self.index.append((kind, len(self.constants)))
                self.constants.append(const)
            else:
                self.index.append((kind, what))
                if kind == "number":
                    self.number_dtypes[what] = const.dtype
        self._order_outputs([cells[i] for i in order[: self.donated]])

    def _order_outputs(self, donated: list[Any]) -> None:
        """Let the new values of donated cells come first, in the order of the old ones.

        JAX gives the memory of the first donated array to the first output of the same shape. Where
        that is another one, such as a gradient, XLA has to copy the array that is still needed.
        """
        trace = self.trace
        start = len(trace.templates) + trace.arrays
        place_of = {cell: start + i for i, cell in enumerate(trace.recorder.writes)}
        first = [place_of[cell] for cell in donated]
        count = len(trace.closed.jaxpr.outvars) - trace.gradients
        places = self.grads.place_of
        done = {*first, *self.grads.packed}
        self.out_order = [*first, *(i for i in range(count) if i not in done)]
        self.templates = [
            (i, places[i], t) for i, t in self.grads.others.items() if i not in trace.sharing
        ]
        self.others_written = [c for c in trace.recorder.writes if c not in set(donated)]
        # where, behind the donated cells, tensors, plain arrays and the other cells end
        self.ends = list(accumulate((len(places), trace.arrays, len(self.others_written))))

    def _compile(self, closed: Any) -> None:
        index, constants = self.index, self.constants
        self.traced = 0
        tuned = tuning(closed.jaxpr)
        if not self.joint:
            whole = closed.jaxpr

            def body(values: list[Any]) -> list[Any]:
                found = jaxpr_as_fun(ClosedJaxpr(whole, values))()
                small = [found[i] for i in self.grads.packed]
                return [found[i] for i in self.out_order] + ([pack(small)] if small else [])

        else:
            self.halves = Halves(
                closed.jaxpr,
                len(closed.jaxpr.outvars) - self.trace.gradients,
                [i for i, (kind, _) in enumerate(index) if kind == "cotangent"],
            )
            body = lambda values: self.halves.forward(*values)  # noqa: E731
            self.backward = compile(
                lambda residuals, given: self.halves.backward(*residuals, *given), tuned
            )

        def run(donated: Any, kept: Any, arrays: Any, draws: Any, numbers: Any) -> list[Any]:
            self.traced += 1
            if self.traced > 1:
                raise Stale
            given: dict[str, Any] = {
                "donated": donated,
                "kept": kept,
                "arg": arrays,
                "draw": draws,
                "number": {i: numbers[i].astype(d) for i, d in self.number_dtypes.items()},
                "constant": constants,
            }
            return body([given[kind][i] for kind, i in index if kind in given])

        run.__name__ = self.trace.name
        self.run = compile(run, tuned, donate_argnums=(0,))

    # --- calling ----------------------------------------------------------------------------------

    def broken(self, leaves: Sequence[Any]) -> str:
        """Return which guard does not hold any more, in words, or ""."""
        for what, test in self.holds:
            if not test():
                return what
        found = self.modules.broken() or self.slots.broken()
        if found:
            return found
        tensors = self.trace.rebind(self.tensors)
        if isinstance(tensors, str):
            return tensors
        self.tensors = tensors
        known = list(map(_storage_of, tensors))
        if known != self.known:
            for tensor, old in zip(tensors, self.known, strict=True):
                if tensor._storage is not old and (
                    tensor._chain or tensor._storage.content().shape != old.content().shape
                ):
                    return "the data of a captured tensor was replaced by another shape"
            self.known = known
        if list(map(_requires_grad_of, tensors)) != self.flags:
            return "requires_grad of a captured tensor"
        for tensor, place, was_none in self.grads_read:
            tensor = tensor if place is None else leaves[place]
            if (tensor._grad is None) is not was_none:
                return f".grad of a parameter is {'set' if was_none else 'None'} now"
        if self.written_set and any(
            leaf._storage in self.written_set for leaf in leaves if isinstance(leaf, Tensor)
        ):
            return "an argument shares memory with a tensor that the function writes to"
        return ""

    def __call__(self, leaves: Sequence[Any]) -> Any:
        """Run on the leaves of the arguments. The guards hold."""
        trace = self.trace
        storages = [
            *self.known,
            *(t._grad._storage for t in self.grad_of),  # type: ignore[union-attr]
            *self.loose,
        ]
        storages = [storages[i] for i in self.order]
        values = [s.array for s in storages]
        if _NOTHING in set(map(type, values)):
            values = [s.content() for s in storages]
        donated, kept = values[: self.donated], values[self.donated :]
        values = []
        if donated and max(map(sys.getrefcount, donated)) > _UNSHARED:
            donated = _unshared(donated)
        arrays = [
            leaf._array if isinstance(leaf, Tensor) else leaf
            for leaf in map(leaves.__getitem__, trace.places)
        ]
        if self.first:
            self.first = False
            draws, numbers = trace.first_draws, as_numbers(trace.first_numbers)
            trace.first_draws = []
        else:
            draws = [draw() for draw in trace.draws]
            floats = [leaves[place] for place in trace.floats]
            for again in self.asks:
                floats += again()
            numbers = as_numbers(floats)
        with x64(True):
            if self.avals is None:
                out = self._run_first(donated, kept, arrays, draws, numbers)
            else:
                out = self.run(donated, kept, arrays, draws, numbers)
        return self._deliver(out, storages, leaves)

    def _run_first(self, *operands: Any) -> list[Any]:
        """Compile and run, and remember what explanations need."""
        self.avals = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), operands)
        before = counters.compiling_s + counters.lowering_s + counters.loading_s
        out = self.run(*operands)
        self.compiling_s = counters.compiling_s + counters.lowering_s + counters.loading_s - before
        self.outputs = len(out)
        return out

    def lowered(self) -> Any:
        """Return the program as ``jax.jit(...).lower`` does."""
        self.traced = 0
        with x64(True):
            return self.run.lower(*self.avals)  # type: ignore[attr-defined]

    def facts(self) -> Facts:
        """Return what is known of the program; XLA's estimates cost a compilation."""
        donated, kept, arrays, draws, numbers = self.avals
        return facts_of(
            self.lowered(),
            arguments=len(arrays),
            lifted={
                "tensors": len(donated) + len(kept),
                "random draws": len(draws),
                "numbers": numbers.shape[0],
            },
            donated=len(donated),
            donated_bytes=sum(math.prod(a.shape) * a.dtype.itemsize for a in donated),
            outputs=self.outputs,
            tracing_s=self.tracing_s,
            compiling_s=self.compiling_s,
        )

    def _deliver(self, out: list[Any], storages: list[Any], leaves: Sequence[Any]) -> Any:
        """Write what the program wrote, and return what it returned."""
        trace = self.trace
        flat = out.pop() if self.grads.packed else None
        donated, out = out[: self.donated], out[self.donated :]
        tensors, arrays_end, start = self.ends
        written = donated + out[arrays_end:start]
        for value, cell in zip(
            written, storages[: self.donated] + self.others_written, strict=True
        ):
            if cell.buffer is None:  # what `Storage.write` does, where there are hundreds
                cell.array = value
                cell.version += 1
            else:
                cell.write(value)
        made = {name: template.make(out[place]) for name, place, template in self.templates}
        for name, first in trace.sharing.items():
            made[name] = trace.templates[name].around(made[first]._storage)
        self.grads.put(out, flat)
        arrays = out[tensors:arrays_end]
        for value, place in zip(out[start:], trace.written_arguments, strict=False):
            leaves[place]._write(value)
        start += len(trace.written_arguments)
        if trace.differentiable:
            begin(self, made, out[start:], leaves)
        result = trace.tree.build(made, arrays, leaves)
        trace.effects(made, leaves)
        return result


_NOTHING = type(None)


def _unshared(arrays: list[Any]) -> list[Any]:
    """Return the arrays, copied where somebody else still holds one: it would be overwritten."""
    count = sys.getrefcount
    # here two lists (and the loop's name) hold each: one more than where the limit was measured
    return [jax.numpy.array(a, copy=True) if count(a) > _UNSHARED + 1 else a for a in arrays]
