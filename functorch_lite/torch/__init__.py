"""PyTorch's namespace on JAX: ``import functorch_lite.torch as torch``.

Assembled, not written: the flat names come from ``_api``; the sub-packages are plain torch code on
top of it.  Those that few programs use are imported when they are first asked for.
"""

import sys as _sys
from importlib import import_module as _import_module
from importlib.util import find_spec as _find_spec
from typing import Any

from . import _api
from ._install import install as install
from ._names import missing as _missing
from ._names import speak_as_torch as _speak_as_torch

globals().update({name: value for name, value in vars(_api).items() if not name.startswith("__")})

from . import autograd as autograd  # noqa: E402 - the sub-packages need the flat names above
from . import backends as backends  # noqa: E402
from . import compiler as compiler  # noqa: E402
from . import cpu as cpu  # noqa: E402
from . import cuda as cuda  # noqa: E402
from . import fft as fft  # noqa: E402
from . import func as func  # noqa: E402
from . import functional as functional  # noqa: E402
from . import jit as jit  # noqa: E402
from . import linalg as linalg  # noqa: E402
from . import nn as nn  # noqa: E402
from . import optim as optim  # noqa: E402
from . import random as random  # noqa: E402
from . import serialization as serialization  # noqa: E402
from . import special as special  # noqa: E402
from . import storage as storage  # noqa: E402
from . import utils as utils  # noqa: E402
from . import version as version  # noqa: E402
from .compiler import compile as compile  # noqa: E402
from .func import vmap as vmap  # noqa: E402
from .func._cond import cond as cond  # noqa: E402
from .serialization import load as load  # noqa: E402
from .serialization import save as save  # noqa: E402
from .torch_version import __version__ as __version__  # noqa: E402
from .utils import checkpoint as _checkpoint  # noqa: E402, F401 - makes torch.utils.checkpoint
from .utils import data as _data  # noqa: E402, F401 - makes torch.utils.data

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
