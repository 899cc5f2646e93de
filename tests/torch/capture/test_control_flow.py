"""``cond``, ``while_loop``, ``scan``, ``associative_scan``: in Python, and in programs."""

import warnings

import pytest

import functorch_lite as fl
import functorch_lite.torch as torch
from functorch_lite.torch import nn
from functorch_lite.torch._higher_order_ops import associative_scan, cond, scan, while_loop


def compiled(function):
    return torch.compile(function, fullgraph=True)


def stepper(function):
    """Return (a training step of a new model, the model); the step's loss is ``function``'s."""
    torch.manual_seed(0)
    model = nn.Linear(3, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def step(x):
        optimizer.zero_grad()
        loss = function(model, x)
        loss.backward()
        optimizer.step()
        return loss

    return step, model


def branched(model, x):
    y = cond(x.sum() > 0, lambda a: model(a).sin(), lambda a: model(a.cos()), (x,))
    return y.square().sum()


def branched_late(model, x):
    """Of the model, only the branches read the weights at first."""
    y = cond(model.weight.sum() > 100, lambda a: model(a), lambda a: -model(a), (x,))
    return (y @ model.weight).square().sum()


def scanned(model, x):
    carry, ys = scan(lambda c, a: ((model(c) + a).tanh(), {"y": (c * a).sum()}), torch.zeros(3), x)
    return carry.sum() + ys["y"].square().sum()


def scanned_backwards(model, x):
    carry, ys = scan(
        lambda c, a: (c * 0.5 + a, c + a), torch.zeros(4), model(x), dim=1, reverse=True
    )
    return carry.sum() + (ys * model(x)).sum()


@pytest.mark.parametrize("function", [branched, branched_late, scanned, scanned_backwards])
def test_a_whole_step_is_captured_with_the_gradients_of_the_tape(function):
    eager, model = stepper(function)
    step, other = stepper(function)
    step = compiled(step)
    x = torch.randn(4, 3)
    for sign in (1.0, -1.0, 1.0, -1.0):
        torch.testing.assert_close(step(x * sign), eager(x * sign))
        for a, b in zip(other.parameters(), model.parameters(), strict=True):
            torch.testing.assert_close(a, b)
            torch.testing.assert_close(a.grad, b.grad)


def test_cond_and_loops_are_operations_of_the_program():
    def f(x):
        y = cond(x.sum() > 0, lambda a: a + 1, lambda a: a - 1, (x,))
        _, z = while_loop(lambda i, a: i < 5, lambda i, a: (i + 1, a * 2), (torch.tensor(0), y))
        return scan(lambda c, a: (c + a, c), torch.zeros(3), z)[1]

    text = str(fl.make_jaxpr(f)(torch.ones(2, 3)))
    assert " cond[" in text and " while[" in text and " scan[" in text
    torch.testing.assert_close(compiled(f)(torch.ones(2, 3)), f(torch.ones(2, 3)))


def test_while_loop_runs_as_often_as_its_values_say():
    def collatz(n):
        return while_loop(
            lambda n, steps: n != 1,
            lambda n, steps: (torch.where(n % 2 == 0, n // 2, 3 * n + 1), steps + 1),
            (n, torch.tensor(0)),
        )[1]

    fast = compiled(collatz)
    assert [int(fast(torch.tensor(n))) for n in (1, 6, 27)] == [0, 8, 111]
    assert [int(collatz(torch.tensor(n))) for n in (1, 6, 27)] == [0, 8, 111]
    assert torch.vmap(collatz)(torch.tensor([1, 6, 27])).tolist() == [0, 8, 111]
    assert while_loop(lambda i: i < 3, lambda i: (i + 1,), (0,)) == (3,)


def test_while_loop_is_differentiated_in_python_only():
    def f(x):
        i = torch.tensor(0)
        return while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * 2), (i, x))[1]

    x = torch.tensor(1.0, requires_grad=True)
    f(x).backward()
    assert x.grad == 8
    with pytest.raises(RuntimeError, match="no gradient in a program"):
        compiled(f)(x)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        x.grad = None
        torch.compile(f)(x).backward()
    assert x.grad == 8 and "use scan" in str(seen[0].message)
    with torch.no_grad():
        assert compiled(f)(x) == 8
    assert torch.func.grad(f)(torch.tensor(1.0)) == 8
    assert torch.func.grad(lambda a: scan(lambda c, b: (c * b, c), a, torch.ones(3) * a)[0])(x) == 4


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_associative_scan_is_a_running_sum(dim, reverse):
    x = torch.randn(4, 5)
    expected = x.flip(dim).cumsum(dim).flip(dim) if reverse else x.cumsum(dim)

    def f(x):
        return associative_scan(lambda a, b: a + b, x, dim, reverse)

    torch.testing.assert_close(f(x), expected)
    torch.testing.assert_close(compiled(f)(x), expected)


def test_associative_scan_has_gradients_and_takes_containers():
    a, b = torch.rand(6, requires_grad=True), torch.rand(6)

    def linear(p, q):
        return p[0] * q[0], q[0] * p[1] + q[1]

    def f(a, b):
        return associative_scan(linear, (a, b), 0, combine_mode="generic")[1]

    expected, state = [], torch.zeros(())
    for i in range(6):
        state = a[i] * state + b[i]
        expected.append(state)
    expected = torch.stack(expected)
    torch.testing.assert_close(f(a, b), expected)
    (wanted,) = torch.autograd.grad(expected.sum(), a)
    torch.testing.assert_close(torch.autograd.grad(f(a, b).sum(), a)[0], wanted)
    torch.testing.assert_close(torch.autograd.grad(compiled(f)(a, b).sum(), a)[0], wanted)


@pytest.mark.parametrize(
    "draw",
    [
        lambda x: cond(x.sum() > 0, lambda a: a + torch.rand(3), lambda a: a, (x,)),
        lambda x: scan(lambda c, a: (c + torch.rand(()), c), torch.zeros(()), x)[0],
        lambda x: while_loop(lambda a: a.sum() < 9, lambda a: (a + torch.rand(3),), (x,))[0],
    ],
    ids=["cond", "scan", "while_loop"],
)
def test_random_draws_inside_a_program_are_refused(draw):
    with pytest.raises(NotImplementedError, match="random operations inside"):
        compiled(draw)(torch.ones(3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: scan(3, x, x), "Combine_fn must be a callable"),
        (lambda x: scan(lambda c, a: (c, a), [], x), "requires init leaves"),
        (lambda x: scan(lambda c, a: (c[None], a), x[0], x), "same metadata"),
        (lambda x: scan(lambda c, a: c, x[0], x), "next carry, y"),
        (lambda x: while_loop(3, lambda a: a, (x,)), "to be callable"),
        (lambda x: while_loop(lambda a: a.sum() < 9, lambda a: a, (x,)), "return 1 values"),
        (lambda x: while_loop(lambda a: a.sum() < 9, lambda a: (a[0],), (x,)), "same metadata"),
        (lambda x: while_loop(lambda a: a < 9, lambda a: (a,), (3.5,)), "tensors and ints"),
    ],
)
def test_mistakes_are_explained_in_python_and_in_programs(call, message):
    for function in (call, compiled(call)):
        with pytest.raises(RuntimeError, match=message):
            function(torch.ones(2, 3))


def test_names_are_pytorchs():
    assert torch.while_loop is while_loop and torch.cond is cond


PARITY = """
import torch
from torch._higher_order_ops import associative_scan, scan, while_loop
x = torch.arange(6.0).reshape(3, 2).requires_grad_()
for options in ({}, {"reverse": True}, {"dim": 1}, {"dim": 1, "reverse": True}):
    start = torch.zeros(x.shape[1 - options.get("dim", 0)])
    last, ys = scan(lambda c, a: (c * 0.5 + a, c + 2 * a), start, x, **options)
    print(last.tolist(), ys.tolist())
    print(torch.autograd.grad(last.sum() + (ys * ys).sum(), x)[0].tolist())
print(while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * 2), (torch.tensor(0), x.detach())))
for reverse in (False, True):
    print(associative_scan(lambda a, b: a + b + a * b, x.detach(), 0, reverse, "generic"))
print(scan(lambda c, a: (c + a, a.clone()), torch.zeros(2), []))
"""


@pytest.mark.parity
@pytest.mark.slow
def test_loops_give_what_pytorch_gives(tmp_path):
    import subprocess
    import sys

    pytest.importorskip("torch")
    script = tmp_path / "loops.py"
    script.write_text(PARITY)
    ours, theirs = [
        subprocess.run(
            [sys.executable, *how, str(script)], capture_output=True, text=True, check=True
        ).stdout
        for how in (["-m", "functorch_lite", "run"], [])
    ]
    assert ours == theirs
