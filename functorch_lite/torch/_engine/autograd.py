"""``backward``, ``torch.autograd.grad`` and what a tensor knows of the graph."""

import functools
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ..._core import dtype as dt
from ...transforms._levels import active, state
from ...transforms._where import explained
from . import backward as _backward
from .capture.breaks import break_if_outside
from .capture.hooks import epoch
from .grad_mode import mode, recording
from .graph import AccumulateGrad, RemovableHandle
from .override import overridable_property
from .register import SPACES, attach, expose
from .shown.composed import as_shown
from .tensor import Tensor
from .writing import c_name

BACKWARD_INSIDE = (
    "backward() called inside a functorch transform. This is not supported, please use "
    "functorch.grad or functorch.vjp instead or call backward() outside of functorch transforms."
)
NO_GRAD_ROOT = "element {} of tensors does not require grad and does not have a grad_fn"


OUTSIDE = "do it before the compiled function."


def refuse_inside(call: str) -> None:
    """Raise torch.func's error for what belongs to the tape, inside a transform."""
    if active.count and state.stack:
        raise explained(
            RuntimeError,
            f"You are attempting to call {call} inside of a function being transformed by a "
            "functorch transform. This is unsupported, please attempt to use the functorch "
            "transforms (e.g. grad, vjp, jacrev, jacfwd, hessian) or call "
            f"{call.split()[0].removeprefix('Tensor.')} outside of a function being transformed "
            "instead.",
        )


def _as_tuple(value: Any) -> tuple:
    if value is None:
        return ()
    return (value,) if isinstance(value, Tensor) else tuple(value)


def _roots(tensors: tuple, gradients: tuple, create: bool) -> list:
    """Pair each root's slot with its initial gradient, checking both."""
    gradients = gradients or (None,) * len(tensors)
    if len(gradients) != len(tensors):
        raise RuntimeError(("got %d tensors and %d gradients") % (len(tensors), len(gradients)))  # noqa: UP031
    roots = []
    for i, (tensor, gradient) in enumerate(zip(tensors, gradients, strict=True)):
        gradient = _initial(i, tensor, gradient, create)
        slot = tensor._history()
        if slot is None:
            raise RuntimeError(NO_GRAD_ROOT.format(i))
        roots.append((slot, gradient if create else gradient._array))
    return roots


def _initial(index: int, tensor: Tensor, gradient: Any, create: bool) -> Tensor:
    if gradient is None:
        if tensor.requires_grad:
            if any(n != 1 for n in tensor._sizes):
                raise RuntimeError("grad can be implicitly created only for scalar outputs")
            if tensor._dtype.is_complex:
                raise RuntimeError(
                    "grad can be implicitly created only for real scalar outputs but got "
                    f"{tensor._dtype}"
                )
        return SPACES[""]["ones_like"](tensor.detach())
    if not isinstance(gradient, Tensor):
        raise TypeError(
            f"gradients can be either Tensors or None, but got {type(gradient).__name__}"
        )
    if gradient._sizes != tensor._sizes:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{index}] has a shape of {gradient.shape} and "
            f"output[{index}] has a shape of {tensor.shape}."
        )
    if tensor._dtype.is_complex != gradient._dtype.is_complex:
        raise RuntimeError(
            "For complex Tensors, both grad_output and output are required to have the same "
            f"dtype. Mismatch in dtype: grad_output[{index}] has a dtype of {gradient._dtype} and "
            f"output[{index}] has a dtype of {tensor._dtype}."
        )
    return gradient if gradient._dtype is tensor._dtype else gradient.to(tensor._dtype)


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradients of ``tensors`` to the leaves' ``.grad`` (only of ``inputs``, if given)."""
    if active.count and state.stack:
        raise explained(RuntimeError, BACKWARD_INSIDE, "torch.func.grad(f)(x), or torch.func.vjp.")
    tensors = _as_tuple(tensors)
    roots = _roots(tensors, _as_tuple(grad_tensors), create_graph)
    retain = create_graph if retain_graph is None else retain_graph
    if create_graph:
        _warn_of_cycle()
    if inputs is None:
        with recording(create_graph):
            _backward.run(roots, retain=retain, create=create_graph)
        return
    wanted = _as_tuple(inputs)
    if not wanted:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    for tensor in wanted:
        if not tensor.is_leaf:
            retain_grad(tensor)
    found = _gradients(roots, wanted, retain, create_graph)
    for leaf, gradient in zip(wanted, found, strict=True):
        if gradient is not None and leaf.is_leaf:  # others retain theirs
            _backward.accumulate(
                AccumulateGrad(leaf), gradient if create_graph else gradient._array, create_graph
            )


@functools.cache  # once a process, as in PyTorch
def _warn_of_cycle() -> None:
    warnings.warn(
        "Using backward() with create_graph=True will create a reference cycle between the "
        "parameter and its gradient which can cause a memory leak. We recommend using "
        "autograd.grad when creating the graph to avoid this. If you have to use this function, "
        "make sure to reset the .grad fields of your parameters to None after use to break the "
        "cycle and avoid the leak. (Triggered internally at "
        "/pytorch/torch/csrc/autograd/engine.cpp:1333.)",
        UserWarning,
        stacklevel=4,
    )


def _gradients(roots: list, inputs: tuple, retain: bool, create: bool) -> list[Tensor | None]:
    slots = []
    for tensor in inputs:
        slot = tensor._history()
        if slot is None:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
        slots.append(slot)
    with recording(create):
        caught = _backward.run(roots, retain=retain, create=create, targets=slots)
    found = [caught.get(s) for s in slots]
    return [g if g is None or create else _backward.make(g) for g in found]


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple:
    """Return the gradients of the sum of ``outputs`` with respect to ``inputs``, one per input.

    Raises:
        RuntimeError: an input does not appear in the graph (unless ``allow_unused``).
    """
    if active.count and state.stack:
        raise NotImplementedError(
            "functorch_lite does not support torch.autograd.grad inside of a functorch transform. "
            "Use torch.func.grad or torch.func.vjp there."
        )
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
            "allow_unused=False."
        )
    outputs, wanted = _as_tuple(outputs), _as_tuple(inputs)
    retain = create_graph if retain_graph is None else retain_graph
    if is_grads_batched:
        return _batched(
            outputs, wanted, _as_tuple(grad_outputs), retain, create_graph, bool(allow_unused)
        )
    roots = _roots(outputs, _as_tuple(grad_outputs), create_graph)
    found = _gradients(roots, wanted, retain, create_graph)
    if materialize_grads:
        zeros = SPACES[""]["zeros_like"]
        return tuple(
            zeros(i.detach()) if g is None else g for i, g in zip(wanted, found, strict=True)
        )
    unused = [i for i, g in enumerate(found) if g is None]
    if unused and not allow_unused:
        raise RuntimeError(
            f"The differentiated Tensor at index {unused[0]} appears to not have been used in the "
            "graph. Set allow_unused=True if this is the desired behavior."
        )
    return tuple(found)


def _batched(
    outputs: tuple, inputs: tuple, cotangents: tuple, retain: bool, create: bool, unused: bool
) -> tuple:
    """Run one backward per row of the batched cotangents and stack what they give."""
    rows = len(cotangents[0]._array)
    each = [
        grad(
            outputs,
            inputs,
            [c[i] for c in cotangents],
            retain or i < rows - 1,
            create,
            True,
            unused,
        )
        for i in range(rows)
    ]
    stack = SPACES[""]["stack"]
    return tuple(None if g[0] is None else stack(g) for g in zip(*each, strict=True))


@expose("m", name="backward")
def _backward_method(
    self: Tensor,
    gradient: Any = None,
    retain_graph: Any = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add the gradients of this tensor to the ``.grad`` of the leaves that it depends on."""
    backward(self, gradient, retain_graph, create_graph, inputs=inputs)


# --- what a tensor knows of the graph -------------------------------------------------------------


def _grad_fn(self: Tensor) -> Any:
    """The node that produced this tensor (None for leaves)."""
    if self._grad_base is not None:
        self._history()
    return self._node


def _shown_grad_fn(self: Tensor) -> Any:
    """The node that produced this tensor (None for leaves)."""
    node = _grad_fn(self)
    return None if node is None else as_shown(node)


def _requires_grad(self: Tensor) -> bool:
    """True if a gradient is wanted for this tensor."""
    if self._grad_base is not None and not self._requires_grad:
        self._history()
    return self._requires_grad or self._shows_grad


def _set_requires_grad(self: Tensor, value: bool) -> None:
    break_if_outside(self, "requires_grad of a tensor from outside is set", OUTSIDE)
    if not self.is_leaf:
        if value:
            raise RuntimeError("you can only change requires_grad flags of leaf variables.")
        raise RuntimeError(
            "you can only change requires_grad flags of leaf variables. If you want to use a "
            "computed variable in a subgraph that doesn't require differentiation use var_no_grad "
            "= var.detach()."
        )
    if value and self._inference and not mode.inference:
        raise RuntimeError(
            "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."
        )
    if value and self._dtype.category < dt.FLOATING:
        raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
    self._requires_grad = bool(value)


def _is_leaf(self: Tensor) -> bool:
    """True unless the tensor is the result of a recorded operation."""
    return _grad_fn(self) is None


def _grad(self: Tensor) -> Any:
    """The accumulated gradient of a leaf (or of a tensor that retains it)."""
    if state.ground is not None:
        state.ground.touch_grad(self, read=True)
    if self._grad is None and self._node is not None and not _retains(self):
        warnings.warn(
            "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its "
            ".grad attribute won't be populated during autograd.backward(). If you indeed want the "
            ".grad field to be populated for a non-leaf Tensor, use .retain_grad() on the non-leaf "
            "Tensor. If you access the non-leaf Tensor by mistake, make sure you access the leaf "
            "Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more information. "
            "(Triggered internally at /pytorch/build/aten/src/ATen/core/TensorBody.h:500.)",
            UserWarning,
            stacklevel=2,
        )
    return self._grad


def _set_grad(self: Tensor, value: Any) -> None:
    if value is not None:
        if not isinstance(value, Tensor):
            raise TypeError(
                "assigned grad expected to be a Tensor or None but got grad of type "
                f"{type(value).__name__}"
            )
        if value is self:
            raise RuntimeError("can't assign Variable as its own grad")
        if value._dtype is not self._dtype:
            raise RuntimeError(
                f"attempting to assign a gradient with dtype '{c_name(value._dtype)}' to a tensor "
                f"with grad_dtype '{dt.scalar_name(self._dtype)}'. The gradient must match the "
                "tensor's grad_dtype (defaults to the tensor's dtype). You can set the tensor's "
                "grad_dtype attribute with a specific dtype, or None to allow any dtype. Set "
                "grad_dtype with caution. Diverging the dtypes of a tensor and its gradient may "
                "break downstream systems that assume they match."
            )
        if value._sizes != self._sizes:
            raise RuntimeError(
                f"attempting to assign a gradient of size '{list(value._sizes)}' to a tensor of "
                f"size '{list(self._sizes)}'. Please ensure that the gradient and the tensor are "
                "the same size"
            )
    if state.ground is not None:
        state.ground.touch_grad(self, read=False)
    self._grad = value


def _retains(self: Tensor) -> bool:
    """True for a non-leaf whose gradient is kept (``retain_grad``)."""
    node = self._node
    return node is not None and node.retains is not None and self._nr in node.retains


@expose("m")
def retain_grad(self: Tensor) -> None:
    """Keep the gradient of this non-leaf in ``.grad``; nothing to do for a leaf."""
    refuse_inside("Tensor.retain_grad()")
    if not self.requires_grad:
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    if self._node is None:
        return
    if self._node.retains is None:
        self._node.retains = {}
    self._node.retains[self._nr] = weakref.ref(self)


@expose("m")
def register_hook(self: Tensor, hook: Callable[[Tensor], Any]) -> RemovableHandle:
    """Call ``hook(grad)`` when this tensor's gradient is known; it may return a replacement."""
    if not self.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    node, index = self._history()  # type: ignore[misc]
    if isinstance(node, AccumulateGrad):
        if self._hooks is None:
            self._hooks = OrderedDict()
        if node.pre_hooks is None:
            node.pre_hooks = {0: self._hooks}
        self.__dict__["_hook_node"] = node
        hooks = self._hooks
    else:
        hooks = node.output_hooks(index)
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    epoch.now += 1
    return handle


@expose("m")
def register_post_accumulate_grad_hook(
    self: Tensor, hook: Callable[[Tensor], None]
) -> RemovableHandle:
    """Call ``hook(tensor)`` each time after a gradient was added to this leaf's ``.grad``."""
    if not self.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if self._node is not None:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    hooks = self.__dict__.setdefault("_post_accumulate_grad_hooks", OrderedDict())
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    epoch.now += 1
    return handle


@expose("m")
def requires_grad_(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Set whether a gradient is wanted for this leaf; return it."""
    refuse_inside("Tensor.requires_grad_() (or perhaps using torch.autograd.functional.* APIs)")
    if requires_grad and self._dtype.category < dt.FLOATING:
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    if self.is_leaf or not requires_grad:
        _set_requires_grad(self, requires_grad)
    return self


@expose("fm", name="detach_")
def detach_(self: Tensor) -> Tensor:
    """Cut this tensor off from its history, in place; it becomes a leaf."""
    if self._view_of is not None and self._grad_base is not None:
        raise RuntimeError(
            "Can't detach views in-place. Use detach() instead. If you are using "
            "DistributedDataParallel (DDP) for training, and gradient_as_bucket_view is set as "
            "True, gradients are views of DDP buckets, and hence detach_() cannot be called on "
            "these gradients. To fix this error, please refer to the Optimizer.zero_grad() "
            "function in torch/optim/optimizer.py as the solution."
        )
    break_if_outside(self, "a tensor from outside is detached in place", OUTSIDE)
    self._node, self._nr, self._requires_grad = None, 0, False
    return self


def _data(self: Tensor) -> Tensor:
    """The same storage without history; writing to it is not recorded."""
    with recording(False):
        twin = self.detach()
    twin._own_version = [0]
    return twin


def _set_data(self: Tensor, value: Tensor) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
    break_if_outside(
        self, "the data of a tensor from outside are replaced", "tensor.data.copy_(new)."
    )
    for key in ("_storage", "_sizes", "_dtype", "_desc"):
        setattr(self, key, value.__dict__[key])
    for key in ("_chain", "_strides", "_offset", "_shown_strides"):
        self.__dict__.pop(key, None)
        if key in value.__dict__:
            self.__dict__[key] = value.__dict__[key]
    self._read = None


def _version(self: Tensor) -> int:
    """The number of in-place writes to this tensor and its views, but for those to ``.data``."""
    if self._inference and not mode.inference:
        raise RuntimeError("Inference tensors do not track version counter.")
    return self._storage.version if self._own_version is None else self._own_version[0]


def _shown_base(self: Tensor) -> Tensor | None:
    """The tensor that this one is a view of; None for others, and for detached ones."""
    return self._view_of if self._shown_base is False else self._shown_base


attach("grad_fn", property(_shown_grad_fn))
attach("requires_grad", property(_requires_grad, _set_requires_grad))
attach("is_leaf", property(_is_leaf))
attach("grad", property(_grad, _set_grad, lambda self: _set_grad(self, None)))
attach("retains_grad", property(_retains))
attach("data", overridable_property(_data, _set_data))
attach("output_nr", property(lambda self: self._nr))
attach("_version", property(_version))
attach("_base", property(_shown_base))
attach("_is_view", lambda self: _shown_base(self) is not None)
