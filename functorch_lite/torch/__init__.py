"""PyTorch's namespace on JAX: ``import functorch_lite.torch as torch``.

The flat names come from ``_api``; the sub-packages are plain torch code built on it.
"""

from typing import Any

from . import _api
from ._install import install as install

globals().update({name: value for name, value in vars(_api).items() if not name.startswith("__")})

from . import autograd as autograd  # noqa: E402 - the sub-packages need the flat names above
from . import nn as nn  # noqa: E402
from . import optim as optim  # noqa: E402
from . import utils as utils  # noqa: E402

__version__ = "2.13.0+jax"


def __getattr__(name: str) -> Any:
    """Explain a missing name in PyTorch's words."""
    raise AttributeError(f"module 'torch' has no attribute '{name}'")
