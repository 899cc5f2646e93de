"""Sequences of different lengths: padded to one tensor, or packed without padding.

Letters in shapes: T longest length, B sequences, * the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Self

from ... import _api as torch

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class PackedSequence_(NamedTuple):
    """The fields of ``PackedSequence``."""

    data: Any
    batch_sizes: Any
    sorted_indices: Any
    unsorted_indices: Any


def _bind(optional: Any, fn: Callable[[Any], Any]) -> Any:
    return None if optional is None else fn(optional)


class PackedSequence(PackedSequence_):
    """Steps of several sequences without padding: first all first steps, then all second ones.

    ``data`` (steps, *), ``batch_sizes`` (T,) how many sequences have step t, and the permutation
    that sorted the sequences by length with its inverse. Made by ``pack_padded_sequence``.
    """

    def __new__(
        cls,
        data: Any,
        batch_sizes: Any = None,
        sorted_indices: Any = None,
        unsorted_indices: Any = None,
    ) -> Self:
        """Fill in the inverse permutation; ``data`` may be the pair (data, batch_sizes)."""
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        elif batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU. Instances of PackedSequence should never be "
                "created manually. They should be instantiated by functions like pack_sequence "
                "and pack_padded_sequences in nn.utils.rnn. "
                "https://pytorch.org/docs/stable/nn.html#torch.nn.utils.rnn.pack_sequence"
            )
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def pin_memory(self) -> Self:
        """Pin all tensors."""
        pinned = [_bind(t, lambda t: t.pin_memory()) for t in self[2:]]
        return type(self)(self.data.pin_memory(), self.batch_sizes, *pinned)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move or cast the data; the permutations move along."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        moved = [_bind(t, lambda t: t.to(data.device)) for t in self[2:]]
        return type(self)(data, self.batch_sizes, *moved)

    def cuda(self, *args: Any, **kwargs: Any) -> Self:
        """Move to a GPU."""
        probe = torch.tensor((), dtype=self.data.dtype, device=self.data.device)
        if probe.to(*args, **kwargs).is_cuda:
            return self.to(*args, **kwargs)
        return self.to(*args, **(kwargs | {"device": "cuda"}))

    def cpu(self, *args: Any, **kwargs: Any) -> Self:
        """Move to the CPU."""
        probe = torch.tensor((), dtype=self.data.dtype, device=self.data.device)
        if probe.to(*args, **kwargs).device.type == "cpu":
            return self.to(*args, **kwargs)
        return self.to(*args, **(kwargs | {"device": "cpu"}))

    def double(self) -> Self:
        """Cast to float64."""
        return self.to(dtype=torch.double)

    def float(self) -> Self:
        """Cast to float32."""
        return self.to(dtype=torch.float)

    def half(self) -> Self:
        """Cast to float16."""
        return self.to(dtype=torch.half)

    def long(self) -> Self:
        """Cast to int64."""
        return self.to(dtype=torch.long)

    def int(self) -> Self:
        """Cast to int32."""
        return self.to(dtype=torch.int)

    def short(self) -> Self:
        """Cast to int16."""
        return self.to(dtype=torch.short)

    def char(self) -> Self:
        """Cast to int8."""
        return self.to(dtype=torch.int8)

    def byte(self) -> Self:
        """Cast to uint8."""
        return self.to(dtype=torch.uint8)

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on a GPU."""
        return self.data.is_cuda

    def is_pinned(self) -> bool:
        """Tell whether the data is pinned."""
        return self.data.is_pinned()


def invert_permutation(permutation: Any) -> Any:
    """(B,) -> (B,): the permutation that undoes it; None stays None."""
    if permutation is None:
        return None
    inverse = torch.empty_like(permutation)
    steps = torch.arange(0, permutation.numel(), device=permutation.device)
    inverse.scatter_(0, permutation, steps)
    return inverse


def pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Leave the padding of (T, B, *), or (B, T, *) with ``batch_first``, out.

    Args: ``lengths`` (B,) on the CPU; ``enforce_sorted`` demands that they decrease, else the
    sequences are sorted here.
    """
    if isinstance(lengths, torch.Tensor):
        lengths = lengths.to(dtype=torch.int64)
    else:
        lengths = torch.as_tensor(lengths, dtype=torch.int64, device="cpu")
    sorted_indices = None
    if not enforce_sorted:
        lengths, sorted_indices = torch.sort(lengths, descending=True)
        sorted_indices = sorted_indices.to(input.device)
        input = input.index_select(0 if batch_first else 1, sorted_indices)
    steps = input.transpose(0, 1) if batch_first else input  # (T, B, *)
    sizes = _batch_sizes(steps, lengths)
    index = torch.tensor(_packed_rows(sizes, steps.size(1)), device=input.device)
    rows = steps.reshape(-1, *steps.shape[2:])
    batch_sizes = torch.tensor(sizes, dtype=torch.int64)
    return PackedSequence(rows.index_select(0, index), batch_sizes, sorted_indices, None)


def _batch_sizes(steps: Any, lengths: Any) -> list[int]:
    """Count the sequences that have step t, for every t; raise for lengths that do not fit."""
    if steps.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    if lengths.dim() != 1 or lengths.device.type != "cpu":
        raise RuntimeError(
            "'lengths' argument should be a 1D CPU int64 tensor, "
            f"but got {lengths.dim()}D {lengths.device.type} Long tensor"
        )
    counts = lengths.tolist()
    if len(counts) != steps.size(1):
        raise RuntimeError(
            "Expected `len(lengths)` to be equal to batch_size, "
            f"but got {len(counts)} (batch_size={steps.size(1)})"
        )
    if counts[-1] <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, "
            "but found an element in 'lengths' that is <= 0"
        )
    if counts != sorted(counts, reverse=True):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. "
            "You can pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to "
            "sidestep this requirement if you do not need ONNX exportability."
        )
    return [sum(count > t for count in counts) for t in range(counts[0])]


def _packed_rows(sizes: list[int], batch: int) -> list[int]:
    """Where the packed steps are among the T * B rows of a padded tensor."""
    return [t * batch + b for t, size in enumerate(sizes) for b in range(size)]


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Any, Any]:
    """Undo ``pack_padded_sequence``: (T, B, *) or (B, T, *), and the lengths (B,).

    Args: ``total_length`` a T above the longest length.
    """
    sizes = sequence.batch_sizes.tolist()
    steps = len(sizes)
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in "
                f"input, but got total_length={total_length} and max sequence length being {steps}"
            )
        steps = total_length
    data, batch = sequence.data, sizes[0]
    index = torch.tensor(_packed_rows(sizes, batch), device=data.device)
    rows = data.new_full((steps * batch, *data.shape[1:]), padding_value)
    padded = rows.index_copy(0, index, data).view(steps, batch, *data.shape[1:])
    if batch_first:
        padded = padded.transpose(0, 1)
    lengths = torch.tensor([sum(size > b for size in sizes) for b in range(batch)])
    order = sequence.unsorted_indices
    if order is None:
        return padded, lengths
    return padded.index_select(0 if batch_first else 1, order), lengths[order.cpu()]


def pad_sequence(
    sequences: Any,
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Any:
    """Put tensors (length, *) of different lengths into one: (T, B, *) or (B, T, *)."""
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            "pad_sequence: Expected iterable for input sequences, "
            f"but got arg of type: {type(sequences)}"
        )
    sequences = tuple(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    for i, t in enumerate(sequences):
        if not isinstance(t, torch.Tensor):
            raise TypeError(
                f"expected Tensor as element {i} in argument 0, but got {type(t).__name__}"
            )
    if padding_side not in ("left", "right"):
        raise RuntimeError(
            f"Expected padding_side to be one of left or right, but got {padding_side}."
        )
    first = sequences[0]
    longest = max(t.size(0) for t in sequences)
    outer = (len(sequences), longest) if batch_first else (longest, len(sequences))
    out = first.new_full((*outer, *first.shape[1:]), padding_value)
    for i, t in enumerate(sequences):
        start = longest - t.size(0) if padding_side == "left" else 0
        steps = slice(start, start + t.size(0))
        out[(i, steps) if batch_first else (steps, i)] = t
    return out


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Any]:
    """Undo ``pad_sequence``: a list of tensors (length, *)."""
    if not batch_first:
        padded_sequences.transpose_(0, 1)
    steps = torch.arange(padded_sequences.shape[1], device=lengths.device)
    pairs = zip(padded_sequences, lengths, strict=True)
    return [sequence[steps < length] for sequence, length in pairs]


def pack_sequence(sequences: list[Any], enforce_sorted: bool = True) -> PackedSequence:
    """Pack tensors (length, *), which must be sorted by falling length if ``enforce_sorted``."""
    lengths = torch.as_tensor([v.size(0) for v in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Any]:
    """Undo ``pack_sequence``."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
