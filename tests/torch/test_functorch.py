"""The legacy package ``functorch``, ``torch.func.rearrange`` and ``torch.cond``."""

import importlib
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import functorch_lite.torch as torch
from functorch_lite.torch._shadow import functorch
from tests.parity import attempt, live_torch, transcript
from tests.torch.features.rows import Scripts

script = Scripts()


def functorch_of(torch):
    return functorch if torch is globals()["torch"] else importlib.import_module("functorch")


def say(make):
    """Print the warning of a call, and return its result."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = make()
    print([(w.category.__name__, str(w.message)) for w in caught])
    return result


@script("functorch")
def transforms_warn_and_work(torch):
    warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated")  # PyTorch tells itself
    f = functorch_of(torch)
    x = torch.tensor([1.0, 2.0])

    def cube(v):
        return (v**3).sum()

    print(say(lambda: f.grad(cube))(x), say(lambda: f.grad_and_value(cube))(x))
    print(say(lambda: f.vmap(lambda v: v.sin(), 0, 0))(x), say(lambda: f.hessian(cube))(x))
    print(say(lambda: f.jacrev(lambda v: v**2, 0))(x), say(lambda: f.jacfwd(lambda v: v**2))(x))
    print(say(lambda: f.jvp(cube, (x,), (x,))))
    value, pull = say(lambda: f.vjp(cube, x))
    print(value, pull(torch.tensor(2.0)))
    print(say(lambda: f.functionalize(lambda v: v.clone().add_(1)))(x))


@script("functorch")
def modules_as_functions(torch):
    f = functorch_of(torch)
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    func, params = say(lambda: f.make_functional(net))
    x = torch.ones(1, 2)
    print(func, type(func).__name__, func.param_names, [p.requires_grad for p in params])
    print(func(params, x), say(lambda: f.make_functional(net, True))[1][0].requires_grad)
    loss = torch.func.grad(lambda p: func(p, x).sum())
    print(loss(params)[0].detach(), params[0] is net[0].weight)
    func(params, x).sum().backward()
    print(params[0].grad, net[0].weight.grad)


@script("functorch")
def modules_with_buffers(torch):
    f = functorch_of(torch)
    norm = torch.nn.BatchNorm1d(2)
    attempt(lambda: say(lambda: f.make_functional(norm)))
    func, params, buffers = say(lambda: f.make_functional_with_buffers(norm))
    x = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
    print(func.param_names, func.buffer_names, func(params, buffers, x))
    print(buffers, norm.running_mean)


@script("functorch")
def shared_parameters(torch):
    f = functorch_of(torch)
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    net[1].weight = net[0].weight
    func, params = say(lambda: f.make_functional(net))
    print(func.param_names, func.names_map, len(params))
    print(func(tuple(p * 2 for p in params), torch.ones(1, 2)))


@script("functorch")
def ensembles(torch):
    f = functorch_of(torch)
    models = [torch.nn.Linear(2, 1) for _ in range(3)]
    func, params, buffers = say(lambda: f.combine_state_for_ensemble(models))
    print(type(func).__name__, params, buffers, [p.requires_grad for p in params])
    print(torch.vmap(func, (0, 0, None))(params, buffers, torch.ones(2)))
    attempt(lambda: f.combine_state_for_ensemble([]))
    attempt(lambda: f.combine_state_for_ensemble([models[0], torch.nn.Linear(2, 1).eval()]))
    attempt(lambda: f.combine_state_for_ensemble([models[0], torch.nn.Tanh()]))


@script("rearrange")
def patterns(torch):
    x = torch.arange(24.0).reshape(2, 3, 4)
    rearrange = torch.func.rearrange
    for pattern, lengths in (
        ("a b c -> c b a", {}),
        ("a b c -> (a b) c", {}),
        ("a b c->(b a) c", {"a": 2}),
        ("a b c -> a b c", {}),
        ("a b (c d) -> a (b c) d", {"c": 2}),
        ("a b (c d e) -> a b d c e", {"c": 2, "d": 2}),
        ("a b c -> a 1 b () c", {}),
        ("a ... -> ... a", {}),
        ("... -> (...)", {}),
        ("a ... c -> (... c) a", {}),
        ("a b c d ... -> a b c ... d", {}),
        ("a b (c 1) -> a b c", {}),
    ):
        attempt(lambda p=pattern, n=lengths: shown(rearrange(x, p, **n)))
    for pattern in ("a 1 c -> a c", "a () c -> a c", "a (1) c -> c a"):
        shown(rearrange(x[:, :1], pattern))
    shown(rearrange(torch.tensor(3.0), " -> "))
    shown(rearrange([x, x], "n a b c -> a b c n"))
    y = x.clone().requires_grad_()
    (rearrange(y, "a b (c d) -> (a d) b c", d=2) * 2).sum().backward()
    print(y.grad.sum(), torch.vmap(lambda v: rearrange(v, "a b -> b a"))(x).shape)


def shown(tensor):
    print(tensor.shape, tensor.stride(), tensor)


@script("rearrange")
def wrong_patterns(torch):
    x = torch.arange(24.0).reshape(2, 3, 4)
    rearrange = torch.func.rearrange
    for pattern, lengths in (
        ("a b (c d) -> a (b c) d", {}),
        ("a b (c d) -> a (b c) d", {"c": 3}),
        ("a b (c d) -> a (b c) d", {"c": 2, "d": 3}),
        ("a b c -> a b c", {"c": 5}),
        ("a b c -> a b c", {"c": 2.0}),
        ("a b c -> a b", {}),
        ("a b c -> a b c", {"d": 2}),
        ("a b -> a b", {}),
        ("a b c d ... -> a b c d ...", {}),
        ("a b c", {}),
        ("a b c -> a b c -> a", {}),
        ("a b c -> a b c ...", {}),
        ("(a ...) c -> a c ...", {}),
        ("a b . -> a b", {}),
        ("a .. c -> a b", {}),
        ("a ... ... -> a b", {}),
        ("a a c -> a c", {}),
        ("a (b (c)) -> a c", {}),
        ("a b) c -> a c", {}),
        ("a (b c -> a c", {}),
        ("a b c! -> a c", {}),
        ("a b _c -> a c", {}),
        ("a b 2c -> a c", {}),
        ("a b 2 -> a b 2", {}),
        ("a b c -> a b c 0", {}),
        ("a b c -> a b c", {"\u2026": 1}),
    ):
        attempt(lambda p=pattern, n=lengths: rearrange(x, p, **n))


@script("cond")
def branches(torch):
    x = torch.tensor([1.0, 2.0])

    def more(v):
        return v + 1

    def less(v):
        return v - 1

    print(torch.cond(True, more, less, (x,)), torch.cond(0, more, less, (x,)))
    print(torch.cond(0.5, lambda: 3, lambda: 4))
    for pred, true, false, operands in (
        ("s", more, less, (x,)),
        (torch.ones(2), more, less, (x,)),
        (torch.tensor(True), 3, less, (x,)),
        (torch.tensor(True), more, less, (x, 3)),
        (torch.tensor(True), more, less, x),
    ):
        attempt(lambda p=pred, t=true, f=false, o=operands: torch.cond(p, t, f, o))


@script("cond")
def branches_by_a_tensor(torch):
    x = torch.tensor([1.0, 2.0])
    w = torch.tensor([3.0, 4.0], requires_grad=True)

    def call(pred, v):
        return torch.cond(
            pred, lambda a: {"y": a["v"].sin()}, lambda a: {"y": a["v"] * a["v"]}, ({"v": v},)
        )["y"]

    print(call(torch.tensor(True), x), call(torch.tensor([0]), x))
    y = call(w.sum() > 100, w)
    y.sum().backward()
    print(y.requires_grad, w.grad)
    print(torch.vmap(call)(torch.tensor([True, False]), x))


@pytest.mark.parity
@pytest.mark.parametrize("script", script, ids=str)
def test_like_torch(script):
    assert transcript(script.run, torch) == transcript(script.run, live_torch())


# --- what no PyTorch is needed for ----------------------------------------------------------------


def test_cond_inside_of_transforms():
    x = torch.tensor([1.0, -2.0])

    def f(v):
        return torch.cond(v.sum() > 0, lambda a: a * a, lambda a: a.exp(), (v,)).sum()

    assert torch.func.grad(f)(x + 2).tolist() == [6.0, 0.0]
    found = torch.vmap(torch.func.grad(f))(x[:, None])
    torch.testing.assert_close(found, torch.tensor([[2.0], [torch.exp(x[1]).item()]]))


def test_missing_parts_are_named():
    with pytest.raises(NotImplementedError, match=r"functorch_lite\.make_jaxpr"):
        functorch.make_fx(torch.sin)
    for name in ("experimental", "compile"):
        with pytest.raises(AttributeError, match=f"'{name}': PyTorch has it, functorch_lite does"):
            getattr(functorch, name)
    assert not hasattr(functorch, "graad")
    assert functorch.__version__ == torch.__version__


PROGRAM = """
import functorch, torch
from functorch import make_functional, vmap
from functorch.einops import rearrange
print(functorch.__file__.count("_shadow"), functorch.grad(torch.sin)(torch.tensor(0.0)))
print(rearrange(torch.ones(2, 3), "a b -> b a").shape, rearrange is torch.func.rearrange)
try:
    import functorch.experimental
except ModuleNotFoundError as error:
    print(error)
"""


def test_import_functorch_under_run(tmp_path: Path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    command = [sys.executable, "-W", "ignore", "-m", "functorch_lite", "run", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.splitlines() == [
        "1 tensor(1.)",
        "torch.Size([3, 2]) True",
        "No module named 'functorch.experimental'",
    ], done.stderr
