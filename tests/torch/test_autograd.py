"""Autograd beside PyTorch's: errors, hooks, higher orders, custom functions, modes, the graph.

The scripts stand in features/autograd_errors.py and autograd_functions.py, their texts under
PyTorch are recorded. Below them: what PyTorch has not, a backward pass that was seen before runs as
one XLA program.
"""

from pathlib import Path

import numpy as np
import pytest

import functorch_lite.torch as torch
from functorch_lite._core.counters import counters
from functorch_lite._core.eager import HOT
from tests.parity import live_torch, transcript

from .features import autograd_errors, autograd_functions  # noqa: F401 - they fill AUTOGRAD
from .features.rows import AUTOGRAD as SCRIPTS
from .features.rows import read_record, with_gaps

RECORD = Path(__file__).parent / "features" / "autograd_recorded.json"
RECORDED = read_record(RECORD)

each_script = pytest.mark.parametrize("script", with_gaps(SCRIPTS), ids=str)
each_script_of_pytorch = pytest.mark.parametrize("script", SCRIPTS, ids=str)


@each_script
def test_a_script_prints_what_pytorch_printed(script):
    assert transcript(script.run, torch) == RECORDED[str(script)]


@pytest.mark.parity
@each_script_of_pytorch
def test_the_record_is_what_pytorch_prints(script):
    assert transcript(script.run, live_torch()) == RECORDED[str(script)]


# --- segments -------------------------------------------------------------------------------------


def gradient(width: int, hook=None) -> np.ndarray:
    """Run one backward pass of ten nodes; ``width`` makes its shapes, hence its programs, new."""
    x = torch.linspace(-1, 1, width).requires_grad_()
    hidden = (x * 3).sin()
    if hook is not None:
        hidden.register_hook(hook)
    loss = ((hidden + x).tanh() * hidden.exp()).mean() + (x**2).sum()
    loss.backward()
    return x.grad.numpy().copy()


def compilations_of(call) -> tuple[int, np.ndarray]:
    """Return how many programs a call compiled, and what it gave."""
    before = counters.compilations
    result = call()
    return counters.compilations - before, result


def test_a_backward_pass_seen_before_becomes_one_program():
    for _ in range(HOT):
        _, node_by_node = compilations_of(lambda: gradient(1001))
    count, as_one = compilations_of(lambda: gradient(1001))
    later_count, again = compilations_of(lambda: gradient(1001))
    assert count >= 1  # and those of the forward pass
    assert later_count == 0
    np.testing.assert_allclose(as_one, node_by_node, 1e-6, 1e-7)
    np.testing.assert_array_equal(again, as_one)


def test_a_hook_splits_the_program_and_changes_no_number():
    plain = gradient(1003)
    seen = []
    counts = [compilations_of(lambda: gradient(1003, seen.append)) for _ in range(HOT + 2)]
    assert len(seen) == HOT + 2
    assert counts[-1][0] == 0
    for _, found in counts:
        np.testing.assert_allclose(found, plain, 1e-6, 1e-7)


def test_a_hook_that_replaces_the_gradient_is_obeyed_in_a_compiled_pass():
    results = [gradient(1005, lambda g: g * 0) for _ in range(3)]
    x = np.linspace(-1, 1, 1005)
    rest = (1 - np.tanh(np.sin(3 * x) + x) ** 2) * np.exp(np.sin(3 * x)) / 1005 + 2 * x
    for result in results:
        np.testing.assert_allclose(result, rest, 1e-4, 1e-5)


def test_numbers_in_the_graph_do_not_compile_again():
    def step(factor: float) -> None:
        x = torch.ones(77, requires_grad=True)
        ((x * factor).exp() + factor).sum().backward()

    for _ in range(HOT + 1):
        step(0.1)
    count, _ = compilations_of(lambda: [step(0.01 * i) for i in range(50)])
    assert count == 0


def test_a_graph_that_changes_shape_is_right_each_time():
    w = torch.tensor(1.1, requires_grad=True)
    for steps in (1, 2, 3, 2, 1, 3, 3):
        w.grad = None
        product = torch.ones(())
        for _ in range(steps):
            product = product * w
        product.backward()
        assert w.grad.item() == pytest.approx(steps * 1.1 ** (steps - 1), rel=1e-5)
