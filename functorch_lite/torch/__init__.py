"""PyTorch's namespace on JAX: ``import functorch_lite.torch as torch``."""

from ._api import *
