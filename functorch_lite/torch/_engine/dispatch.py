"""Dispatch: from an op and user arguments to tensors, and one node of the graph.

This is the hot path of eager code.  An op call costs one pass over the operands (values,
descriptors, whether a gradient is wanted), one dictionary look-up for the program, one compiled
call and, where a gradient is wanted, one node.  Everything rarer (errors, NumPy numbers, lists of
ints) is settled on the slow path, reached only when the look-up fails.
"""

import operator
from typing import Any

import jax
import numpy as np

from ..._core import dtype as dt
from ..._core.execute import x64
from ...ops._common import contiguous_strides
from ...ops._program import Program, _programs, program
from ...ops._registry import OPERAND, SCALAR, Dims, Op, Param, Size, split_name
from ...transforms._levels import active, state
from .capture.breaks import RECORDED_WRITE, break_if_outside
from .grad_mode import inference, mode
from .graph import node_type, sequence
from .inside.values import dynamic_shape, is_traced, known, on_host
from .inside.world import cut, lifted
from .layout import result_strides
from .mixed.casting import autocast
from .mixed.state import switch
from .override import HOOK, Overridden, refuse
from .shown.packing import hooks, pack
from .storage import to_device
from .tensor import Tensor, make
from .uses import uses_operands
from .view import make_view, view_program

NUMBERS = frozenset((bool, int, float, complex))


class Operands:
    """The operands of one call, flattened: values for the program and facts about them."""

    __slots__ = ("descriptors", "flat", "pull", "strided", "tensors", "wants_grad")

    def __init__(self) -> None:
        self.flat: list[Any] = []
        self.descriptors: list[Any] = []
        self.tensors: list[Tensor | None] = []
        self.wants_grad = False
        self.strided = False
        self.pull: Any = None

    def take(self, op: Op, position: int, value: Any) -> Any:
        """Add one operand (recursing into sequences) and return its descriptor."""
        kind = type(value)
        if kind is Tensor or (isinstance(value, Tensor) and not (value._overrides and refuse())):
            self.flat.append(value._array)
            self.tensors.append(value)
            if value._requires_grad or (
                value._grad_base is not None and value._grad_base._requires_grad
            ):
                if not active.count:
                    self.wants_grad = True
                else:  # a transform differentiates, not the tape
                    self.transformed(value)
            if value._strides is not None:
                self.strided = True
            return value._desc
        if kind in NUMBERS:
            self.flat.append(value)
            self.tensors.append(None)
            return kind
        if value is None:
            return None
        if isinstance(value, (tuple, list)):
            _check_elements(op, position, value)
            return tuple([self.take(op, position, v) for v in value])
        if isinstance(value, (np.generic, int, float, complex)):
            return self.take(op, position, plain_number(value))
        if hasattr(kind, HOOK):
            raise Overridden
        raise TypeError(_operand_error(op, position, value))

    def transformed(self, tensor: Tensor) -> None:
        """Take an operand with a history inside a transform: its traced value, or a gradient."""
        if not state.stack:
            self.wants_grad = True
        elif mode.grad:
            self.flat[-1] = lifted(tensor)


def _check_elements(op: Op, position: int, values: Any) -> None:
    """Raise PyTorch's TypeError for a sequence of anything but tensors, such as ``exp([1.0])``."""
    for place, value in enumerate(values):
        if isinstance(value, Tensor) or value is None or hasattr(type(value), HOOK):
            continue
        if place:
            raise TypeError(
                f"expected Tensor as element {place} in argument {position}, but got "
                f"{type_name(value)}"
            )
        if not isinstance(value, (tuple, list)):
            raise TypeError(_operand_error(op, position, values))


def plain_number(value: Any) -> Any:
    """Return a NumPy scalar (or a subclass of a Python number) as a plain Python number."""
    if isinstance(value, np.generic):
        return value.item()
    kinds: tuple[Any, ...] = (bool, int, float, complex)
    return next(kind(value) for kind in kinds if isinstance(value, kind))


def call(op: Op, operands: tuple, statics: tuple) -> Any:
    """Run ``op`` on its operands (tensors, numbers, None, sequences) and static arguments."""
    if switch.count:
        result = autocast(call, op, operands, statics)
        if result is not NotImplemented:
            return result
    if op.view is not None:
        return call_view(op, operands, statics)
    if op.host:
        return call_host(op, operands, statics)
    taken = Operands()
    descriptors = tuple([taken.take(op, i, v) for i, v in enumerate(operands)])
    found = lookup(op, descriptors, statics, None)
    flat = taken.flat
    with x64(True):
        if op.loops and taken.wants_grad and mode.grad and state.ground is not None:
            out, taken.pull = found.pulled(flat)
        else:
            out = run(op, found, flat)
    if op.check is not None:
        run_check(op, operands, statics)
    if active.count and not mode.grad:
        out = cut(out)
    if type(out) is tuple:
        return _wrap_tuple(op, found, taken, out)
    if op.value:
        return out.item()
    result = make(out)
    if taken.strided and op.elementwise:
        _keep_layout(result, taken.tensors)
    if taken.wants_grad and mode.grad and op.grad:
        record(op, found, taken, (result,))
    elif mode.inference:
        result._inference = True
    return result


def run(op: Op, found: Program, flat: list) -> Any:
    """Call the compiled program; speak of devices as PyTorch does."""
    try:
        return found.call(*flat)
    except Exception as error:
        raise _plain_error(error, flat) from None


def _plain_error(error: Exception, flat: list) -> Exception:
    """Return an error of a body as the user should see it: without JAX's frames and notes."""
    if any(isinstance(value, jax.ShapeDtypeStruct) for value in flat):
        return NotImplementedError(
            "functorch_lite does not support computing with meta tensors: they have no values. "
            "Give functional_call tensors for all names, or move the tensor's shape only."
        )
    if isinstance(error, ValueError) and "incompatible devices" in str(error):
        return RuntimeError(_device_error(flat))
    if hasattr(error, "__notes__"):
        error.__notes__ = [n for n in error.__notes__ if "JAX has removed" not in n]
    return error.with_traceback(None)


def _device_error(flat: list) -> str:
    names = []
    for value in flat:
        if isinstance(value, jax.Array):
            d = next(iter(value.devices()))
            name = f"{'cuda' if d.platform == 'gpu' else d.platform}:{d.id}"
            names.append("cpu" if name == "cpu:0" else name)
    first, second, *_ = [*dict.fromkeys(names), "?", "?"]
    return (
        f"Expected all tensors to be on the same device, but found at least two devices, {first} "
        f"and {second}!"
    )


def lookup(op: Op, descriptors: tuple, statics: tuple, into: dt.dtype | None) -> Program:
    """Return the program for these arguments; normalise the static ones if they are new."""
    try:
        return _programs[op, descriptors, statics, into, dt._default]
    except (KeyError, TypeError):
        _check_numbers(op, descriptors)
        return program(op, descriptors, normal_statics(op, statics), into)


def _check_numbers(op: Op, descriptors: tuple) -> None:
    """Raise TypeError if a Python number stands where PyTorch wants a tensor."""
    for position, (param, descriptor) in enumerate(zip(op.run_time, descriptors, strict=True)):
        if (
            param.role == OPERAND
            and descriptor in NUMBERS
            and op.kinds
            and param.name not in op.numbers
        ):
            raise TypeError(_operand_error(op, position, descriptor()))


def normal_statics(op: Op, statics: tuple) -> tuple:
    """Return the static arguments in hashable form; TypeError in PyTorch's words for a bad one."""
    return tuple(_normal(op, p, v) for p, v in zip(op.static, statics, strict=True))


def _normal(op: Op, param: Any, value: Any) -> Any:
    if value is None or type(value) in (bool, int, str, float, dt.dtype):
        if type(value) in (str, float) and param.annotation in (int, Dims, Size):
            raise TypeError(
                _argument_error(
                    op, param, value, "int" if param.annotation is int else "tuple of ints"
                )
            )
        return value
    if isinstance(value, (tuple, list)):
        return tuple(_normal(op, param, v) for v in value)
    if isinstance(value, Tensor) and value._dtype.category == dt.INTEGRAL:
        return int(value._array)
    if isinstance(value, np.bool_):
        return bool(value)
    try:
        return operator.index(value)
    except TypeError:
        if isinstance(value, (float, np.floating)):
            return float(value)
        if param.annotation in (int, bool, Dims, Size, float, dt.dtype):
            raise TypeError(
                _argument_error(op, param, value, annotation_name(param.annotation))
            ) from None
        return value


def annotation_name(annotation: Any) -> str:
    """Return the name of a parameter's kind as PyTorch's messages spell it."""
    if annotation in (Dims, Size):
        return "tuple of ints"
    return (
        "torch.dtype"
        if annotation is dt.dtype
        else getattr(annotation, "__name__", str(annotation))
    )


def _argument_error(op: Op, param: Param, value: Any, wanted: str) -> str:
    where = "" if param.keyword_only else f" (position {op.params.index(param) + 1})"
    return (
        f"{op.name.rsplit('.', 1)[-1]}(): argument '{param.name}'{where} must be {wanted}, not "
        f"{type_name(value)}"
    )


def _operand_error(op: Op, position: int, value: Any) -> str:
    param = op.run_time[position]
    return _argument_error(op, param, value, "Number" if param.role == SCALAR else "Tensor")


def type_name(value: Any) -> str:
    """Return the name of a value's type as PyTorch's messages spell it."""
    kind = type(value)
    return (
        kind.__name__
        if kind.__module__ == "builtins" or kind.__name__ in ("Tensor", "Parameter")
        else f"{kind.__module__}.{kind.__name__}"
    )


def run_check(op: Op, operands: tuple, statics: tuple) -> None:
    """Run the op's value check on concrete operands; a tracer has no value to check."""
    values = [_plain(v) for v in operands]
    if active.count and any(is_traced(v) for v in values):
        return
    op.check(**op.arguments(values, statics))  # type: ignore[misc]


def _plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        return known(value._array)
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value


# --- results -------------------------------------------------------------------------------------

_named: dict[Op, type] = {}


def named_tuple(op: Op) -> type:
    """Return the ``torch.return_types`` class of an op with several results."""
    found = _named.get(op)
    if found is None:
        space, base, _ = split_name(op.name)
        found = _named[op] = make_return_type(f"{space}_{base}" if space else base, op.returns)
    return found


def make_return_type(name: str, fields: tuple[str, ...]) -> type:
    """Return a tuple subclass that takes one sequence, has named fields and prints as PyTorch's."""

    def show(self: tuple) -> str:
        shown = (f"{f}={v!r}" for f, v in zip(fields, self, strict=True))
        return f"torch.return_types.{name}(\n" + ",\n".join(shown) + ")"

    body: dict[str, Any] = {f: property(operator.itemgetter(i)) for i, f in enumerate(fields)}
    body |= {
        "__repr__": show,
        "__module__": "torch.return_types",
        "__slots__": (),
        "n_fields": len(fields),
    }
    return type(name, (tuple,), body)


def _wrap_tuple(op: Op, found: Program, taken: Operands, arrays: tuple) -> Any:
    results = tuple([make(a) for a in arrays])
    if taken.wants_grad and mode.grad and op.grad:
        record(op, found, taken, results, True)
    return named_tuple(op)(results) if op.returns else results


def _keep_layout(result: Tensor, tensors: list) -> None:
    """Give an element-wise result the memory order of its operands."""
    shown = [(t._sizes, shown_strides(t)) for t in tensors if t is not None]
    result._strides = result_strides(result._sizes, shown)


def record(
    op: Op | None, found: Program, taken: Operands, results: tuple, several: bool = False
) -> None:
    """Put one node behind ``results``, unless no operand with a history takes part.

    A result that is itself an operand was written in place: its old value is kept by the node.
    ``several`` says that the program returns a tuple.
    """
    edges, wanted, saved, slots = [], [], [], []
    written: Tensor | None = None
    for i, t in enumerate(taken.tensors):
        if t is None:
            edges.append(None)
            saved.append(None)
            continue
        slots.append(i)
        version = t._storage.version
        if t is results[0]:  # written in place: its old value is kept where it is the first operand
            saved.append((t._storage, version - 1) if i else None)
            written = t
        else:
            saved.append((t._storage, version))
        edge = t._history() if t._requires_grad or t._grad_base is not None else None
        edges.append(edge)
        if edge is not None:
            wanted.append(i)
    if not wanted:
        return
    if written is not None:
        break_if_outside(written, *RECORDED_WRITE)
    if inference.used:
        _check_inference(found, taken, tuple(wanted), len(results))
    node = node_type(found.node)()
    node.number = next(sequence)
    node.program = found
    node.operands = taken.flat
    node.edges = tuple(edges)
    node.wanted = tuple(wanted)
    node.saved = saved
    node.tensor_slots = slots
    node.outputs = len(results)
    node.several = several
    if taken.pull is not None:
        node.pull = taken.pull
    if hooks:
        pack(node, taken.tensors)
    for i, result in enumerate(results):
        if result._dtype.category >= dt.FLOATING:
            result._requires_grad = True
            result._node = node
            result._nr = i
    if op is not None and op.saves_result:
        kept = results[0]
        node.result = (kept._storage, kept._storage.version, kept._dtype, kept._sizes)


def _check_inference(
    found: Program, taken: Operands, wanted: tuple[int, ...], outputs: int
) -> None:
    """Raise if the backward would need the value of an inference tensor."""
    inferred = [i for i, t in enumerate(taken.tensors) if t is not None and t._inference]
    if inferred and not uses_operands(found, wanted, outputs, taken.flat).isdisjoint(inferred):
        raise RuntimeError(
            "Inference tensors cannot be saved for backward. Please do not use Tensors created in "
            "inference mode in computation tracked by autograd. To work around this, you can make "
            "a clone to get a normal tensor and use it in autograd, or use `torch.no_grad()` "
            "instead of `torch.inference_mode()`."
        )


def call_host(op: Op, operands: tuple, statics: tuple) -> Any:
    """Run an op whose result's shape depends on values: its body works on NumPy arrays."""
    values = [_on_host(op, v) for v in operands]
    out = op.body(**op.arguments(values, normal_statics(op, statics)))
    if isinstance(out, (tuple, list)):
        results = tuple(o if o is None else make(to_device(np.asarray(o))) for o in out)
        return named_tuple(op)(results) if op.returns else results
    return make(to_device(np.asarray(out)))


def _on_host(op: Op, value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_on_host(op, v) for v in value]
    if not isinstance(value, Tensor):
        return value
    return on_host(value._array, dynamic_shape(op.name))


# --- views ---------------------------------------------------------------------------------------


def call_view(op: Op, operands: tuple, statics: tuple) -> Tensor:
    """Make the view of the first operand that ``op`` describes; the others are its integers."""
    parent, *ints = operands
    if not isinstance(parent, Tensor):
        if hasattr(type(parent), HOOK):
            raise Overridden
        raise TypeError(_operand_error(op, 0, parent))
    if parent._overrides:
        refuse()
    statics = normal_statics(op, statics)
    ints = tuple(i if type(i) is int else int(i) for i in ints)
    _, *arguments = op.arguments((parent, *ints), statics).values()
    sizes, strides, offset, *other = op.view.layout(  # type: ignore[union-attr]
        parent._sizes, shown_strides(parent), parent._offset, *arguments
    )
    step = view_program(op, (parent._desc, *(int for _ in ints)), statics)
    return make_view(
        parent, step, ints, (sizes, strides, offset), other[0](parent._dtype) if other else None
    )


def shown_strides(tensor: Tensor) -> tuple[int, ...]:
    """Return the strides that PyTorch shows, in elements."""
    if tensor._strides is not None:
        return tensor._strides
    shown = tensor.__dict__.get("_shown_strides")
    return contiguous_strides(tensor._sizes) if shown is None else shown
