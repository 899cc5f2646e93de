"""``torch.serialization``: PyTorch's checkpoint files, read and written without PyTorch.

``_save`` has ``save`` and ``load``. ``_tensors`` is the only file that knows our tensors' insides;
``_names`` maps class names; ``_writer`` and ``_reader`` are the pickles; ``_safe_pickle`` is the
reader that executes nothing; the ``_*_format`` files are the containers; ``_locations`` puts
storages on devices.
"""

from ._safe_pickle import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals
from ._save import load, save

__all__ = [
    "add_safe_globals",
    "clear_safe_globals",
    "get_safe_globals",
    "load",
    "safe_globals",
    "save",
]
