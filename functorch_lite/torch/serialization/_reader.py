"""Choose how a checkpoint's pickles are read: safely, or by ``pickle`` with all that it may do."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from . import _names as names
from ._safe_pickle import SafeUnpickler
from ._tensors import StorageName

PersistentLoad = Callable[[Any], Any]


class Reader:
    """Reads pickles one after another from a file.

    Args: ``pickle_module`` None reads safely; otherwise its ``Unpickler`` is used, with names of
        ``torch`` taken to mean ours; ``options`` go to the unpickler (``encoding``).
    """

    def __init__(self, pickle_module: Any, options: dict[str, Any]) -> None:
        """Choose the unpickler."""
        self.is_safe = pickle_module is None
        self._pickle = pickle_module
        self._options = options

    def load(self, file: Any, persistent_load: PersistentLoad | None = None) -> Any:
        """Return the next object in ``file``."""
        if self.is_safe:
            unpickler: Any = SafeUnpickler(file, **self._options)
        else:
            unpickler = _make_full(self._pickle, file, self._options)
        unpickler.persistent_load = persistent_load or _refuse_reference
        return unpickler.load()


def _refuse_reference(reference: Any) -> Any:
    raise pickle.UnpicklingError("unsupported persistent id encountered")


def _make_full(pickle_module: Any, file: Any, options: dict[str, Any]) -> Any:
    class Unpickler(pickle_module.Unpickler):  # type: ignore[name-defined]
        """Finds our classes under PyTorch's names."""

        def find_class(self, module: str, name: str) -> Any:
            if "Storage" in name and module in ("torch", "torch.cuda", "torch.storage"):
                try:
                    return StorageName(name)
                except KeyError:
                    return names.find(module, name)
            if module == "torch.tensor":  # the name of a module in very old versions
                module = "torch._tensor"
            if names.is_ours(module):
                return names.find(module, name)
            return super().find_class(module, name)

    return Unpickler(file, **options)
