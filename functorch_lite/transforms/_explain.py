"""``explain``: what a compiled function became, what it cost, why it was compiled again. Floor 4.

A compiled function has ``facts()``, one record a program, and ``events``, what happened to it. JAX
knows the costs of a program only once it is compiled, so asking for them compiles it once more.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax

from ._compiled import jit
from ._world import opened, world_of, worlds


@dataclass(frozen=True)
class Event:
    """Something that made a compiled function be traced, or not be.

    Attributes:
        kind: "capture", "recompile" or "graph break".
        reason: the argument, attribute or line that made it so, with old and new value.
        at: the user's line, as ``file:line, in name: text``, or "".
    """

    kind: str
    reason: str
    at: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}" + (f"\n    at {self.at}" if self.at else "")


@dataclass(frozen=True)
class Facts:
    """One program of a compiled function.

    Attributes:
        arguments: how many arrays are passed by the caller.
        lifted: names or counts of what is read from outside: tensors, random draws, numbers.
        donated: how many of those arrays the program overwrites.
        donated_bytes: their size.
        outputs: how many arrays come out.
        tracing_s, compiling_s: seconds spent on it when it was made (compiling: at the first call).
        flops, bytes_accessed, temporary_bytes: XLA's own estimates; -1 where it gives none.
    """

    arguments: int
    lifted: dict[str, int] = field(default_factory=dict)
    donated: int = 0
    donated_bytes: int = 0
    outputs: int = 0
    tracing_s: float = 0.0
    compiling_s: float = 0.0
    flops: float = -1.0
    bytes_accessed: float = -1.0
    temporary_bytes: int = -1

    def __str__(self) -> str:
        lifted = ", ".join(f"{count} {what}" for what, count in self.lifted.items() if count)
        return "\n".join(
            [
                f"arguments {self.arguments}; lifted {lifted or 'nothing'}; outputs {self.outputs}",
                f"donated {self.donated} ({_size(self.donated_bytes)})",
                f"traced in {self.tracing_s:.2f} s, compiled in {self.compiling_s:.2f} s",
                f"{_count(self.flops)}FLOP, {_size(self.bytes_accessed)} moved, "
                f"{_size(self.temporary_bytes)} of temporaries",
            ]
        )


@dataclass(frozen=True)
class Explanation:
    """What is known of a compiled function: its programs and what happened to it.

    ``print`` it for a summary.
    """

    name: str
    programs: tuple[Facts, ...]
    events: tuple[Event, ...]

    @property
    def graph_breaks(self) -> tuple[Event, ...]:
        """The events that made the function run eagerly."""
        return tuple(e for e in self.events if e.kind == "graph break")

    @property
    def recompilations(self) -> tuple[Event, ...]:
        """The events that made another program of arguments like those of an earlier one."""
        return tuple(e for e in self.events if e.kind == "recompile")

    def __str__(self) -> str:
        lines = [
            f"{self.name}: {len(self.programs)} program(s), {len(self.recompilations)} "
            f"recompilation(s), {len(self.graph_breaks)} graph break(s)"
        ]
        for number, program in enumerate(self.programs):
            lines += [f"program {number}", *("  " + line for line in str(program).split("\n"))]
        return "\n".join([*lines, *map(str, self.events)])


def explain(func: Callable[..., Any]) -> Callable[..., Explanation]:
    """Return a function that calls ``func``, compiled, and returns an :class:`Explanation` of it.

    Args:
        func: a function of arrays or tensors, or one that ``jit`` or ``torch.compile`` made.

    >>> print(explain(lambda x: x * 2)(jax.numpy.ones(3)).programs[0].arguments)
    1
    """

    @functools.wraps(func)
    def explained(*args: Any, **kwargs: Any) -> Explanation:
        compiled: Any = func
        if not hasattr(func, "explanation") and not hasattr(func, "captured"):
            compiled = jit(func)
        if hasattr(compiled, "captured") and (
            world_of(args, kwargs)[1] or worlds.boxed.refers(func)
        ):
            compiled = compiled.captured()
        if not hasattr(compiled, "explanation"):
            return _of_arrays(compiled, args, kwargs)
        compiled(*args, **kwargs)
        return compiled.explanation()

    return explained


def _of_arrays(compiled: Any, args: tuple, kwargs: dict[str, Any]) -> Explanation:
    """Explain a compiled function of plain arrays."""
    lowered = compiled.lower(*args, **kwargs)
    outputs = len(jax.tree.leaves(lowered.out_info))
    facts = facts_of(lowered, arguments=len(opened((args, kwargs)).leaves), outputs=outputs)
    return Explanation(compiled.__name__, (facts,), ())


def facts_of(lowered: Any, **known: Any) -> Facts:
    """Return the facts of a lowered program, with XLA's estimates."""
    compiled = lowered.compile()
    costs = compiled.cost_analysis() or {}
    memory = compiled.memory_analysis()
    return Facts(
        flops=float(costs.get("flops", -1.0)),
        bytes_accessed=float(costs.get("bytes accessed", -1.0)),
        temporary_bytes=int(getattr(memory, "temp_size_in_bytes", -1)),
        **known,
    )


def _size(count: float) -> str:
    return "? B" if count < 0 else f"{_count(count)}B"


def _count(count: float) -> str:
    if count < 0:
        return "? "
    for unit in ("", "k", "M", "G", "T"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} P"
