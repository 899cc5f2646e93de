"""Errors that point at the user's line: what went wrong, where, and what to write instead.

Floor 4; used by every transform, and by the shim for what only a transform forbids.
"""

import linecache
import os
import sys
from types import FrameType

import jax
import numpy as np


def _folder(file: str | None) -> str:
    return os.path.dirname(os.path.abspath(str(file))) + os.sep


_LIBRARIES = (
    os.path.dirname(_folder(__file__)[:-1]) + os.sep,
    *map(_folder, (jax.__file__, np.__file__)),
)
_STANDARD = _folder(os.__file__)


def place() -> str:
    """Return the innermost line of user code that is running, as ``file:line, in name: text``.

    Empty where there is none (an interactive session without source still names the function).
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        filename = frame.f_code.co_filename
        if not is_library(filename):
            text = linecache.getline(filename, frame.f_lineno).strip()
            shown = f"{filename}:{frame.f_lineno}, in {frame.f_code.co_name}"
            return f"{shown}: {text}" if text else shown
        frame = frame.f_back
    return ""


def is_library(filename: str) -> bool:
    """Return True for a file of this package, JAX, NumPy or the standard library."""
    if filename.startswith("<"):
        return filename.startswith(("<frozen", "<functorch_lite", "<string>"))
    full = os.path.abspath(filename)
    return full.startswith(_LIBRARIES) or (
        full.startswith(_STANDARD) and "site-packages" not in full
    )


def explained(kind: type[Exception], message: str, instead: str = "", at: str = "") -> Exception:
    """Return an error of type ``kind``: PyTorch's ``message``, then the place and the remedy."""
    lines = [message]
    at = at or place()
    if at:
        lines.append(f"  at {at}")
    if instead:
        lines.append(f"  Instead: {instead}")
    return kind("\n".join(lines))
