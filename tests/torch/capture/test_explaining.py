"""What a compiled function says of itself: events, counters, logs."""

import os
import subprocess
import sys

import jax.numpy as jnp
import pytest

import functorch_lite as fl
import functorch_lite.torch as torch
from functorch_lite.torch import nn


def step_of(layer, optimizer):
    @torch.compile
    def step(x, k):
        optimizer.zero_grad()
        loss = (layer(torch.dropout(x, 0.1, True)) ** 2).mean() * k
        loss.backward()
        optimizer.step()
        return loss

    return step


def test_explain_tells_what_was_lifted_donated_and_compiled_again():
    layer = nn.Linear(4, 4)
    step = step_of(layer, torch.optim.AdamW(layer.parameters()))
    step(torch.ones(2, 4), 1.5)
    step(torch.ones(3, 4), 1.5)
    layer.eval()
    found = fl.explain(step)(torch.ones(3, 4), 1.5)
    assert len(found.programs) == 3
    shape, mode = found.recompilations
    assert shape.reason == "x: shape was (2, 4) and is now (3, 4)"
    assert mode.reason == "Linear.training is now False"
    assert "test_explaining.py" in shape.at
    program = found.programs[0]
    assert program.lifted == {"tensors": 8, "random draws": 1, "numbers": 6}
    assert program.donated == 8
    assert program.flops > 0
    assert "2 recompilation(s), 0 graph break(s)" in str(found)


def test_ints_are_operands_from_their_second_value_on():
    step = torch.compile(lambda x, n: x * n, fullgraph=True)
    before = fl.stats().captures
    for n in range(6):
        assert step(torch.ones(2), n).tolist() == [n, n]
    assert fl.stats().captures - before == 2
    shaped = torch.compile(lambda x, n: x.reshape(n, -1) + 1, fullgraph=True)
    for n in (1, 2, 3, 6):
        assert shaped(torch.ones(6), n).shape == (n, 6 // n)


def test_too_many_programs_run_eagerly_and_say_why():
    with pytest.warns(UserWarning, match="recompile_limit") as caught:
        holder = {"n": 0}
        bound = torch.compile(lambda x: x * holder["n"])
        for n in range(12):
            holder["n"] = n
            assert bound(torch.ones(2)).tolist() == [n, n]
    assert len(caught) == 1


def test_explain_of_plain_arrays_and_of_a_graph_break():
    found = fl.explain(lambda x: x @ x)(jnp.ones((8, 8)))
    assert found.programs[0].arguments == 1
    assert found.programs[0].flops > 0
    broken = torch.compile(lambda x: x * x.sum().item())
    with pytest.warns(UserWarning, match="graph break"):
        found = torch._dynamo.explain(broken)(torch.ones(2))
    assert found.programs == ()
    assert "the value of a Tensor is needed" in found.graph_breaks[0].reason
    torch.compiler.reset()
    assert broken.explanation().events == ()


def test_disabled_functions_break_the_graph():
    @torch.compiler.disable
    def inner(x):
        return x + 1

    assert inner(torch.ones(1)).item() == 2
    compiled = torch.compile(lambda x: inner(x) * (2 if torch.compiler.is_compiling() else 3))
    with pytest.warns(UserWarning, match="torch.compiler.disable"):
        assert compiled(torch.ones(1)).item() == 6


SCRIPT = """
import torch
f = torch.compile(lambda x: x * 2)
f(torch.ones(2)); f(torch.ones(3))
g = torch.compile(lambda x: x.item())
g(torch.ones(()))
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(0.5), torch.nn.Linear(4, 1))
loss_of = torch.nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(4):
    optimizer.zero_grad()
    loss = loss_of(model(torch.ones(5, 3)), torch.zeros(5, 1))
    loss.backward()
    optimizer.step()
    print(f"{loss.item():.6f}")
cube = torch.func.hessian(lambda x: (x ** 3).sum())
for i in range(3):
    print(cube(torch.arange(2.0) + i))
def noisy(x):
    print("noisy")
    return x.sum()
loud = torch.vmap(torch.func.grad(noisy))
for i in range(3):
    print(loud(torch.ones(2, 2)))
    print(torch.vmap(lambda x: x + i)(torch.ones(2)))
"""


def run(tmp_path, *options, **environment):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "functorch_lite", "run", *options, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return done.stdout, done.stderr


def test_run_compile_prints_the_same_and_logs_say_what_happened(tmp_path):
    eager, _ = run(tmp_path)
    compiled, log = run(tmp_path, "--compile", TORCH_LOGS="recompiles,graph_breaks,captures")
    assert compiled == eager
    assert "[recompiles] <lambda>: recompile: x: shape was (2,) and is now (3,)" in log
    assert "[graph_breaks] <lambda>: graph break: the value of a Tensor is needed" in log
    assert "[captures] Sequential" in log
    assert "[captures] MSELoss" in log
    assert "[captures] <lambda>: capture: the first call" in log  # the Hessian
    assert "[graph_breaks] noisy: graph break: something is printed" in log
    assert log.count("[captures]") == 4  # what is transformed anew at each call is not captured
