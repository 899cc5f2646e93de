"""What a program would not repeat: printing, logging, Python's and NumPy's random numbers."""

import logging
import random
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...._core import dtype as dt
from ..grad_mode import mode
from .breaks import GraphBreak


class _Refusing:
    """Stands for ``sys.stdout`` while a function is captured: it would print at each call."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.thread = stream, threading.get_ident()

    def write(self, text: str) -> int:
        if threading.get_ident() == self.thread:
            raise GraphBreak("something is printed", "print outside of the compiled function.")
        return self.stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def quiet(pure: bool) -> Iterator[None]:
    """Break the graph for what a program would not repeat: printing, Python's random numbers."""
    if pure:
        yield
        return
    stream, sys.stdout = sys.stdout, _Refusing(sys.stdout)  # type: ignore[assignment]
    thread, records = threading.get_ident(), logging.getLogRecordFactory()

    def refuse(*args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() == thread:
            raise GraphBreak("something is logged", "log outside of the compiled function.")
        return records(*args, **kwargs)

    logging.setLogRecordFactory(refuse)
    modes = mode.grad, mode.inference, dt._default
    before, numpys = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        sys.stdout = stream
        logging.setLogRecordFactory(records)
    if modes != (mode.grad, mode.inference, dt._default):
        mode.grad, mode.inference, dt._default = modes
        raise GraphBreak("the grad mode or the default dtype is switched for good")
    if before != random.getstate() or not _same_state(numpys, np.random.get_state()):
        random.setstate(before)
        np.random.set_state(numpys)
        raise GraphBreak(
            "random numbers of Python or NumPy are drawn", "draw with torch, or pass them in."
        )


def _same_state(a: Any, b: Any) -> bool:
    return a[2:] == b[2:] and np.array_equal(a[1], b[1])
