"""``vmap``, ``jvp``, ``vjp`` and both together, of every operator: what torch.func gives, or more.

What PyTorch refuses we may do; what it does we do, with its values. ``make conformance`` (12
minutes on two cores, 5 once the programs are compiled).
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import functorch_lite.torch as shim
from functorch_lite._core.errors import UnsupportedError
from tests.parity import live_torch

from .operators import Missing, Operators, Sample

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

torch = live_torch()
OPERATORS = Operators(torch)

DIFFERENT = {
    "linear_cross_entropy.chunked": "PyTorch's tangent of the chunked form is zero",
    "scatter_reduce.prod": "PyTorch's tangent is zero",
    "triangular_solve": "PyTorch's tangent depends on the half that is not read",
    "as_strided_scatter": "PyTorch's gradient of what is written over is not zero",
    "linalg.eigh": "PyTorch's tangent depends on the half that is not read",
    "argwhere": "PyTorch loops, and happens to find slices of the same shape",
    "as_strided.partial_views": "the samples see memory outside of the tensor",
    "to_sparse": "there are no sparse tensors here",
    "triplet_margin_with_distance_loss": "the samples hold PyTorch's own modules",
}
"""Where it does not, and why."""
NOT_HERE = "PyTorch has it, functorch_lite does not have it yet"
VALUELESS = ("empty", "empty_like", "empty_strided", "empty_permuted")
"""What these return is not initialized."""


@pytest.mark.parametrize("name", OPERATORS.by_name)
def test_transforms_of_an_operator_are_torch_funcs(name):
    if why := next((why for other, why in DIFFERENT.items() if other in name), ""):
        pytest.skip(why)
    try:
        compared = [
            compare(f"{form} of {name}", there, here)
            for sample in OPERATORS.samples(name)
            for form, there, here in forms(sample)
        ]
    except (Missing, UnsupportedError) as missing:
        pytest.skip(str(missing))
    except AttributeError as error:
        if NOT_HERE not in str(error):
            raise
        pytest.skip(str(error))
    if not any(compared):
        pytest.skip("PyTorch has no sample, or refuses to transform it")


Thunk = Callable[[], Any]


def forms(sample: Sample) -> Iterator[tuple[str, Thunk, Thunk]]:
    """Yield what is compared: its name, and the call in PyTorch and here."""
    tensors, there, here = sample.tensors, sample.there, sample.here
    batch = [slices(t) for t in tensors]
    ours = [twin(t) for t in tensors]
    many = dict(randomness="different")
    yield (
        "vmap",
        lambda: torch.vmap(there, **many)(*batch),
        lambda: shim.vmap(here, **many)(*map(twin, batch)),
    )
    yield (
        "vmap over the first",
        lambda: torch.vmap(there, (0, *[None] * len(tensors[1:])), **many)(batch[0], *tensors[1:]),
        lambda: shim.vmap(here, (0, *[None] * len(ours[1:])), **many)(twin(batch[0]), *ours[1:]),
    )
    back = [t.movedim(0, -1) for t in batch]
    yield (
        "vmap over the last dim",
        lambda: torch.vmap(there, -1, 1, **many)(*back),
        lambda: shim.vmap(here, -1, 1, **many)(*map(twin, back)),
    )
    if not sample.inputs:
        return
    f, g = smooth(sample, there, tensors), smooth(sample, here, ours)
    points = [tensors[i] for i in sample.inputs]
    tangents = [0.3 * p + 0.1 for p in points]  # symmetric where the point is
    yield (
        "jvp",
        lambda: torch.func.jvp(f, tuple(points), tuple(tangents)),
        lambda: shim.func.jvp(g, twins(points), twins(tangents)),
    )

    def pulled(func: Any, function: Callable[..., Any], *at: Any) -> Any:
        value, pull = func.vjp(function, *at)
        return value, pull(tuple(0.5 * v.detach() + 0.25 for v in value))

    yield (
        "vjp",
        lambda: pulled(torch.func, f, *points),
        lambda: pulled(shim.func, g, *twins(points)),
    )
    stack = [slices(p) for p in points]
    yield (
        "vmap of vjp",
        lambda: torch.vmap(lambda *at: pulled(torch.func, f, *at), **many)(*stack),
        lambda: shim.vmap(lambda *at: pulled(shim.func, g, *at), **many)(*twins(stack)),
    )


def slices(tensor: Any) -> Any:
    """Return three slices that differ, if floating, and are as positive, sorted, symmetric."""
    scales = (1.0, 0.75, 0.5) if tensor.is_floating_point() else (1, 1, 1)
    return torch.stack([tensor * s if s < 1 else tensor for s in scales])


def twin(tensor: Any) -> Any:
    return OPERATORS.twin(tensor)


def twins(tensors: list[Any]) -> tuple[Any, ...]:
    return tuple(map(twin, tensors))


def smooth(sample: Sample, call: Callable[..., Any], tensors: list[Any]) -> Callable[..., Any]:
    """Return the call as a function of the inputs alone, with its floating results."""

    def function(*inputs: Any) -> tuple[Any, ...]:
        given = dict(zip(sample.inputs, inputs, strict=True))
        found = call(*(given.get(i, t) for i, t in enumerate(tensors)))
        return tuple(t for t in leaves(found) if t.is_floating_point())

    return function


def compare(what: str, there: Thunk, here: Thunk) -> bool:
    """Compare what both return; return False for what PyTorch refuses."""
    torch.manual_seed(1)
    try:
        wanted = leaves(there())
    except Exception:
        return False
    shim.manual_seed(1)
    found = leaves(here())
    assert len(found) == len(wanted), what
    for a, b in zip(found, wanted, strict=True):
        assert (str(a.dtype), tuple(a.shape)) == (str(b.dtype), tuple(b.shape)), what
        if what.endswith(VALUELESS):
            continue
        theirs = b.detach().resolve_conj().resolve_neg()
        if theirs.dtype == torch.bfloat16:  # NumPy has none
            a, theirs = a.float(), theirs.float()
        ours = torch.from_numpy(a.detach().numpy().copy()).reshape(tuple(a.shape))
        finite = theirs[theirs.isfinite()].to(torch.complex128)
        largest = max(finite.abs().tolist(), default=0)
        torch.testing.assert_close(
            *(ours, theirs),
            rtol=1e-3,
            atol=1e-4 * max(10, largest),
            equal_nan=True,
            msg=lambda m: f"{what}: {m}",
        )
    return True


def leaves(tree: Any) -> list[Any]:
    if isinstance(tree, (list, tuple)):
        return [leaf for child in tree for leaf in leaves(child)]
    if isinstance(tree, dict):
        return [leaf for child in tree.values() for leaf in leaves(child)]
    return [tree] if hasattr(tree, "detach") else []
