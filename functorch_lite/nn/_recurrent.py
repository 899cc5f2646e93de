"""Recurrent layers over whole sequences: RNN, LSTM, GRU.  Cells for one step are in ``_cell.py``.

The arithmetic is ``ops.layers.recurrent``: one product for all inputs, then a ``lax.scan``.
Letters in shapes: T steps, N batch, D directions, H hidden size (or projection).  Floor 5.
"""

import math
from typing import Any, ClassVar

import jax.numpy as jnp

from .._core.types import Array, Shape
from ..ops import OPS
from ._check import as_input, as_probability, check_ndim, check_size
from ._contract import Key, Layer, Params, State
from ._dropout import keep_mask, keep_scale
from ._initial import uniform_params


class _Recurrent(Layer):
    """What recurrent layers share: names and shapes of the params, checks, dropout, the call."""

    input_size: int
    hidden_size: int
    num_layers: int = 1
    bias: bool = True
    batch_first: bool = False
    dropout: float = 0.0
    bidirectional: bool = False
    dtype: Any = jnp.float32

    _gates: ClassVar[int]
    proj_size: ClassVar[int] = 0

    def __post_init__(self) -> None:
        """Check the sizes."""
        super().__post_init__()
        as_probability(self, "dropout")
        if min(self.input_size, self.hidden_size, self.num_layers) < 1:
            raise ValueError(
                f"{self!r}: input_size, hidden_size and num_layers must be positive: "
                f"got {self.input_size}, {self.hidden_size} and {self.num_layers}"
            )

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    def _op(self) -> str:
        """The name of the op."""
        return type(self).__name__.lower()

    def _shapes(self) -> dict[str, Shape]:
        """The shape of each param, in the order in which the op takes them."""
        rows, hidden = self._gates * self.hidden_size, self.proj_size or self.hidden_size
        shapes: dict[str, Shape] = {}
        for layer in range(self.num_layers):
            inputs = hidden * self._directions if layer else self.input_size
            for ending in ("", "_reverse")[: self._directions]:
                own: dict[str, Shape] = {"weight_ih": (rows, inputs), "weight_hh": (rows, hidden)}
                if self.bias:
                    own |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                if self.proj_size:
                    own["weight_hr"] = (self.proj_size, self.hidden_size)
                shapes |= {f"{name}_l{layer}{ending}": shape for name, shape in own.items()}
        return shapes

    def init(self, key: Key) -> tuple[Params, State]:
        """Draw all params from U(-b, b), b = 1 / sqrt(hidden_size)."""
        bound = 1 / math.sqrt(self.hidden_size)
        return uniform_params(key, self._shapes(), bound, self.dtype), {}

    def apply(
        self,
        params: Params,
        state: State,
        input: Any,
        hx: Any = None,
        *,
        key: Key | None = None,
        train: bool = False,
    ) -> tuple[Any, State]:
        """(T, N, input_size), or (N, T, input_size) with ``batch_first``, or (T, input_size).

        Returns ((outputs (T, N, D * H), last hidden (num_layers * D, N, H)), state); ``hx`` is the
        first hidden, zeros if None.
        """
        weights = [params[name] for name in self._shapes()]
        x = as_input(self, input, weights[0])
        check_ndim(self, x, 2, 3)
        check_size(self, x, -1, "input_size")
        batched = x.ndim == 3
        batch_axis = 0 if self.batch_first else 1
        x = x if batched else jnp.expand_dims(x, batch_axis)
        hidden = self._first_hidden(hx, x.shape[batch_axis], batched, x.dtype)
        out, *last = OPS[self._op()].body(
            *(x, self._packed(hidden), weights, self.bias, self.num_layers, 0.0, train),
            *(self.bidirectional, self.batch_first, self._noise(key, train, x)),
        )
        if not batched:
            out, last = out.squeeze(batch_axis), [h.squeeze(1) for h in last]
        return (out, self._packed(last)), state

    def _packed(self, hidden: list[Array]) -> Any:
        """How hidden states look from outside: one array."""
        return hidden[0]

    def _hidden_sizes(self) -> tuple[int, ...]:
        return (self.hidden_size,)

    def _first_hidden(self, hx: Any, n: int, batched: bool, dtype: Any) -> list[Array]:
        """Return the hidden states, one array (num_layers * D, N, size) each, and check them."""
        rows, sizes = self.num_layers * self._directions, self._hidden_sizes()
        shapes = [(rows, n, size) for size in sizes]
        if hx is None:
            return [jnp.zeros(shape, dtype) for shape in shapes]
        given = [jnp.asarray(h) for h in (hx if len(sizes) > 1 else (hx,))]
        if not batched:
            given = [jnp.expand_dims(h, 1) for h in given]
        if [h.shape for h in given] != shapes:
            raise ValueError(
                f"{self!r}: hx must have the shapes {shapes} (num_layers * directions, batch, "
                f"size), got {[h.shape for h in given]}: leave it out for zeros"
            )
        return given

    def _noise(self, key: Key | None, train: bool, x: Array) -> list[Array] | None:
        """Draw a scaled mask (T, N, D * H) for the outputs of each layer but the last."""
        if not (train and self.dropout and self.num_layers > 1):
            return None
        t, n = (x.shape[1], x.shape[0]) if self.batch_first else x.shape[:2]
        width = self._directions * (self.proj_size or self.hidden_size)
        shape = (self.num_layers - 1, t, n, width)
        mask = keep_mask(self, key, self.dropout, shape).astype(x.dtype)
        return list(mask * keep_scale(self.dropout))


class RNN(_Recurrent):
    """Layers of ``h = tanh(W x + U h)``; ``nonlinearity`` is "tanh" or "relu".

    Params of layer k: ``weight_ih_lk`` (H, inputs), ``weight_hh_lk`` (H, H), ``bias_ih_lk``,
    ``bias_hh_lk`` (H,); those of the other direction end in ``_reverse``.

    >>> import jax
    >>> layer = RNN(3, 4)
    >>> params, _ = jax.jit(layer.init)(jax.random.key(0))
    >>> outputs, last = jax.jit(layer)(params, jnp.ones((5, 2, 3)))
    >>> outputs.shape, last.shape
    ((5, 2, 4), (1, 2, 4))
    """

    nonlinearity: str = "tanh"

    _gates = 1

    def __post_init__(self) -> None:
        """Check the nonlinearity as well."""
        super().__post_init__()
        if self.nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"{self!r}: unknown nonlinearity {self.nonlinearity!r}: use 'tanh' or 'relu'"
            )

    def _op(self) -> str:
        return f"rnn_{self.nonlinearity}"


class GRU(_Recurrent):
    """Layers of gated recurrent units (Cho et al. 2014).

    Params are named as in :class:`RNN`; gates are reset, update, new: (3 H, inputs) and (3 H, H).
    """

    _gates = 3


class LSTM(_Recurrent):
    """Layers of long short-term memory (Hochreiter and Schmidhuber 1997).

    ``apply`` gives ((outputs, (h, c)), state) and takes ``hx`` as (h, c).  Params are named as in
    :class:`RNN`; gates are input, forget, cell, output: (4 H, inputs) and (4 H, H).  With
    ``proj_size`` P the hidden state is projected to P numbers by ``weight_hr_lk`` (P, H).
    """

    proj_size: int = 0  # type: ignore[misc]

    _gates = 4

    def __post_init__(self) -> None:
        """Check the projection as well."""
        super().__post_init__()
        if not 0 <= self.proj_size < self.hidden_size:
            raise ValueError(
                f"{self!r}: proj_size must be smaller than hidden_size, or 0 for no projection"
            )

    def _hidden_sizes(self) -> tuple[int, ...]:
        return self.proj_size or self.hidden_size, self.hidden_size

    def _packed(self, hidden: list[Array]) -> Any:
        return tuple(hidden)
