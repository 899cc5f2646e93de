"""Recurrent layers: ``RNN``, ``LSTM``, ``GRU`` over sequences, and their cells for one step.

The recurrences are ``torch.rnn_tanh``, ``torch.lstm`` and relatives. Letters in shapes: L steps,
N batch, H hidden size (or projection), D directions.
"""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

from ... import _api as torch
from .. import init
from ..parameter import Parameter
from ..utils.rnn import PackedSequence
from .module import Module

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


def _reset_uniform(module: Any) -> None:
    """Draw all parameters uniformly within 1 / sqrt(hidden_size)."""
    stdv = 1.0 / math.sqrt(module.hidden_size) if module.hidden_size > 0 else 0
    for weight in module.parameters():
        init.uniform_(weight, -stdv, stdv)


def _apply_permutation(tensor: Any, permutation: Any, dim: int = 1) -> Any:
    return tensor.index_select(dim, permutation)


def apply_permutation(tensor: Any, permutation: Any, dim: int = 1) -> Any:
    """Do ``tensor.index_select(dim, permutation)``, which should be used instead; warns."""
    warnings.warn(
        "`apply_permutation` is deprecated, "
        "please use `tensor.index_select(dim, permutation)` instead",
        FutureWarning,
        stacklevel=2,
    )
    return _apply_permutation(tensor, permutation, dim)


class RNNBase(Module):
    """Weights, checks and the call that ``RNN``, ``LSTM`` and ``GRU`` share.

    Layer k has ``weight_ih_lk`` (gates * H, in), ``weight_hh_lk`` (gates * H, H), their biases, and
    ``weight_hr_lk`` (proj, H) with projection; the backward direction's end in ``_reverse``.
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        """Check the settings, draw the weights."""
        super().__init__()
        _check_dropout(dropout, num_layers)
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_sizes()
        self._make_weights({"device": device, "dtype": dtype})
        self.reset_parameters()

    def _check_sizes(self) -> None:
        types = {"bias": bool, "batch_first": bool, "input_size": int, "hidden_size": int}
        for name, kind in types.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(
                    f"{name} should be of type {kind.__name__}, got: {type(value).__name__}"
                )
            if kind is int and value <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if self.num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if self.proj_size < 0:
            raise ValueError(
                "proj_size should be a positive integer or zero to disable projections"
            )
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if self.mode not in _GATES:
            raise ValueError("Unrecognized RNN mode: " + self.mode)

    def _make_weights(self, where: dict[str, Any]) -> None:
        gates = _GATES[self.mode] * self.hidden_size
        hidden = self.proj_size or self.hidden_size
        directions = 2 if self.bidirectional else 1
        self._all_weights: list[list[str]] = []
        for layer in range(self.num_layers):
            inputs = self.input_size if layer == 0 else hidden * directions
            for suffix in ("", "_reverse")[:directions]:
                shapes: dict[str, Any] = {
                    "weight_ih": (gates, inputs),
                    "weight_hh": (gates, hidden),
                }
                if self.bias:
                    shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)}
                if self.proj_size > 0:
                    shapes["weight_hr"] = (self.proj_size, self.hidden_size)
                names = [f"{name}_l{layer}{suffix}" for name in shapes]
                for name, shape in zip(names, shapes.values(), strict=True):
                    setattr(self, name, Parameter(torch.empty(shape, **where)))
                self._all_weights.append(names)

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Any]:
        return [getattr(self, name, None) for name in self._flat_weights_names]

    @property
    def all_weights(self) -> list[list[Any]]:
        """The parameters, a list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Do nothing: weights need not lie in one block here (cuDNN's must)."""

    def reset_parameters(self) -> None:
        """Draw new weights."""
        _reset_uniform(self)

    def check_input(self, input: Any, batch_sizes: Any) -> None:
        """Raise unless the input's dtype and sizes fit."""
        dtype = self._flat_weights[0].dtype
        if input.dtype != dtype and not torch._C._is_any_autocast_enabled():
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({dtype}). "
                f"Convert input: input.to({dtype}), or convert model: model.to({input.dtype})"
            )
        dims = 2 if batch_sizes is not None else 3
        if input.dim() != dims:
            raise RuntimeError(f"input must have {dims} dimensions, got {input.dim()}")
        if self.input_size != input.size(-1):
            raise RuntimeError(
                "input.size(-1) must be equal to input_size. "
                f"Expected {self.input_size}, got {input.size(-1)}"
            )

    def _batch(self, input: Any, batch_sizes: Any) -> int:
        if batch_sizes is not None:
            return int(batch_sizes[0])
        return input.size(0) if self.batch_first else input.size(1)

    def get_expected_hidden_size(self, input: Any, batch_sizes: Any) -> tuple[int, int, int]:
        """(layers * D, N, H) for this input."""
        rows = self.num_layers * (2 if self.bidirectional else 1)
        return rows, self._batch(input, batch_sizes), self.proj_size or self.hidden_size

    def check_hidden_size(
        self, hx: Any, expected_hidden_size: Any, msg: str = "Expected hidden size {}, got {}"
    ) -> None:
        """Raise unless the hidden state has the expected shape."""
        if hx.size() != expected_hidden_size:
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.size())))

    def check_forward_args(self, input: Any, hidden: Any, batch_sizes: Any) -> None:
        """Raise unless input and state fit."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx: Any, permutation: Any) -> Any:
        """Reorder the batch of the state."""
        return hx if permutation is None else _apply_permutation(hx, permutation)

    def _zero_state(self, input: Any, batch_sizes: Any) -> Any:
        size = self.get_expected_hidden_size(input, batch_sizes)
        return torch.zeros(*size, dtype=input.dtype, device=input.device)

    def _batched_state(self, hx: Any, batched: bool) -> Any:
        """Check the state's dimensions, add a batch of one where the input has none."""
        dims = 3 if batched else 2
        if hx.dim() != dims:
            raise RuntimeError(
                f"For {'batched' if batched else 'unbatched'} {dims}-D input, "
                f"hx should also be {dims}-D but got {hx.dim()}-D tensor"
            )
        return hx if batched else hx.unsqueeze(1)

    def _unbatched_state(self, hx: Any) -> Any:
        return hx.squeeze(1)

    def _recurrence(self, *args: Any) -> tuple[Any, Any]:
        """Run the recurrence: output and new state."""
        raise NotImplementedError

    def _settings(self) -> tuple[Any, ...]:
        return (
            *(self._flat_weights, self.bias, self.num_layers, self.dropout, self.training),
            self.bidirectional,
        )

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """(L, N, in), or (N, L, in) with ``batch_first`` -> outputs (L, N, D * H), last state.

        Without a batch: (L, in) -> (L, D * H). A ``PackedSequence`` gives one.
        """
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        if input.dim() not in (2, 3):
            raise ValueError(self._bad_dim(input.dim()))
        batched = input.dim() == 3
        batch_dim = 0 if self.batch_first else 1
        if not batched:
            input = input.unsqueeze(batch_dim)
        hx = self._zero_state(input, None) if hx is None else self._batched_state(hx, batched)
        self.check_forward_args(input, hx, None)
        output, hidden = self._recurrence(input, hx, *self._settings(), self.batch_first)
        if not batched:
            return output.squeeze(batch_dim), self._unbatched_state(hidden)
        return output, hidden

    def _forward_packed(self, sequence: Any, hx: Any) -> tuple[Any, Any]:
        data, batch_sizes, order, inverse = sequence
        zero = hx is None
        hx = self._zero_state(data, batch_sizes) if zero else self.permute_hidden(hx, order)
        self.check_forward_args(data, hx, batch_sizes)
        output, hidden = self._recurrence(data, batch_sizes, hx, *self._settings())
        packed = PackedSequence(output, batch_sizes, order, inverse)
        return packed, self.permute_hidden(hidden, inverse)

    def _bad_dim(self, dim: int) -> str:
        end = "D tensor" if self.mode.startswith("RNN") else "D"  # as uneven as PyTorch's
        name = type(self).__name__
        return f"{name}: Expected input to be 2D or 3D, got {dim}{end} instead"

    def extra_repr(self) -> str:
        """Show the sizes and what is not default."""
        defaults = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0,
            "bidirectional": False,
        }
        shown = [f"{self.input_size}, {self.hidden_size}"]
        for name, default in defaults.items():
            if getattr(self, name) != default:
                shown.append(f"{name}={getattr(self, name)}")
        return ", ".join(shown)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpickle; PyTorch's pickles have caches that are not needed here."""
        state = dict(state)
        for name in ("_flat_weights", "_flat_weights_names", "_flat_weight_refs"):
            state.pop(name, None)
        if "all_weights" in state:
            state["_all_weights"] = state.pop("all_weights")
        state.setdefault("proj_size", 0)
        super().__setstate__(state)


def _check_dropout(dropout: Any, num_layers: int) -> None:
    number = issubclass(type(dropout), numbers.Number) and not isinstance(dropout, bool)
    if not number or not 0 <= dropout <= 1:
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an "
            "element being zeroed"
        )
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout "
            f"expects num_layers greater than 1, but got dropout={dropout} and "
            f"num_layers={num_layers}",
            stacklevel=4,
        )


class RNN(RNNBase):
    """h = tanh(x W_ih^T + b_ih + h W_hh^T + b_hh) over a sequence; ``nonlinearity`` or "relu".

    Args: input_size, hidden_size, num_layers=1, nonlinearity="tanh", bias=True, batch_first=False,
    dropout=0, bidirectional=False, device=None, dtype=None.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Draw the weights."""
        _refuse_projection(kwargs)
        if len(args) > 3:
            nonlinearity, args = args[3], args[:3] + args[4:]
        else:
            nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        super().__init__(f"RNN_{nonlinearity.upper()}", *args, **kwargs)
        self.nonlinearity = nonlinearity

    def _recurrence(self, *args: Any) -> tuple[Any, Any]:
        return (torch.rnn_tanh if self.mode == "RNN_TANH" else torch.rnn_relu)(*args)


class GRU(RNNBase):
    """Gated recurrent unit over a sequence (Cho et al., 2014).

    Args: input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0,
    bidirectional=False, device=None, dtype=None.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Draw the weights."""
        _refuse_projection(kwargs)
        super().__init__("GRU", *args, **kwargs)

    def _recurrence(self, *args: Any) -> tuple[Any, Any]:
        return torch.gru(*args)


def _refuse_projection(kwargs: dict[str, Any]) -> None:
    if "proj_size" in kwargs:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")


class LSTM(RNNBase):
    """Long short-term memory over a sequence (Hochreiter and Schmidhuber, 1997).

    Args: input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0,
    bidirectional=False, proj_size=0, device=None, dtype=None. The state is (h, c).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Draw the weights."""
        super().__init__("LSTM", *args, **kwargs)

    def get_expected_cell_size(self, input: Any, batch_sizes: Any) -> tuple[int, int, int]:
        """(layers * D, N, hidden_size) for this input."""
        rows = self.num_layers * (2 if self.bidirectional else 1)
        return rows, self._batch(input, batch_sizes), self.hidden_size

    def check_forward_args(self, input: Any, hidden: Any, batch_sizes: Any) -> None:
        """Raise unless input and both states fit."""
        self.check_input(input, batch_sizes)
        sizes = (
            self.get_expected_hidden_size(input, batch_sizes),
            self.get_expected_cell_size(input, batch_sizes),
        )
        for i, size in enumerate(sizes):
            self.check_hidden_size(hidden[i], size, f"Expected hidden[{i}] size {{}}, got {{}}")

    def permute_hidden(self, hx: Any, permutation: Any) -> Any:
        """Reorder the batch of both states."""
        if permutation is None:
            return hx
        return _apply_permutation(hx[0], permutation), _apply_permutation(hx[1], permutation)

    def _zero_state(self, input: Any, batch_sizes: Any) -> Any:
        size = self.get_expected_cell_size(input, batch_sizes)
        cell = torch.zeros(*size, dtype=input.dtype, device=input.device)
        return super()._zero_state(input, batch_sizes), cell

    def _batched_state(self, hx: Any, batched: bool) -> Any:
        dims = 3 if batched else 2
        if hx[0].dim() != dims or hx[1].dim() != dims:
            raise RuntimeError(
                f"For {'batched' if batched else 'unbatched'} {dims}-D input, hx and cx should "
                f"also be {dims}-D but got ({hx[0].dim()}-D, {hx[1].dim()}-D) tensors"
            )
        return hx if batched else (hx[0].unsqueeze(1), hx[1].unsqueeze(1))

    def _unbatched_state(self, hx: Any) -> Any:
        return hx[0].squeeze(1), hx[1].squeeze(1)

    def _recurrence(self, *args: Any) -> tuple[Any, Any]:
        output, h, c = torch.lstm(*args)
        return output, (h, c)


class RNNCellBase(Module):
    """``weight_ih`` (chunks * H, in), ``weight_hh`` (chunks * H, H) and biases of one step."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        """Draw the weights."""
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        where = {"device": device, "dtype": dtype}
        self.weight_ih = Parameter(torch.empty((rows, input_size), **where))
        self.weight_hh = Parameter(torch.empty((rows, hidden_size), **where))
        for name in ("bias_ih", "bias_hh"):
            if bias:
                setattr(self, name, Parameter(torch.empty(rows, **where)))
            else:
                self.register_parameter(name, None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        _reset_uniform(self)

    def extra_repr(self) -> str:
        """Show the sizes and what is not default."""
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        nonlinearity = self.__dict__.get("nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else f"{text}, nonlinearity={nonlinearity}"

    def _weights(self) -> tuple[Any, ...]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def _check_dims(self, name: str, tensor: Any) -> None:
        if tensor.dim() not in (1, 2):
            raise ValueError(
                f"{type(self).__name__}: Expected {name} to be 1D or 2D, "
                f"got {tensor.dim()}D instead"
            )

    def _step(self, input: Any, hx: Any, cell: Any) -> Any:
        """Run one step of a recurrence whose state is one tensor."""
        self._check_dims("input", input)
        if hx is not None:
            self._check_dims("hidden", hx)
        batched = input.dim() == 2
        if not batched:
            input = input.unsqueeze(0)
        if hx is None:
            size = (input.size(0), self.hidden_size)
            hx = torch.zeros(*size, dtype=input.dtype, device=input.device)
        elif not batched:
            hx = hx.unsqueeze(0)
        new = cell(input, hx, *self._weights())
        return new if batched else new.squeeze(0)


class RNNCell(RNNCellBase):
    """One step of ``RNN``."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        """Draw the weights."""
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Any = None) -> Any:
        """(N, in), (N, H) -> (N, H); also without N."""
        cells = {"tanh": torch.rnn_tanh_cell, "relu": torch.rnn_relu_cell}
        if self.nonlinearity not in cells:
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._step(input, hx, cells[self.nonlinearity])


class GRUCell(RNNCellBase):
    """One step of ``GRU``."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        """Draw the weights."""
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """(N, in), (N, H) -> (N, H); also without N."""
        return self._step(input, hx, torch.gru_cell)


class LSTMCell(RNNCellBase):
    """One step of ``LSTM``."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        """Draw the weights."""
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """(N, in), ((N, H), (N, H)) -> ((N, H), (N, H)); also without N."""
        self._check_dims("input", input)
        for i, state in enumerate(hx or ()):
            self._check_dims(f"hx[{i}]", state)
        batched = input.dim() == 2
        if not batched:
            input = input.unsqueeze(0)
        if hx is None:
            size = (input.size(0), self.hidden_size)
            zeros = torch.zeros(*size, dtype=input.dtype, device=input.device)
            hx = (zeros, zeros)
        elif not batched:
            hx = (hx[0].unsqueeze(0), hx[1].unsqueeze(0))
        h, c = torch.lstm_cell(input, hx, *self._weights())
        return (h, c) if batched else (h.squeeze(0), c.squeeze(0))
