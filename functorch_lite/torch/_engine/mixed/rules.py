"""What autocast does with an operation: a *rule* is ``(call, region, op, operands, statics)``.

It runs the op through ``call`` on other operands and returns the result; or returns
``NotImplemented``, and the op runs as it stands. ``policies.py`` says which op has which rule.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from ...._core import dtype as dt
from ....ops._registry import OPS, Op
from ....transforms._levels import TRACE, active, innermost
from ..grad_mode import mode
from ..inside.values import is_traced
from ..layout import dense_strides
from ..tensor import Tensor
from .state import Region, state

Call: TypeAlias = Callable[[Op, tuple, tuple], Any]
Rule: TypeAlias = Callable[[Call, Region, Op, tuple, tuple], Any]

_TO = OPS["_to_copy"]


# --- casting one operand --------------------------------------------------------------------------


def eligible(value: Any, region: Region) -> bool:
    """Return True for a tensor that autocast may cast: of floats but float64, on the device."""
    if not isinstance(value, Tensor) or value._dtype is dt.float64:
        return False
    if not value._dtype.is_floating_point:
        return False
    # where a traced value will live is not known: it belongs to the region that is on
    return is_traced(value._storage.array) or value.device.type == region.device


def cast(call: Call, region: Region, value: Any, wanted: dt.dtype) -> Any:
    """Return an operand, or a sequence of them, with the eligible tensors in ``wanted``."""
    if isinstance(value, (tuple, list)):
        return tuple([cast(call, region, v, wanted) for v in value])
    if not eligible(value, region) or value._dtype is wanted:
        return value
    casts = _casts() if wanted is region.low and _may_be_shared(value) else None
    if casts is None:
        return _converted(call, value, wanted)
    kept = casts.get(id(value))
    if kept is not None and (kept[1]._requires_grad or not mode.grad):
        return kept[1]
    made = _converted(call, value, wanted)
    if casts is not state.casts or not is_traced(made._storage.array):
        casts[id(value)] = (value, made)
    return made


def _converted(call: Call, tensor: Tensor, wanted: dt.dtype) -> Tensor:
    """Cast as ``Tensor.to`` does: with a ``ToCopyBackward0``, in the same memory order."""
    made = call(_TO, (tensor,), (wanted,))
    if tensor._strides is not None:
        made._strides = dense_strides(tensor._sizes, tensor._strides)
    return made


def _may_be_shared(tensor: Tensor) -> bool:
    """Return True for what PyTorch casts once a region: a float32 leaf that wants a gradient."""
    return (
        state.caches
        and tensor._dtype is dt.float32
        and tensor._requires_grad
        and tensor._node is None
        and not tensor._chain
    )


def _casts() -> dict[int, tuple[Any, Any]] | None:
    """Return where casts are kept here; None inside of a transform that differentiates or maps.

    A traced cast is kept with its trace, so that it cannot outlive it.
    """
    top = innermost() if active.count else None
    if top is None:
        return state.casts
    return top.notes.setdefault("casts", {}) if top.kind == TRACE else None


# --- the rules ------------------------------------------------------------------------------------


def lower(call: Call, region: Region, op: Op, operands: tuple, statics: tuple) -> Any:
    """Run in the low-precision dtype."""
    return call(op, cast(call, region, operands, region.low), statics)


def full(call: Call, region: Region, op: Op, operands: tuple, statics: tuple) -> Any:
    """Run in float32."""
    return call(op, cast(call, region, operands, dt.float32), statics)


def full_unless_told(call: Call, region: Region, op: Op, operands: tuple, statics: tuple) -> Any:
    """Run in float32 unless the caller named a dtype."""
    if op.arguments(operands, statics)["dtype"] is not None:
        return NotImplemented
    return full(call, region, op, operands, statics)


def widest(call: Call, region: Region, op: Op, operands: tuple, statics: tuple) -> Any:
    """Run in the widest dtype among the operands, the low-precision one at least."""
    common = region.low
    for tensor in _tensors(operands):
        if eligible(tensor, region) and dt.float32 not in (common, tensor._dtype):
            if tensor._dtype is not region.low:
                raise RuntimeError("Unexpected floating ScalarType in at::autocast::prioritize")
        elif eligible(tensor, region):
            common = dt.float32
    return call(op, cast(call, region, operands, common), statics)


def rounded(call: Call, region: Region, op: Op, operands: tuple, statics: tuple) -> Any:
    """Run as it stands, and round the result: of ops that end in a matrix product."""
    return cast(call, region, call(op, operands, statics), region.low)


def weights_lower(call: Call, region: Region, op: Op, operands: tuple, statics: tuple) -> Any:
    """Cast all but the hidden state ``hx``: recurrent steps add low-precision products to it."""
    lowered = [
        value if param.name in ("hx", "noise") else cast(call, region, value, region.low)
        for param, value in zip(op.run_time, operands, strict=True)
    ]
    return call(op, tuple(lowered), statics)


def lstm_layers(call: Call, region: Region, op: Op, operands: tuple, statics: tuple) -> Any:
    """Run whole LSTM layers in low precision; with a projection only the products are."""
    h, c = op.arguments(operands, statics)["hx"]
    if h._sizes == c._sizes:
        return lower(call, region, op, operands, statics)
    output, h, c = weights_lower(call, region, op, operands, statics)
    return cast(call, region, output, region.low), cast(call, region, h, region.low), c


def refused(call: Call, region: Region, op: Op, operands: tuple, statics: tuple) -> Any:
    """Refuse to run: a loss of probabilities, whose gradients leave float16's range."""
    del call, region, op, operands, statics
    raise RuntimeError(
        "torch.nn.functional.binary_cross_entropy and torch.nn.BCELoss are unsafe to autocast.\n"
        "Many models use a sigmoid layer right before the binary cross entropy layer.\n"
        "In this case, combine the two layers using "
        "torch.nn.functional.binary_cross_entropy_with_logits\n"
        "or torch.nn.BCEWithLogitsLoss.  binary_cross_entropy_with_logits and BCEWithLogits are\n"
        "safe to autocast."
    )


def where(test: Callable[..., bool], rule: Rule) -> Rule:
    """Return ``rule`` for calls whose arguments, by name, pass a test; others run as they stand."""

    def chosen(call: Call, region: Region, op: Op, operands: tuple, statics: tuple) -> Any:
        if not test(**op.arguments(operands, statics)):
            return NotImplemented
        return rule(call, region, op, operands, statics)

    return chosen


def _tensors(value: Any) -> list[Any]:
    if isinstance(value, (tuple, list)):
        return [t for v in value for t in _tensors(v)]
    return [value]
