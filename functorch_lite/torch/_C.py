"""The few names of PyTorch's compiled half that Python code out there asks for."""

from ._engine.grad_mode import is_grad_enabled as is_grad_enabled
from ._engine.override import DisableTorchFunctionSubclass as DisableTorchFunctionSubclass
from ._engine.override import disabled_torch_function as _disabled_torch_function_impl
from ._engine.tensor import Size as Size
from ._engine.tensor import Tensor as TensorBase
from ._functions.autocasting import is_any_enabled as _is_any_autocast_enabled
from ._functions.autocasting import is_available as _is_autocast_available
from ._functions.chance.random import Generator as Generator

__all__ = [
    "DisableTorchFunctionSubclass",
    "Generator",
    "Size",
    "TensorBase",
    "_disabled_torch_function_impl",
    "_is_any_autocast_enabled",
    "_is_autocast_available",
    "is_grad_enabled",
]
