"""Make ``import torch`` mean functorch_lite.torch, in this process and in those it starts.

``torch`` and every ``torch.x.y`` become the very module objects of ``functorch_lite.torch.x.y``:
there is one ``Tensor`` class, whatever name it was imported by. Children inherit a search path on
which ``_shadow/`` comes first; the stand-in there calls :func:`install` again.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, ModuleType

OURS = "functorch_lite.torch"
SHADOW = str(Path(__file__).resolve().with_name("_shadow"))
COMPILE = "FUNCTORCH_LITE_COMPILE"
"""The environment variable by which ``run --compile`` reaches child processes."""
ROOT = str(Path(__file__).resolve().parents[2])


def install() -> None:
    """Let ``import torch`` find functorch_lite.torch, here and in child processes.

    Raises:
        RuntimeError: if another torch was imported before. Two cannot live under one name.

    >>> import functorch_lite.torch
    >>> functorch_lite.torch.install()
    >>> import torch.nn
    >>> torch.nn is functorch_lite.torch.nn
    True
    """
    shim = sys.modules[OURS]
    present = sys.modules.get("torch")
    if present not in (None, shim) and not _is_stand_in(present):
        origin = getattr(present, "__file__", None) or "an unknown place"
        raise RuntimeError(
            f"another torch is already imported, from {origin}. Call "
            "functorch_lite.torch.install() before the first `import torch`, or start the "
            "program with `python -m functorch_lite run`."
        )
    _search_shadow_first()
    if not any(isinstance(finder, AliasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, AliasFinder())
    compiler = getattr(shim, "compiler", None)
    if compiler is not None and os.environ.get(COMPILE):
        compiler.compile_calls(shim.nn.Module)
        compiler.compile_transformed(shim, shim.func)
    ours = [name for name in sys.modules if name == OURS or name.startswith(OURS + ".")]
    for name in sorted(ours, key=lambda name: name.count("."), reverse=True):
        sys.modules["torch" + name.removeprefix(OURS)] = module = sys.modules[name]
        _name_as_torch(name, module)


class AliasFinder(MetaPathFinder):
    """Finds ``torch.x.y`` where ``functorch_lite.torch.x.y`` is, and nothing where that is not."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Describe the alias, or return None: then Python reports the name as missing."""
        if not fullname.startswith("torch."):
            return None
        source = find_spec(OURS + fullname.removeprefix("torch"))
        if source is None:
            return None
        is_package = source.submodule_search_locations is not None
        loader = AliasLoader(source)
        return ModuleSpec(fullname, loader, origin=source.origin, is_package=is_package)


class AliasLoader(Loader):
    """Loads ``torch.x.y`` by importing ours, and hands out that same module object."""

    def __init__(self, source: ModuleSpec):
        """Keep the spec of the module that the alias stands for."""
        self.source = source
        self.spec = source

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Import our module; Python is about to write the alias' spec into it."""
        module = import_module(self.source.name)
        self.spec = module.__spec__ or self.source
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Put the module's own spec back. It ran when it was created."""
        module.__spec__ = self.spec
        _name_as_torch(self.source.name, module)

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the code of our module, for ``python -m torch.x.y``."""
        get_code = getattr(self.source.loader, "get_code", None)
        return get_code and get_code(self.source.name)


def _name_as_torch(name: str, module: ModuleType) -> None:
    """Let our module ``name`` and its public classes print, and pickle, by PyTorch's names."""
    if "._" in name:
        return
    shown = "torch" + name.removeprefix(OURS)
    for key, value in list(vars(module).items()):
        if isinstance(value, type) and value.__name__ == key and _shows(name, value.__module__):
            value.__module__ = shown
    module.__name__ = shown


def _shows(name: str, home: str) -> bool:
    """Return True if our public module ``name`` is where users find the classes of ``home``.

    That is itself, or a private module: one beside it, or of the same name elsewhere.
    """
    if not home.startswith(OURS) or "._" not in home:
        return home == name
    beside = home.partition("._")[0]
    return beside in (name, name.rpartition(".")[0]) or name.endswith(home[home.rindex(".") :])


def _is_stand_in(module: ModuleType | None) -> bool:
    """Tell whether this is the module in ``_shadow/``, which is being imported right now."""
    return str(getattr(module, "__file__", "")).startswith(SHADOW)


def _search_shadow_first() -> None:
    """Put the shadow first on this process' search path and on that of its children."""
    if SHADOW not in sys.path:
        sys.path.insert(0, SHADOW)
    if ROOT not in sys.path:
        sys.path.append(ROOT)
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if SHADOW not in inherited:
        os.environ["PYTHONPATH"] = os.pathsep.join([SHADOW, *filter(None, inherited)])
