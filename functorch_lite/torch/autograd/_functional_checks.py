"""What the functions of ``torch.autograd.functional`` share: arguments, checks, missing gradients.

Each of them takes a tensor or a tuple of tensors and gives the same back; ``strict`` turns what
would be a zero into an error. The texts are PyTorch's.
"""

from collections.abc import Callable
from typing import Any

from .. import _api as torch
from .._engine.autograd import grad as _grad

Tensors = tuple[Any, ...]


def as_tensors(value: Any, what: str, name: str | None) -> tuple[bool, Tensors]:
    """Return (was it a tuple, the tensors); TypeError unless it is one tensor or a tuple of them.

    Args:
        what: how the message calls it: "inputs", "v", "outputs of the user-provided function".
        name: the function that was called.
    """
    several = isinstance(value, tuple)
    tensors = value if several else (value,)
    for i, item in enumerate(tensors):
        if not isinstance(item, torch.Tensor):
            which = f"value at index {i}" if several else f"given {what}"
            raise TypeError(
                f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but the "
                f"{which} has type {type(item)}."
            )
    return several, tensors


def as_given(tensors: Any, several: bool) -> Any:
    """Return the tuple, or the only tensor if a single one was given."""
    return tensors if several else tensors[0]


def prepared(tensors: Tensors, create_graph: bool, wanted: bool = True) -> Tensors:
    """Return tensors to differentiate by: tied to the caller's graph only with ``create_graph``."""
    return tuple(
        t.view_as(t) if create_graph and t.requires_grad else t.detach().requires_grad_(wanted)
        for t in tensors
    )


def finished(tensors: Tensors, create_graph: bool) -> Tensors:
    """Return results: without a history, unless ``create_graph``."""
    return tensors if create_graph else tuple(t.detach() for t in tensors)


def direction(
    v: Any, name: str, like: Tensors, several: bool, create_graph: bool, missing: str
) -> Tensors | None:
    """Return ``v`` as a tuple that fits ``like``; None if it was left out and may be.

    Raises:
        RuntimeError: it does not fit, or (``missing``) stands for more than one number.
    """
    if v is None:
        if len(like) != 1 or like[0].nelement() != 1:
            raise RuntimeError(missing)
        return None
    _, given = as_tensors(v, "v", name)
    found = prepared(given, create_graph, wanted=False)
    if len(found) != len(like):
        if several:
            raise RuntimeError(
                f"v is a tuple of invalid length: should be {len(like)} but got {len(found)}."
            )
        raise RuntimeError("The given v should contain a single Tensor.")
    for i, (own, other) in enumerate(zip(found, like, strict=True)):
        if own.size() != other.size():
            where = f"Entry {i} in " if several else ""
            raise RuntimeError(
                f"{where}v has invalid size: should be {other.size()} but got {own.size()}."
            )
    return found


def gradients(
    outputs: Tensors,
    inputs: Tensors,
    cotangents: Any = None,
    create_graph: bool = False,
    retain_graph: bool | None = None,
    batched: bool = False,
) -> tuple[Any, ...]:
    """Return ``torch.autograd.grad``, with None where an output or an input takes no part."""
    given = (None,) * len(outputs) if cotangents is None else cotangents
    pairs = [
        (o, g) for o, g in zip(outputs, given, strict=True) if o is not None and o.requires_grad
    ]
    if not pairs:
        return (None,) * len(inputs)
    roots, weights = zip(*pairs, strict=True)
    return _grad(
        roots,
        inputs,
        weights,
        allow_unused=True,
        create_graph=create_graph,
        retain_graph=retain_graph,
        is_grads_batched=batched,
    )


# --- the user's function --------------------------------------------------------------------------


def called(
    func: Callable[..., Any], inputs: Tensors, name: str, strict: bool
) -> tuple[Tensors, bool]:
    """Run the user's function; return (its outputs, were they a tuple)."""
    several, outputs = as_tensors(func(*inputs), "outputs of the user-provided function", name)
    demand_history(outputs, "outputs", strict)
    return outputs, several


def single(result: tuple[Tensors, bool], name: str) -> Any:
    """Return the one number that a function returned; RuntimeError if it is anything else."""
    outputs, several = result
    if several:
        raise RuntimeError(f"The function given to {name} should return a single Tensor")
    if outputs[0].nelement() != 1:
        raise RuntimeError(
            f"The Tensor returned by the function given to {name} should contain a single element"
        )
    return outputs[0]


# --- strict ---------------------------------------------------------------------------------------

_NOT_ALLOWED = "This is not allowed in strict mode"
_CONSTANT = {
    "outputs": "Output {} of the user-provided function does not require gradients. The outputs "
    "must be computed in a differentiable manner from the input when running in strict mode.",
    "gradient": "The gradient with respect to input {} is independent of the inputs of the "
    f"user-provided function. {_NOT_ALLOWED}.",
    "jacobian": "While computing the hessian, found that the jacobian of the user-provided "
    "function with respect to input {} is independent of the input. This is not allowed in strict "
    "mode. You should ensure that your function is twice differentiable and that the jacobian "
    "depends on the inputs (this would be violated by a linear function for example).",
    "hessian": "The hessian of the user-provided function with respect to input {} is independent "
    "of the input. This is not allowed in strict mode. You should ensure that your function is "
    "thrice differentiable and that the hessian depends on the inputs.",
}
_UNUSED = {
    "vjp": "The output of the user-provided function is independent of input {}. "
    f"{_NOT_ALLOWED}.",
    "jvp": "The gradient with respect to the input is independent of entry {} in the grad_outputs "
    "when using the double backward trick to compute forward mode gradients. "
    f"{_NOT_ALLOWED}.",
    "vhp": f"The jacobian of the user-provided function is independent of input {{}}. "
    f"{_NOT_ALLOWED}.",
    "hvp": "The hessian of the user-provided function is independent of entry {} in the "
    f"grad_jacobian. {_NOT_ALLOWED} as it prevents from using the double backward trick to replace "
    "forward mode AD.",
}


def independent(what: str, index: int) -> RuntimeError:
    """Return the error for a derivative that cannot be differentiated again in strict mode."""
    return RuntimeError(
        f"The {what} of the user-provided function is independent of input {index}. "
        f"{_NOT_ALLOWED} when create_graph=True."
    )


def unused(output: int, index: int) -> RuntimeError:
    """Return the error for an output of which a row of the Jacobian is missing."""
    return RuntimeError(
        f"Output {output} of the user-provided function is independent of input {index}. "
        f"{_NOT_ALLOWED}."
    )


def demand_history(tensors: Tensors, kind: str, strict: bool) -> None:
    """Raise, in strict mode, if one of the tensors depends on nothing that is differentiated.

    Args:
        kind: what they are: "outputs", "gradient", "jacobian" or "hessian".
    """
    if not strict:
        return
    for i, tensor in enumerate(tensors):
        if tensor is None:
            raise RuntimeError(_UNUSED["vjp"].format(i))
        if not tensor.requires_grad:
            raise RuntimeError(_CONSTANT[kind].format(i))


def filled(found: Tensors, like: Tensors, strict: bool, create_graph: bool, name: str) -> Tensors:
    """Return the derivatives of ``name``, zeros where one is missing; errors if ``strict``."""
    for i, derivative in enumerate(found if strict else ()):
        if derivative is None:
            raise RuntimeError(_UNUSED[name].format(i))
        if create_graph and not derivative.requires_grad:
            raise independent("hessian" if name in ("vhp", "hvp") else "jacobian", i)
    return tuple(
        torch.zeros_like(ref) if d is None else d for d, ref in zip(found, like, strict=True)
    )
