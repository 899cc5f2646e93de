"""One step of a recurrent layer, for loops of your own (``jax.lax.scan``).  Floor 5."""

import math
from typing import Any, ClassVar

import jax.numpy as jnp

from .._core.types import Array
from ..ops.layers.recurrent import gru_cell, lstm_cell, rnn_relu_cell, rnn_tanh_cell
from ._check import as_input, check_size
from ._contract import Key, Params, Plain, State
from ._initial import uniform_params


class _Cell(Plain):
    """What the cells share."""

    input_size: int
    hidden_size: int
    bias: bool = True
    dtype: Any = jnp.float32

    _gates: ClassVar[int]

    def init(self, key: Key) -> tuple[Params, State]:
        """Draw all params from U(-b, b), b = 1 / sqrt(hidden_size)."""
        rows = self._gates * self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, self.input_size),
            "weight_hh": (rows, self.hidden_size),
        }
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        return uniform_params(key, shapes, 1 / math.sqrt(self.hidden_size), self.dtype), {}

    def forward(self, params: Params, input: Any, hx: Any = None) -> Any:
        """(N, input_size) and the hidden state (N, hidden_size), zeros if None -> the new one."""
        x = as_input(self, input, params["weight_ih"])
        check_size(self, x, -1, "input_size")
        hx = self._zeros(x) if hx is None else hx
        biases = params.get("bias_ih"), params.get("bias_hh")
        return self._step(x, hx, params["weight_ih"], params["weight_hh"], *biases)

    def _zeros(self, x: Array) -> Any:
        return jnp.zeros((*x.shape[:-1], self.hidden_size), x.dtype)

    def _step(self, *args: Any) -> Any:
        raise NotImplementedError


class RNNCell(_Cell):
    """``tanh(W x + U h)``, or relu: params ``weight_ih``, ``weight_hh``, ``bias_ih``, ``bias_hh``.

    >>> import jax
    >>> cell = RNNCell(3, 4)
    >>> params, _ = cell.init(jax.random.key(0))
    >>> cell(params, jnp.ones((2, 3))).shape
    (2, 4)
    """

    nonlinearity: str = "tanh"

    _gates = 1

    def _step(self, *args: Any) -> Any:
        return (rnn_tanh_cell if self.nonlinearity == "tanh" else rnn_relu_cell)(*args)


class GRUCell(_Cell):
    """One step of :class:`GRU`; params ``weight_ih`` (3 H, inputs), ``weight_hh`` (3 H, H)."""

    _gates = 3

    def _step(self, *args: Any) -> Any:
        return gru_cell(*args)


class LSTMCell(_Cell):
    """One step of :class:`LSTM`: ``hx`` and the outputs are (h, c), (N, hidden_size) each."""

    _gates = 4

    def _zeros(self, x: Array) -> Any:
        return (super()._zeros(x),) * 2

    def _step(self, *args: Any) -> Any:
        return lstm_cell(*args)
