"""What the engine has done so far in this process, and how long it took: ``fl.stats()``.

Every part of the engine adds to the one record ``counters``.  Compiling, lowering and loading are
told by JAX's own events, so they include other JAX code of the process.  Floor 0.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from time import perf_counter

import jax.monitoring


@dataclass(slots=True)
class Counters:
    """Counts and seconds since the process began.

    Attributes:
        compilations: programs of ours that XLA compiled or loaded from disk.
        cache_hits: programs that JAX found in the cache on disk.
        cache_misses: programs that JAX compiled and put there.
        numpy_calls: calls of cold programs that ran on NumPy.
        promotions: programs that were called often enough at one shape to be compiled.
        captures: functions of tensors that became programs (``torch.compile``, ``fl.jit``).
        recompilations: captures for arguments like those of an earlier one.
        graph_breaks: functions that ``torch.compile`` runs eagerly.
        tracing_s: seconds spent running Python functions to see what they compute.
        lowering_s: seconds spent writing what was traced as MLIR.
        compiling_s: seconds spent in XLA's compiler.
        loading_s: seconds spent reading compiled programs from disk.
    """

    compilations: int = 0
    cache_hits: int = 0
    cache_misses: int = 0
    numpy_calls: int = 0
    promotions: int = 0
    captures: int = 0
    recompilations: int = 0
    graph_breaks: int = 0
    tracing_s: float = 0.0
    lowering_s: float = 0.0
    compiling_s: float = 0.0
    loading_s: float = 0.0

    def __str__(self) -> str:
        """Return a line for each count."""
        lines = []
        for field in fields(self):
            value = getattr(self, field.name)
            shown = f"{value:.3f}" if isinstance(value, float) else str(value)
            lines.append(f"{field.name:>14}  {shown}")
        return "\n".join(lines)


counters = Counters()
_depth = 0


@contextmanager
def tracing() -> Iterator[None]:
    """Add the time spent inside to ``tracing_s``; a trace within a trace is not counted twice."""
    global _depth
    _depth += 1
    start = perf_counter()
    try:
        yield
    finally:
        _depth -= 1
        if not _depth:
            counters.tracing_s += perf_counter() - start


def stats() -> Counters:
    """Return a copy of the counts of this process: compilations, seconds spent on them, and so on.

    >>> import functorch_lite as fl
    >>> fl.stats().compilations >= 0
    True
    """
    return Counters(**{field.name: getattr(counters, field.name) for field in fields(counters)})


def _on_duration(event: str, duration_secs: float, **_: str | int) -> None:
    if event == "/jax/core/compile/backend_compile_duration":
        counters.compiling_s += duration_secs
    elif event == "/jax/core/compile/jaxpr_to_mlir_module_duration":
        counters.lowering_s += duration_secs
    elif event == "/jax/compilation_cache/cache_retrieval_time_sec":
        counters.loading_s += duration_secs
        counters.compiling_s -= duration_secs  # JAX counts it there too


def _on_event(event: str, **_: str | int) -> None:
    if event == "/jax/compilation_cache/cache_hits":
        counters.cache_hits += 1
    elif event == "/jax/compilation_cache/cache_misses":
        counters.cache_misses += 1


jax.monitoring.register_event_duration_secs_listener(_on_duration)
jax.monitoring.register_event_listener(_on_event)
