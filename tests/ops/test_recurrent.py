"""Recurrent layers beside live torch: layers, directions, packed sequences, cells."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from functorch_lite.ops import OPS
from functorch_lite.ops.layers import recurrent

STEPS, ROWS, INPUTS, HIDDEN = 4, 3, 5, 6
MODULES = {"lstm": "LSTM", "gru": "GRU", "rnn_tanh": "RNN", "rnn_relu": "RNN"}


def module(torch, kind, **options):
    """Return torch's layer in float64."""
    if kind.startswith("rnn"):
        options["nonlinearity"] = kind[4:]
    return getattr(torch.nn, MODULES[kind])(INPUTS, HIDDEN, **options).double()


def compare(torch, leaves, outputs, call):
    """Assert that ``call(*leaves)`` has torch's ``outputs`` and gradients."""
    weights = [torch.rand_like(o) for o in outputs]
    wanted = torch.autograd.grad(outputs, leaves, weights)
    with jax.enable_x64(True):
        got, pull = jax.vjp(jax.jit(call), *(leaf.detach().numpy() for leaf in leaves))
        slopes = pull(tuple(w.numpy() for w in weights))
    for ours, theirs in zip((*got, *slopes), (*outputs, *wanted), strict=True):
        np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.parity
@pytest.mark.parametrize("kind", MODULES)
@pytest.mark.parametrize(
    ("layers", "biases", "both", "first"), [(1, True, False, False), (2, False, True, True)]
)
@pytest.mark.parametrize("packed", [False, True])
def test_layers(kind, layers, biases, both, first, packed):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    options = {"num_layers": layers, "bias": biases, "bidirectional": both, "batch_first": first}
    net = module(torch, kind, **options)
    shape = (ROWS, STEPS, INPUTS) if first else (STEPS, ROWS, INPUTS)
    count = 2 if kind == "lstm" else 1
    size = (layers * (1 + both), ROWS, HIDDEN)
    states = [torch.randn(size, dtype=torch.double, requires_grad=True) for _ in range(count)]
    x = torch.randn(shape, dtype=torch.double)
    sizes, name, more = (), kind, (first,)
    given = x.requires_grad_()
    if packed:
        utils = torch.nn.utils.rnn
        joined = utils.pack_padded_sequence(x.detach(), torch.tensor([4, 2, 1]), batch_first=first)
        given = joined.data.clone().requires_grad_()
        sizes, name, more = (joined.batch_sizes.numpy(),), f"{kind}.data", ()
    net_input = utils.PackedSequence(given, joined.batch_sizes) if packed else given
    out, last = net(net_input, tuple(states) if kind == "lstm" else states[0])
    outputs = [out.data if packed else out, *(last if kind == "lstm" else [last])]

    def call(x, *rest):
        hx = list(rest[:count]) if kind == "lstm" else rest[0]
        return OPS[name].body(
            x, *sizes, hx, list(rest[count:]), biases, layers, 0.0, True, both, *more
        )

    compare(torch, [given, *states, *net._flat_weights], outputs, call)


@pytest.mark.parity
def test_projection():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    net = module(torch, "lstm", proj_size=2)
    x, h, c = (
        torch.randn(shape, dtype=torch.double, requires_grad=True)
        for shape in ((STEPS, ROWS, INPUTS), (1, ROWS, 2), (1, ROWS, HIDDEN))
    )
    out, last = net(x, (h, c))

    def call(x, h, c, *params):
        return OPS["lstm"].body(x, [h, c], list(params), True, 1, 0.0, True, False, False)

    compare(torch, [x, h, c, *net._flat_weights], [out, *last], call)


@pytest.mark.parity
@pytest.mark.parametrize(("kind", "gates"), [("lstm", 4), ("gru", 3), ("rnn_tanh", 1)])
def test_cell(kind, gates):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    shapes = ((3, 5), (3, 6), (6 * gates, 5), (6 * gates, 6), (6 * gates,), (6 * gates,))
    x, h, *params = (torch.randn(s, dtype=torch.double, requires_grad=True) for s in shapes)
    hx = [h, h] if kind == "lstm" else h
    result = getattr(torch, f"{kind}_cell")(x, hx, *params)

    def call(x, h, *params):
        out = OPS[f"{kind}_cell"].body(x, [h, h] if kind == "lstm" else h, *params)
        return out if isinstance(out, tuple) else (out,)

    outputs = result if isinstance(result, tuple) else (result,)
    compare(torch, [x, h, *params], list(outputs), call)


def test_cell_errors():
    zeros = np.zeros
    with pytest.raises(RuntimeError, match="inconsistent input_size: got 4 expected 5"):
        OPS["gru_cell"].body(zeros((3, 4)), zeros((3, 6)), zeros((18, 5)), zeros((18, 6)))


@pytest.mark.parametrize(
    ("kind", "reverse"), [("lstm", False), ("gru", True), ("tanh", False), ("relu", True)]
)
def test_the_written_derivative_is_that_of_the_plain_loop(kind, reverse):
    """A mask that is all True takes the plain loop: same values, derivatives of order one and two,
    forward and backward, under vmap too.
    """
    with jax.enable_x64(True):
        check_against_plain_loop(kind, reverse)


def check_against_plain_loop(kind, reverse):
    steps, rows, inputs, hidden = 3, 2, 3, 2
    gates = {"lstm": 4, "gru": 3}.get(kind, 1) * hidden
    keys = iter(jax.random.split(jax.random.key(0), 9))
    normal = lambda *shape: jax.random.normal(next(keys), shape, jnp.float64)  # noqa: E731
    x, weights = (
        normal(steps, rows, inputs),
        (normal(gates, inputs), normal(gates, hidden), normal(gates), normal(gates)),
    )
    state = tuple(normal(rows, hidden) for _ in range(2 if kind == "lstm" else 1))

    def total(mask, x, state, weights):
        out, last = recurrent._layer(kind, x, state, (*weights, None), reverse, mask)
        return jnp.sin(out).sum() + sum(jnp.cos(s).sum() for s in last)

    fast, plain = (functools.partial(total, m) for m in (None, jnp.ones((steps, rows), bool)))
    arguments = (0, 1, 2)
    for derivative in (jax.grad, lambda f, n: jax.jacfwd(jax.grad(f, n), n)):
        ours, theirs = (jax.jit(derivative(f, arguments))(x, state, weights) for f in (fast, plain))
        for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
    many = jnp.stack([x, 2 * x])
    mapped = jax.jit(jax.vmap(jax.grad(fast), (0, None, None)))(many, state, weights)
    np.testing.assert_allclose(mapped[1], jax.grad(plain)(2 * x, state, weights), rtol=1e-9)
