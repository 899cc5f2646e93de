"""The choke point: how a pure function becomes a compiled XLA program, and how it is called.

Everything that runs on the engine goes through :func:`compile` and :func:`x64`, so that compiler
options, the 64-bit scope and the count of compilations live in one place.  Importing this file
leaves ``jax.config`` untouched: 64-bit types are switched on by a scope around each call, and the
cache on disk is set up by the first compilation (``cache.py``).  It does set the process's
allocator (``xla/memory.py``).  Floor 0.
"""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
from jax.extend.core import get_opaque_trace_state

from . import cache
from .counters import counters, tracing
from .xla.layout import RELAID, relaid
from .xla.memory import keep_pages
from .xla.options import CPU_OPTIONS

keep_pages()

if TYPE_CHECKING:  # a type checker sees a variable in ``jax.Device``
    Device = Any
else:
    Device = jax.Device

x64 = jax.enable_x64
"""``with x64(True):`` lets int64 and float64 exist for the calls inside (about 1 us)."""


def compile(fun: Callable[..., Any], tuned: str = "", **options: Any) -> Callable[..., Any]:
    """Return ``fun`` as a cached XLA program; inside another trace it is inlined.

    Each new combination of shapes and dtypes adds one to ``counters.compilations``: a trace of the
    body is one.  Eager code, which may never meet the same shapes again, uses :func:`eager.eager`.

    Args:
        fun: a pure function of arrays.
        tuned: a key of ``CPU_OPTIONS``, or "" for XLA's defaults.
        options: for ``jax.jit`` (``donate_argnums``, ``static_argnums``).
    """

    @functools.wraps(fun)
    def counted(*args: Any, **kwargs: Any) -> Any:
        cache.begin()
        with tracing():
            traced = fun(*args, **kwargs)
        counters.compilations += 1
        return traced

    plain = jax.jit(counted, inline=True, **options)
    if not tuned or jax.default_backend() != "cpu":
        return plain
    laid = relaid(counted) if tuned in RELAID else counted
    at_top = jax.jit(laid, inline=True, compiler_options=CPU_OPTIONS[tuned], **options)

    def call(*args: Any, **kwargs: Any) -> Any:
        # JAX refuses compiler options inside another trace; asking where we are takes about 1 us.
        return (at_top if get_opaque_trace_state() == _TOP else plain)(*args, **kwargs)

    call.lower = at_top.lower  # type: ignore[attr-defined]
    return call


_TOP = get_opaque_trace_state()
