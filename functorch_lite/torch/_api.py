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
from ._engine import bind as _bind
from ._engine import function as _function
from ._engine import pytree as _pytree  # noqa: F401 - for what it exposes
from ._engine.anomaly import is_anomaly_check_nan_enabled as is_anomaly_check_nan_enabled
from ._engine.anomaly import is_anomaly_enabled as is_anomaly_enabled
from ._engine.anomaly import set_anomaly_enabled as set_anomaly_enabled
from ._engine.capture import function as _captured  # noqa: F401 - for fl.jit of tensors
from ._engine.grad_mode import enable_grad as enable_grad
from ._engine.grad_mode import inference_mode as inference_mode
from ._engine.grad_mode import is_grad_enabled as is_grad_enabled
from ._engine.grad_mode import is_inference_mode_enabled as is_inference_mode_enabled
from ._engine.grad_mode import no_grad as no_grad
from ._engine.grad_mode import set_grad_enabled as set_grad_enabled
from ._engine.mixed import scaling as _scaling  # noqa: F401 - for what it exposes
from ._engine.register import SPACES as _SPACES
from ._engine.shown import saved as _saved  # noqa: F401 - for what it attaches to nodes
from ._engine.tensor import Size as Size
from ._engine.tensor import Tensor as Tensor
from ._functions import aten as _aten  # noqa: F401 - for what it exposes
from ._functions import autocasting as _autocasting  # noqa: F401 - for what it exposes
from ._functions import constants as _constants  # noqa: F401 - for what it exposes
from ._functions import convert as _convert  # noqa: F401 - for what it exposes
from ._functions import copied as _copied  # noqa: F401 - for what it exposes
from ._functions import gradient as _gradient  # noqa: F401 - for what it exposes
from ._functions import index as _index  # noqa: F401 - for what it exposes
from ._functions import joining as _joining  # noqa: F401 - for what it exposes
from ._functions import methods as _methods
from ._functions import permute as _permute  # noqa: F401 - for what it exposes
from ._functions import picking as _picking  # noqa: F401 - for what it exposes
from ._functions import ranges as _ranges  # noqa: F401 - for what it exposes
from ._functions import renormalize as _renormalize  # noqa: F401 - for what it exposes
from ._functions import reshaped as _reshaped  # noqa: F401 - for what it exposes
from ._functions import resized as _resized  # noqa: F401 - for what it exposes
from ._functions import running as _running  # noqa: F401 - for what it exposes
from ._functions import select as _select  # noqa: F401 - for what it exposes
from ._functions import shape as _shape  # noqa: F401 - for what it exposes
from ._functions import sharing as _sharing  # noqa: F401 - for what it exposes
from ._functions import signal as _signal  # noqa: F401 - for what it exposes
from ._functions import signatures as _signatures  # noqa: F401 - for what it exposes
from ._functions import solving as _solving  # noqa: F401 - for what it exposes
from ._functions import split as _split  # noqa: F401 - for what it exposes
from ._functions.chance import noise as _noise  # noqa: F401 - for what it exposes
from ._functions.chance.random import Generator as Generator
from ._functions.chance.random import default_generator as default_generator
from ._functions.chance.random import fork_rng as fork_rng
from ._functions.device import device as device
from ._functions.device import get_default_device as get_default_device
from ._functions.device import set_default_device as set_default_device
from ._functions.info import finfo as finfo
from ._functions.info import iinfo as iinfo
from ._functions.legacy import CPU_TYPES as _TENSOR_TYPES
from ._functions.legacy import set_default_tensor_type as set_default_tensor_type
from ._functions.methods import layout as layout
from ._functions.methods import memory_format as memory_format
from ._functions.methods import sparse_coo as sparse_coo
from ._functions.methods import sparse_csr as sparse_csr
from ._functions.methods import strided as strided
from ._functions.print import set_printoptions as set_printoptions
from ._functions.queries import broadcast_shapes as broadcast_shapes
from ._functions.queries import can_cast as can_cast
from ._functions.queries import is_nonzero as is_nonzero
from ._functions.queries import is_storage as is_storage
from ._functions.queries import is_tensor as is_tensor
from ._functions.queries import promote_types as promote_types
from ._functions.queries import result_type as result_type
from ._functions.queries import typename as typename
from ._functions.settings import (
    are_deterministic_algorithms_enabled as are_deterministic_algorithms_enabled,
)
from ._functions.settings import compiled_with_cxx11_abi as compiled_with_cxx11_abi
from ._functions.settings import get_deterministic_debug_mode as get_deterministic_debug_mode
from ._functions.settings import get_float32_matmul_precision as get_float32_matmul_precision
from ._functions.settings import get_num_interop_threads as get_num_interop_threads
from ._functions.settings import get_num_threads as get_num_threads
from ._functions.settings import (
    is_deterministic_algorithms_warn_only_enabled as is_deterministic_algorithms_warn_only_enabled,
)
from ._functions.settings import is_vulkan_available as is_vulkan_available
from ._functions.settings import is_warn_always_enabled as is_warn_always_enabled
from ._functions.settings import set_default_dtype as set_default_dtype
from ._functions.settings import set_deterministic_debug_mode as set_deterministic_debug_mode
from ._functions.settings import set_float32_matmul_precision as set_float32_matmul_precision
from ._functions.settings import set_flush_denormal as set_flush_denormal
from ._functions.settings import set_num_interop_threads as set_num_interop_threads
from ._functions.settings import set_num_threads as set_num_threads
from ._functions.settings import set_warn_always as set_warn_always
from ._functions.settings import use_deterministic_algorithms as use_deterministic_algorithms
from ._functions.storages import NAMED as _STORAGES
from ._functions.storages import TypedStorage as TypedStorage
from ._functions.storages import UntypedStorage as UntypedStorage

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
