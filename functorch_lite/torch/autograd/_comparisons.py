"""The comparisons that ``gradcheck`` makes of one real-valued function.

Slow mode compares whole Jacobians, fast mode one random projection of each; then backward is asked
what it does with zeros and with missing cotangents.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import _api as torch
from .._engine.autograd import grad as _grad
from .._engine.backward import segments
from . import _jacobians
from ._jacobians import as_tuple, wanting
from .function import Function


class GradcheckError(RuntimeError):
    """Backward and finite differences disagree, or backward misbehaves."""


@dataclass(frozen=True)
class Options:
    """What a check compares with, and which checks it makes beyond the Jacobians."""

    eps: float
    atol: float
    rtol: float
    nondet_tol: float
    check_undefined_grad: bool
    check_grad_dtypes: bool


@dataclass(frozen=True)
class Part:
    """One real-valued function to check: the function itself, or a part of its complex outputs."""

    func: Callable[..., Any]
    inputs: tuple
    name: str = ""
    complex_outputs: tuple[int, ...] = ()

    def mismatch(self, output: int, place: int, by_difference: Any, by_backward: Any) -> str:
        """Return the message for two Jacobians that differ."""
        prefix = f"While considering the {self.name} part of complex outputs only, "
        return (
            f"{prefix if output in self.complex_outputs else ''}"
            f"Jacobian mismatch for output {output:d} with respect to input {place:d},\n"
            f"numerical:{by_difference}\nanalytical:{by_backward}\n"
        )


def differentiable(outputs: Any) -> tuple:
    """Return the outputs that require grad."""
    return tuple(o for o in as_tuple(outputs) if o.requires_grad)


def _close(a: Any, b: Any, rtol: float, atol: float) -> bool:
    kind = torch.promote_types(a.dtype, b.dtype)
    return torch.allclose(a.to(kind), b.to(kind), rtol, atol)


def parts(func: Callable[..., Any], inputs: tuple, outputs: Any) -> list[Part]:
    """Return the real-valued functions that stand for ``func``."""
    if not any(o.is_complex() for o in as_tuple(outputs)):
        return [Part(func, inputs)]
    places = tuple(i for i, o in enumerate(differentiable(outputs)) if o.is_complex())

    def taking(part: Callable[[Any], Any]) -> Callable[..., Any]:
        return lambda *given: tuple(
            part(o) if o.is_complex() else o for o in as_tuple(func(*given))
        )

    return [
        Part(taking(torch.imag), inputs, "imaginary", places),
        Part(taking(torch.real), inputs, "real", places),
    ]


# --- the comparisons -----------------------------------------------------------------------------

_NONDETERMINISTIC = (
    "Backward is not reentrant, i.e., running backward with same input and grad_output multiple "
    "times gives "
    "different values, although analytical gradient matches numerical gradient."
    "The tolerance for nondeterminism was {}."
)


def _attributes(first: tuple, second: tuple, options: Options) -> list[Any]:
    """Return the first of two runs of backward, checked for dtype, size and agreement."""
    jacobians, types_ok, sizes_ok = first
    if not types_ok and options.check_grad_dtypes:
        raise GradcheckError("Gradient has dtype mismatch")
    if not sizes_ok:
        raise GradcheckError("Analytical gradient has incorrect size")
    for a, b in zip(jacobians, second[0], strict=True):
        if a.numel() and (a - b).abs().max() > options.nondet_tol:
            raise GradcheckError(_NONDETERMINISTIC.format(options.nondet_tol))
    return jacobians


@segments.off()
def compare_jacobians(part: Part, options: Options) -> None:
    """Compare the whole Jacobians."""
    everything = as_tuple(part.func(*part.inputs))
    outputs = [o for o in everything if o.requires_grad]
    by_difference = _jacobians.numerical(part.func, part.inputs, everything, options.eps)
    if not outputs:
        if any((j != 0).any() for per_input in by_difference for j in per_input):
            raise GradcheckError("Numerical gradient for function expected to be zero")
        return
    numbered = [i for i, o in enumerate(everything) if o.requires_grad]
    for position, (i, output) in enumerate(zip(numbered, outputs, strict=True)):
        runs = [_jacobians.analytical(part.inputs, output) for _ in range(2)]
        by_backward = _attributes(runs[0], runs[1], options)
        for j, a in enumerate(by_backward):
            if not _close(a, by_difference[j][i], options.rtol, options.atol):
                raise GradcheckError(part.mismatch(position, j, by_difference[j][i], a))


def _direction(tensor: Any, generator: Any, kind: Any) -> Any:
    """Return a random unit vector with an entry per element of ``tensor``."""
    vector = torch.rand(tensor.numel(), generator=generator).to(kind)
    return vector / vector.norm()


def _real_of(d: Any) -> Any:
    return {torch.complex128: torch.float64, torch.complex64: torch.float32}.get(d, d)


@segments.off()
def compare_projections(part: Part, options: Options) -> None:
    """Compare v'Ju for one random v per output and one random u per input."""
    generator = torch.Generator()
    everything = as_tuple(part.func(*part.inputs))
    outputs = [o for o in everything if o.requires_grad]
    us: list[Any] = []
    for place in wanting(part.inputs):
        tensor = part.inputs[place]
        kind = _real_of(tensor.dtype)
        halves = [_direction(tensor, generator, kind) for _ in range(1 + tensor.is_complex())]
        us.append(tuple(halves) if tensor.is_complex() else halves[0])
    vs = [_direction(o, generator, o.dtype) for o in outputs]
    along = _jacobians.numerical_along(part.func, part.inputs, us, options.eps)
    if not outputs:
        if any((d != 0).any() for per_input in along for d in per_input):
            raise GradcheckError("Numerical gradient for function expected to be zero")
        return
    numbered = [i for i, o in enumerate(everything) if o.requires_grad]
    for position, (i, output, v) in enumerate(zip(numbered, outputs, vs, strict=True)):
        by_backward = _projected(part, output, v, options)
        for j, u in enumerate(us):
            a, n = _dot(by_backward[j], u), (along[j][i] * v).sum()
            if not _close(a, n, options.rtol, _scaled(options.atol, u, v)):
                raise GradcheckError(
                    part.mismatch(position, j, n, a) + _slowly(part, output, i, j, options)
                )


def _projected(part: Part, output: Any, v: Any, options: Options) -> list[Any]:
    runs = []
    for _ in range(2):
        gradients = _jacobians.pull_back(part.inputs, output.clone(), v.reshape(output.shape))
        runs.append(_jacobians.stacked(part.inputs, [[g] for g in gradients], 1))
    return [j.reshape(-1) for j in _attributes(runs[0], runs[1], options)]


def _dot(gradient: Any, u: Any) -> Any:
    """Return gradient . u; for a complex input, u is (real part, imaginary part)."""
    if isinstance(u, tuple):
        real, imaginary = gradient.real, gradient.imag
        return (real * u[0]).sum() + 1j * (imaginary * u[1]).sum()
    return (gradient * u).sum()


def _scaled(atol: float, u: Any, v: Any) -> float:
    return (
        atol * sum(float(p.sum()) for p in (u if isinstance(u, tuple) else (u,))) * float(v.sum())
    )


def _slowly(part: Part, output: Any, i: int, j: int, options: Options) -> str:
    """Return the second half of fast mode's message: the whole Jacobians."""
    n = _jacobians.numerical(
        part.func, part.inputs, as_tuple(part.func(*part.inputs)), options.eps
    )[j][i]
    a = _jacobians.analytical(part.inputs, output)[0][j]
    return (
        "\nThe above quantities relating the numerical and analytical jacobians are computed \n"
        "in fast mode. See: https://github.com/pytorch/pytorch/issues/53876 for more background \n"
        "about fast mode. Below, we recompute numerical and analytical jacobians in slow mode:\n\n"
        f"Numerical:\n {n}\nAnalytical:\n{a}\n\n"
        f"The max per-element difference (slow mode) is: {(n - a).abs().max()}.\n"
    )


# --- how backward treats its cotangents ----------------------------------------------------------


def check_multiplied(outputs: tuple, inputs: tuple) -> None:
    """Backward of zeros must be zeros, of the inputs' dtype and size."""
    tensors = [inputs[i] for i in wanting(inputs)]
    zeros = [torch.zeros_like(o) for o in outputs]
    found = _grad(outputs, tensors, zeros, retain_graph=True, allow_unused=True) if outputs else ()
    for gradient, tensor in zip(found, tensors, strict=False):
        if gradient is None:
            continue
        if not (gradient == 0).all():
            raise GradcheckError("backward not multiplied by grad_output")
        if gradient.dtype != tensor.dtype:
            raise GradcheckError("grad is incorrect type")
        if gradient.size() != tensor.size():
            raise GradcheckError("grad is incorrect size")


class _Undefined(Function):
    """The identity, whose backward hands on no gradient at all."""

    @staticmethod
    def forward(ctx: Any, tensor: Any) -> Any:
        return tensor.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return None


_UNDEFINED_NOTES = '"Notes about undefined output gradients" in "tools/autograd/derivatives.yaml"'


def check_undefined(func: Callable[..., Any], inputs: tuple) -> None:
    """Backward must take missing cotangents for zeros: all of them, and each alone."""
    tensors = [inputs[i] for i in wanting(inputs)]
    count = len(differentiable(func(*inputs)))
    for absent in [set(range(count)), *([{i} for i in range(count)] if count > 1 else [])]:
        outputs = [
            _Undefined.apply(o) if i in absent else o
            for i, o in enumerate(differentiable(func(*inputs)))
        ]
        if not outputs:
            return
        try:
            found = _grad(
                outputs, tensors, [torch.zeros_like(o) for o in outputs], allow_unused=True
            )
        except RuntimeError as error:
            raise GradcheckError(
                "Expected backward function to handle undefined output grads. Please look at "
                f"{_UNDEFINED_NOTES}"
            ) from error
        if any(g is not None and not (g == 0).all() for g in found):
            raise GradcheckError(
                "Expected all input grads to be undefined or zero when all output grads are "
                "undefined or zero. "
                f"Please look at {_UNDEFINED_NOTES}"
            )
