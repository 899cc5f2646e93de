"""Tensors with a role in a module: ``Parameter``, ``Buffer`` and their uninitialized forms.

A ``Parameter`` is a leaf tensor that a ``Module`` collects when it is assigned as an attribute. A
``Buffer`` is a plain tensor with a mark. The uninitialized forms have no shape yet: lazy modules
give them one at the first forward (``modules/lazy.py``).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from .. import _api as torch

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "UninitializedTensorMixin",
    "is_lazy",
]

_TensorMeta: Any = type(torch.Tensor)
_Tensor: Any = torch.Tensor  # its methods are attached at run time


class _ParameterMeta(_TensorMeta):
    """Lets ``isinstance(t, Parameter)`` hold for marked tensors of other subclasses."""

    def __instancecheck__(self, instance: object) -> bool:
        if self is Parameter and getattr(instance, "_is_param", False):
            return isinstance(instance, torch.Tensor)
        return super().__instancecheck__(instance)


class _BufferMeta(_TensorMeta):
    """Lets ``isinstance(t, Buffer)`` hold for the plain tensors that ``Buffer(...)`` returns."""

    def __instancecheck__(self, instance: object) -> bool:
        if self is Buffer and getattr(instance, "_is_buffer", False):
            return isinstance(instance, torch.Tensor)
        return super().__instancecheck__(instance)


def _rebuild_parameter(data: Any, requires_grad: bool, backward_hooks: Any) -> Parameter:
    """Make a pickled ``Parameter`` again."""
    param = Parameter(data, requires_grad)
    if backward_hooks:
        param._backward_hooks = backward_hooks
    return param


def _rebuild_parameter_with_state(
    data: Any, requires_grad: bool, backward_hooks: Any, state: dict[str, Any]
) -> Parameter:
    """Make a pickled ``Parameter`` again, with the attributes that its user had set on it."""
    param = _rebuild_parameter(data, requires_grad, backward_hooks)
    vars(param).update(state)
    return param


class Parameter(torch.Tensor, metaclass=_ParameterMeta):
    """A tensor that a module owns and an optimizer trains. Shares memory with ``data``.

    Args: ``data`` a tensor (an empty one when left out); ``requires_grad`` whether it is trained.
    """

    __torch_function__ = torch._C._disabled_torch_function_impl

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Parameter:
        """Wrap ``data``; a tensor of another subclass keeps its class and is only marked."""
        if data is None:
            data = torch.empty(0)
        if type(data) is torch.Tensor or type(data) is Parameter:
            return _Tensor._make_subclass(cls, data, requires_grad)
        t = data.detach().requires_grad_(requires_grad)
        if type(t) is not type(data):
            raise RuntimeError(
                f"Creating a Parameter from an instance of type {type(data).__name__} "
                "requires that detach() returns an instance of the same type, but return "
                f"type {type(t).__name__} was found instead. To use the type as a "
                "Parameter, please correct the detach() semantics defined by "
                "its __torch_dispatch__() implementation."
            )
        t._is_param = True
        return t

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        """Copy data and ``requires_grad``; gradient, hooks and own attributes stay behind."""
        if id(self) not in memo:
            data = self.data.clone(memory_format=torch.preserve_format)
            memo[id(self)] = type(self)(data, self.requires_grad)
        return memo[id(self)]

    def __repr__(self) -> str:
        """Show the tensor under the line ``Parameter containing:``."""
        return "Parameter containing:\n" + super().__repr__()

    def __reduce_ex__(self, proto: Any) -> tuple[Any, ...]:
        """Pickle as data, ``requires_grad`` and the user's attributes."""
        args = (self.data, self.requires_grad, OrderedDict())
        own = vars(self.detach())  # what a tensor itself is made of
        state = {
            k: v for k, v in vars(self).items() if k not in own and not hasattr(torch.Tensor, k)
        }
        if state:
            return _rebuild_parameter_with_state, (*args, state)
        return _rebuild_parameter, args

    __torch_function__ = torch._C._disabled_torch_function_impl  # results are plain tensors


class Buffer(torch.Tensor, metaclass=_BufferMeta):
    """A tensor that a module keeps but does not train, such as running statistics.

    Args: ``data`` a tensor; ``persistent`` whether ``state_dict`` has it. Returns a plain tensor.
    """

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        """Return ``data`` detached and marked as a buffer."""
        if data is None:
            data = torch.empty(0)
        t = data.detach().requires_grad_(data.requires_grad)
        t.persistent = persistent
        t._is_buffer = True
        return t

    __torch_function__ = torch._C._disabled_torch_function_impl


class UninitializedTensorMixin:
    """What a tensor without a shape may do: move, convert, and ``materialize``."""

    cls_to_become: Any = None
    requires_grad: bool

    _allowed_methods = (
        *(_Tensor.__hash__, _Tensor.size, _Tensor.copy_),
        *(_Tensor.is_complex, _Tensor.is_floating_point, _Tensor.get_device),
        *(_Tensor.half, _Tensor.float, _Tensor.double, _Tensor.char),
        *(_Tensor.short, _Tensor.int, _Tensor.long),
        *(_Tensor.cuda, _Tensor.cpu, _Tensor.to),
    )

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Get storage for ``shape`` and become an ordinary parameter or buffer; values are free."""
        old = self.data
        self.data = torch.empty(
            shape,
            device=old.device if device is None else device,
            dtype=old.dtype if dtype is None else dtype,
        )
        self.__class__ = self.cls_to_become

    @property
    def shape(self) -> Any:
        """Refuse: there is no shape before the first forward."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. "
            "This error usually happens in `load_state_dict` when trying to load "
            "an uninitialized parameter into an initialized one. "
            "Call `forward` to initialize the parameters before accessing their attributes."
        )

    def share_memory_(self) -> Any:
        """Refuse: there is nothing to share before the first forward."""
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. "
            "Call `forward` to initialize the parameters before calling "
            "`module.share_memory()`."
        )

    def __repr__(self) -> str:
        """Show the class only."""
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, proto: Any) -> tuple[Any, ...]:
        """Pickle as a new uninitialized tensor."""
        return type(self), (self.requires_grad,)

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Let moves and conversions through, refuse every computation."""
        if func in cls._allowed_methods or type(func).__name__ == "method-wrapper":
            parent: Any = super()
            return parent.__torch_function__(func, types, args, kwargs or {})
        raise ValueError(
            f"Attempted to use an uninitialized parameter in {func}. "
            "This error happens when you are using a `LazyModule` or "
            f"explicitly manipulating `torch.nn.parameter.{cls.__name__}` "
            "objects. When using LazyModules Call `forward` with a dummy batch "
            "to initialize the parameters before calling torch functions"
        )


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A parameter whose shape is not known yet; ``materialize`` makes it a ``Parameter``."""

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        """Make one on ``device`` with ``dtype``."""
        data = torch.empty(0, device=device, dtype=dtype)
        return _Tensor._make_subclass(cls, data, requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedParameter:
        """Make another one of the same device and dtype."""
        if id(self) not in memo:
            old = self.data
            memo[id(self)] = type(self)(self.requires_grad, old.device, old.dtype)
        return memo[id(self)]


class UninitializedBuffer(UninitializedTensorMixin, torch.Tensor):
    """A buffer whose shape is not known yet; ``materialize`` makes it a ``Tensor``."""

    cls_to_become = torch.Tensor

    def __new__(
        cls,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> Any:
        """Make one on ``device`` with ``dtype``."""
        data = torch.empty(0, device=device, dtype=dtype)
        buffer = _Tensor._make_subclass(cls, data, requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer


def is_lazy(param: Any) -> bool:
    """Tell whether ``param`` has no shape yet."""
    return isinstance(param, UninitializedTensorMixin)
