"""``gradcheck`` and ``gradgradcheck``: backward against finite differences, in double precision.

A function with complex outputs is checked as two real ones: its real and its imaginary part.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from ..._core.errors import UnsupportedError
from .. import _api as torch
from .._engine.autograd import grad as _grad
from ..testing import make_tensor
from ._comparisons import (
    GradcheckError,
    Options,
    check_multiplied,
    check_undefined,
    compare_jacobians,
    compare_projections,
    differentiable,
    parts,
)
from ._jacobians import as_tuple, wanting

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


def _check_inputs(inputs: tuple) -> None:
    for place in wanting(inputs):
        tensor = inputs[place]
        if tensor.dtype not in (torch.float64, torch.complex128):
            warnings.warn(
                f"Input #{place} requires gradient and is not a double precision floating point "
                "or complex. "
                "This check will likely fail if all the inputs are not of double precision "
                "floating point or "
                "complex. ",
                stacklevel=4,
            )
        if not all(
            step > 0 or n <= 1 for step, n in zip(tensor.stride(), tensor.shape, strict=True)
        ):
            raise RuntimeError(
                f"The {place}th input has a dimension with stride 0. gradcheck only supports "
                "inputs that are "
                "non-overlapping to be able to compute the numerical gradients correctly. You "
                "should call "
                ".contiguous on the input before passing it to gradcheck."
            )
    if not wanting(inputs):
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them "
            "have "
            "requires_grad=True."
        )


def _check(func: Callable[..., Any], inputs: tuple, fast: bool, options: Options) -> bool:
    _check_inputs(inputs)
    outputs = func(*inputs)
    marked = differentiable(outputs)
    for part in parts(func, inputs, outputs):
        (compare_projections if fast else compare_jacobians)(part, options)
    check_multiplied(marked, inputs)
    if options.check_undefined_grad:
        check_undefined(func, inputs)
    return True


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Compare backward with finite differences; return True, or raise :class:`GradcheckError`.

    Args:
        func: takes tensors, returns a tensor or a tuple of them.
        inputs: a tensor or a tuple; those that require grad should be float64 or complex128.
        eps: the step of the finite differences.
        atol, rtol: tolerances of the comparison.
        raise_exception: False: return False instead of raising.
        nondet_tol: how far two runs of backward may be apart.
        check_undefined_grad: missing cotangents must count as zeros.
        check_grad_dtypes: gradients must have their input's dtype.
        check_batched_grad, check_batched_forward_grad, check_forward_ad: not supported.
        check_backward_ad: False together with ``check_forward_ad=False`` checks nothing: an error.
        fast_mode: compare one random projection instead of the whole Jacobians.
        masked: for sparse tensors, which do not exist here.
    """
    del masked
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError(
            "Expected at least one of check_forward_ad or check_backward_ad to be True"
        )
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError(
            "Setting check_batched_forward_grad=True requires check_forward_ad to be True"
        )
    if check_forward_ad:
        raise UnsupportedError("gradcheck(check_forward_ad=True)")
    if check_batched_grad:
        raise UnsupportedError("gradcheck(check_batched_grad=True)")
    options = Options(eps, atol, rtol, nondet_tol, check_undefined_grad, check_grad_dtypes)
    try:
        return _check(func, as_tuple(inputs), fast_mode, options)
    except GradcheckError:
        if raise_exception:
            raise
        return False


def _cotangents(func: Callable[..., Any], inputs: tuple, non_contiguous: bool) -> tuple:
    """Return random cotangents that require grad for the outputs of ``func``."""
    return tuple(
        make_tensor(
            o.shape,
            dtype=o.dtype if o.is_floating_point() or o.is_complex() else torch.double,
            device=o.device,
            low=-1,
            high=1,
            requires_grad=True,
            noncontiguous=non_contiguous,
        )
        for o in differentiable(func(*inputs))
    )


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Run :func:`gradcheck` on the backward of ``func``: second derivatives.

    Args:
        grad_outputs: the cotangents at which backward is checked; random ones by default.
        gen_non_contig_grad_outputs: make the random ones non-contiguous.
        check_fwd_over_rev: not supported.

    The other arguments are those of :func:`gradcheck`.
    """
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise AssertionError(
            "Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True"
        )
    inputs = as_tuple(inputs)
    given = (
        _cotangents(func, inputs, gen_non_contig_grad_outputs)
        if grad_outputs is None
        else as_tuple(grad_outputs)
    )
    wanted, wanted_given = wanting(inputs), wanting(given)

    def backward(*args: Any) -> tuple:
        tensors: Sequence[Any] = args[: len(inputs)]
        cotangents: Sequence[Any] = args[len(inputs) :]
        for group, places in ((tensors, wanted), (cotangents, wanted_given)):
            for i in places:
                group[i].requires_grad_()
        outputs = differentiable(func(*tensors))
        found = _grad(
            outputs, [tensors[i] for i in wanted], cotangents, create_graph=True, allow_unused=True
        )
        return tuple(g for g in found if g is not None)

    return gradcheck(
        backward,
        (*inputs, *given),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode,
        masked=masked,
    )
