"""The names of ``functorch_lite.optim`` that need optax, found when they are first asked for.

The torch shim imports this package for its rules and needs no optax, whose import takes 85 ms.
Own names come before optax's; a test holds that no name is both.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

_PACKAGE = __name__.rpartition(".")[0]
OWN_NAMES = {
    "RuleState": "._rule",
    "UpdateRule": "._rule",
    "Gradients": "._train",
    "LossScale": "._train",
    "Metrics": "._train",
    "TrainState": "._train",
    "TrainStep": "._train",
    "make_train_step": "._train",
}
OWN_MODULES = ("pytorch",)


def __getattr__(name: str) -> Any:
    """Return the package's attribute ``name``: one of ours, or one of optax's public names."""
    if name in OWN_MODULES:
        return importlib.import_module(f"{_PACKAGE}.{name}")
    if name in OWN_NAMES:
        value = getattr(importlib.import_module(OWN_NAMES[name], _PACKAGE), name)
    elif name.startswith("_"):
        raise AttributeError(f"module {_PACKAGE!r} has no attribute {name!r}")
    else:
        value = _of_optax(name)
    setattr(sys.modules[_PACKAGE], name, value)  # found without this function from now on
    return value


def _of_optax(name: str) -> Any:
    optax = importlib.import_module("optax")
    try:
        return getattr(optax, name)
    except AttributeError:
        raise AttributeError(
            f"module {_PACKAGE!r} has no attribute {name!r}: it is neither one of ours "
            f"({', '.join([*OWN_MODULES, *OWN_NAMES, 'RULES'])}) nor in optax {optax.__version__}"
        ) from None


def __dir__() -> list[str]:
    """List our names and optax's public ones."""
    optax = importlib.import_module("optax")
    public = [name for name in dir(optax) if not name.startswith("_")]
    return sorted({*public, *OWN_NAMES, *OWN_MODULES, "RULES"})
