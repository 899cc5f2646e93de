"""What a ``DataLoader`` worker process does: take a job, seed itself, answer fetch requests.

A worker talks to its parent by two pipes. Requests are ``Start``, ``Resume`` and ``Fetch``, each
with the number of the pass over the dataset that it belongs to; requests of an older pass are
dropped, since nobody waits for them. Answers are pickles of ``(pass, number, data)``. A closed pipe
is the end. ``launch`` starts the process; ``crew`` is the parent's end.
"""

from __future__ import annotations

import pickle
import random
from collections import deque
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .... import _api as torch
from .exceptions import ExceptionWrapper
from .fetch import ITERABLE_STYLE, make_fetcher

READY = -1  # number of the answer that says: the job has been taken


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker knows of itself: ``id``, ``num_workers``, ``seed`` and its ``dataset`` copy."""

    id: int
    num_workers: int
    seed: int
    dataset: Any
    rng: Any = None
    worker_method: str | None = "multiprocessing"


_worker_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Return this worker's ``WorkerInfo``; None in the main process."""
    return _worker_info


@dataclass(frozen=True)
class StreamEnded:
    """Answer of a worker whose iterable dataset has no more samples."""

    worker_id: int


class Start(NamedTuple):
    """Begin a new job; ``payload`` is a pickled ``Job``."""

    turn: int
    payload: bytes


class Resume(NamedTuple):
    """Begin another pass with the same dataset object."""

    turn: int


class Fetch(NamedTuple):
    """Fetch the batch (or sample) at ``index``; the answer carries ``number``."""

    turn: int
    number: int
    index: Any


@dataclass
class Job:
    """Everything that a worker needs to know of its loader."""

    kind: int
    dataset: Any
    auto_collation: bool
    collate_fn: Any
    drop_last: bool
    base_seed: int
    init_fn: Any
    worker_id: int
    num_workers: int


def seed_everything(base_seed: int, worker_id: int) -> int:
    """Seed ``random``, torch and NumPy as PyTorch's workers do; return the torch seed."""
    seed = base_seed + worker_id
    random.seed(seed)
    torch.manual_seed(seed)
    entropy = [worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    np.random.seed(np.random.SeedSequence(entropy).generate_state(4))
    return seed


class Server:
    """The state of a worker between requests."""

    def __init__(self, answers: Any) -> None:
        """Answer through the pipe end ``answers``."""
        self.answers = answers
        self.job: Any = None
        self.fetcher: Any = None
        self.failure: ExceptionWrapper | None = None

    def start(self, request: Start) -> None:
        """Take a job: seed, introduce the worker to itself, run the user's init function."""
        global _worker_info
        job: Job = pickle.loads(request.payload)
        self.job = job
        seed = seed_everything(job.base_seed, job.worker_id)
        _worker_info = WorkerInfo(job.worker_id, job.num_workers, seed, job.dataset)
        self.failure = None
        try:
            if job.init_fn is not None:
                job.init_fn(job.worker_id)
            self.open()
        except Exception:
            self.failure = self.wrapped()
        self.answers.send_bytes(pickle.dumps((request.turn, READY, None)))

    def open(self) -> None:
        """Make a fetcher that starts at the dataset's beginning."""
        job = self.job
        self.fetcher = make_fetcher(
            job.kind, job.dataset, job.auto_collation, job.collate_fn, job.drop_last
        )

    def wrapped(self) -> ExceptionWrapper:
        """Wrap the exception that is being handled."""
        return ExceptionWrapper(where=f"in DataLoader worker process {self.job.worker_id}")

    def fetch(self, request: Fetch) -> None:
        """Send one batch, the end of the stream, or the exception that came instead."""
        if self.failure is not None:
            data: Any = self.failure
            self.failure = None
        else:
            try:
                data = self.fetcher.fetch(request.index)
            except Exception as error:
                stream = isinstance(error, StopIteration) and self.job.kind == ITERABLE_STYLE
                data = StreamEnded(self.job.worker_id) if stream else self.wrapped()
        try:
            packed = pickle.dumps((request.turn, request.number, data), pickle.HIGHEST_PROTOCOL)
        except Exception:  # what cannot be pickled becomes the error that says so
            packed = pickle.dumps((request.turn, request.number, self.wrapped()))
        self.answers.send_bytes(packed)


def serve(requests: Any, answers: Any) -> None:
    """Answer requests until the parent closes the pipe or is gone."""
    server = Server(answers)
    pending: deque[Any] = deque()
    try:
        while True:
            pending.append(requests.recv())
            while requests.poll():
                pending.append(requests.recv())
            turn = pending[-1].turn
            while pending and not requests.poll():
                request = pending.popleft()
                if isinstance(request, Start):
                    server.start(request)
                elif isinstance(request, Resume):
                    server.open()
                elif request.turn == turn:
                    server.fetch(request)
    except (EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        return  # the parent closed its end, died, or is itself being interrupted
