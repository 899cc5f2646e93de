"""The choke point: how a pure function becomes a compiled XLA program, and how it is called.

Everything that runs on the engine goes through :func:`compile` and :func:`x64`, so that compiler
options, the 64-bit scope and the count of compilations live in one place.  Importing this file
leaves ``jax.config`` untouched: 64-bit types are switched on by a scope around each call.  Floor 0.
"""

from collections.abc import Callable
from typing import Any

import jax

# XLA:CPU's YNN fusion makes convolutions several times slower (DESIGN.md 9).  The option is
# unknown to other backends, and a program that runs on one must not carry it.
CPU_OPTIONS: dict[str, Any] = {"xla_cpu_experimental_ynn_fusion_type": ""}

x64 = jax.enable_x64
"""``with x64(True):`` lets int64 and float64 exist for the calls inside (about 1 us)."""


class Compilations:
    """Counts XLA compilations, for tests and ``fl.stats()``: a trace of a program's body is one."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


compilations = Compilations()


def compile(fun: Callable[..., Any], **options: Any) -> Callable[..., Any]:  # noqa: A001
    """Return ``fun`` as a cached XLA program; inside another trace it is inlined.

    Each new combination of shapes and dtypes adds one to ``compilations.count``.  ``options`` go to
    ``jax.jit`` (``donate_argnums``, ``static_argnums``).
    """

    def counted(*args: Any) -> Any:
        compilations.count += 1
        return fun(*args)

    counted.__name__ = getattr(fun, "__name__", "program")
    return jax.jit(counted, inline=True, compiler_options=_options(), **options)


_backend_options: dict[str, Any] | None = None


def _options() -> dict[str, Any] | None:
    """Return the compiler options of the default backend (asked for once, at first use)."""
    global _backend_options
    if _backend_options is None:
        _backend_options = CPU_OPTIONS if jax.default_backend() == "cpu" else {}
    return _backend_options or None
