"""``DistributedSampler``: each process of a group gets its own share of the indices."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, TypeVar

from ... import _api as torch
from .sampler import Sampler

T_co = TypeVar("T_co", covariant=True)

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler[T_co]):
    """Indices of one rank: every ``num_replicas``-th of a common (shuffled) order.

    Call ``set_epoch`` before each epoch, or every epoch has the same order. Shares have equal
    length: the order is padded by repeating its start, or cut with ``drop_last``.
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        """Share ``dataset``'s indices among ``num_replicas`` processes; this one is ``rank``."""
        if num_replicas is None or rank is None:
            # torch.distributed's own words: no process group can exist without that package.
            raise ValueError(
                "Default process group has not been initialized, "
                "please make sure to call init_process_group."
            )
        if rank >= num_replicas or rank < 0:
            raise ValueError(
                f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]"
            )
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        self.shuffle = shuffle
        self.seed = seed
        size = len(dataset)
        if drop_last and size % num_replicas != 0:
            self.num_samples = math.ceil((size - num_replicas) / num_replicas)
        else:
            self.num_samples = math.ceil(size / num_replicas)
        self.total_size = self.num_samples * num_replicas

    def _common_order(self) -> list[int]:
        """Indices of all ranks, ``total_size`` of them."""
        size = len(self.dataset)
        order = list(range(size))
        if self.shuffle:
            generator = torch.Generator()
            generator.manual_seed(self.seed + self.epoch)
            order = torch.randperm(size, generator=generator).tolist()
        if self.total_size > len(order):
            copies = math.ceil(self.total_size / len(order))
            order = order * copies
        return order[: self.total_size]

    def __iter__(self) -> Iterator[T_co]:
        """Yield this rank's indices."""
        order = self._common_order()
        if len(order) != self.total_size:
            raise AssertionError(
                f"Number of indices ({len(order)}) does not match total_size ({self.total_size})"
            )
        return iter(order[self.rank : self.total_size : self.num_replicas])  # type: ignore

    def __len__(self) -> int:
        """Indices of one rank per epoch."""
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Choose the shuffle of ``epoch``; call it on every rank before iterating."""
        self.epoch = epoch
