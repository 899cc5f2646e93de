"""A scenario is a function of a ``torch``; ``same`` runs it on ours and on the live one."""

import math
import re
import warnings

import pytest


def plain(value):
    """A result as Python data: tensors as (dtype, shape, numbers), names without our package."""
    if isinstance(value, str):
        value = re.sub(r" at 0x[0-9a-f]+", " at 0x", value)
        return value.replace("functorch_lite.torch", "torch")
    if isinstance(value, type):
        return value.__name__
    if hasattr(value, "detach"):
        t = value.detach()
        return (str(t.dtype), tuple(t.shape), bool(value.requires_grad), t.tolist())
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def outcome(torch, scenario):
    """What the scenario returned or raised, and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.manual_seed(0)
        try:
            value = plain(scenario(torch))
        except Exception as e:
            value = [type(e).__name__, plain(str(e))]
    return value, [[w.category.__name__, plain(str(w.message))] for w in caught]


def close(a, b):
    """Equal, floats to float32's rounding."""
    if isinstance(a, float) and isinstance(b, float):
        return (
            a == b
            or (math.isnan(a) and math.isnan(b))
            or math.isclose(a, b, rel_tol=2e-5, abs_tol=2e-6)
        )
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(close(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(close(a[k], b[k]) for k in a)
    return a == b


@pytest.fixture
def same():
    """Assert that a scenario has the same outcome on ours and on the live PyTorch."""
    live = pytest.importorskip("torch")
    ours = pytest.importorskip("functorch_lite.torch")

    def check(scenario, exact=False):
        got, want = outcome(ours, scenario), outcome(live, scenario)
        assert got == want if exact else close(got, want), f"\nours: {got}\nlive: {want}"

    return check
