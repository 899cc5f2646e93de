"""PyTorch's operators as pure functions on arrays.  Importing this package fills ``OPS``."""

import importlib
import pkgutil

from ._registry import OPS as OPS

# Each public file of this folder is a family that declares its ops as it is imported.
for _family in pkgutil.iter_modules(__path__):
    if not _family.name.startswith("_"):
        importlib.import_module(f"{__name__}.{_family.name}")
