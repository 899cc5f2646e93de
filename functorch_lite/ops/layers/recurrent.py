"""Recurrent layers: LSTM, GRU, and the tanh and relu RNN, whole and one cell at a time.

A layer multiplies all its inputs by the input weights at once and then runs one ``lax.scan`` over
time.  ``params`` is flat, as PyTorch keeps it: for each layer and direction ``w_ih, w_hh``, then
``b_ih, b_hh`` with biases, then ``w_hr`` with a projection.  Packed sequences are spread out to
(T, N, *) with a mask; a masked step keeps the state.  Dropout between layers multiplies by
``noise``, one drawn and already scaled mask a layer but the last, (T, N, D * H) each.
"""

import functools

import jax
import jax.numpy as jnp
from jax import lax

from .._registry import op


@op("f", node="StackBackward0", loops=True, tuned="product, loops")
def lstm(
    input,
    hx,
    params,
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
    noise=None,
):
    """LSTM layers over (T, N, I), or (N, T, I) with ``batch_first``; ``hx`` is (h, c).

    Returns (output, h, c) with one row of h and c per layer and direction.
    """
    return _sequence(
        "lstm", input, hx, params, has_biases, num_layers, bidirectional, batch_first, noise
    )


@op("f", name="lstm.data", node="CatBackward0", loops=True, tuned="product, loops")
def lstm_packed(
    data,
    batch_sizes,
    hx,
    params,
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    noise=None,
):
    """LSTM layers over a packed sequence: ``data`` (sum of batch sizes, I)."""
    return _packed(
        "lstm", data, batch_sizes, hx, params, has_biases, num_layers, bidirectional, noise
    )


def _declare(name, kind, text):
    """Declare the op ``name`` and its packed overload; the state is one tensor."""

    def whole(
        input,
        hx,
        params,
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
        noise=None,
    ):
        return _sequence(
            kind, input, [hx], params, has_biases, num_layers, bidirectional, batch_first, noise
        )

    def packed(
        data,
        batch_sizes,
        hx,
        params,
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        noise=None,
    ):
        return _packed(
            kind, data, batch_sizes, [hx], params, has_biases, num_layers, bidirectional, noise
        )

    whole.__name__, whole.__doc__ = name, f"{text} over (T, N, I): (output, h)."
    packed.__name__, packed.__doc__ = (
        f"{name}_packed",
        f"{text} over a packed sequence: (output, h).",
    )
    op("f", name=name, node="StackBackward0", loops=True, tuned="product, loops")(whole)
    op("f", name=f"{name}.data", node="CatBackward0", loops=True, tuned="product, loops")(packed)


_declare("gru", "gru", "GRU layers")
_declare("rnn_tanh", "tanh", "Layers h = tanh(W x + U h)")
_declare("rnn_relu", "relu", "Layers h = relu(W x + U h)")


@op("f", node="AddBackward0")
def lstm_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """One LSTM step of (N, I) from ``hx`` = (h, c): the new (h, c)."""
    _check_cell(input, hx[0], w_ih, w_hh, b_ih, b_hh, 4)
    return _step("lstm", _affine(input, w_ih, b_ih), tuple(hx), w_hh, b_hh, None)


@op("f", node="AddBackward0")
def gru_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """One GRU step of (N, I) from ``hx`` (N, H)."""
    _check_cell(input, hx, w_ih, w_hh, b_ih, b_hh, 3)
    return _step("gru", _affine(input, w_ih, b_ih), (hx,), w_hh, b_hh, None)[0]


@op("f", node="TanhBackward0")
def rnn_tanh_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """``tanh(w_ih x + b_ih + w_hh h + b_hh)`` for (N, I) and (N, H)."""
    _check_cell(input, hx, w_ih, w_hh, b_ih, b_hh, 1)
    return _step("tanh", _affine(input, w_ih, b_ih), (hx,), w_hh, b_hh, None)[0]


@op("f", node="ReluBackward0")
def rnn_relu_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """``relu(w_ih x + b_ih + w_hh h + b_hh)`` for (N, I) and (N, H)."""
    _check_cell(input, hx, w_ih, w_hh, b_ih, b_hh, 1)
    return _step("relu", _affine(input, w_ih, b_ih), (hx,), w_hh, b_hh, None)[0]


# The arithmetic.


def _add_bias(x, bias):
    return x if bias is None else x + bias


def _affine(x, weight, bias):
    return _add_bias(x @ weight.T, bias)


def _lstm(i, f, g, o, c):
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def _gru(r, z, xn, hn, h):
    new = jnp.tanh(xn + jax.nn.sigmoid(r) * hn)
    return (new + jax.nn.sigmoid(z) * (h - new),)


_CELLS = {
    "lstm": _lstm,
    "gru": _gru,
    "tanh": lambda gate: (jnp.tanh(gate),),
    "relu": lambda gate: (jax.nn.relu(gate),),
}
"""Per kind, the new state from the gates and the part of the old state that enters element by
element."""


def _gates(kind, x, u):
    """Add the input's and the state's shares; the new gate of a GRU needs each of them."""
    if kind != "gru":
        return x + u
    (x, xn), (u, un) = (jnp.split(a, [a.shape[-1] // 3 * 2], -1) for a in (x, u))
    return jnp.concatenate([x + u, xn, un], -1)


def _of_cell(kind, gates, state):
    """Return the operands of the cell, each (..., H)."""
    parts = jnp.split(gates, gates.shape[-1] // state[0].shape[-1], -1)
    return (*parts, *{"lstm": state[1:], "gru": state}.get(kind, ()))


def _step(kind, x, state, w_hh, b_hh, w_hr):
    """One step from ``x``, the input's share of the gates, to the new state."""
    u = _affine(state[0], w_hh, b_hh)
    if w_hr is None:
        return _CELLS[kind](*_of_cell(kind, _gates(kind, x, u), state))
    i, f, g, o = jnp.split(x + u, 4, -1)
    h, c = _lstm(i, f, g, o, state[1])
    return h @ w_hr.T, c


def _layer(kind, x, state, weights, reverse, mask):
    """Run one layer in one direction over ``x`` (T, N, I): (outputs (T, N, H), last state)."""
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    if kind != "gru" and b_ih is not None:
        b_ih, b_hh = b_ih + b_hh, None
    x = _affine(x, w_ih, b_ih)
    if mask is None and w_hr is None:
        state, out = _run(kind, reverse, x, state, w_hh, b_hh)
        return out, state

    def advance(state, step):
        x, valid = step
        new = _step(kind, x, state, w_hh, b_hh, w_hr)
        if valid is not None:
            new = tuple(jnp.where(valid[:, None], a, b) for a, b in zip(new, state, strict=True))
        return new, new[0]

    state, out = lax.scan(advance, state, (x, mask), reverse=reverse)
    return out, state


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _run(kind, reverse, x, state, w_hh, b_hh):
    """Run over ``x`` (T, N, gates), the input's share: (last state, outputs).

    The derivative keeps out of the loop what need not be in it: the slopes of the cell, which is
    element-wise, are arrays over all steps, and what the weights' change adds to the gates is one
    product of all steps, so that the weights' gradient is one too.  The barriers are worth 40 % of
    a loop on the CPU: the product of a small batch is faster by a matrix that lies transposed, and
    XLA computes the gates again for each that uses them.
    """
    w_hh = lax.optimization_barrier(w_hh.T)

    def advance(state, x):
        new, _ = _advanced(kind, x, state, w_hh, b_hh)
        return new, new[0]

    return lax.scan(advance, state, x, reverse=reverse)


def _advanced(kind, x, state, turned, b_hh):
    """Return the new state and the gates; ``turned`` is ``w_hh.T``."""
    gates = _gates(kind, x, _add_bias(state[0] @ turned, b_hh))
    gates = lax.optimization_barrier(gates)
    return _CELLS[kind](*_of_cell(kind, gates, state)), gates


@_run.defjvp
def _run_jvp(kind, reverse, primals, tangents):
    (x, state, w_hh, b_hh), (dx, dstate, dw_hh, db_hh) = primals, tangents
    turned = lax.optimization_barrier(w_hh.T)

    def advance(state, x):
        new, gates = _advanced(kind, x, state, turned, b_hh)
        return new, (new[0], gates, state)

    last, (out, gates, before) = lax.scan(advance, state, x, reverse=reverse)
    parts, slopes = _stacked_slopes(kind, gates, before)
    dgates = _gates(kind, dx, _affine(before[0], dw_hh, db_hh))

    def push(dstate, step):
        dgates, slopes = step
        u = lax.dot_general(dstate[0], w_hh, (((1,), (1,)), ((), ())))  # backward: by w_hh as it is
        moved = lax.optimization_barrier(dgates + _gates(kind, jnp.zeros_like(u), u))
        moved = moved.reshape(*u.shape[:-1], parts, -1)
        others = _of_cell(kind, moved[..., 0, :], dstate)[1:]
        new = tuple(
            functools.reduce(jnp.add, map(jnp.multiply, others, rest), (moved * own).sum(-2))
            for own, rest in slopes
        )
        return new, new[0]

    dlast, dout = lax.scan(push, dstate, (dgates, slopes), reverse=reverse)
    return (last, out), (dlast, dout)


def _stacked_slopes(kind, gates, state):
    """Return how many parts the gates have, and per result of the cell its slopes.

    Those by the parts are one array (..., parts, H), so that a step of the loop is one element-wise
    operation and, backwards, one too.
    """
    parts = gates.shape[-1] // state[0].shape[-1]
    slopes = _slopes(_CELLS[kind], _of_cell(kind, gates, state))
    return parts, tuple((jnp.stack(of_one[:parts], -2), of_one[parts:]) for of_one in slopes)


def _slopes(cell, operands):
    """Return the derivative of each result of an element-wise ``cell`` by each of its operands."""
    columns = []
    for k, operand in enumerate(operands):
        of_one = lambda x, k=k: cell(*operands[:k], x, *operands[k + 1 :])  # noqa: E731
        columns.append(jax.jvp(of_one, (operand,), (jnp.ones_like(operand),))[1])
    return tuple(zip(*columns, strict=True))


def _layers(kind, x, hx, params, has_biases, num_layers, bidirectional, noise, mask=None):
    """Run all layers over ``x`` (T, N, I): (output, one array per kind of state)."""
    directions = 2 if bidirectional else 1
    sets = _weights(params, has_biases, kind == "lstm" and hx[0].shape[2] != hx[1].shape[2])
    finals = []
    for layer in range(num_layers):
        outputs = []
        for direction in range(directions):
            row = layer * directions + direction
            state = tuple(h[row] for h in hx)
            out, state = _layer(kind, x, state, sets[row], direction == 1, mask)
            outputs.append(out)
            finals.append(state)
        x = jnp.concatenate(outputs, -1) if bidirectional else outputs[0]
        if noise is not None and layer < num_layers - 1:
            x = x * noise[layer]
    return x, *(jnp.stack(states) for states in zip(*finals, strict=True))


def _weights(params, has_biases, projected):
    size = 2 + 2 * has_biases + projected
    sets = [params[i : i + size] for i in range(0, len(params), size)]
    return [
        (*s[:2], *(s[2:4] if has_biases else (None, None)), s[-1] if projected else None)
        for s in sets
    ]


def _sequence(kind, input, hx, params, has_biases, num_layers, bidirectional, batch_first, noise):
    x = input.swapaxes(0, 1) if batch_first else input
    out, *states = _layers(kind, x, hx, params, has_biases, num_layers, bidirectional, noise)
    return out.swapaxes(0, 1) if batch_first else out, *states


def _packed(kind, data, batch_sizes, hx, params, has_biases, num_layers, bidirectional, noise):
    rows, steps = hx[0].shape[1], batch_sizes.shape[0]
    ends = jnp.cumsum(batch_sizes)
    starts = ends - batch_sizes
    spread = functools.partial(
        jnp.take, indices=starts[:, None] + jnp.arange(rows), axis=0, mode="clip"
    )
    mask = jnp.arange(rows) < batch_sizes[:, None]  # (T, N)
    noise = None if noise is None else [spread(n) for n in noise]
    out, *states = _layers(
        kind, spread(data), hx, params, has_biases, num_layers, bidirectional, noise, mask
    )
    position = jnp.arange(data.shape[0])
    step = jnp.minimum(jnp.searchsorted(ends, position, side="right"), steps - 1)
    return out[step, position - starts[step]], *states


# The checks, in PyTorch's words.


def _check_cell(input, h, w_ih, w_hh, b_ih, b_hh, gates):
    if input.shape[-1] != w_ih.shape[1]:
        raise RuntimeError(
            f"input has inconsistent input_size: got {input.shape[-1]} expected {w_ih.shape[1]}"
        )
    if h.shape[-1] != w_hh.shape[1]:
        raise RuntimeError(
            f"hidden has inconsistent hidden_size: got {h.shape[-1]}, expected {w_hh.shape[1]}"
        )
    if input.ndim == 2 and h.shape[0] != input.shape[0]:
        raise RuntimeError(
            f"Input batch size {input.shape[0]} doesn't match hidden0 batch size {h.shape[0]}"
        )
