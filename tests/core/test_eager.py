"""Cold programs run at once, hot ones are compiled: when, and what a caller notices of it."""

import contextlib
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import functorch_lite as fl
import functorch_lite.torch as torch
from functorch_lite._core import eager as cold
from functorch_lite._core.counters import counters
from functorch_lite._core.eager import HOT, WORK, Cold, eager, together

ROOT = Path(__file__).resolve().parents[2]


def compilations_of(call) -> int:
    """Return how many programs a call compiled."""
    before = counters.compilations
    call()
    return counters.compilations - before


def test_a_program_is_compiled_once_when_it_was_called_often_enough():
    program = eager(lambda x: x * 2 + 1)
    x = jnp.arange(5.0)
    before = fl.stats()
    results = [program(x) for _ in range(HOT + 3)]
    after = fl.stats()
    assert after.numpy_calls - before.numpy_calls == HOT
    assert after.compilations - before.compilations == 1
    assert after.promotions - before.promotions == 1
    for result in results:
        assert isinstance(result, jax.Array)
        np.testing.assert_array_equal(result, [1, 3, 5, 7, 9])


def test_shapes_are_counted_apart_before_and_after_one_is_hot():
    program = eager(jnp.sin)
    once = lambda: [program(jnp.ones(n)) for n in range(1, 51)]  # noqa: E731
    assert compilations_of(once) == 0
    assert compilations_of(lambda: [program(jnp.ones(3)) for _ in range(HOT)]) == 1
    assert compilations_of(once) == 0


def python_inside(call) -> set[str]:
    """Return the files whose Python code a call runs."""
    files = set()
    sys.setprofile(lambda frame, *_: files.add(Path(frame.f_code.co_filename).name))
    try:
        call()
    finally:
        sys.setprofile(None)
    return files


@pytest.mark.parametrize("make", [eager, together], ids=["eager", "together"])
def test_hot_calls_of_every_shape_take_the_fast_path(make):
    program = make(lambda x, factor: x * factor)

    def call(x):
        with contextlib.suppress(Cold):
            program(x, 2.0)

    for n in (3, 4, 5):
        x = jnp.ones(n)
        for _ in range(HOT + 2):
            call(x)
    for n in (3, 4, 5):
        x = jnp.ones(n)
        assert "pjit.py" not in python_inside(lambda x=x: program(x, 2.0))


def test_fifty_shapes_of_a_small_network_compile_nothing(caplog):
    torch.manual_seed(0)
    linear = torch.nn.Linear(3, 2)

    def step(n: int) -> None:
        x = torch.randn(n, 3)
        loss = torch.nn.functional.cross_entropy(linear(x).relu(), torch.zeros(n).long())
        loss.backward()
        (x[1:] + x[:-1]).softmax(1).sort(dim=0)
        x[0] = 1.0

    with jax.log_compiles(), caplog.at_level("WARNING", logger="jax"):
        for n in range(7, 57):
            step(n)
    compiled = [r.getMessage() for r in caplog.records if r.getMessage().startswith("Compiling")]
    assert len(compiled) <= 3, compiled  # what does not see n, as a gradient added to ``.grad``


def test_much_work_is_compiled_at_once_and_some_work_sooner():
    square = eager(lambda x: x * x)
    assert compilations_of(lambda: square(jnp.ones(WORK + 1))) == 1
    half = jnp.ones(WORK // 2)
    assert compilations_of(lambda: [square(half), square(half)]) == 0
    assert compilations_of(lambda: square(half)) == 1


def test_numbers_do_not_make_a_program_another_one():
    program = eager(lambda x, n: x * n)
    x = jnp.ones(6)
    assert compilations_of(lambda: [program(x, k / 7) for k in range(20)]) == 1


def test_the_one_program_of_several_raises_until_it_is_hot():
    program = together(lambda xs: [x + 1 for x in xs])
    for _ in range(HOT):
        with pytest.raises(Cold):
            program([jnp.ones(2)])
    assert program([jnp.ones(2)])[0].tolist() == [2, 2]
    with pytest.raises(Cold):
        program([jnp.ones(3)])


def test_a_trace_takes_a_cold_program_in_whole():
    program = eager(lambda x: x * 3)
    before = counters.numpy_calls
    jaxpr = jax.make_jaxpr(lambda x: program(x) + program(jnp.ones(2)))(jnp.ones(2))
    assert str(jaxpr).count("mul") == 2  # operands that the trace does not see are part of it too
    assert jax.grad(lambda x: program(x).sum())(jnp.ones(2)).tolist() == [3, 3]
    for _ in range(HOT + 1):
        program(jnp.ones(2))
    assert jax.vmap(program)(jnp.ones((2, 4))).shape == (2, 4)
    assert counters.numpy_calls - before == HOT


def test_results_are_where_the_operands_are():
    here, there = jax.devices()[:2]
    program = eager(lambda x, y: (x + y, x))
    x = jax.device_put(np.ones(2), there)
    for _ in range(HOT + 1):
        total, same = program(x, 1.0)
        assert total.devices() == same.devices() == {there}
    with pytest.raises(ValueError, match="incompatible devices"):
        program(x, jax.device_put(np.ones(2), here))


def test_a_result_keeps_its_value_when_the_operand_is_donated():
    x = jnp.arange(1000.0)
    view = eager(lambda x: x.reshape(10, 100))(x)
    jax.jit(lambda x: x + 1, donate_argnums=0)(x)
    np.testing.assert_array_equal(np.asarray(view).reshape(-1), np.arange(1000.0))


def test_errors_of_the_body_come_as_they_are():
    program = eager(lambda x, y: jnp.dot(x, y))
    with pytest.raises(TypeError, match="contracting") as cold_error:
        program(jnp.ones(2), jnp.ones(3))
    for _ in range(HOT + 1):
        program(jnp.ones(2), jnp.ones(2))
    with pytest.raises(TypeError, match="contracting") as hot_error:
        program(jnp.ones(2), jnp.ones(3))
    for error in (cold_error, hot_error):
        assert not isinstance(error.value.__context__, Cold)


def test_an_old_shape_is_forgotten_in_the_end(monkeypatch):
    monkeypatch.setattr(cold, "MAX_SHAPES", 3)
    program = eager(lambda x: x + 1)
    assert compilations_of(lambda: [program(jnp.ones(n)) for n in (1, 2, 3, 4) * 9]) == 0


def run_alone(program: str, **environment: str) -> str:
    """Run a program in a new process and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_environment_switches_numpy_off():
    program = """
        import functorch_lite as fl, functorch_lite.torch as torch
        print((torch.ones(3) + 1).tolist(), fl.stats().numpy_calls, fl.stats().compilations)
    """
    assert run_alone(program, FUNCTORCH_LITE_NUMPY="0") == "[2.0, 2.0, 2.0] 0 1"
    assert run_alone(program) == "[2.0, 2.0, 2.0] 1 0"


def test_a_script_of_forty_ops_compiles_nothing():
    printed = run_alone("""
        import functorch_lite as fl, functorch_lite.torch as torch
        from functorch_lite.torch.nn import functional as F
        torch.manual_seed(0)
        x, c, d = torch.arange(12.0), torch.rand(3, 4), torch.randn(4, 3)
        a = x.reshape(3, 4)
        shown = [
            a + 1, a * 2 - c / 3, c**2, c.exp(), c.log(), c.sqrt(), c.sin(), (c > 0.5).sum(), a @ d,
            a[0], a[:, 1], a[1:, ::2], a[-1, -1], a[a > 5], torch.where(a > 5, a, 0.0), a.sum(),
            a.mean(dim=0), a.max(), a.argmax(dim=1), a.std(), torch.cat([a, c]),
            torch.stack([a, c]), a.t(), F.softmax(c, dim=1), F.relu(d), d.sigmoid(), d.tanh(),
            d.sort(dim=0), x.topk(3), x.cumsum(0), torch.einsum("ij,jk->ik", a, d),
        ]
        b = a.clone()
        b[0, 0] = 100
        b[:, 1] += 5
        model = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        for _ in range(3):
            loss = F.cross_entropy(model(c), torch.tensor([0, 1, 2]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        str(shown), str(b)
        print(round(loss.item(), 4), fl.stats().compilations)
    """)
    assert printed == "1.1318 0"  # the loss is PyTorch's
