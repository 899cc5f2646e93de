"""Copies and conversions of tensors: ``clone``, ``to``, ``copy_``, NumPy and Python values."""

import copy as _copy
import math
import warnings
from typing import Any

import jax
import jax.core
import numpy as np

from ..._core import dtype as dt
from ..._core.execute import Device, x64
from ...ops._common import contiguous_strides
from ...ops._registry import OPS
from ...transforms._levels import active
from ...transforms._where import explained
from .._engine.capture.breaks import break_graph
from .._engine.dispatch import call, shown_strides, type_name
from .._engine.grad_mode import mode
from .._engine.graph import node_type, sequence
from .._engine.inside.values import ITEM, NO_DATA, STORAGE, is_traced, on_host
from .._engine.layout import dense_strides
from .._engine.override import overridable
from .._engine.register import SPACES, attach, expose
from .._engine.storage import TO_NUMPY
from .._engine.tensor import Tensor, make
from .._engine.view import ViewNode, ViewProgram
from .._engine.writing import call_inplace, check_writable
from .device import CPU, META, device, jax_device
from .shape import detach

_CLONE, _TO, _COPY = OPS["clone"], OPS["_to_copy"], OPS["copy"]


@expose("fm")
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """Return a copy in memory of its own; gradients flow through."""
    copied = call(_CLONE, (input,), ())
    if memory_format in (None, SPACES[""].get("preserve_format")):
        if input._strides is not None:
            copied._strides = dense_strides(input._sizes, input._strides)
    elif memory_format == SPACES[""].get("channels_last"):
        copied._strides = channels_last_strides(input._sizes)
    return copied


@expose("m")
def copy_(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Write ``src`` (broadcast, converted) into this tensor; return it."""
    if (
        not active.count
        and isinstance(src, Tensor)
        and src._dtype is self._dtype
        and src._sizes == self._sizes
        and not self._chain
        and not (mode.grad and (src.requires_grad or self.requires_grad))
        and self.device == src.device
    ):
        check_writable(self, False)
        self._write(src._array)  # arrays are immutable: the content can be shared
        return self
    if isinstance(src, Tensor) and src.device != self.device:
        src = _moved(src, self.device)
    return call_inplace(_COPY, (self, src), ())


def channels_last_strides(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides of a 4-d or 5-d tensor whose channels lie innermost in memory."""
    order = (0, *range(2, len(sizes)), 1)
    found, step = [0] * len(sizes), 1
    for d in reversed(order):
        found[d] = step
        step *= max(sizes[d], 1)
    return tuple(found)


def _parse_to(args: tuple, kwargs: dict) -> tuple[Any, Any, bool]:
    """Return (device, dtype, copy) of the arguments of ``to``."""
    wanted: dict[str, Any] = {
        "device": kwargs.get("device"),
        "dtype": kwargs.get("dtype"),
        "copy": kwargs.get("copy", False),
    }
    flags = []
    for a in args:
        if isinstance(a, dt.dtype):
            wanted["dtype"] = a
        elif isinstance(a, Tensor):
            wanted["device"], wanted["dtype"] = a.device, a._dtype
        elif isinstance(a, bool):
            flags.append(a)
        elif isinstance(a, (str, device, int)) or hasattr(a, "type"):
            wanted["device"] = device(a)
        elif a is not None:
            raise TypeError(
                f"to() received an invalid combination of arguments - got ({type_name(a)}), but "
                "expected one of:\n"
                " * (torch.device device = None, torch.dtype dtype = None, bool non_blocking = "
                "False, bool copy = False, *, torch.memory_format memory_format = None)\n"
                " * (torch.dtype dtype, bool non_blocking = False, bool copy = False, *, "
                "torch.memory_format memory_format = None)\n"
                " * (Tensor tensor, bool non_blocking = False, bool copy = False, *, "
                "torch.memory_format memory_format = None)\n"
            )
    if "other" in kwargs:
        wanted["device"], wanted["dtype"] = kwargs["other"].device, kwargs["other"]._dtype
    return wanted["device"], wanted["dtype"], bool(flags[1] if len(flags) > 1 else wanted["copy"])


@expose("m")
def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return the tensor with another dtype and/or on another device; itself if nothing changes."""
    where, dtype, force = _parse_to(args, kwargs)
    result = self
    if dtype is not None and dtype is not self._dtype:
        result = _cast(self, dtype)
    if where is not None:
        result = _moved(result, device(where) if not isinstance(where, device) else where)
    layout = kwargs.get("memory_format")
    if result is self and (force or (layout is not None and not _has_format(self, layout))):
        result = clone(self, memory_format=layout)
    return result


def _has_format(self: Tensor, layout: Any) -> bool:
    if layout == SPACES[""].get("preserve_format"):
        return True
    if layout == SPACES[""].get("channels_last"):
        return shown_strides(self) == channels_last_strides(self._sizes)
    return self._strides is None


def _cast(self: Tensor, dtype: dt.dtype) -> Tensor:
    if self._dtype.is_complex and not dtype.is_complex and dtype is not dt.bool_:
        warnings.warn(
            "Casting complex values to real discards the imaginary part (Triggered internally at "
            "/pytorch/aten/src/ATen/native/Copy.cpp:308.)",
            UserWarning,
            stacklevel=4,
        )
    converted = call(_TO, (self,), (dtype,))
    if self._strides is not None:
        converted._strides = dense_strides(self._sizes, self._strides)
    return converted


_MOVE = ViewProgram(lambda a: a, lambda parent, child: child, "ToCopyBackward0")


def _moved(self: Tensor, where: device) -> Tensor:
    """Return the tensor on another device, with a gradient that moves back."""
    array = self._array
    if where == META:
        return make(jax.ShapeDtypeStruct(array.shape, array.dtype))
    if isinstance(array, jax.ShapeDtypeStruct):
        raise NotImplementedError(NO_DATA)
    target = jax_device(where)
    if isinstance(array, jax.core.Tracer):
        return self
    if target is None:
        target = jax.local_devices(backend="cpu")[0]
    if array.devices() == {target}:
        return self
    with x64(True):
        moved = make(jax.device_put(array, target))
    edge = self._history() if mode.grad else None
    if edge is not None and moved._dtype.category >= dt.FLOATING:
        node = node_type("ToCopyBackward0", MoveNode)()
        node.number = next(sequence)
        node.home = next(iter(array.devices()))
        node.edges = (edge,)
        moved._node, moved._requires_grad = node, True
    return moved


class MoveNode(ViewNode):
    """The node of a move between devices: the gradient goes back to where the input lives."""

    opaque = True
    home: Any = None

    def backward_tensors(self, gradients: list) -> list:
        """Move the gradient to the input's device."""
        return [_moved(gradients[0], device_of_jax(self.home))]

    def free(self) -> None:
        """Nothing is saved."""


def device_of_jax(own: Device) -> device:
    """Return the PyTorch device of a JAX device."""
    kind = {"gpu": "cuda", "cpu": "cpu"}.get(own.platform, "xla")
    return device(kind, own.id)


for _name, _dtype in {
    **{n: d for n, d in dt.ALIASES.items() if n not in ("cfloat", "cdouble")},
    **{"byte": dt.uint8, "char": dt.int8, "bool": dt.bool_, "bfloat16": dt.bfloat16},
    **{"cfloat": dt.complex64, "cdouble": dt.complex128},
}.items():

    def _converter(self: Tensor, memory_format: Any = None, *, _to: dt.dtype = _dtype) -> Tensor:
        """Return the tensor converted to the dtype that the method is named for."""
        return self if self._dtype is _to else _cast(self, _to)

    _converter.__name__ = _name
    attach(_name, overridable(_converter))


@expose("m")
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """Return the tensor with the dtype and device of ``other``."""
    return to(self, other)


@expose("m")
def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """Return the tensor on the CPU; itself if it is there."""
    return _moved(self, CPU)


@expose("m")
def cuda(
    self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None
) -> Tensor:
    """Return the tensor on a GPU; AssertionError where there is none."""
    where = "cuda" if device is None else device
    return _moved(self, _device(where))


def _device(where: Any) -> device:
    return where if isinstance(where, device) else device(where)


# --- to Python and NumPy --------------------------------------------------------------------------


def concrete(self: Tensor, refusal: tuple[str, str] = STORAGE) -> np.ndarray:
    """Return the value as a NumPy array that must not be written to.

    ``refusal`` is what to say where a transform leaves no single value (see ``inside.values``).
    """
    return on_host(self._array, refusal)


@expose("m")
def item(self: Tensor) -> Any:
    """Return the only element as a Python number."""
    if math.prod(self._sizes) != 1:
        raise RuntimeError(
            f"a Tensor with {math.prod(self._sizes)} elements cannot be converted to Scalar"
        )
    value = concrete(self, ITEM).reshape(())
    return float(value) if self._dtype in dt.REDUCED_FLOATS else value.item()


@expose("m")
def tolist(self: Tensor) -> Any:
    """Return nested lists of Python numbers (a plain number for 0-d)."""
    value = concrete(self)
    return (value.astype(np.float32) if self._dtype in dt.REDUCED_FLOATS else value).tolist()


@expose("m")
def numpy(self: Tensor, *, force: bool = False) -> np.ndarray:
    """Return an ndarray sharing memory with the tensor while it lives; ``force`` may copy."""
    break_graph(TO_NUMPY, "compute with torch operations, or convert outside.")
    if force:
        return detach(self).cpu().numpy()
    if self.requires_grad and mode.grad:
        raise RuntimeError(
            "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
        )
    if self.device.type != "cpu":
        raise TypeError(
            f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to copy "
            "the tensor to host memory first."
        )
    if self._dtype in (dt.bfloat16, dt.float8_e4m3fn, dt.float8_e5m2):
        raise TypeError(f"Got unsupported ScalarType {dt.scalar_name(self._dtype)}")
    storage = self._storage
    if is_traced(storage.array):
        raise explained(RuntimeError, *STORAGE)
    shared = storage.lend(root_strides(self))
    if not self._chain:
        return shared
    window = _window(shared, self)
    return np.array(concrete(self)) if window is None else window


def root_strides(tensor: Tensor) -> tuple[int, ...] | None:
    """Return the memory order of the root of the tensor's storage (None: C order)."""
    root = tensor._view_of if tensor._chain else tensor
    return root._strides if root is not None and not root._chain else None


def _window(shared: np.ndarray, self: Tensor) -> np.ndarray | None:
    """Return the strided window of a shared ndarray that this view is (None: another dtype)."""
    if shared.dtype != self._dtype.np:
        return None
    if not math.prod(self._sizes):
        return np.empty(self._sizes, shared.dtype)
    strides = self._strides if self._strides is not None else contiguous_strides(self._sizes)
    size = shared.itemsize
    flat = np.lib.stride_tricks.as_strided(shared, (self._offset + 1,), (size,))[self._offset :]
    return np.lib.stride_tricks.as_strided(flat, self._sizes, tuple(s * size for s in strides))


def _array_protocol(self: Tensor, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
    """NumPy's conversion protocol; shares memory where it can."""
    array = numpy(self)
    return array if dtype is None else array.astype(dtype, copy=False)


attach("__array__", _array_protocol)
attach("__array_priority__", 1000)


def _array_wrap(
    self: Tensor, array: np.ndarray, context: Any = None, return_scalar: bool = False
) -> Tensor:
    """Wrap the result of a NumPy ufunc back into a tensor."""
    if array.dtype == np.bool_:
        array = array.astype(np.uint8)
    return SPACES[""]["from_numpy"](np.asarray(array))


attach("__array_wrap__", _array_wrap)


def _dlpack(self: Tensor, *, stream: Any = None, **more: Any) -> Any:
    """Export through DLPack (the array behind the tensor; a consumer must not write to it)."""
    if self.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    return self._array.__dlpack__(stream=stream, **more)


attach("__dlpack__", _dlpack)
attach("__dlpack_device__", lambda self: self._array.__dlpack_device__())


@expose("f")
def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """Return a tensor of the content of another library's array."""
    if isinstance(ext_tensor, np.ndarray):
        return SPACES[""]["from_numpy"](ext_tensor)
    with x64(True):
        return make(jax.numpy.from_dlpack(ext_tensor, copy=copy))


# --- copy and pickle ------------------------------------------------------------------------------


def deepcopy(self: Tensor, memo: dict) -> Tensor:
    """Copy the tensor and its storage (once each); RuntimeError for a non-leaf with history."""
    if id(self) in memo:
        return memo[id(self)]
    if self._history() is not None and not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
            "protocol at the moment.  If you were attempting to deepcopy a module, this may be "
            "because of a torch.nn.utils.weight_norm usage, see "
            "https://github.com/pytorch/pytorch/pull/103001"
        )
    copied = _deep(self, memo)
    memo[id(self)] = copied
    if self._grad is not None:
        copied._grad = _copy.deepcopy(self._grad, memo)
    return copied


def _deep(self: Tensor, memo: dict) -> Tensor:
    from_memo = memo.get(id(self._storage))
    copied = object.__new__(type(self))
    copied.__dict__.update({k: v for k, v in self.__dict__.items() if k not in _NOT_COPIED})
    if from_memo is None:
        from_memo = type(self._storage)(self._storage.read())
        memo[id(self._storage)] = from_memo
        memo.setdefault("storages", []).append(self._storage)
    copied._storage = from_memo
    extra = {k: v for k, v in self.__dict__.items() if k not in _OWN}
    copied.__dict__.update(_copy.deepcopy(extra, memo))
    return copied


_OWN = frozenset(
    [
        "_storage",
        "_chain",
        "_sizes",
        "_strides",
        "_offset",
        "_dtype",
        "_desc",
        "_requires_grad",
        "_node",
        "_nr",
        "_grad",
        "_accumulator",
        "_view_of",
        "_grad_base",
        "_view_depth",
        "_seen",
        "_read",
        "_hooks",
        "_inference",
        "_multi_view",
        "_made_quietly",
        "_shows_grad",
        "_own_version",
        "_shown_base",
        "_shown_strides",
        "_post_accumulate_grad_hooks",
    ]
)
_NOT_COPIED = frozenset(
    [
        "_storage",
        "_grad",
        "_accumulator",
        "_view_of",
        "_grad_base",
        "_made_quietly",
        "_shows_grad",
        "_own_version",
        "_shown_base",
        "_read",
        "_hooks",
        "_node",
        "_post_accumulate_grad_hooks",
    ]
)

attach("__deepcopy__", deepcopy)


def rebuild(
    cls: type | None, array: np.ndarray, strides: Any, requires_grad: bool, state: dict
) -> Tensor:
    """Rebuild a pickled tensor (cls None) or an instance of a subclass from its bytes."""
    from_bytes = SPACES[""]["from_numpy"](array.copy())
    made = object.__new__(cls or Tensor)
    made.__dict__.update(make(from_bytes._array).__dict__)
    made._strides = strides
    made._requires_grad = requires_grad
    made.__dict__.update(state)
    return made


NOT_LEAF = (
    "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd "
    "does not support crossing process boundaries.  If you just want to transfer the data, "
    "call detach() on the tensor before serializing (e.g., putting it on the queue)."
)


def extras(self: Tensor) -> dict[str, Any]:
    """Return the attributes that the user gave the tensor."""
    return {k: v for k, v in self.__dict__.items() if k not in _OWN}


def reduce_ex(self: Tensor, protocol: Any) -> tuple:
    """Pickle as NumPy bytes (``torch.save`` writes PyTorch's own form instead)."""
    if not self.is_leaf:
        raise RuntimeError(NOT_LEAF)
    strides = None if self._strides is None else dense_strides(self._sizes, self._strides)
    # "torch.Tensor" would be looked up in whatever torch the reader has: it is not named
    cls = None if type(self) is Tensor else type(self)
    return rebuild, (cls, np.array(concrete(self)), strides, self._requires_grad, extras(self))


attach("__reduce_ex__", reduce_ex)
