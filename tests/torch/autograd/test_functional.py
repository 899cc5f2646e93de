"""``torch.autograd.functional``: values, structures, histories and messages of PyTorch's."""

import warnings

import numpy as np
import pytest

import functorch_lite.torch as torch
from functorch_lite.torch.autograd import functional
from tests.parity import assert_same, attempt, live_torch, transcript

ONE = np.linspace(-1.0, 2.0, 6, dtype=np.float32).reshape(2, 3)
TWO = np.array([0.5, 1.5, -1.0], np.float32)
POINT = np.array([0.7], np.float32)


def matrix(x):
    return x.exp().sum(1)


def pair(x, y):
    return (x * y).sum(1), y.exp() * 2


def scalar(x):
    return (x**3).sum()


def scalar_of_two(x, y):
    return ((x * y) ** 3).sum()


def independent(x, y):
    return (y**2).sum(), x * 0 + 1


CALLS = {
    "vjp": lambda f, x, y: f.vjp(matrix, x, x[:, 0]),
    "vjp_pair": lambda f, x, y: f.vjp(pair, (x, y), (x[:, 0] + 0.0 * y[0], y)),
    "jvp_pair": lambda f, x, y: f.jvp(pair, (x, y), (x, y)),
    "jvp_unused": lambda f, x, y: f.jvp(lambda a, b: (a.exp(), b.detach() * 2), (x, y), (x, y)),
    "vhp": lambda f, x, y: f.vhp(scalar, x, x),
    "vhp_pair": lambda f, x, y: f.vhp(scalar_of_two, (x, y), (x, y)),
    "vhp_linear": lambda f, x, y: f.vhp(lambda a: a.sum(), x, x),
    "hvp_pair": lambda f, x, y: f.hvp(scalar_of_two, (x, y), (x, y)),
    "jacobian": lambda f, x, y: f.jacobian(matrix, x),
    "jacobian_pair": lambda f, x, y: f.jacobian(pair, (x, y)),
    "jacobian_tuple_of_one": lambda f, x, y: f.jacobian(lambda a: (a * 2,), (x,)),
    "jacobian_independent": lambda f, x, y: f.jacobian(independent, (x, y)),
    "hessian": lambda f, x, y: f.hessian(scalar, x),
    "hessian_pair": lambda f, x, y: f.hessian(scalar_of_two, (x, y)),
    "hessian_linear": lambda f, x, y: f.hessian(lambda a: a.sum(), x),
    "hessian_of_1": lambda f, x, y: f.hessian(lambda a: (a**2).sum(0, keepdim=True)[:, 0], x),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", CALLS)
def test_values_and_structures(name):
    assert_same(lambda torch, x, y: plain(CALLS[name](torch.autograd.functional, x, y)), ONE, TWO)


def plain(tree):
    """Return plain values (PyTorch's forward-mode Hessian keeps a dead graph)."""
    if isinstance(tree, tuple | list):
        return type(tree)(map(plain, tree))
    return tree.detach().contiguous().clone()


BATCHED = {
    "jacobian_pair": lambda f, x, y, o: f.jacobian(pair, (x, y), vectorize=True, strategy=o),
    "jacobian_independent": lambda f, x, y, o: f.jacobian(
        independent, (x, y), vectorize=True, strategy=o
    ),
    "hessian_pair": lambda f, x, y, o: f.hessian(
        scalar_of_two, (x, y), vectorize=True, outer_jacobian_strategy=o
    ),
}


UNTOLD = "`torch.jit.script` is deprecated"  # what PyTorch tells itself in forward mode


@pytest.mark.parity
@pytest.mark.filterwarnings(f"ignore:{UNTOLD}")
@pytest.mark.parametrize("order", ["reverse-mode", "forward-mode"])
@pytest.mark.parametrize("name", BATCHED)
def test_vectorized(name, order):
    def call(torch, x, y):
        return plain(BATCHED[name](torch.autograd.functional, x, y, order))

    assert_same(call, ONE, TWO)


def flat(tree):
    return [t for part in tree for t in flat(part)] if isinstance(tree, tuple) else [tree]


@pytest.mark.parity
@pytest.mark.parametrize("name", [name for name in CALLS if "_pair" in name])
def test_results_with_a_history_can_be_differentiated(name):
    """The gradient of everything that comes out, with create_graph, on inputs with a history."""

    def call(torch, x, y):
        kept = Graphed(torch.autograd.functional)
        found = [t for t in flat(CALLS[name](kept, x * 1, y * 1)) if t.requires_grad]
        total = sum((t.double() * (i + 1)).sum() for i, t in enumerate(found))
        return len(found), torch.autograd.grad(total, [x, y], allow_unused=True)

    assert_same(call, ONE, TWO, grad=True)


class Graphed:
    """``torch.autograd.functional`` with ``create_graph=True``."""

    def __init__(self, functional):
        self.functional = functional

    def __getattr__(self, name):
        function = getattr(self.functional, name)
        return lambda *args: function(*args, create_graph=True)


@pytest.mark.parity
@pytest.mark.parametrize("grad_mode", [True, False])
@pytest.mark.parametrize("create_graph", [True, False])
def test_histories(create_graph, grad_mode):
    """Which results require grad: of inputs with and without, in and out of no_grad."""

    def script(torch):
        f = torch.autograd.functional
        for wanted in (True, False):
            x = torch.tensor(ONE, requires_grad=wanted)
            with torch.set_grad_enabled(grad_mode):
                for found in (
                    f.vjp(scalar, x, create_graph=create_graph),
                    f.jvp(scalar, x, x.detach(), create_graph=create_graph),
                    f.vhp(scalar, x, x.detach(), create_graph=create_graph),
                    f.hvp(scalar, x, x.detach(), create_graph=create_graph),
                    f.jacobian(scalar, x, create_graph=create_graph),
                    f.hessian(scalar, x, create_graph=create_graph),
                    f.jacobian(scalar, x, create_graph=create_graph, vectorize=True),
                ):
                    print([t.requires_grad for t in flat(found)], x.requires_grad, x.grad)

    assert transcript(script, torch) == transcript(script, live_torch())


# Both gradients of a product are one node here, of which a second derivative is never missing, only
# zero: strict does not find it in a Hessian.
JOINT = [lambda a, b: (a * b).sum()]


def mistakes(torch):
    """Yield calls that torch refuses, one a message."""
    f = torch.autograd.functional
    x, y = torch.tensor(ONE), torch.tensor(TWO)
    products = (f.vjp, f.jvp, f.vhp, f.hvp)
    for function in (*products, f.jacobian, f.hessian):
        yield lambda function=function: function(scalar, 3)
        yield lambda function=function: function(scalar, [x])
        yield lambda function=function: function(scalar, (x, "a"))
        yield lambda function=function: function(lambda a: 3, x[:1, 0])
        yield lambda function=function: function(lambda a: (a, "a"), x[:1, 0])
        yield lambda function=function: function(lambda a: a.detach(), x[:1, 0], strict=True)
        yield lambda function=function: function(lambda a: (a, a.detach()), x[:1, 0], strict=True)
        for create_graph in (True, False):
            for inner in (
                lambda a, b: a.sum(),
                *JOINT[: 1 - (function is f.hessian)],
                lambda a, b: (2 * a).sum() + b.sum(),
                lambda a, b: (a**2).sum() + (b**2).sum(),
                lambda a, b: (a**3).sum() + (b**3).sum(),
                lambda a, b: (a.sum(), b.sum()),
            ):
                yield lambda function=function, inner=inner, create_graph=create_graph: shown(
                    function(
                        inner,
                        (x, y),
                        *(((x, y),) if function in products[1:] else ()),
                        strict=True,
                        create_graph=create_graph,
                    )
                )
    for function in products:
        yield lambda function=function: function(scalar, (x, y))
        yield lambda function=function: function(matrix, x)
        yield lambda function=function: function(scalar, x, y)
        yield lambda function=function: function(scalar, x, (y, y))
        yield lambda function=function: function(pair, (x, y), (x, x))
        yield lambda function=function: function(pair, (x, y), (x,))
        yield lambda function=function: function(scalar, x, [x])
        yield lambda function=function: function(scalar, x, (x, 3))
    for function in (f.vhp, f.hvp):
        yield lambda function=function: function(matrix, x, x)
        yield lambda function=function: function(lambda a: (a.sum(),), x, x)
    yield lambda: f.hessian(matrix, x)
    yield lambda: f.hessian(lambda a: (a.sum(),), x)
    yield lambda: f.hessian(scalar, x, outer_jacobian_strategy="sideways")
    yield lambda: f.jacobian(scalar, x, strategy="sideways")
    yield lambda: f.jacobian(scalar, x, strategy="forward-mode")
    yield lambda: f.jacobian(scalar, x, strategy="forward-mode", create_graph=True)
    yield lambda: f.jacobian(scalar, x, strategy="forward-mode", strict=True)
    yield lambda: f.hessian(scalar, x, outer_jacobian_strategy="forward-mode")
    yield lambda: f.hessian(scalar, x, True, outer_jacobian_strategy="forward-mode")
    yield lambda: f.jacobian(scalar, x, strict=True, vectorize=True)
    yield lambda: f.jacobian(lambda a: 3, x, vectorize=True, strategy="forward-mode")
    yield lambda: f.jacobian(lambda a: (a, 3), x, vectorize=True, strategy="forward-mode")
    yield lambda: f.jacobian(lambda a: a[:, :0], x)


def shown(found):
    print([t.requires_grad for t in flat(found)])


@pytest.mark.parity
def test_messages():
    def script(torch):
        warnings.filterwarnings("ignore", UNTOLD)
        for number, call in enumerate(mistakes(torch)):
            print(number, end=" ")
            attempt(call)

    assert transcript(script, torch) == transcript(script, live_torch())


@pytest.mark.parity
def test_refused_inside_of_transforms():
    def script(torch):
        f, x = torch.autograd.functional, torch.tensor(ONE)
        attempt(lambda: torch.vmap(lambda row: f.jacobian(scalar, row))(x))
        attempt(lambda: torch.func.grad(lambda a: f.vjp(scalar, a)[1].sum())(x))

    assert transcript(script, torch) == transcript(script, live_torch())


@pytest.mark.parity
def test_what_the_function_may_do():
    """It sees tensors that require grad, and may differentiate and write in place itself."""

    def script(torch):
        f, x = torch.autograd.functional, torch.tensor(ONE)

        def slope(a):
            print(a.requires_grad, a.is_leaf, torch.is_grad_enabled())
            (g,) = torch.autograd.grad((a**4).sum(), a, create_graph=True)
            return g.sum(1)

        def written(a):
            b = a.clone()
            b[0] = b[1] * 2
            return b.mul_(3)

        with torch.no_grad():
            print(f.jacobian(slope, x))
        print(f.jacobian(written, x).sum(), f.hvp(lambda a: (written(a) ** 2).sum(), x, x))

    assert transcript(script, torch) == transcript(script, live_torch())


# --- what no PyTorch is needed for ----------------------------------------------------------------


def test_jacobian_and_hessian_of_a_square():
    x = torch.tensor([1.0, 2.0])
    assert functional.jacobian(lambda v: v**2, x).tolist() == [[2.0, 0.0], [0.0, 4.0]]
    assert functional.hessian(lambda v: (v**3).sum(), x).tolist() == [[6.0, 0.0], [0.0, 12.0]]
    for options in ({"vectorize": True}, {"vectorize": True, "strategy": "forward-mode"}):
        found = functional.jacobian(lambda v: v**2, x, **options)
        assert found.tolist() == [[2.0, 0.0], [0.0, 4.0]]


def test_products_agree_with_the_matrices():
    x, v = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 0.5, -1.0])

    def f(t):
        return (t.prod() * t).sum()

    hessian = functional.hessian(f, x)
    for product in (functional.vhp, functional.hvp):
        value, found = product(f, x, v)
        assert value.item() == 36.0
        torch.testing.assert_close(found, hessian @ v)
    _, slope = functional.jvp(f, x, v)
    torch.testing.assert_close(slope, functional.jacobian(f, x) @ v)


def test_strict_names_the_input():
    x = torch.ones(2)
    with pytest.raises(RuntimeError, match="is independent of input 1"):
        functional.vjp(lambda a, b: a.sum(), (x, x), strict=True)
