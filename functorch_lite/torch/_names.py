"""What to say about a name that the shim does not have.

``_names.txt`` lists the public names of PyTorch 2.13's ``torch``, so that a name that nobody has
(``torch.tong``) and one that only we lack can be told apart.
"""

from functools import cache
from importlib.resources import files
from types import ModuleType
from typing import NoReturn


@cache
def known_names() -> frozenset[str]:
    """Return the public names of PyTorch's ``torch``."""
    return frozenset(
        files("functorch_lite.torch").joinpath("_names.txt").read_text(encoding="utf-8").split()
    )


def missing(module: str, name: str) -> AttributeError:
    """Return the error for an absent name: PyTorch's words, and a hint if PyTorch has it."""
    text = f"module '{module}' has no attribute '{name}'"
    if module == "torch" and name in known_names():
        text += ": PyTorch has it, functorch_lite does not have it yet"
    return AttributeError(text)


def speak_as_torch(module: ModuleType) -> None:
    """Let a sub-package report absent names under PyTorch's name of it (``torch.nn``)."""
    shown = module.__name__.removeprefix("functorch_lite.")

    def absent(name: str) -> NoReturn:
        raise missing(shown, name)

    vars(module).setdefault("__getattr__", absent)
