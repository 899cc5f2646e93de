"""From a traced program to a list of steps on NumPy arrays, and running it.

Calls inside the program are written out, equations that no result needs are left out (the forward
pass in most backward programs), and the work is counted in elements.  Floor 0.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jax.extend.core import ClosedJaxpr, Literal, Var

from . import elementwise, indexing, reductions, shapes  # noqa: F401  (they fill RULES)
from .rules import DTYPES, RULES, Run, Unsupported

# Calls that are written out, and the parameter that holds the program called.
INLINED = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_call": "call_jaxpr",
    "remat2": "jaxpr",
    "checkpoint": "jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
}
# What an element costs, where it is far from one addition.
WEIGHTS = {"sort": 16, "erf": 100, "erfc": 100, "gather": 8} | dict.fromkeys(
    ("scatter", "scatter-add", "scatter-mul", "scatter-min", "scatter-max"), 32
)
TRANSCENDENTAL_WEIGHT = 8
STEP_WORK = 10_000
"""What a step of a loop costs beside its arithmetic."""
PRODUCTS_PER_ELEMENT = 16
"""Multiply-adds of a matrix product that take as long as one element-wise addition."""


class Plan:
    """A program as steps; call :meth:`run` with NumPy arrays in the order of its inputs.

    Attributes:
        work: elements computed by one run, the measure of its cost.
        inputs: the dtypes of its operands.
    """

    __slots__ = ("_constants", "_outputs", "_size", "_steps", "inputs", "work")

    def __init__(self, closed: ClosedJaxpr) -> None:
        """Translate a program; Unsupported if a part of it has no rule."""
        writer = _Writer()
        jaxpr = closed.jaxpr
        if jaxpr.effects:
            raise Unsupported("effects")
        self.inputs = [v.aval.dtype for v in jaxpr.invars]
        found = writer.write(closed, [writer.slot(v) for v in jaxpr.invars])
        steps = _needed(writer.steps, found)
        self.work = sum(step[3] for step in steps)
        self._steps = [(run, ins, outs) for run, ins, outs, _ in steps]
        self._constants = writer.constants
        self._size = writer.count
        self._outputs = [(slot, v.aval.dtype) for slot, v in zip(found, jaxpr.outvars, strict=True)]

    def run(self, arrays: Sequence[Any]) -> list[np.ndarray]:
        """Return the results; none shares memory with an operand that is read-only."""
        values: list[Any] = [*arrays, *[None] * (self._size - len(arrays))]
        for slot, constant in self._constants:
            values[slot] = constant
        with np.errstate(all="ignore"):
            for run, ins, outs in self._steps:
                out = run(*[values[i] for i in ins])
                if type(outs) is int:
                    values[outs] = out
                else:
                    for slot, value in zip(outs, out, strict=True):
                        values[slot] = value
        return [_own(values[slot], dtype) for slot, dtype in self._outputs]


def _own(value: Any, dtype: np.dtype) -> np.ndarray:
    """Return a result in memory of its own: operands and constants are read-only, views borrow."""
    array = np.asarray(value, dtype)
    flags = array.flags
    return array if flags.owndata and flags.writeable else np.array(array, order="C")


def _needed(steps: list[tuple], outputs: list[int]) -> list[tuple]:
    """Return the steps that the outputs depend on, in order."""
    wanted, kept = set(outputs), []
    for step in reversed(steps):
        outs = step[2] if type(step[2]) is tuple else (step[2],)
        if not wanted.isdisjoint(outs):
            wanted.update(step[1])
            kept.append(step)
    return kept[::-1]


class _Writer:
    """Writes equations down as steps ``(run, input slots, output slot or slots, work)``."""

    def __init__(self) -> None:
        self.steps: list[tuple] = []
        self.constants: list[tuple[int, np.ndarray]] = []
        self.count = 0

    def slot(self, variable: Any) -> int:
        """Return a fresh slot for a variable whose dtype has rules."""
        if getattr(variable.aval, "dtype", None) not in DTYPES:
            raise Unsupported(str(variable.aval))
        self.count += 1
        return self.count - 1

    def constant(self, value: Any, variable: Any) -> int:
        slot, array = self.slot(variable), np.array(value, variable.aval.dtype)
        array.flags.writeable = False
        self.constants.append((slot, array))
        return slot

    def write(self, program: Any, inputs: Sequence[int]) -> list[int]:
        """Write a program with its inputs in given slots; return the slots of its outputs."""
        closed = isinstance(program, ClosedJaxpr)
        jaxpr = program.jaxpr if closed else program
        places: dict[Var, int] = dict(zip(jaxpr.invars, inputs, strict=True))
        for variable, value in zip(jaxpr.constvars, program.consts if closed else (), strict=True):
            places[variable] = self.constant(value, variable)

        def place(atom: Any) -> int:
            if isinstance(atom, Literal):
                return self.constant(atom.val, atom)
            return places[atom]

        for equation in jaxpr.eqns:
            ins = tuple(map(place, equation.invars))
            outs = self.equation(equation, ins)
            places.update(zip(equation.outvars, outs, strict=True))
        return list(map(place, jaxpr.outvars))

    def equation(self, equation: Any, ins: tuple[int, ...]) -> Sequence[int]:
        """Write one equation and return the slots of its results."""
        name = equation.primitive.name
        if name in INLINED:
            return self.write(equation.params[INLINED[name]], ins)
        outs = tuple(map(self.slot, equation.outvars))
        if name == "cond":
            run, work = _branches(equation)
        elif name == "scan":
            run, work = _repeated(equation)
        elif name in RULES:
            run, work = RULES[name](equation), _work(equation)
        else:
            raise Unsupported(name)
        single = not equation.primitive.multiple_results
        self.steps.append((run, ins, outs[0] if single else outs, work))
        return outs


def _branches(equation: Any) -> tuple[Run, int]:
    """Return ``cond`` as a function, and the work of its longest branch."""
    plans = [Plan(branch) for branch in equation.params["branches"]]

    def run(which: Any, *operands: Any) -> list:
        return plans[min(max(int(which), 0), len(plans) - 1)].run(operands)

    return run, max(plan.work for plan in plans)


def _repeated(equation: Any) -> tuple[Run, int]:
    """Return ``scan`` as a function, and its work."""
    params = equation.params
    plan, length = Plan(params["jaxpr"]), params["length"]
    constants, carried = params["num_consts"], params["num_carry"]
    order = range(length)[::-1] if params["reverse"] else range(length)
    stacked = [v.aval for v in equation.outvars[carried:]]

    def run(*operands: Any) -> list:
        fixed, carry = operands[:constants], list(operands[constants:][:carried])
        rows = [np.empty(a.shape, a.dtype) for a in stacked]
        for i in order:
            out = plan.run([*fixed, *carry, *(x[i] for x in operands[constants + carried :])])
            carry = out[:carried]
            for row, value in zip(rows, out[carried:], strict=True):
                row[i] = value
        return [*carry, *rows]

    return run, length * (plan.work + STEP_WORK)


def _work(equation: Any) -> int:
    """Return what an equation costs, in elements of an addition."""
    name = equation.primitive.name
    elements = max(v.aval.size for v in (*equation.invars, *equation.outvars))
    if name == "dot_general":
        (left, _), _ = equation.params["dimension_numbers"]
        shape = equation.invars[0].aval.shape
        inner = int(np.prod([shape[d] for d in left], dtype=np.int64))
        return elements + equation.outvars[0].aval.size * inner // PRODUCTS_PER_ELEMENT
    if name in elementwise.WIDE:
        return elements * WEIGHTS.get(name, TRANSCENDENTAL_WEIGHT)
    return elements * WEIGHTS.get(name, 1)


def make(closed: ClosedJaxpr) -> Plan | None:
    """Return the plan of a traced program, or None if NumPy has no rule for a part of it."""
    try:
        return Plan(closed)
    except Unsupported:
        return None
