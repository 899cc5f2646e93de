"""What may compile, and how often; what an import may touch."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import functorch_lite.torch as torch
from functorch_lite._core.counters import counters
from functorch_lite._core.eager import HOT

ROOT = Path(__file__).resolve().parents[2]


def compilations_of(call) -> int:
    """Return how many programs a call compiled."""
    before = counters.compilations
    call()
    return counters.compilations - before


def test_a_thousand_different_indices_compile_one_program():
    x = torch.arange(1000.0)
    count = compilations_of(lambda: [x[i].item() for i in range(1000)])
    assert count == 1
    assert x[777].item() == 777.0


def test_a_thousand_negative_indices_and_rows_compile_one_program():
    x = torch.arange(2222.0).view(1111, 2)
    assert compilations_of(lambda: [x[-i, 1].item() for i in range(1, 1001)]) == 1


def test_a_thousand_slices_of_one_size_compile_one_program():
    x = torch.arange(1017.0)
    assert compilations_of(lambda: [x[i : i + 16].tolist() for i in range(1000)]) == 1


def test_a_thousand_written_indices_compile_a_few_programs():
    x = torch.zeros(1013)

    def write():
        for i in range(1000):
            x[i] = i

    assert compilations_of(write) <= 3
    assert x.sum().item() == sum(range(1000))


def test_a_thousand_different_numbers_compile_one_program():
    x = torch.ones(19)
    assert compilations_of(lambda: [x * (i / 7) for i in range(1000)]) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda x, i: x + i / 3,
        lambda x, i: x + i,
        lambda x, i: 1.5 * i - x,
        lambda x, i: x / (i + 1.0),
        lambda x, i: x ** (1 + i / 10),
        lambda x, i: x > i,
        lambda x, i: x.clamp(max=i / 2),
        lambda x, i: x.add(x, alpha=i),
        lambda x, i: torch.where(x > 0, x, float(i)),
        lambda x, i: x.masked_fill(x > 0, i / 3),
        lambda x, i: torch.full((3,), i / 3),
        lambda x, i: x.clone().fill_(i),
        lambda x, i: x.clone().mul_(i),
        lambda x, i: torch.nn.functional.leaky_relu(x, i / 9),
    ],
)
def test_numbers_are_operands(call):
    x = torch.ones(29)
    for i in range(1, HOT + 2):
        call(x, i)
    assert compilations_of(lambda: [call(x, i) for i in range(2, 12)]) == 0


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_a_changing_learning_rate_compiles_one_step(name):
    w = torch.ones(31, requires_grad=True)
    optimizer = getattr(torch.optim, name)([w], lr=0.1)

    def step(lr: float) -> None:
        optimizer.param_groups[0]["lr"] = lr
        optimizer.zero_grad()
        w.sum().backward()
        optimizer.step()

    for _ in range(HOT + 1):
        step(0.1)
    assert compilations_of(lambda: [step(1 / i) for i in range(1, 30)]) == 0


def test_a_training_loop_compiles_nothing_once_it_is_hot():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.ReLU(), torch.nn.Linear(7, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad()
        x = torch.rand(6, 5)
        torch.nn.functional.mse_loss(net(x), x.sum(1, keepdim=True)).backward()
        optimizer.step()

    for _ in range(HOT + 1):
        step()
    assert compilations_of(lambda: [step() for _ in range(10)]) == 0


def run_alone(program: str) -> str:
    """Run a program in a new process and return what it prints."""
    command = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_and_using_the_shim_leaves_the_configuration_of_jax_alone():
    changed = run_alone("""
        import os
        os.environ["FUNCTORCH_LITE_CACHE"] = "0"  # tests/core/test_cache.py is about that
        import jax
        before = dict(jax.config.values)
        import functorch_lite.torch as torch
        at_import = {k for k, v in jax.config.values.items() if before[k] != v}
        x = torch.ones(2, dtype=torch.float64, requires_grad=True)
        for _ in range(9):
            (x * 2).sum().backward()
        print(at_import, {k for k, v in jax.config.values.items() if before[k] != v})
        print(jax.numpy.ones(1).dtype)
    """)
    assert changed == "set() set()\nfloat32"


def test_the_functional_half_does_not_load_the_torch_half():
    loaded = run_alone("""
        import sys
        import functorch_lite, functorch_lite.ops
        print([name for name in sys.modules if name.startswith("functorch_lite.torch")])
        print("torch" in sys.modules)
    """)
    assert loaded == "[]\nFalse"


def test_the_shim_never_loads_a_real_torch():
    loaded = run_alone("""
        import sys
        import functorch_lite.torch as torch
        torch.nn.Linear(2, 2)(torch.rand(1, 2)).sum().backward()
        print("torch" in sys.modules)
    """)
    assert loaded == "False"
