"""``jacobian`` and ``hessian`` of ``torch.autograd.functional``: whole matrices of derivatives."""

from collections.abc import Callable
from typing import Any

from ...transforms import jacfwd, jacrev
from .. import _api as torch
from ._functional_checks import (
    Tensors,
    as_given,
    as_tensors,
    called,
    demand_history,
    finished,
    gradients,
    independent,
    prepared,
    single,
    unused,
)

_STRATEGIES = ("forward-mode", "reverse-mode")


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """Return the Jacobian of ``func`` at ``inputs``.

    Args:
        func: takes and returns a tensor or a tuple of tensors.
        inputs: a tensor or a tuple of them.
        create_graph: keep a history, so that the Jacobian can be differentiated.
        strict: raise where an output does not depend on an input, instead of giving zeros.
        vectorize: compute all rows (or columns) together.
        strategy: "reverse-mode", a backward per number of the output; or "forward-mode" (with
            ``vectorize``), a derivative per number of the input.

    Returns:
        A tensor of the output's shape followed by the input's; a tuple of those if there are
        several inputs, or several outputs; a tuple per output of tuples if both.

    Raises:
        AssertionError: no such strategy.
        NotImplementedError, RuntimeError: options that exclude each other.
    """
    if strategy not in _STRATEGIES:
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your '
            'function has more outputs than inputs, "forward-mode" tends to be more performant. '
            'Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        _check_forward(create_graph, strict)
        several, own = as_tensors(inputs, "inputs", "jacobian")
        return _forward(func, own, several, vectorize)
    with torch.enable_grad():
        several, own = as_tensors(inputs, "inputs", "jacobian")
        own = prepared(own, create_graph)
        outputs, several_out = called(func, own, "jacobian", strict)
        if vectorize and strict:
            raise RuntimeError(
                "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not "
                "supported together. Please either set `strict=False` or `vectorize=False`."
            )
        if vectorize:
            rows = _all_rows(outputs, own, create_graph)
        else:
            rows = [_rows(i, out, own, create_graph, strict) for i, out in enumerate(outputs)]
    found = tuple(as_given(finished(row, create_graph), several) for row in rows)
    return as_given(found, several_out)


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """Return the Hessian of the scalar function ``func`` at ``inputs``.

    A tensor of the input's shape twice; for a tuple of inputs a tuple of tuples. The options are
    those of :func:`jacobian`; ``outer_jacobian_strategy`` is the strategy of the second derivative.
    """
    several, own = as_tensors(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in _STRATEGIES:
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def scalar(*args: Any) -> Any:
        return single(called(func, args, "hessian", strict), "hessian").squeeze()

    if outer_jacobian_strategy == "forward-mode":
        _check_forward(create_graph, strict)
        slope: Callable[..., Any] = jacrev(scalar, tuple(range(len(own))))
        return _pairs(_forward(slope, own, True, vectorize), several)

    def gradient(*args: Any) -> Any:
        found = jacobian(scalar, args, create_graph=True)
        demand_history(found, "jacobian", strict)
        return found

    found = jacobian(
        gradient, own, create_graph, strict, vectorize, strategy=outer_jacobian_strategy
    )
    return _pairs(found, several)


# --- steps ----------------------------------------------------------------------------------------


def _pairs(found: tuple, several: bool) -> Any:
    """Return a Hessian in the inputs' structure, twice."""
    return found if several else found[0][0]


def _rows(index: int, output: Any, inputs: Tensors, create: bool, strict: bool) -> Tensors:
    """Return the Jacobians of one output: a backward per number of it."""
    each: list[list[Any]] = [[] for _ in inputs]
    for unit in torch.eye(output.nelement(), dtype=output.dtype):
        found = gradients((output,), inputs, (unit.view_as(output),), create, retain_graph=True)
        for i, (row, ref) in enumerate(zip(found, inputs, strict=True)):
            if strict and row is None:
                raise unused(index, i)
            if strict and create and not row.requires_grad:
                raise independent("jacobian", index)
            each[i].append(torch.zeros_like(ref) if row is None else row)
    return tuple(
        torch.stack(rows).view(output.size() + ref.size())
        for rows, ref in zip(each, inputs, strict=True)
    )


def _all_rows(outputs: Tensors, inputs: Tensors, create: bool) -> list[Tensors]:
    """Return the Jacobians of all outputs: one backward with a batch of cotangents."""
    sizes = [out.nelement() for out in outputs]
    total = sum(sizes)
    units = torch.eye(total).split(sizes, dim=1)
    cotangents = tuple(
        u.to(out.dtype).reshape((total, *out.shape)) for u, out in zip(units, outputs, strict=True)
    )
    found = gradients(outputs, inputs, cotangents, create, batched=True)
    blocks = [
        (torch.zeros((total, *ref.shape), dtype=ref.dtype) if g is None else g).split(sizes)
        for g, ref in zip(found, inputs, strict=True)
    ]
    return [
        tuple(b[i].reshape(out.shape + ref.shape) for b, ref in zip(blocks, inputs, strict=True))
        for i, out in enumerate(outputs)
    ]


def _check_forward(create_graph: bool, strict: bool) -> None:
    """Raise for what the forward mode cannot do."""
    if create_graph:
        raise NotImplementedError(
            'torch.autograd.functional.jacobian: `create_graph=True` and `strategy="forward-mode"` '
            "are not supported together (yet). Please either set `create_graph=False` or "
            '`strategy="reverse-mode"`.'
        )
    if strict:
        raise RuntimeError(
            'torch.autograd.functional.jacobian: `strict=True` and `strategy="forward-mode"` are '
            "not supported together (yet). Please either set `strict=False` or "
            '`strategy="reverse-mode"`.'
        )


def _forward(func: Callable[..., Any], inputs: Tensors, several: bool, vectorize: bool) -> Any:
    """Return the Jacobian by forward mode, the tangents of all inputs in one batch.

    Rows of several inputs are lists here, as in PyTorch.
    """
    if not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian isonly "
            "implemented for `vectorize=True`."
        )

    several_out = False

    def checked(*args: Any) -> Tensors:
        nonlocal several_out
        several_out, outputs = as_tensors(func(*args), "outputs", None)
        return outputs

    blocks = jacfwd(checked, tuple(range(len(inputs))))(*inputs)
    if not several:
        return as_given(tuple(row[0] for row in blocks), several_out)
    return as_given([list(row) for row in blocks], several_out)
