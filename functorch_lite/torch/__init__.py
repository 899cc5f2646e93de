"""PyTorch's namespace on JAX: ``import functorch_lite.torch as torch``.

Assembled, not written: the flat names come from ``_api``; the sub-packages are plain torch code on
top of it.  Those that few programs use are imported when they are first asked for.
"""

import sys as _sys
from importlib import import_module as _import_module
from importlib.util import find_spec as _find_spec
from typing import Any

from .._core.collecting import paused as _paused

with _paused():
    from . import _api
    from ._install import install as install
    from ._names import missing as _missing
    from ._names import speak_as_torch as _speak_as_torch

    # the sub-packages need the flat names
    globals().update(
        {name: value for name, value in vars(_api).items() if not name.startswith("__")}
    )

    from . import _higher_order_ops as _higher_order_ops
    from . import amp as amp
    from . import autograd as autograd
    from . import backends as backends
    from . import compiler as compiler
    from . import cpu as cpu
    from . import cuda as cuda
    from . import fft as fft
    from . import func as func
    from . import functional as functional
    from . import jit as jit
    from . import linalg as linalg
    from . import nn as nn
    from . import optim as optim
    from . import random as random
    from . import serialization as serialization
    from . import special as special
    from . import storage as storage
    from . import utils as utils
    from . import version as version
    from ._higher_order_ops import cond as cond
    from ._higher_order_ops import while_loop as while_loop
    from .amp import GradScaler as GradScaler
    from .amp import autocast as autocast
    from .compiler import compile as compile
    from .func import vmap as vmap
    from .serialization import load as load
    from .serialization import save as save
    from .torch_version import __version__ as __version__
    from .utils import checkpoint as _checkpoint  # noqa: F401 - makes torch.utils.checkpoint
    from .utils import data as _data  # noqa: F401 - makes torch.utils.data

for _name, _module in list(_sys.modules.items()):
    if _name.startswith(__name__ + ".") and "._" not in _name:
        _speak_as_torch(_module)


def get_device_module(device: Any = None) -> Any:
    """Return the module of a device type (``torch.cuda``, ``torch.cpu``), by default the current
    one."""
    wanted = _api.get_default_device() if device is None else _api.device(device)
    try:
        return globals()[wanted.type]
    except KeyError:
        raise RuntimeError(
            f"Device '{wanted.type}' does not have a corresponding module registered as "
            f"'torch.{wanted.type}'."
        ) from None


def __getattr__(name: str) -> Any:
    """Import a sub-package on first use; explain an absent name in PyTorch's words."""
    if (
        name.startswith("_")
        or not name.isidentifier()
        or _find_spec(f"{__package__}.{name}") is None
    ):
        raise _missing("torch", name)
    module = _import_module(f"{__package__}.{name}")
    _speak_as_torch(module)
    return module
