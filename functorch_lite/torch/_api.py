"""The flat ``torch`` namespace: tensor functions, dtypes, ``Tensor``, grad mode, generators.

What ``torch/__init__.py`` is made of, without ``nn``, ``optim``, ``utils``, which are built on this
file and say ``from .. import _api as torch``.
"""

import math as _math
import sys as _sys
from typing import Any

from .._core import dtype as _dt
from .._core.dtype import dtype as dtype
from .._core.dtype import get_default_dtype as get_default_dtype
from .._core.errors import OutOfMemoryError as OutOfMemoryError
from . import _C as _C
from . import _aten as _aten
from . import _bind as _bind
from . import _constants as _constants
from . import _convert as _convert
from . import _copied as _copied
from . import _function as _function
from . import _gradient as _gradient
from . import _index as _index
from . import _joining as _joining
from . import _methods as _methods
from . import _noise as _noise
from . import _permute as _permute
from . import _picking as _picking
from . import _pytree as _pytree
from . import _ranges as _ranges
from . import _renormalize as _renormalize
from . import _reshaped as _reshaped
from . import _running as _running
from . import _select as _select
from . import _shape as _shape
from . import _signal as _signal
from . import _solving as _solving
from . import _split as _split
from ._anomaly import is_anomaly_check_nan_enabled as is_anomaly_check_nan_enabled
from ._anomaly import is_anomaly_enabled as is_anomaly_enabled
from ._anomaly import set_anomaly_enabled as set_anomaly_enabled
from ._device import device as device
from ._device import get_default_device as get_default_device
from ._device import set_default_device as set_default_device
from ._grad_mode import enable_grad as enable_grad
from ._grad_mode import inference_mode as inference_mode
from ._grad_mode import is_grad_enabled as is_grad_enabled
from ._grad_mode import is_inference_mode_enabled as is_inference_mode_enabled
from ._grad_mode import no_grad as no_grad
from ._grad_mode import set_grad_enabled as set_grad_enabled
from ._info import finfo as finfo
from ._info import iinfo as iinfo
from ._legacy import CPU_TYPES as _TENSOR_TYPES
from ._legacy import set_default_tensor_type as set_default_tensor_type
from ._methods import layout as layout
from ._methods import memory_format as memory_format
from ._methods import sparse_coo as sparse_coo
from ._methods import sparse_csr as sparse_csr
from ._methods import strided as strided
from ._print import set_printoptions as set_printoptions
from ._queries import broadcast_shapes as broadcast_shapes
from ._queries import can_cast as can_cast
from ._queries import is_nonzero as is_nonzero
from ._queries import is_storage as is_storage
from ._queries import is_tensor as is_tensor
from ._queries import promote_types as promote_types
from ._queries import result_type as result_type
from ._queries import typename as typename
from ._random import Generator as Generator
from ._random import default_generator as default_generator
from ._random import fork_rng as fork_rng
from ._register import SPACES as _SPACES
from ._settings import are_deterministic_algorithms_enabled as are_deterministic_algorithms_enabled
from ._settings import compiled_with_cxx11_abi as compiled_with_cxx11_abi
from ._settings import get_deterministic_debug_mode as get_deterministic_debug_mode
from ._settings import get_float32_matmul_precision as get_float32_matmul_precision
from ._settings import get_num_interop_threads as get_num_interop_threads
from ._settings import get_num_threads as get_num_threads
from ._settings import (
    is_deterministic_algorithms_warn_only_enabled as is_deterministic_algorithms_warn_only_enabled,
)
from ._settings import is_vulkan_available as is_vulkan_available
from ._settings import is_warn_always_enabled as is_warn_always_enabled
from ._settings import set_default_dtype as set_default_dtype
from ._settings import set_deterministic_debug_mode as set_deterministic_debug_mode
from ._settings import set_float32_matmul_precision as set_float32_matmul_precision
from ._settings import set_flush_denormal as set_flush_denormal
from ._settings import set_num_interop_threads as set_num_interop_threads
from ._settings import set_num_threads as set_num_threads
from ._settings import set_warn_always as set_warn_always
from ._settings import use_deterministic_algorithms as use_deterministic_algorithms
from ._storages import NAMED as _STORAGES
from ._storages import TypedStorage as TypedStorage
from ._storages import UntypedStorage as UntypedStorage
from ._tensor import Size as Size
from ._tensor import Tensor as Tensor

_bind.bind_all()

for _d in _dt.DTYPES:
    globals()[_d.name] = _d
for _name, _d in _dt.ALIASES.items():
    globals()[_name] = _d
bool = _dt.bool_

globals().update(_TENSOR_TYPES)
globals().update(_STORAGES)

has_lapack, has_mkl, has_openmp, has_spectral = True, False, False, True
inf, nan, pi, e = _math.inf, _math.nan, _math.pi, _math.e
newaxis = None


_methods.install_operators()
for _name, _member in _SPACES[""].items():
    globals().setdefault(_name, _member)
_function.ZEROS.append(lambda shape, d: _SPACES[""]["zeros"](shape, dtype=d))


def __getattr__(name: str) -> Any:
    """Find sub-packages that are loaded (``torch.autograd``); explain any other name."""
    loaded = _sys.modules.get(f"{__package__}.{name}")
    if loaded is None:
        raise AttributeError(f"module 'torch' has no attribute '{name}'")
    return loaded
