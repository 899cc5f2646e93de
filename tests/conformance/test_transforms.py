"""``vmap``, ``jvp``, ``vjp`` and both together, of every operator: what torch.func gives, or more.

What PyTorch refuses we may do; what it does we do, with its values. ``make conformance`` (about 20
minutes on two cores).
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import functorch_lite.torch as shim
from tests.parity import live_torch

from .operators import Missing, Operators, Sample

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

DIFFERENT = {
    "linear_cross_entropy.chunked": "PyTorch's tangent of the chunked form is zero",
    "scatter_reduce.prod": "PyTorch's tangent is zero",
    "triangular_solve": "PyTorch's tangent depends on the half that is not read",
    "argwhere": "PyTorch loops, and happens to find slices of the same shape",
}
"""Where it does not, and why."""
VALUELESS = ("empty", "empty_like", "empty_strided", "empty_permuted")
"""What these return is not initialized."""


def operators() -> Operators:
    """Return the database, read once."""
    if not hasattr(operators, "read"):
        operators.read = Operators(live_torch())
    return operators.read


def names() -> list[str]:
    """Return the operators; none where there is no torch to ask."""
    try:
        import torch  # noqa: F401 - the test's parameters need it before a test can be skipped
    except ImportError:
        return []
    return list(operators().by_name)


@pytest.mark.parametrize("name", names())
def test_transforms_of_an_operator_are_torch_funcs(name):
    if why := next((why for other, why in DIFFERENT.items() if other in name), ""):
        pytest.skip(why)
    try:
        for sample in operators().samples(name):
            for form, there, here in forms(sample):
                compare(f"{form} of {name}", there, here)
    except Missing as missing:
        pytest.skip(f"{missing} does not exist here")


Thunk = Callable[[], Any]


def forms(sample: Sample) -> Iterator[tuple[str, Thunk, Thunk]]:
    """Yield what is compared: its name, and the call in PyTorch and here."""
    torch = operators().torch
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
    torch = operators().torch
    scales = (1.0, 0.75, 0.5) if tensor.is_floating_point() else (1, 1, 1)
    return torch.stack([tensor * s for s in scales] if scales[1] != 1 else [tensor] * 3)


def twin(tensor: Any) -> Any:
    return operators().twin(tensor)


def twins(tensors: list[Any]) -> tuple[Any, ...]:
    return tuple(map(twin, tensors))


def smooth(sample: Sample, call: Callable[..., Any], tensors: list[Any]) -> Callable[..., Any]:
    """Return the call as a function of the inputs alone, with its floating results."""

    def function(*inputs: Any) -> tuple[Any, ...]:
        given = dict(zip(sample.inputs, inputs, strict=True))
        found = call(*(given.get(i, t) for i, t in enumerate(tensors)))
        return tuple(t for t in leaves(found) if t.is_floating_point())

    return function


def compare(what: str, there: Thunk, here: Thunk) -> None:
    torch = operators().torch
    torch.manual_seed(1)
    try:
        wanted = leaves(there())
    except Exception:
        return  # what PyTorch refuses
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
        torch.testing.assert_close(
            ours, theirs, rtol=1e-3, atol=1e-3, equal_nan=True, msg=lambda m: f"{what}: {m}"
        )


def leaves(tree: Any) -> list[Any]:
    if isinstance(tree, (list, tuple)):
        return [leaf for child in tree for leaf in leaves(child)]
    if isinstance(tree, dict):
        return [leaf for child in tree.values() for leaf in leaves(child)]
    return [tree] if hasattr(tree, "detach") else []
