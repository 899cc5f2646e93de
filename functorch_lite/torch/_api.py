"""The flat ``torch`` namespace: tensor functions, dtypes, ``Tensor``, grad mode, generators.

What ``torch/__init__.py`` is made of, without ``nn``, ``optim``, ``utils``, which are built on this
file and say ``from .. import _api as torch``.
"""

import math as _math
import sys as _sys
from typing import Any

from .. import ops as _ops
from .._core import dtype as _dt
from .._core.dtype import dtype as dtype
from .._core.dtype import get_default_dtype as get_default_dtype
from .._core.dtype import promote as _promote
from .._core.dtype import result_dtype as _result_dtype
from .._core.errors import OutOfMemoryError as OutOfMemoryError
from ..ops._program import levels as _levels
from . import _autograd as _autograd_functions
from . import _C as _C
from . import _bind, _convert, _create, _dispatch, _function, _index, _methods, _permute, _select, _shape, _split
from ._autograd import backward as _backward
from ._autograd import grad as _grad
from ._device import device as device
from ._device import get_default_device as get_default_device
from ._device import set_default_device as set_default_device
from ._dispatch import type_name as _type_name
from ._function import Function as _Function
from ._grad_mode import enable_grad as enable_grad
from ._grad_mode import inference_mode as inference_mode
from ._grad_mode import is_grad_enabled as is_grad_enabled
from ._grad_mode import is_inference_mode_enabled as is_inference_mode_enabled
from ._grad_mode import no_grad as no_grad
from ._grad_mode import set_grad_enabled as set_grad_enabled
from ._methods import layout as layout
from ._methods import memory_format as memory_format
from ._methods import sparse_coo as sparse_coo
from ._methods import sparse_csr as sparse_csr
from ._methods import strided as strided
from ._print import set_printoptions as set_printoptions
from ._random import Generator as Generator
from ._random import default_generator as default_generator
from ._random import fork_rng as fork_rng
from ._register import SPACES as _SPACES
from ._register import expose as _expose
from ._tensor import Size as Size
from ._tensor import Tensor as Tensor
from ._tensor import make as _make

_bind.bind_all()

for _d in _dt.DTYPES:
    globals()[_d.name] = _d
for _name, _d in _dt.ALIASES.items():
    globals()[_name] = _d
bool = _dt.bool_  # noqa: A001 - PyTorch's name

inf, nan, pi, e = _math.inf, _math.nan, _math.pi, _math.e
newaxis = None


def set_default_dtype(d: Any) -> None:
    """Set the dtype of new floating-point tensors."""
    _dt.set_default_dtype(d)


def is_tensor(obj: Any) -> Any:
    """Return True if ``obj`` is a tensor."""
    return isinstance(obj, Tensor)


def is_storage(obj: Any) -> Any:
    """Return True if ``obj`` is a storage."""
    return type(obj).__name__ in ("UntypedStorage", "TypedStorage")


def is_nonzero(input: Tensor) -> Any:
    """Return True if a one-element tensor is not zero."""
    return Tensor.__bool__(input)  # type: ignore[attr-defined]


def promote_types(type1: Any, type2: Any) -> Any:
    """Return the smallest dtype that both fit in."""
    return _promote(type1, type2)


def can_cast(from_: Any, to: Any) -> Any:
    """Return True if PyTorch's rules allow the cast (no step down in category)."""
    return not from_.category > to.category


def result_type(tensor1: Any, tensor2: Any) -> Any:
    """Return the dtype of an operation on two tensors or numbers."""
    described = (t._desc if isinstance(t, Tensor) else type(t) for t in (tensor1, tensor2))
    return _result_dtype(pair for d in described for pair in _levels(d))


def typename(obj: Any) -> str:
    """Return the full name of an object's type."""
    if isinstance(obj, Tensor):
        return obj.type()  # type: ignore[attr-defined]
    return _type_name(obj)


def broadcast_shapes(*shapes: Any) -> Size:
    """Return the shape that the shapes broadcast to."""
    from_ints = [(s,) if isinstance(s, int.__class__) is False and isinstance(s, _int) else tuple(s) for s in shapes]
    try:
        return Size(_ops._common.broadcast_shape(*from_ints))
    except RuntimeError:
        raise RuntimeError(
            "Shape mismatch: objects cannot be broadcast to a single shape"
        ) from None


_int = (1).__class__

_methods.install_operators()
for _name, _member in _SPACES[""].items():
    globals().setdefault(_name, _member)
_create.DENSE.append(_dispatch.dense_strides)
_create.SPACES_COMPLEX.append(_SPACES["_C"].get("complex"))
_function.ZEROS.append(lambda shape, d: _SPACES[""]["zeros"](shape, dtype=d))


def __getattr__(name: str) -> Any:
    """Find sub-packages that are loaded (``torch.autograd``); explain any other name in PyTorch's words."""
    loaded = _sys.modules.get(f"{__package__}.{name}")
    if loaded is None:
        raise AttributeError(f"module 'torch' has no attribute '{name}'")
    return loaded
