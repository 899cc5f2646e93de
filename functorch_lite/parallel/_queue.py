"""One collective program at a time: why queued programs cannot deadlock here.

XLA runs a program on N virtual CPU devices with N threads that wait for each other in every
collective.  Several such programs in flight share the threads: half of the devices wait in one
program, half in the next, and after 40 seconds XLA aborts the process (DESIGN.md 9; 2,000 queued
steps on 8 devices did so each time).  Therefore every program of this package that runs on several
CPU devices goes through :func:`one_at_a_time`, whichever thread calls it.  Accelerators have queues
of their own and are left alone.  Floor 5.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from threading import RLock
from typing import Any

import jax

from .._core.execute import Device

_turn = RLock()  # reentrant: tracing one program may call another


def one_at_a_time(
    program: Callable[..., Any], devices: Sequence[Device] | None = None
) -> Callable[..., Any]:
    """Return ``program`` so that a call waits for its result before another may start.

    On one device, or on accelerators, the program itself is returned.  Use it for a ``jax.jit`` of
    your own that runs on several CPU devices and is called in a loop::

        step = fl.parallel.one_at_a_time(jax.jit(jax.shard_map(...)))

    Args:
        program: a function of arrays; under a JAX trace the call does not wait.
        devices: those that the program runs on; all of this process if None.
    """
    devices = jax.local_devices() if devices is None else devices
    if len(devices) < 2 or devices[0].platform != "cpu":
        return program

    @wraps(program)
    def alone(*args: Any, **kwargs: Any) -> Any:
        with _turn:
            return jax.block_until_ready(program(*args, **kwargs))

    return alone
