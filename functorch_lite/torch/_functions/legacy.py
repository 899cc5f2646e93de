"""Legacy tensor types: ``torch.FloatTensor`` and its kin, and what ``torch.Tensor(...)`` makes.

A legacy type is not a class of tensors but a name for "dtype and device": it constructs tensors,
and ``isinstance`` asks the tensor for both.
"""

from typing import Any

from ..._core import dtype as dt
from .._engine.dispatch import type_name
from .._engine.register import SPACES, attach
from .._engine.tensor import Size, Tensor
from .device import NO_CUDA, platform_devices
from .device import device as as_device
from .methods import strided
from .settings import set_default_kind


class tensortype(type):
    """The class of ``torch.FloatTensor``: constructs tensors and recognises them.

    Attributes:
        dtype, layout, is_cuda, is_sparse: what its tensors have.
    """

    __module__ = "torch"
    dtype: dt.dtype
    is_cuda: bool

    def __call__(cls, *args: Any, device: Any = None, **named: Any) -> Any:
        """Make a tensor from sizes, a sequence or another tensor of the type."""
        if cls.is_cuda and not platform_devices("cuda"):
            raise TypeError(f"type torch.cuda.{cls.__name__} not available. {NO_CUDA}.")
        where = device if device is not None else "cuda" if cls.is_cuda else "cpu"
        return legacy(Tensor, cls.dtype, _named(args, named), where)

    def __instancecheck__(cls, instance: object) -> bool:
        return (
            isinstance(instance, Tensor)
            and instance._dtype is cls.dtype
            and instance.is_cuda is cls.is_cuda
        )

    def __repr__(cls) -> str:
        return f"<class '{cls.__module__}.{cls.__name__}'>"


_TYPES = (
    *(dt.bool_, dt.uint8, dt.int8, dt.int16, dt.int32, dt.int64),
    *(dt.float16, dt.bfloat16, dt.float32, dt.float64),
)


def _make(d: dt.dtype, module: str) -> tensortype:
    is_cuda = module.endswith("cuda")
    body = {
        "__module__": module,
        "__doc__": f"Tensors of {d}{' on a GPU' if is_cuda else ''}.",
        "dtype": d,
        "layout": strided,
        "is_cuda": is_cuda,
        "is_sparse": False,
    }
    return tensortype(d.legacy, (), body)


CPU_TYPES = {d.legacy: _make(d, "torch") for d in _TYPES}
CUDA_TYPES = {d.legacy: _make(d, "torch.cuda") for d in _TYPES}
(
    BoolCudaTensor,
    ByteCudaTensor,
    CharCudaTensor,
    ShortCudaTensor,
    IntCudaTensor,
    LongCudaTensor,
    *_floats,
) = CUDA_TYPES.values()
HalfCudaTensor, BFloat16CudaTensor, FloatCudaTensor, DoubleCudaTensor = _floats


def set_default_tensor_type(t: Any) -> None:
    """Set default dtype and device by a legacy type such as ``torch.DoubleTensor`` (deprecated)."""
    if isinstance(t, str):
        module, _, name = t.rpartition(".")
        known = {"torch": CPU_TYPES, "torch.cuda": CUDA_TYPES}.get(module, {})
        if name not in known:
            raise AttributeError(f"module '{module}' has no attribute '{name}'")
        t = known[name]
    if not isinstance(t, tensortype):
        raise TypeError(
            "invalid type object: only floating-point types are supported as the default type"
        )
    if not t.dtype.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    if t.is_cuda and not platform_devices("cuda"):
        raise TypeError(f"type torch.cuda.{t.__name__} not available. {NO_CUDA}.")
    set_default_kind(t.dtype, t.is_cuda)


# --- torch.Tensor(...), torch.FloatTensor(...), tensor.new(...) ----------------------------------


def legacy(cls: Any, d: dt.dtype | None, args: tuple, device: Any = None) -> Tensor:
    """Return the tensor that a legacy constructor makes of ``args``.

    Args:
        cls: the class of the result.
        d: its dtype; None: the default one, or that of a tensor given.
        args: sizes (the content is unspecified), a sequence, a tensor, or nothing.
        device: where the result lives.
    """
    made = _constructed(d, args, device)
    return made if cls is Tensor else made.as_subclass(cls)  # type: ignore[attr-defined]


def _constructed(d: dt.dtype | None, args: tuple, device: Any) -> Tensor:
    torch = SPACES[""]
    kind = dt.get_default_dtype() if d is None else d
    first = args[0] if args else None
    if not args:
        return torch["empty"]((0,), dtype=kind, device=device)
    if all(type(a) is int for a in args):
        return torch["empty"](args, dtype=kind, device=device)
    if len(args) > 1:
        raise TypeError(_wrong_sizes(args))
    if isinstance(first, Tensor):
        if d is not None and first._dtype is not d:
            raise TypeError(f"expected {_options(d)} (got {_options(first._dtype)})")
        return first.detach()  # type: ignore[attr-defined]
    if isinstance(first, Size):
        return torch["empty"](first, dtype=kind, device=device)
    if isinstance(first, str):
        raise TypeError(f"new(): invalid data type '{type_name(first)}'")
    if not hasattr(first, "__len__") or isinstance(first, (dict, set)):
        raise TypeError(f"new(): data must be a sequence (got {type_name(first)})")
    return torch["tensor"](first, dtype=kind, device=device)


_C_TYPES = {
    **{
        dt.float32: "float",
        dt.float64: "double",
        dt.int64: "long int",
        dt.int32: "int",
        dt.bool_: "bool",
    },
    **{
        dt.int16: "short int",
        dt.int8: "signed char",
        dt.uint8: "unsigned char",
        dt.float16: "c10::Half",
    },
    **{dt.bfloat16: "c10::BFloat16"},
}


def _options(d: dt.dtype) -> str:
    return (
        f"TensorOptions(dtype={_C_TYPES.get(d, d)}, device=cpu, layout=Strided, "
        "requires_grad=false (default), "
        "pinned_memory=false (default), memory_format=(nullopt))"
    )


def _wrong_sizes(args: tuple) -> str:
    if type(args[0]) is int:
        place = next(i for i, a in enumerate(args, 1) if type(a) is not int)
        return (
            f"new(): argument 'size' failed to unpack the object at pos {place} with error "
            f'"type must be tuple of ints,but got {type_name(args[place - 1])}"'
        )
    wrong = ", ".join(f"!{type_name(a)}!" for a in args)
    given = ", ".join(map(type_name, args))
    return _no_match(given, f"some of the arguments have invalid types: ({wrong})")


def _no_match(given: str, why: str) -> str:
    return (
        f"new() received an invalid combination of arguments - got ({given}), but expected one "
        "of:\n"
        " * (*, torch.device device = None)\n"
        f"      didn't match because {why}\n"
        " * (torch.Storage storage)\n * (Tensor other)\n"
        " * (tuple of ints size, *, torch.device device = None)\n"
        " * (object data, *, torch.device device = None)\n"
    )


def _named(args: tuple, named: dict[str, Any]) -> tuple:
    """Return the positional arguments with ``size=``, ``data=``, ``other=`` among them."""
    unknown = [n for n in named if n not in ("size", "data", "other")]
    if unknown:
        given = [*map(type_name, args), *(f"{n}={type_name(v)}" for n, v in named.items())]
        raise TypeError(
            _no_match(
                ", ".join(given), f"some of the keywords were incorrect: {', '.join(unknown)}"
            )
        )
    if "size" in named:
        return tuple(named["size"])
    return (*args, *named.values())


def _new_tensor(cls: Any, *args: Any, device: Any = None, **named: Any) -> Any:
    """Construct as ``torch.Tensor(...)`` does: from sizes, or from data as the default dtype."""
    where = None if device is None else as_device(device)
    if where is not None and where.type != "cpu":
        raise RuntimeError(
            f"legacy constructor expects device type: cpu but device type: {where.type} was passed"
        )
    return legacy(cls, None, _named(args, named), where)


def new(self: Tensor, *args: Any, device: Any = None, **named: Any) -> Tensor:
    """Construct as ``torch.Tensor(...)`` does, with the dtype and device of ``self``."""
    where = self.device if device is None else device  # type: ignore[attr-defined]
    return legacy(Tensor, self._dtype, _named(args, named), where)


Tensor.__new__ = staticmethod(_new_tensor)  # type: ignore[method-assign, assignment]
Tensor._legacy = classmethod(legacy)  # type: ignore[assignment]
if "new" not in Tensor.__dict__:
    attach("new", new)
