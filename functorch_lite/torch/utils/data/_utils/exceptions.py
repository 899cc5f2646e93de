"""Carry an exception, with its traceback as text, from a worker process to the parent."""

from __future__ import annotations

import sys
import traceback
from typing import Any

__all__ = ["ExceptionWrapper", "KeyErrorMessage"]


class KeyErrorMessage(str):
    """A message whose ``repr`` is itself: ``KeyError`` shows the repr of its argument."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return the text without quotes."""
        return str(self)


class ExceptionWrapper:
    """An exception's type and formatted traceback; picklable, unlike a traceback."""

    def __init__(self, exc_info: Any = None, where: str = "in background") -> None:
        """Keep the exception in ``exc_info`` (default: the one being handled); say ``where``."""
        kind, value, trace = sys.exc_info() if exc_info is None else exc_info
        self.exc_type = kind
        self.exc_msg = "".join(traceback.format_exception(kind, value, trace))
        self.where = where

    def reraise(self) -> None:
        """Raise the same type with the worker's traceback in its message.

        Falls back to RuntimeError where the type cannot be made from one string.
        """
        kind: Any = self.exc_type
        message: str = f"Caught {kind.__name__} {self.where}.\nOriginal {self.exc_msg}"
        if kind is KeyError:
            message = KeyErrorMessage(message)
        elif getattr(kind, "message", None):
            raise kind(message=message)
        try:
            error = kind(message)
        except Exception:
            raise RuntimeError(message) from None
        raise error
