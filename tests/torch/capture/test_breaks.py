"""What cannot be captured runs eagerly, with the right result, and says where and what to do."""

import io
import random
import warnings
from contextlib import redirect_stdout

import numpy as np
import pytest

import functorch_lite as fl
import functorch_lite.torch as torch
from functorch_lite.torch import nn

kept: list = []
scale = 2.0
table = {"n": 0}


def item(x):
    return x * x.sum().item()


def branch(x):
    return x if x.sum() > 0 else -x


def printing(x):
    print("hello")
    return x + 1


def printing_a_tensor(x):
    print(x)
    return x + 1


def to_numpy(x):
    return torch.from_numpy(np.sin(x.numpy())) + x


def to_list(x):
    return x + sum(x.tolist())


def appending(x):
    kept.append(x.sum())
    return x + 1


def counting(x):
    table["n"] += 1
    return x * table["n"]


def python_random(x):
    return x * random.random()


def numpy_random(x):
    return x * float(np.random.rand())


def of_a_mask(x):
    return x[x > 0]


def seeded(x):
    torch.manual_seed(0)
    return x + torch.rand(3)


def state_read(x):
    return x + torch.get_rng_state().sum()


FUNCTIONS = [
    item, branch, printing, printing_a_tensor, to_numpy, to_list, appending, counting,
    python_random, numpy_random, of_a_mask, seeded, state_read,
]  # fmt: skip


def reset():
    kept.clear()
    table["n"] = 0
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(5)


def three_calls(function):
    """Return all that three calls leave behind."""
    reset()
    out = io.StringIO()
    with redirect_stdout(out):
        results = [function(x) for x in (torch.ones(3), -torch.ones(3), torch.ones(3))]
    return (
        [r.tolist() for r in results],
        out.getvalue(),
        [k.item() for k in kept],
        dict(table),
        random.random(),
        torch.rand(1).item(),
    )


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_a_broken_graph_gives_the_eager_result_and_one_warning(function):
    wanted = three_calls(function)
    compiled = torch.compile(function)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = three_calls(compiled)
    assert found == wanted
    texts = [str(w.message) for w in caught if w.category is UserWarning]
    assert len(texts) == 1, texts
    assert f"graph break in {function.__name__}" in texts[0]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_fullgraph_makes_a_break_an_error(function):
    with pytest.raises(Exception) as caught:
        torch.compile(function, fullgraph=True)(torch.ones(3))
    assert "graph break" in str(caught.value)
    reset()


def test_the_warning_names_line_and_remedy():
    with pytest.warns(UserWarning) as caught:
        torch.compile(item)(torch.ones(3))
    text = str(caught[0].message)
    assert "test_breaks.py:" in text
    assert "in item: return x * x.sum().item()" in text
    assert "Instead:" in text
    assert caught[0].filename == __file__


def test_an_error_of_the_function_is_its_own():
    def wrong(x):
        return x @ torch.ones(5)

    compiled = torch.compile(wrong)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="size mismatch"):
            compiled(torch.ones(2, 3))


def test_python_values_that_change_make_another_program():
    global scale
    model = nn.Linear(2, 2)
    model.factor = 1.0

    class Holder:
        gain = 1.0
        unread = 0

    holder = Holder()

    def f(x, flag=True, *, other=3):
        y = model(x) * model.factor * scale * holder.gain + other
        return y if flag else -y

    compiled = torch.compile(f, fullgraph=True)
    x = torch.ones(1, 2)

    def check(**named):
        torch.testing.assert_close(compiled(x, **named), f(x, **named))
        return sum(map(len, compiled._compiled.programs.values()))

    assert check() == 1
    scale = 3.0
    assert check() == 2
    model.factor = 2.0
    assert check() == 3
    holder.gain = 5.0
    assert check() == 4
    Holder.gain = 7.0
    del holder.gain
    assert check() == 5
    holder.unread = 1
    model.unread = 3
    assert check() == 5
    assert check(flag=False, other=2.5) == 6
    assert check(flag=False, other=3.5) == 6  # a float is an operand
    model.register_forward_hook(lambda m, args, out: out + 1)
    assert check() == 7
    scale = 2.0


def test_flags_of_the_function_itself_are_kept():
    class Once(nn.Module):
        def __init__(self):
            super().__init__()
            self.ready = False

        def forward(self, x):
            if not self.ready:
                self.ready = True
                return x * 10
            return x

    module = Once()
    compiled = torch.compile(module, fullgraph=True)
    x = torch.ones(2)
    assert compiled(x).tolist() == [10.0, 10.0]
    assert module.ready
    assert compiled(x).tolist() == [1.0, 1.0]
    assert compiled(x).tolist() == [1.0, 1.0]


def test_arguments_that_share_memory_are_seen():
    def f(a, b):
        a.add_(1)
        return b * 2

    x = torch.zeros(4)
    with pytest.warns(UserWarning, match="shares memory"):
        assert torch.compile(f)(x, x[:2]).tolist() == [2.0, 2.0]


def test_changing_shapes_are_programs_up_to_a_limit_of_values():
    calls = []

    @torch.compile
    def f(x, n):
        calls.append(n) if False else None
        return x * n

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for n in range(12):
            assert f(torch.ones(2), n).tolist() == [float(n)] * 2
    assert len(caught) <= 1


def test_capture_inside_a_transform_or_another_capture_is_part_of_it():
    inner = torch.compile(lambda x: torch.sin(x), fullgraph=True)
    outer = torch.compile(lambda x: inner(x) + 1, fullgraph=True)
    x = torch.tensor(0.3)
    torch.testing.assert_close(outer(x), torch.sin(x) + 1)
    torch.testing.assert_close(torch.func.grad(outer)(x), torch.cos(x))
    torch.testing.assert_close(torch.func.vmap(inner)(x.reshape(1)), torch.sin(x.reshape(1)))


def test_objects_among_the_arguments_are_known_by_identity():
    class Box:
        def __init__(self, x):
            self.x = x

        def __eq__(self, other):
            return isinstance(other, Box)

        __hash__ = None

    compiled = torch.compile(lambda box: box.x * 2, fullgraph=True)
    first, second = Box(torch.ones(2)), Box(torch.zeros(2))
    for box in (first, second, first):
        assert compiled(box).tolist() == (box.x * 2).tolist()
    first.x = torch.full((2,), 5.0)
    assert compiled(first).tolist() == [10.0, 10.0]


def test_the_ints_of_a_jitted_function_are_part_of_the_program():
    shaped = fl.jit(lambda x, n: x.reshape(n, -1))
    assert shaped(torch.ones(6), 2).shape == (2, 3)
    assert shaped(torch.ones(6), 3).shape == (3, 2)
