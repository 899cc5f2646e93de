"""Datasets: indexable or iterable collections of samples, and ways to combine them.

A map-style ``Dataset`` answers ``dataset[i]`` (and usually ``len``); an ``IterableDataset`` only
yields. ``DataLoader`` (in ``dataloader``) turns either into batches. Plain torch code: it runs
unchanged against real PyTorch.
"""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from ... import _api as torch

T_co = TypeVar("T_co", covariant=True)

__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "random_split",
]


class Dataset(Generic[T_co]):
    """A collection of samples reached by key. Subclasses define ``__getitem__``.

    ``__len__`` is needed by most samplers. ``__getitems__(indices) -> list`` may be added so that
    a whole batch is fetched in one call.
    """

    def __getitem__(self, index: Any) -> T_co:
        """Return the sample at ``index``; a subclass must define it."""
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Dataset[T_co]) -> Dataset[T_co]:
        """Concatenate two map-style datasets."""
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co], Iterable[T_co]):
    """A stream of samples. Subclasses define ``__iter__``.

    With several workers each one iterates its own copy: use ``get_worker_info`` to divide the work.
    """

    def __add__(self, other: Dataset[T_co]) -> ChainDataset:
        """Chain two iterable datasets."""
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple]):
    """Tensors indexed together along their first dimension; a sample is a tuple of slices."""

    tensors: tuple

    def __init__(self, *tensors: Any) -> None:
        """Keep ``tensors``; all must have the same ``size(0)``."""
        if any(tensors[0].size(0) != tensor.size(0) for tensor in tensors):
            raise AssertionError("Size mismatch between tensors")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple:
        """Return ``(t[index] for each tensor)``."""
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        """Number of samples."""
        return self.tensors[0].size(0)


def _fetch_many(dataset: Any, indices: list) -> list:
    """Samples of ``dataset`` at ``indices``, by its batched getter when it has one."""
    if not callable(getattr(dataset, "__getitems__", None)):
        return [dataset[index] for index in indices]
    items = dataset.__getitems__(indices)
    if len(items) != len(indices):
        raise ValueError(
            f"Nested dataset's output size mismatch. Expected {len(indices)}, got {len(items)}"
        )
    return items


class StackDataset(Dataset):
    """Several datasets read in parallel: a sample is a tuple, or a dict, of their samples."""

    datasets: tuple | dict

    def __init__(self, *args: Dataset, **kwargs: Dataset) -> None:
        """Take datasets of equal length, all positional (tuple) or all by name (dict)."""
        if args and kwargs:
            raise ValueError(
                "Supported either ``tuple``- (via ``args``) or"
                "``dict``- (via ``kwargs``) like input/output, but both types are given."
            )
        if not args and not kwargs:
            raise ValueError("At least one dataset should be passed")
        members: list[Any] = list(args or kwargs.values())
        self._length = len(members[0])
        if any(self._length != len(member) for member in members):
            raise ValueError("Size mismatch between datasets")
        self.datasets = args or kwargs

    def __getitem__(self, index: Any) -> tuple | dict:
        """Return one sample of each member."""
        if isinstance(self.datasets, dict):
            return {name: member[index] for name, member in self.datasets.items()}
        return tuple(member[index] for member in self.datasets)

    def __getitems__(self, indices: list) -> list:
        """Return a list of samples; members with a batched getter are asked once."""
        if isinstance(self.datasets, dict):
            columns = [_fetch_many(member, indices) for member in self.datasets.values()]
            names = list(self.datasets)
            return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        columns = [_fetch_many(member, indices) for member in self.datasets]
        return list(zip(*columns, strict=True))

    def __len__(self) -> int:
        """Number of samples."""
        return self._length


class ConcatDataset(Dataset[T_co]):
    """Map-style datasets one after another."""

    datasets: list
    cumulative_sizes: list[int]

    @staticmethod
    def cumsum(sequence: Iterable[Any]) -> list[int]:
        """Return the running totals of the members' lengths."""
        return list(itertools.accumulate(len(member) for member in sequence))

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        """Take the datasets, at least one, none of them iterable-style."""
        super().__init__()
        self.datasets = list(datasets)
        if len(self.datasets) == 0:
            raise AssertionError("datasets should not be an empty iterable")
        for member in self.datasets:
            if isinstance(member, IterableDataset):
                raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = self.cumsum(self.datasets)

    def __len__(self) -> int:
        """Total number of samples."""
        return self.cumulative_sizes[-1]

    def __getitem__(self, idx: int) -> T_co:
        """Return sample ``idx`` of the whole; negative counts from the end."""
        if idx < 0:
            if -idx > len(self):
                raise ValueError("absolute value of index should not exceed dataset length")
            idx += len(self)
        which = bisect.bisect_right(self.cumulative_sizes, idx)
        start = self.cumulative_sizes[which - 1] if which > 0 else 0
        return self.datasets[which][idx - start]

    @property
    def cummulative_sizes(self) -> list[int]:
        """Old spelling of ``cumulative_sizes``; warns."""
        warnings.warn(
            "`cummulative_sizes` attribute is renamed to `cumulative_sizes`",
            FutureWarning,
            stacklevel=2,
        )
        return self.cumulative_sizes


class ChainDataset(IterableDataset):
    """Iterable datasets one after another."""

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        """Take the datasets; each is checked when it is reached."""
        super().__init__()
        self.datasets = datasets

    def _members(self) -> Iterator[Any]:
        for member in self.datasets:
            if not isinstance(member, IterableDataset):
                raise AssertionError("ChainDataset only supports IterableDataset")
            yield member

    def __iter__(self) -> Iterator[Any]:
        """Yield every sample of each member in turn."""
        for member in self._members():
            yield from member

    def __len__(self) -> int:
        """Sum of the members' lengths."""
        return sum(len(member) for member in self._members())


_SUBSET_ADVICE = (
    " overrides __getitem__ but not __getitems__. When subclassing Subset and overriding "
    "__getitem__, you must also override __getitems__ to ensure DataLoader works correctly with "
    "your custom logic. A simple implementation:\n\n"
    "def __getitems__(self, indices):\n"
    "    return [self.__getitem__(idx) for idx in indices]"
)


class Subset(Dataset[T_co]):
    """The samples of ``dataset`` at ``indices``."""

    dataset: Dataset
    indices: Sequence[int]

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]) -> None:
        """Select ``indices`` of ``dataset``; nothing is copied."""
        self.dataset = dataset
        self.indices = indices
        cls = type(self)
        own_item = cls.__getitem__ is not Subset.__getitem__
        if own_item and cls.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(cls.__name__ + _SUBSET_ADVICE)

    def __getitem__(self, idx: Any) -> Any:
        """Return the sample at position ``idx``; a list is handed on as a list."""
        if isinstance(idx, list):
            return self.dataset[[self.indices[i] for i in idx]]
        return self.dataset[self.indices[idx]]

    def __getitems__(self, indices: list[int]) -> list[Any]:
        """Return a list of samples, in one call if the dataset can."""
        chosen = [self.indices[i] for i in indices]
        getter: Any = getattr(self.dataset, "__getitems__", None)
        if callable(getter):
            return getter(chosen)  # type: ignore[return-value]
        return [self.dataset[i] for i in chosen]

    def __len__(self) -> int:
        """Number of selected samples."""
        return len(self.indices)


def _lengths_from_fractions(total: int, fractions: Sequence[float]) -> list[int]:
    """Floor each share, then give the left-over samples out one by one from the first split."""
    lengths = []
    for i, fraction in enumerate(fractions):
        if fraction < 0 or fraction > 1:
            raise ValueError(f"Fraction at index {i} is not between 0 and 1")
        lengths.append(math.floor(total * fraction))
    for i in range(total - sum(lengths)):
        lengths[i % len(lengths)] += 1
    for i, length in enumerate(lengths):
        if length == 0:
            warnings.warn(
                f"Length of split at index {i} is 0. This might result in an empty dataset.",
                stacklevel=3,
            )
    return lengths


def random_split(
    dataset: Dataset[T_co],
    lengths: Sequence[int | float],
    generator: Any = torch.default_generator,
) -> list[Subset[T_co]]:
    """Divide ``dataset`` at random into subsets of the given lengths.

    Args: ``lengths`` are counts that add up to ``len(dataset)``, or fractions that add up to 1.
    Returns: one ``Subset`` per length, in PyTorch's order for the same generator state.
    """
    size = len(dataset)  # type: ignore[arg-type]
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _lengths_from_fractions(size, lengths)
    if sum(lengths) != size:
        raise ValueError("Sum of input lengths does not equal the length of the input dataset!")
    order = torch.randperm(sum(lengths), generator=generator).tolist()
    ends = itertools.accumulate(lengths)
    return [
        Subset(dataset, order[end - length : end])  # type: ignore[misc]
        for end, length in zip(ends, lengths, strict=True)
    ]
