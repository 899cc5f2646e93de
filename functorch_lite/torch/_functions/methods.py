"""The rest of ``Tensor``: metadata, Python's protocols, ``repr``."""

import math
from typing import Any, cast

import numpy as np

from ..._core import dtype as dt
from ...ops._common import contiguous_strides, wrap_dim
from ...transforms._levels import BATCH, active, state
from .._engine.capture.breaks import break_graph
from .._engine.dispatch import shown_strides
from .._engine.inside.values import CONTROL_FLOW, as_shown, is_traced
from .._engine.inside.world import Boundary
from .._engine.register import SPACES, attach, expose
from .._engine.storage import Storage
from .._engine.tensor import Tensor, size_of
from .._engine.view import is_contiguous as _dense_in_order
from .convert import concrete, item
from .create import wrap
from .device import device_of
from .print import tensor_repr
from .split import unbind


class layout:
    """A memory layout object; ``torch.strided`` is the one that exists here."""

    __module__ = "torch"

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


class memory_format(layout):
    """A memory format: contiguous_format, channels_last, channels_last_3d or preserve_format."""


strided = layout("strided")
sparse_coo = layout("sparse_coo")
sparse_csr = layout("sparse_csr")
FORMATS = {
    n: memory_format(n)
    for n in ("contiguous_format", "channels_last", "channels_last_3d", "preserve_format")
}
SPACES[""].update(FORMATS)


# --- metadata -------------------------------------------------------------------------------------

attach("shape", property(lambda self: size_of(self._sizes), doc="The size, a ``torch.Size``."))
attach("dtype", property(lambda self: self._dtype, doc="The element type."))
attach("ndim", property(lambda self: len(self._sizes), doc="The number of dims."))
attach("layout", property(lambda self: strided, doc="``torch.strided``."))
attach("itemsize", property(lambda self: self._dtype.itemsize, doc="Bytes of one element."))
attach(
    "nbytes",
    property(
        lambda self: math.prod(self._sizes) * self._dtype.itemsize, doc="Bytes of all elements."
    ),
)
attach("is_cuda", property(lambda self: self.device.type == "cuda", doc="True on a GPU."))
attach("is_meta", property(lambda self: self.device.type == "meta", doc="True without values."))
attach("is_cpu", property(lambda self: self.device.type == "cpu", doc="True on the CPU."))
for _flag in (
    "is_sparse",
    "is_sparse_csr",
    "is_quantized",
    "is_mkldnn",
    "is_nested",
    "is_xpu",
    "is_mps",
    "is_vulkan",
    "is_xla",
):
    attach(_flag, property(lambda self: False))
attach(
    "names",
    property(
        lambda self: (None,) * len(self._sizes), doc="Names of dims: not supported, all None."
    ),
)
attach("name", property(lambda self: None))


def _device(self: Tensor) -> Any:
    """The device that holds the tensor."""
    return device_of(self._storage.array)


attach("device", property(_device))


@expose("m", aliases="ndimension")
def dim(self: Tensor) -> int:
    """Return the number of dims."""
    return len(self._sizes)


@expose("fm")
def numel(input: Tensor) -> int:
    """Return the number of elements."""
    return math.prod(input._sizes)


attach("nelement", numel)


@expose("m")
def stride(self: Tensor, dim: int | None = None) -> Any:
    """Return the strides in elements, or that of one dim."""
    strides = shown_strides(self)
    return strides if dim is None else strides[wrap_dim(dim, len(strides))]


@expose("m")
def storage_offset(self: Tensor) -> int:
    """Return where in its storage the tensor begins, in elements."""
    return self._offset


@expose("m")
def is_contiguous(self: Tensor, memory_format: Any = None) -> bool:
    """Return True if the elements lie in C order (or in the order of ``memory_format``)."""
    if memory_format is not None and memory_format is FORMATS["channels_last"]:
        if len(self._sizes) != 4:
            return False
        order = (0, 2, 3, 1)
        strides = shown_strides(self)
        return _dense_in_order(
            tuple(self._sizes[d] for d in order), tuple(strides[d] for d in order)
        )
    return self._strides is None


@expose("m")
def element_size(self: Tensor) -> int:
    """Return the bytes of one element."""
    return self._dtype.itemsize


@expose("m")
def data_ptr(self: Tensor) -> int:
    """Return a number equal for tensors that begin at the same element of the same storage."""
    if not numel(self):
        return 0
    buffer = self._storage.buffer
    start = id(self._storage) << 20 if buffer is None else buffer.ctypes.data
    return start + self._offset * self._dtype.itemsize


@expose("fm")
def get_device(self: Tensor) -> int:
    """Return the index of the GPU, -1 on the CPU."""
    return -1 if self.device.type == "cpu" else self.device.index


@expose("fm")
def is_floating_point(input: Tensor) -> bool:
    """Return True for a floating-point dtype."""
    return input._dtype.is_floating_point


@expose("fm")
def is_complex(input: Tensor) -> bool:
    """Return True for a complex dtype."""
    return input._dtype.is_complex


@expose("fm")
def is_conj(input: Tensor) -> bool:
    """Return False: conjugation is done at once here."""
    return False


@expose("fm")
def is_neg(input: Tensor) -> bool:
    """Return False: negation is done at once here."""
    return False


@expose("fm")
def is_inference(input: Tensor) -> bool:
    """Return True for a tensor made inside ``inference_mode``."""
    return input._inference


@expose("fm")
def is_signed(self: Tensor) -> bool:
    """Return True unless the dtype is unsigned or bool."""
    return self._dtype.is_signed


@expose("fm")
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Return True if both have the same shape."""
    return input._sizes == other._sizes


@expose("m")
def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Return True if both show the same elements of the same storage."""
    same = self._storage is tensor._storage and self._offset == tensor._offset
    return same and self._sizes == tensor._sizes and shown_strides(self) == shown_strides(tensor)


@expose("m")
def is_pinned(self: Tensor, device: Any = None) -> bool:
    """Return False: host memory is not pinned."""
    return False


@expose("m")
def pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """Raise, as PyTorch does without an accelerator."""
    raise RuntimeError("Cannot access accelerator device when none is available.")


@expose("m")
def type(self: Tensor, dtype: Any = None, non_blocking: bool = False, **kwargs: Any) -> Any:
    """Return the legacy type string, or the tensor converted to a dtype or legacy type."""
    if dtype is None:
        return f"torch.{'cuda.' if self.is_cuda else ''}{self._dtype.legacy}"
    if isinstance(dtype, str):
        dtype, where = _legacy_name(dtype)
    elif isinstance(dtype, dt.dtype):
        where = None
    elif isinstance(getattr(dtype, "dtype", None), dt.dtype):
        dtype, where = dtype.dtype, "cuda" if dtype.is_cuda else "cpu"
    else:
        raise TypeError("dtype must be a type, str, or dtype object")
    return self.to(device=where, dtype=dtype)


def _legacy_name(name: str) -> tuple[dt.dtype, str]:
    """Return dtype and device of a name such as ``torch.cuda.FloatTensor``."""
    module, _, kind = name.rpartition(".")
    for d in dt.DTYPES:
        if kind == d.legacy and module in ("torch", "torch.cuda"):
            return d, "cuda" if module == "torch.cuda" else "cpu"
    raise ValueError(f"invalid type: '{name}'")


# --- Python's protocols ---------------------------------------------------------------------------


def _len(self: Tensor) -> int:
    if not self._sizes:
        raise TypeError("len() of a 0-d tensor")
    return self._sizes[0]


def _iter(self: Tensor) -> Any:
    if not self._sizes:
        raise TypeError("iteration over a 0-d tensor")
    return iter(unbind(self))


def _bool(self: Tensor) -> bool:
    count = numel(self)
    if count == 1:
        return bool(concrete(self, CONTROL_FLOW).reshape(()))
    if count == 0:
        raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
    raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")


def _index(self: Tensor) -> int:
    if self._dtype.category > dt.INTEGRAL or numel(self) != 1:
        raise TypeError("only integer tensors of a single element can be converted to an index")
    return int(item(self))


def _contains(self: Tensor, element: Any) -> bool:
    if isinstance(element, (Tensor, int, float, complex, bool, np.generic)):
        return bool(cast(Any, element == self).any())
    raise RuntimeError(
        "Tensor.__contains__ only supports Tensor or scalar, but you passed in a "
        f"{element.__class__}."
    )


def _format(self: Tensor, spec: str) -> str:
    if not self._sizes and Tensor is self.__class__:
        return item(self).__format__(spec)
    return object.__format__(self, spec)


def _only(self: Tensor) -> Any:
    if numel(self) != 1:
        raise ValueError("only one element tensors can be converted to Python scalars")
    return item(self)


def _repr(self: Tensor, *, tensor_contents: Any = None) -> str:
    if active.count and is_traced(self._array):
        return _repr_inside(self)
    node = self.grad_fn
    where = self.device
    kind = self.__class__
    own_name = kind._overrides and kind is not Tensor
    if where.type == "meta":
        return _repr_without_values(self)
    return tensor_repr(
        concrete(self),
        dtype=repr(self._dtype),
        default_dtype=repr(dt.get_default_dtype()),
        device=None if where.type == "cpu" and where.index is None else str(where),
        requires_grad=node is None and self.requires_grad,
        grad_fn=None if node is None else node.__class__.__name__,
        prefix=f"{kind.__name__}(" if own_name else "tensor(",
    )


def _repr_without_values(self: Tensor) -> str:
    parts = ["...", "device='meta'", f"size={tuple(self._sizes)}"]
    if self._dtype is not dt.get_default_dtype():
        parts.append(f"dtype={self._dtype!r}")
    if self.requires_grad:
        parts.append("requires_grad=True")
    return f"tensor({', '.join(parts)})"


def _repr_inside(self: Tensor) -> str:
    """Show a tensor inside a transform: wrapped, as torch.func does, in a word for the level."""
    levels = [level for level in state.stack if not isinstance(level, Boundary)]
    mapped = bool(levels) and levels[-1].kind == BATCH
    word = "BatchedTensor" if mapped else "GradTrackingTensor"
    place = ", bdim=0" if mapped else ""
    shown = tensor_repr(
        as_shown(self._array), dtype=repr(self._dtype), default_dtype=repr(dt.get_default_dtype())
    )
    inner = "\n".join("    " + line for line in shown.splitlines())
    return f"{word}(lvl={len(levels)}{place}, value=\n{inner}\n)"


for _name, _member in {
    "__len__": _len,
    "__iter__": _iter,
    "__bool__": _bool,
    "__index__": _index,
    "__contains__": _contains,
    "__format__": _format,
    "__repr__": _repr,
    "__int__": lambda self: int(_only(self)),
    "__float__": lambda self: float(_only(self)),
    "__complex__": lambda self: complex(_only(self)),
    "__reversed__": lambda self: SPACES[""]["flip"](self, (0,)) if self._sizes else self,
}.items():
    setattr(Tensor, _name, _member)


def _hash(self: Tensor) -> int:
    if self._desc is float or self._desc is int:
        break_graph("a number among the arguments is looked up", "use a tensor, or a constant.")
    return id(self)


Tensor.__hash__ = _hash  # type: ignore[method-assign]


def _reversed_operator(name: str, operation: Any) -> None:
    def operator(self: Tensor, other: Any) -> Any:
        if not isinstance(other, (int, float, complex, np.generic, Tensor)):
            return NotImplemented
        return operation(self, other)

    operator.__name__ = name
    attach(name, operator)


def install_operators() -> None:
    """Attach the reversed and in-place operators; called once the declared ops are bound."""
    torch = SPACES[""]
    full = torch["full"]

    def as_tensor(self: Tensor, value: Any) -> Tensor:
        return value if isinstance(value, Tensor) else full((), value, device=self.device)

    backwards = {
        "__rsub__": lambda s, o: torch["rsub"](s, o),
        "__rtruediv__": lambda s, o: torch["reciprocal"](s) * o,
        "__rdiv__": lambda s, o: torch["reciprocal"](s) * o,
        "__rpow__": lambda s, o: torch["pow"](o, s),
        "__rfloordiv__": lambda s, o: torch["floor_divide"](as_tensor(s, o), s),
        "__rmod__": lambda s, o: torch["remainder"](o, s),
        "__rmatmul__": lambda s, o: torch["matmul"](o, s),
        "__rlshift__": lambda s, o: torch["bitwise_left_shift"](o, s),
        "__rrshift__": lambda s, o: torch["bitwise_right_shift"](o, s),
    }
    for name, operation in backwards.items():
        if name not in Tensor.__dict__:
            _reversed_operator(name, operation)
    inplace = {
        **{
            "__iadd__": "add_",
            "__isub__": "sub_",
            "__imul__": "mul_",
            "__itruediv__": "div_",
            "__ipow__": "pow_",
        },
        **{"__ifloordiv__": "floor_divide_", "__imod__": "remainder_", "__iand__": "bitwise_and_"},
        **{
            "__ior__": "bitwise_or_",
            "__ixor__": "bitwise_xor_",
            "__ilshift__": "bitwise_left_shift_",
        },
        **{"__irshift__": "bitwise_right_shift_", "__idiv__": "div_"},
    }
    for name, method in inplace.items():
        if name not in Tensor.__dict__ and method in Tensor.__dict__:
            attach(name, Tensor.__dict__[method])
    for name in ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"):
        if name in ("__eq__", "__ne__"):
            _guard_comparison(name)
    _guard_inversion()


def _guard_inversion() -> None:
    """Let ``~x`` of a float fail in the operator's own words, not in those of ``bitwise_not``."""
    invert = Tensor.__dict__["__invert__"]

    def guarded(self: Tensor) -> Any:
        if self._dtype.category >= dt.FLOATING:
            raise TypeError(
                "~ (operator.invert) is only implemented on integer and Boolean-type tensors"
            )
        return invert(self)

    Tensor.__invert__ = guarded  # type: ignore[attr-defined]


def _guard_comparison(name: str) -> None:
    """Let ``tensor == "text"`` be Python's answer instead of an error."""
    compare = Tensor.__dict__[name]

    def guarded(self: Tensor, other: Any) -> Any:
        if not isinstance(other, (Tensor, int, float, complex, np.generic)):
            return NotImplemented
        return compare(self, other)

    guarded.__name__ = name
    setattr(Tensor, name, guarded)


# --- size of the storage --------------------------------------------------------------------------


@expose("m")
def set_(self: Tensor, source: Any = None, *args: Any) -> Tensor:
    """Let this tensor show the storage of ``source``."""
    if isinstance(source, Tensor) and not args:
        self.data = source
        return self
    raise NotImplementedError(
        "functorch_lite does not support Tensor.set_ with a storage; use torch.as_strided."
    )


@expose("m")
def apply_(self: Tensor, callable: Any) -> Tensor:
    """Replace each element by ``callable(element)``; slow, on the CPU only."""
    flat = [callable(v) for v in concrete(self).reshape(-1).tolist()]
    self.copy_(wrap(np.array(flat, self._dtype.np).reshape(self._sizes)))
    return self


@expose("m")
def map_(self: Tensor, tensor: Tensor, callable: Any) -> Tensor:
    """Replace each element by ``callable(element, element of tensor)``; slow, on the CPU only."""
    pairs = zip(
        concrete(self).reshape(-1).tolist(), concrete(tensor).reshape(-1).tolist(), strict=True
    )
    flat = [callable(a, b) for a, b in pairs]
    self.copy_(wrap(np.array(flat, self._dtype.np).reshape(self._sizes)))
    return self


def make_subclass(cls: Any, data: Tensor, require_grad: bool = False, **more: Any) -> Any:
    """Return ``data`` as an instance of a tensor subclass over the same storage."""
    twin = object.__new__(cls)
    source = data.detach()
    twin.__dict__.update(
        {k: v for k, v in source.__dict__.items() if k not in ("_view_of", "_grad_base")}
    )
    if require_grad and twin._dtype.category < dt.FLOATING:
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    twin._requires_grad = require_grad
    return twin


Tensor._make_subclass = staticmethod(make_subclass)


def as_subclass(self: Tensor, cls: Any) -> Any:
    """Return the tensor as an instance of a subclass, with the same storage and history."""
    twin = object.__new__(cls)
    twin.__dict__.update(self.__dict__)
    return twin


attach("as_subclass", as_subclass)


def from_storage(storage: Storage, size: tuple, stride: tuple, offset: int, d: dt.dtype) -> Tensor:
    """Return the tensor of ``size`` and ``stride`` at ``offset`` of a flat storage."""
    root = object.__new__(Tensor)
    root._storage = storage
    held = storage.array if storage.array is not None else storage.buffer
    root._sizes = tuple(held.shape)  # type: ignore[union-attr]
    root._dtype = d
    root._desc = d
    size, stride = tuple(size), tuple(stride)
    if (
        offset == 0
        and stride == contiguous_strides(size)
        and math.prod(size) == math.prod(root._sizes)
    ):
        view = root.view(size) if size != root._sizes else root
    else:
        view = SPACES[""]["as_strided"](root, size, stride, offset)
    return view.detach()


Tensor._from_storage = staticmethod(from_storage)
