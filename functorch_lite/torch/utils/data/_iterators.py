"""The iterators of a ``DataLoader``: one that fetches in this process, one with worker processes.

Every iterator draws one seed from the generator when it is made, whether it needs it or not: it is
part of PyTorch's random stream.
"""

from __future__ import annotations

import itertools
import warnings
import weakref
from typing import Any, NoReturn

from ... import _api as torch
from ._utils.crew import Crew, TimedOut, WorkerDied, hire, rest
from ._utils.exceptions import ExceptionWrapper
from ._utils.fetch import make_fetcher
from ._utils.launch import stop_main_import, worker_context
from ._utils.worker import Job, StreamEnded

_NO_ACCELERATOR = (
    "'pin_memory' argument is set as true but no accelerator is found, "
    "then device pinned memory won't be used."
)


class _BaseDataLoaderIter:
    """What both iterators share: the sampler's iterator, the seed draw and the length check."""

    def __init__(self, loader: Any) -> None:
        """Start one pass over ``loader``."""
        self._dataset = loader.dataset
        self._dataset_kind = loader._dataset_kind
        self._index_sampler = loader._index_sampler
        self._num_workers = loader.num_workers
        self._timeout = loader.timeout
        self._told_length = loader._IterableDataset_len_called
        if loader.pin_memory:
            warnings.warn(_NO_ACCELERATOR, stacklevel=4)
        self._sampler_iter = iter(self._index_sampler)
        self._base_seed = (
            torch.empty((), dtype=torch.int64).random_(generator=loader.generator).item()
        )
        self._num_yielded = 0

    def __iter__(self) -> _BaseDataLoaderIter:
        """Return itself."""
        return self

    def _next_data(self) -> Any:
        raise NotImplementedError

    def __next__(self) -> Any:
        """Return the next batch."""
        data = self._next_data()
        self._num_yielded += 1
        if self._told_length is not None and self._num_yielded > self._told_length:
            self._warn_of_length()
        return data

    def _warn_of_length(self) -> None:
        text = (
            f"Length of IterableDataset {self._dataset} was reported to be {self._told_length}"
            f"(when accessing len(dataloader)), but {self._num_yielded} samples have been fetched. "
        )
        if self._num_workers > 0:
            text += (
                "For multiprocessing data-loading, this could be caused by not properly configuring"
                " the IterableDataset replica at each worker. Please see https://pytorch.org/docs/"
                "stable/data.html#torch.utils.data.IterableDataset for examples."
            )
        warnings.warn(text, stacklevel=3)

    def __len__(self) -> int:
        """Number of batches."""
        return len(self._index_sampler)

    def __getstate__(self) -> NoReturn:
        """Refuse to be pickled."""
        raise NotImplementedError("{} cannot be pickled", type(self).__name__)


class _SingleProcessDataLoaderIter(_BaseDataLoaderIter):
    """Fetches each batch when it is asked for."""

    def __init__(self, loader: Any) -> None:
        """Start one pass over ``loader``."""
        super().__init__(loader)
        if self._timeout != 0:
            raise AssertionError("_SingleProcessDataLoaderIter requires timeout == 0")
        self._fetch = make_fetcher(
            self._dataset_kind,
            self._dataset,
            loader._auto_collation,
            loader.collate_fn,
            loader.drop_last,
        ).fetch

    def _next_data(self) -> Any:
        return self._fetch(next(self._sampler_iter))


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """Asks worker processes for batches ahead of time and hands them out in order."""

    _crew: Crew | None = None

    def __init__(self, loader: Any) -> None:
        """Start one pass over ``loader`` with its worker processes."""
        stop_main_import()
        super().__init__(loader)
        if loader.prefetch_factor <= 0:
            raise AssertionError(
                "prefetch_factor must be greater than 0 for MultiProcessingDataLoaderIter"
            )
        self._loader = weakref.ref(loader)
        self._in_order = loader.in_order
        self._persistent = loader.persistent_workers
        self._max_tasks = loader.prefetch_factor * self._num_workers
        self._crew = hire(loader, worker_context(loader.multiprocessing_context))
        self._crew.start([self._job(loader, i) for i in range(self._num_workers)])
        self._begin()

    def _job(self, loader: Any, worker_id: int) -> Job:
        return Job(
            kind=self._dataset_kind,
            dataset=self._dataset,
            auto_collation=loader._auto_collation,
            collate_fn=loader.collate_fn,
            drop_last=loader.drop_last,
            base_seed=self._base_seed,
            init_fn=loader.worker_init_fn,
            worker_id=worker_id,
            num_workers=self._num_workers,
        )

    def _begin(self) -> None:
        """Forget all tasks and ask for the first batches."""
        self._sent = 0  # number of the next task
        self._handed_out = 0  # number of the next batch in order
        self._worker_of: dict[int, int] = {}  # tasks that have not been handed out or dropped
        self._arrived: dict[int, Any] = {}  # batches that came before their turn
        self._active = [True] * self._num_workers
        self._load = [0] * self._num_workers
        self._turns = itertools.cycle(range(self._num_workers))
        for _ in range(self._max_tasks):
            self._ask_for_next()

    def _reset(self, loader: Any) -> None:
        """Start another pass with the same worker processes (``persistent_workers``)."""
        if self._crew is None or not self._crew.alive():
            raise RuntimeError("DataLoader: a persistent worker exited unexpectedly")
        self._sampler_iter = iter(self._index_sampler)
        self._num_yielded = 0
        self._told_length = loader._IterableDataset_len_called
        self._crew.resume()
        self._begin()

    def _ask_for_next(self) -> None:
        """Send the sampler's next index to the worker whose turn it is."""
        try:
            index = next(self._sampler_iter)
        except StopIteration:
            return
        worker = self._choose_worker()
        if worker is None:
            return
        self._worker_of[self._sent] = worker
        self._load[worker] += 1
        self._crew.ask(worker, self._sent, index)  # type: ignore[union-attr]
        self._sent += 1

    def _choose_worker(self) -> int | None:
        for _ in range(self._num_workers):
            worker = next(self._turns)
            if not self._active[worker]:
                continue
            if self._in_order or self._load[worker] < self._max_tasks // sum(self._active):
                return worker
        return None

    def _next_data(self) -> Any:
        while True:
            self._skip_what_will_not_come()
            number = self._handed_out
            if number >= self._sent or self._crew is None:
                self._finish()
                raise StopIteration
            if number in self._arrived:
                return self._hand_out(number, self._arrived.pop(number))
            number, data = self._receive()
            if isinstance(data, StreamEnded):
                self._active[data.worker_id] = False
                self._ask_for_next()
                continue
            if number == self._handed_out or not self._in_order:
                return self._hand_out(number, data)
            self._arrived[number] = data

    def _skip_what_will_not_come(self) -> None:
        """Pass over tasks that were handed out of order, or sent to a worker that has ended."""
        while self._handed_out < self._sent:
            worker = self._worker_of.get(self._handed_out)
            if worker is not None:
                if self._active[worker] or self._handed_out in self._arrived:
                    return
                del self._worker_of[self._handed_out]
            self._handed_out += 1

    def _receive(self) -> tuple[int, Any]:
        crew: Any = self._crew
        try:
            return crew.answer(self._timeout)
        except TimedOut:
            raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds") from None
        except WorkerDied as died:
            self._dismiss()
            raise RuntimeError(
                f"DataLoader worker (pid(s) {died.pid}) exited unexpectedly"
            ) from died

    def _hand_out(self, number: int, data: Any) -> Any:
        self._load[self._worker_of.pop(number)] -= 1
        if number == self._handed_out:
            self._handed_out += 1
        self._ask_for_next()
        if isinstance(data, ExceptionWrapper):
            data.reraise()
        return data

    def _finish(self) -> None:
        """Let the workers rest until the loader's next pass."""
        if self._crew is not None and not self._persistent:
            crew, self._crew = self._crew, None
            rest(self._loader(), crew)

    def _dismiss(self) -> None:
        """End the worker processes."""
        if self._crew is not None:
            crew, self._crew = self._crew, None
            crew.close()

    def _shutdown_workers(self) -> None:
        """End the worker processes (PyTorch's name for it, which some libraries call)."""
        self._dismiss()

    def __del__(self) -> None:
        """Give the workers back when the iterator is dropped in the middle of a pass."""
        self._finish()
        self._dismiss()
