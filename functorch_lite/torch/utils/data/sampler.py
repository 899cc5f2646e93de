"""Samplers: the order in which a ``DataLoader`` asks for samples.

Random samplers draw from PyTorch's generators in PyTorch's order, so that after ``manual_seed``
the same indices come out. ``DistributedSampler`` is in ``distributed``. Plain torch code.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

from ... import _api as torch

T_co = TypeVar("T_co", covariant=True)

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]

# RandomSampler with replacement draws this many indices at a time (part of the random stream).
_DRAWS_PER_BLOCK = 32


def _is_count(value: Any) -> bool:
    """Whether ``value`` is a positive int and no bool."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


class Sampler(Generic[T_co]):
    """Base of all samplers: something that yields indices (or lists of indices)."""

    def __iter__(self) -> Iterator[T_co]:
        """Yield indices; a subclass must define it."""
        raise NotImplementedError


class SequentialSampler(Sampler[int]):
    """Indices 0, 1, 2 ... in order."""

    data_source: Sized

    def __init__(self, data_source: Sized) -> None:
        """Sample from ``data_source``."""
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        """Yield the indices in order."""
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """Indices in random order, with or without replacement."""

    data_source: Sized
    replacement: bool

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Any = None,
    ) -> None:
        """Sample from ``data_source``; ``num_samples`` defaults to its length.

        Without ``generator`` each pass seeds a new one with a draw from the default generator.
        """
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(self.replacement, bool):
            raise TypeError(
                f"replacement should be a boolean value, but got replacement={self.replacement}"
            )
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(
                "num_samples should be a positive integer value, "
                f"but got num_samples={self.num_samples}"
            )

    @property
    def num_samples(self) -> int:
        """Indices per pass; follows the dataset's size unless it was given."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def _pass_generator(self) -> Any:
        if self.generator is not None:
            return self.generator
        seed = int(torch.empty((), dtype=torch.int64).random_().item())
        generator = torch.Generator()
        generator.manual_seed(seed)
        return generator

    def __iter__(self) -> Iterator[int]:
        """Yield ``num_samples`` indices."""
        size = len(self.data_source)
        generator = self._pass_generator()
        blocks, rest = divmod(self.num_samples, _DRAWS_PER_BLOCK if self.replacement else size)
        if self.replacement:
            for count in [_DRAWS_PER_BLOCK] * blocks + [rest]:
                yield from torch.randint(
                    high=size, size=(count,), dtype=torch.int64, generator=generator
                ).tolist()
            return
        for _ in range(blocks):
            yield from torch.randperm(size, generator=generator).tolist()
        # Drawn even when nothing is left over: PyTorch's stream has it.
        yield from torch.randperm(size, generator=generator).tolist()[:rest]

    def __len__(self) -> int:
        """Indices per pass."""
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given indices in random order, without replacement."""

    indices: Sequence[int]

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        """Sample from ``indices``."""
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        """Yield each index once."""
        for i in torch.randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        """Number of indices."""
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Indices 0 .. len(weights) - 1 with the given (unnormalized) probabilities."""

    weights: Any
    num_samples: int
    replacement: bool

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Any = None,
    ) -> None:
        """Draw ``num_samples`` indices per pass; ``weights`` is one-dimensional."""
        if not _is_count(num_samples):
            raise ValueError(
                f"num_samples should be a positive integer value, but got num_samples={num_samples}"
            )
        if not isinstance(replacement, bool):
            raise ValueError(
                f"replacement should be a boolean value, but got replacement={replacement}"
            )
        as_tensor = torch.as_tensor(weights, dtype=torch.double)
        if len(as_tensor.shape) != 1:
            raise ValueError(
                "weights should be a 1d sequence but given weights have shape "
                f"{tuple(as_tensor.shape)}"
            )
        self.weights = as_tensor
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        """Yield ``num_samples`` indices drawn by ``torch.multinomial``."""
        drawn = torch.multinomial(
            self.weights, self.num_samples, self.replacement, generator=self.generator
        )
        yield from drawn.tolist()

    def __len__(self) -> int:
        """Indices per pass."""
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Lists of ``batch_size`` indices taken from another sampler."""

    def __init__(
        self, sampler: Sampler[int] | Iterable[int], batch_size: int, drop_last: bool
    ) -> None:
        """Group ``sampler``'s indices; ``drop_last`` leaves out an incomplete last batch."""
        if not _is_count(batch_size):
            raise ValueError(
                f"batch_size should be a positive integer value, but got batch_size={batch_size}"
            )
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the batches."""
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def __len__(self) -> int:
        """Batches per pass."""
        size = len(self.sampler)  # type: ignore[arg-type]
        return size // self.batch_size if self.drop_last else -(-size // self.batch_size)
