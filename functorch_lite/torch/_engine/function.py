"""``torch.autograd.Function``: operations whose backward the user writes."""

from typing import Any

from ..._core import dtype as dt
from ...transforms._levels import active, state
from .grad_mode import mode, recording
from .graph import FREED, Node, node_type, sequence
from .inside.function import apply_inside
from .shown.packing import Packed, hooks
from .tensor import Tensor, make


class FunctionNode(Node):
    """The node of a custom function, and the ``ctx`` that its forward and backward share."""

    opaque = True
    function: Any = None
    _saved: tuple | None = ()
    _non_differentiable: frozenset[int] = frozenset()
    _dirty: tuple = ()
    _materialize = True
    _freed = False
    needs_input_grad: tuple[bool, ...] = ()
    output_metas: tuple = ()

    def __repr__(self) -> str:
        return f"<torch.autograd.function.{type(self).__name__} object at {hex(id(self))}>"

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors (or None) for backward; they are checked for in-place changes."""
        self._saved = tuple((t, None if t is None else t._storage.version) for t in tensors)
        if hooks:
            self._saved = tuple((t if t is None else Packed(t), None) for t in tensors)

    def save_for_forward(self, *tensors: Any) -> None:
        """Keep tensors for ``jvp``."""
        self.saved_for_forward = tensors

    @property
    def saved_tensors(self) -> tuple:
        """The tensors given to ``save_for_backward``."""
        if self._freed:
            raise RuntimeError(FREED)
        for tensor, version in self._saved or ():
            if version is not None and tensor._storage.version != version:
                raise RuntimeError(_modified(tensor, version))
        return tuple(t.unpack() if type(t) is Packed else t for t, _ in self._saved or ())

    @property
    def saved_variables(self) -> tuple:
        """Old name of ``saved_tensors``."""
        return self.saved_tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say which inputs the forward changed in place."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say which outputs have no gradient."""
        self._non_differentiable = frozenset(map(id, tensors))

    def set_materialize_grads(self, value: bool) -> None:
        """Say whether missing output gradients reach backward as zeros (the default) or None."""
        self._materialize = value

    def free(self) -> None:
        """Drop the saved tensors."""
        if self._saved:
            self._freed = True
            self._saved = ()

    def backward_tensors(self, gradients: list) -> list:
        """Run the user's backward and check what it returns; one gradient per input."""
        if self._materialize:
            gradients = [
                g if g is not None else _zeros(meta)
                for g, meta in zip(gradients, self.output_metas, strict=True)
            ]
        answer = self.function.backward(self, *gradients)
        answer = self.check_count(
            answer if isinstance(answer, tuple) else (answer,), len(self.edges)
        )
        return [self._checked(i, g) for i, g in enumerate(answer)]

    def check_count(self, answer: tuple, count: int) -> tuple:
        """Return what backward returned if that is one gradient (or None) an input."""
        while len(answer) > count and answer[-1] is None:
            answer = answer[:-1]
        if len(answer) != count:
            raise RuntimeError(
                f"function {type(self).__name__} returned an incorrect number of gradients "
                f"(expected {count}, got {len(answer)})"
            )
        return answer

    def check_gradient(self, index: int, gradient: Any, shape: tuple[int, ...]) -> None:
        """Raise PyTorch's error if a gradient is no tensor of the input's shape."""
        if not isinstance(gradient, Tensor):
            raise RuntimeError(f"expected Variable or None (got {type(gradient).__name__})")
        if gradient._sizes != shape:
            raise RuntimeError(
                f"Function {type(self).__name__} returned an invalid gradient at index {index} - "
                f"got {list(gradient._sizes)} but expected shape compatible with {list(shape)}"
            )

    def _checked(self, index: int, gradient: Any) -> Any:
        if gradient is None or self.edges[index] is None:
            return None
        shape, d = self.input_metas[index]
        self.check_gradient(index, gradient, shape)
        return gradient if gradient._dtype is d else gradient.to(d)

    input_metas: tuple = ()


def _zeros(meta: tuple | None) -> Tensor | None:
    if meta is None:  # the output was no tensor
        return None
    shape, d = meta
    return ZEROS[0](shape, d)


ZEROS: list[Any] = []


def _modified(tensor: Tensor, version: int) -> str:
    node = tensor.grad_fn
    name = "" if node is None else node.name().rstrip("0123456789").removesuffix("Backward")
    where = f", which is output {tensor._nr} of {name}," if name else ""
    return (
        "one of the variables needed for gradient computation has been modified by an inplace "
        f"operation: [torch.{tensor._dtype.legacy} {list(tensor._sizes)}]{where} is at version "
        f"{tensor._storage.version}; expected version {version} instead. Hint: enable anomaly "
        "detection to find the operation that failed to compute its gradient, with "
        "torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )


class _FunctionMeta(type):
    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        raise (
            RuntimeError(
                f"Attempting to instantiate the autograd.Function '{cls.__name__}', which is a "
                "static class: use its apply() method instead."
            )
            if cls is Function
            else TypeError(
                f"{cls} should not be instantiated. Methods on autograd functions "
                "are all static, so you should invoke them on the class itself. "
                "Instantiating an autograd function will raise an "
                "error in a future version of PyTorch."
            )
        )


class Function(metaclass=_FunctionMeta):
    """Base of custom operations: give it static ``forward`` and ``backward``, call ``apply``.

    ``forward(ctx, *args)``, or ``forward(*args)`` with ``setup_context(ctx, inputs, output)``;
    ``backward(ctx, *gradients)`` returns one gradient (or None) per argument of forward.
    """

    generate_vmap_rule = False

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the result; to be overridden."""
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function."
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: Any) -> Any:
        """Save what backward needs, where forward takes no ``ctx``; to be overridden."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Compute the gradients; to be overridden."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom "
            "autograd.Function to use it with backward mode AD."
        )

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """Compute the forward-mode derivative; to be overridden."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with "
            "forward mode AD."
        )

    @classmethod
    def run_forward(cls, ctx: Any, args: tuple, kwargs: dict) -> Any:
        """Run ``forward`` in the form in which the class has it, and fill ``ctx``."""
        if cls.setup_context is Function.setup_context:
            return cls.forward(ctx, *args, **kwargs)
        output = cls.forward(*args, **kwargs)
        cls.setup_context(ctx, args, output)
        return output

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run the operation and record it with the class's own backward."""
        if active.count and state.stack:
            return apply_inside(cls, args, kwargs, FunctionNode)
        node = node_type(cls.__name__ + "Backward", FunctionNode)()
        node.function = cls
        edges = tuple(a._history() if isinstance(a, Tensor) and mode.grad else None for a in args)
        node.needs_input_grad = tuple(isinstance(a, Tensor) and _wants(a) for a in args)
        before = mode.grad
        with recording(False):
            output = cls.run_forward(node, args, kwargs)
        outputs = output if isinstance(output, tuple) else (output,)
        for tensor in node._dirty:
            if before and tensor._requires_grad and tensor._node is None:
                raise RuntimeError(
                    "a leaf Variable that requires grad has been used in an in-place operation."
                )
            tensor._storage.version += 1
        if not any(e is not None for e in edges):
            return output
        node.number = next(sequence)
        node.edges = edges
        node.input_metas = tuple(
            (a._sizes, a._dtype) if isinstance(a, Tensor) else None for a in args
        )
        results = node_outputs(node, args, outputs)
        return tuple(results) if isinstance(output, tuple) else results[0]


def _wants(tensor: Tensor) -> bool:
    return bool(tensor.requires_grad)


def node_outputs(node: FunctionNode, args: tuple, outputs: tuple) -> list:
    """Put the node behind the differentiable outputs; an untouched input is re-wrapped."""
    node.outputs = len(outputs)
    metas, results = [], []
    dirty = set(map(id, node._dirty))
    inputs = {id(a) for a in args if isinstance(a, Tensor)}
    for index, out in enumerate(outputs):
        if not isinstance(out, Tensor):
            metas.append(None)
            results.append(out)
            continue
        metas.append((out._sizes, out._dtype))
        if out._dtype.category < dt.FLOATING or id(out) in node._non_differentiable:
            results.append(out)
            continue
        if id(out) in inputs and id(out) not in dirty:
            out = alias_of(out)
        out._node, out._nr, out._requires_grad = node, index, True
        out._accumulator = None
        results.append(out)
    node.output_metas = tuple(metas)
    return results


def alias_of(tensor: Tensor) -> Tensor:
    """Return a new tensor over the same storage, without history."""
    twin = make(tensor._array) if not tensor._chain else object.__new__(Tensor)
    twin.__dict__.update(
        {
            k: v
            for k, v in tensor.__dict__.items()
            if k
            in (
                "_storage",
                "_chain",
                "_sizes",
                "_strides",
                "_offset",
                "_dtype",
                "_desc",
                "_shown_strides",
                "_view_of",
            )
        }
    )
    return twin
