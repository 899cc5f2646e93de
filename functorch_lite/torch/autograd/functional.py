"""``torch.autograd.functional``: derivatives of a function of tensors, as values.

All but the forward mode of ``jacobian`` is the tape: the function runs on tensors that require
grad, and ``torch.autograd.grad`` does the rest, twice where a second derivative or the product with
a Jacobian from the left is wanted. Inside of the transforms of ``torch.func`` use those instead.
"""

from collections.abc import Callable
from typing import Any

from .. import _api as torch
from ._functional_checks import (
    Tensors,
    as_given,
    as_tensors,
    called,
    demand_history,
    direction,
    filled,
    finished,
    gradients,
    prepared,
    single,
)
from ._functional_matrices import hessian as hessian
from ._functional_matrices import jacobian as jacobian

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def vjp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """Return ``(func(*inputs), v^T J)``, ``J`` being the Jacobian of ``func`` at ``inputs``.

    Args:
        func: takes and returns a tensor or a tuple of tensors.
        inputs: a tensor or a tuple of them.
        v: in the structure and shapes of the output; may be left out if that is one number.
        create_graph: keep a history, so that the results can be differentiated.
        strict: raise where an output does not depend on an input, instead of giving zeros.

    Raises:
        RuntimeError: ``v`` does not fit the output, or ``strict`` finds an independence.
        TypeError: something is neither a tensor nor a tuple of tensors.
    """
    with torch.enable_grad():
        several, own = as_tensors(inputs, "inputs", "vjp")
        own = prepared(own, create_graph)
        outputs, several_out = called(func, own, "vjp", strict)
        along = direction(
            v,
            "vjp",
            outputs,
            several_out,
            create_graph,
            "The vector v can only be None if the user-provided function returns a single Tensor "
            "with a single element.",
        )
    product = _product(outputs, own, along, own, create_graph, strict, "vjp")
    return _results(outputs, several_out, product, several, create_graph)


def jvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """Return ``(func(*inputs), J v)``, ``J`` being the Jacobian of ``func`` at ``inputs``.

    Computed by backward twice, so that the function needs no rules but those of backward: ``v^T J``
    is linear in ``v``. ``v`` has the structure and shapes of ``inputs``. See :func:`vjp`.
    """
    with torch.enable_grad():
        several, own = as_tensors(inputs, "inputs", "jvp")
        own = prepared(own, create_graph)
        along = direction(
            v,
            "jvp",
            own,
            several,
            create_graph,
            "The vector v can only be None if the input to the user-provided function is a single "
            "Tensor with a single element.",
        )
        outputs, several_out = called(func, own, "jvp", strict)
        probes = tuple(torch.zeros_like(out, requires_grad=True) for out in outputs)
        pulled = gradients(outputs, own, probes, create_graph=True)
        demand_history(pulled, "gradient", strict)
    product = _product(pulled, probes, along, outputs, create_graph, strict, "jvp")
    return _results(outputs, several_out, product, several_out, create_graph)


def vhp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """Return ``(func(*inputs), v^T H)``, ``H`` being the Hessian of the scalar ``func``.

    ``v`` has the structure and shapes of ``inputs``. See :func:`vjp`.
    """
    with torch.enable_grad():
        own, several, along, outputs, slope = _slope(func, inputs, v, create_graph, strict, "vhp")
    product = _product(slope, own, along, own, create_graph, strict, "vhp")
    return _results(outputs, False, product, several, create_graph)


def hvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """Return ``(func(*inputs), H v)``, ``H`` being the Hessian of the scalar ``func``.

    The same numbers as :func:`vhp` for a smooth function, by one more backward. See :func:`vjp`.
    """
    with torch.enable_grad():
        own, several, along, outputs, slope = _slope(func, inputs, v, create_graph, strict, "hvp")
        probes = tuple(torch.zeros_like(t, requires_grad=True) for t in own)
        pulled = gradients(slope, own, probes, create_graph=True)
        demand_history(slope, "hessian", strict)
    product = _product(pulled, probes, along, own, create_graph, strict, "hvp")
    return _results(outputs, False, product, several, create_graph)


def _slope(
    func: Callable[..., Any], inputs: Any, v: Any, create_graph: bool, strict: bool, name: str
) -> tuple[Tensors, bool, Any, Tensors, Tensors]:
    """Return (inputs, were they a tuple, direction, outputs, gradient) for vhp and hvp."""
    several, own = as_tensors(inputs, "inputs", name)
    own = prepared(own, create_graph)
    along = direction(
        v,
        name,
        own,
        several,
        create_graph,
        "The vector v can only be None if the input to the user-provided function is a single "
        "Tensor with a single element.",
    )
    result = called(func, own, name, strict)
    single(result, name)
    slope = gradients(result[0], own, create_graph=True)
    demand_history(slope, "jacobian", strict)
    return own, several, along, result[0], slope


def _product(
    of: Any, by: Any, along: Any, like: Tensors, create_graph: bool, strict: bool, name: str
) -> Any:
    """Pull ``along`` back from ``of`` to ``by``; where nothing arrives, zeros in the shapes of
    ``like`` (an error with ``strict``)."""
    with torch.set_grad_enabled(create_graph or torch.is_grad_enabled()):
        found = gradients(of, by, along, create_graph)
        return filled(found, like, strict, create_graph, name)


def _results(
    outputs: Tensors, several_out: bool, product: Tensors, several: bool, create_graph: bool
) -> tuple[Any, Any]:
    return (
        as_given(finished(outputs, create_graph), several_out),
        as_given(finished(product, create_graph), several),
    )
