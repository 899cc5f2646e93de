"""``torch.nn``: modules, parameters, losses, initial weights and utilities."""

from __future__ import annotations

from . import functional, init, modules, parameter, utils
from .modules import *
from .parameter import (
    Buffer as Buffer,
)
from .parameter import (
    Parameter as Parameter,
)
from .parameter import (
    UninitializedBuffer as UninitializedBuffer,
)
from .parameter import (
    UninitializedParameter as UninitializedParameter,
)

__all__ = [
    *modules.__all__,
    *("Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter"),
    *("functional", "init", "modules", "parameter", "utils"),
]
