"""The few names of PyTorch's compiled half that Python code out there asks for."""

from ._grad_mode import is_grad_enabled as is_grad_enabled
from ._override import DisableTorchFunctionSubclass as DisableTorchFunctionSubclass
from ._override import disabled_torch_function as _disabled_torch_function_impl
from ._random import Generator as Generator
from ._tensor import Size as Size
from ._tensor import Tensor as TensorBase

__all__ = [
    "DisableTorchFunctionSubclass",
    "Generator",
    "Size",
    "TensorBase",
    "_disabled_torch_function_impl",
    "is_grad_enabled",
]
