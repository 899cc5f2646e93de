"""PyTorch's operators as pure functions on arrays.  Importing this package fills ``OPS``."""

import importlib
import pkgutil

from ._registry import OPS as OPS

# Each public file below this folder is a family that declares its ops as it is imported.
for _family in pkgutil.walk_packages(__path__, f"{__name__}."):
    if not _family.name.rpartition(".")[2].startswith("_"):
        importlib.import_module(_family.name)
