"""Fetch one batch: read the samples that the sampler named and collate them."""

from __future__ import annotations

from typing import Any

from .... import _api as torch
from ..dataset import Subset, TensorDataset
from .collate import default_collate

MAP_STYLE, ITERABLE_STYLE = range(2)


def make_fetcher(
    kind: int, dataset: Any, auto_collation: bool, collate_fn: Any, drop_last: bool
) -> Any:
    """Return the fetcher for a map-style or iterable-style dataset."""
    if kind == ITERABLE_STYLE:
        return IterableFetcher(dataset, auto_collation, collate_fn, drop_last)
    if auto_collation and collate_fn is default_collate and _rows(dataset) is not None:
        return RowFetcher(dataset)
    return MapFetcher(dataset, auto_collation, collate_fn)


class MapFetcher:
    """Reads ``dataset[i]``, or a whole batch by ``__getitems__`` where the dataset has it."""

    def __init__(self, dataset: Any, auto_collation: bool, collate_fn: Any) -> None:
        """Fetch from ``dataset``; with ``auto_collation`` an index is a list of indices."""
        self.dataset = dataset
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn

    def fetch(self, index: Any) -> Any:
        """Return the collated batch, or the converted sample."""
        dataset = self.dataset
        if not self.auto_collation:
            return self.collate_fn(dataset[index])
        if hasattr(dataset, "__getitems__") and dataset.__getitems__:
            return self.collate_fn(dataset.__getitems__(index))
        return self.collate_fn([dataset[i] for i in index])


class IterableFetcher:
    """Takes the next samples of an iterator; the index only says how many."""

    def __init__(
        self, dataset: Any, auto_collation: bool, collate_fn: Any, drop_last: bool
    ) -> None:
        """Fetch from ``iter(dataset)``; ``drop_last`` leaves an incomplete batch out."""
        self.samples = iter(dataset)
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.ended = False

    def fetch(self, index: Any) -> Any:
        """Return the next batch or sample; StopIteration when there is none."""
        if self.ended:
            raise StopIteration
        if not self.auto_collation:
            return self.collate_fn(next(self.samples))
        data = []
        for _ in index:
            try:
                data.append(next(self.samples))
            except StopIteration:
                self.ended = True
                break
        if not data or (self.drop_last and len(data) < len(index)):
            raise StopIteration
        return self.collate_fn(data)


def _rows(dataset: Any) -> Any:
    """Return ``(tensors, chain of index lists)`` for a plain ``TensorDataset``, else None.

    Subsets of one (``random_split``) count. A user's subclass may do anything and does not. Nor
    does a tensor in a graph: the graph of its batch is that of the single samples, stacked.
    """
    chain = []
    while type(dataset) is Subset:
        chain.append(dataset.indices)
        dataset = dataset.dataset
    if type(dataset) is not TensorDataset or not dataset.tensors:
        return None
    if any(type(t) is not torch.Tensor or t.requires_grad for t in dataset.tensors):
        return None
    return dataset.tensors, chain


class RowFetcher:
    """Reads a batch of a ``TensorDataset`` by one gather per tensor instead of one per sample.

    The values are those of stacking the samples.
    """

    def __init__(self, dataset: Any) -> None:
        """Fetch from ``dataset``, for which ``_rows`` is not None."""
        self.dataset = dataset
        self.slow = MapFetcher(dataset, True, default_collate)

    def fetch(self, index: Any) -> Any:
        """Return the list of gathered tensors."""
        rows = _rows(self.dataset)
        if rows is None or type(index) is not list:  # the dataset may have been changed meanwhile
            return self.slow.fetch(index)
        tensors, chain = rows
        chosen = index
        for indices in chain:
            chosen = [indices[i] for i in chosen]
        if not self._plain(chosen, tensors[0].size(0)):
            return self.slow.fetch(index)
        where = torch.tensor(chosen, dtype=torch.int64)
        return [tensor.index_select(0, where) for tensor in tensors]

    @staticmethod
    def _plain(indices: Any, size: int) -> bool:
        """Whether all are Python ints in range: anything else takes the way with the errors."""
        return (
            len(indices) > 0
            and all(type(i) is int for i in indices)
            and min(indices) >= 0
            and max(indices) < size
        )
