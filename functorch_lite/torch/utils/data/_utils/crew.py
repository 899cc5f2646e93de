"""The parent's end of a loader's worker processes.

A ``Crew`` is started once per ``DataLoader`` and kept between epochs: starting a process that can
compute takes a second, sending it a fresh copy of the dataset does not. A thread takes the answers
out of the pipes, so that no worker ever waits for the parent's training step.
"""

from __future__ import annotations

import contextlib
import pickle
import queue
import threading
import time
import weakref
from multiprocessing import connection
from typing import Any

from .launch import start_worker
from .worker import READY, Fetch, Job, Resume, Start

# How long a worker may take to finish what it is doing before it is terminated.
SHUTDOWN_TIMEOUT_S = 5.0


class TimedOut(Exception):
    """No answer came in time."""


class WorkerDied(Exception):
    """A worker process is gone; ``pid`` says which."""

    def __init__(self, pid: int) -> None:
        """Remember ``pid``."""
        super().__init__(pid)
        self.pid = pid


class Crew:
    """Worker processes, the pipes to them, and the answers that have arrived."""

    def __init__(self, context: Any, size: int) -> None:
        """Start ``size`` processes; they import the main module and wait for a job."""
        self.size = size
        self.turn = 0
        self.in_use = False
        started = [start_worker(context, worker_id) for worker_id in range(size)]
        self.processes = [process for process, _, _ in started]
        self._requests = [requests for _, requests, _ in started]
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._starting = 0
        answers = {end: process.pid for process, _, end in started}
        threading.Thread(target=_collect, args=(answers, self._inbox), daemon=True).start()
        self.close = weakref.finalize(self, _close, self.processes, self._requests)

    def alive(self) -> bool:
        """Whether every process is still there."""
        return all(process.is_alive() for process in self.processes)

    def start(self, jobs: list[Job]) -> None:
        """Give each worker a new job; answers to what was asked before are dropped."""
        self.turn += 1
        self._starting = self.size
        for worker_id, job in enumerate(jobs):
            payload = pickle.dumps(job, pickle.HIGHEST_PROTOCOL)
            self._send(worker_id, Start(self.turn, payload))

    def resume(self) -> None:
        """Begin another pass with the workers' own dataset objects."""
        self.turn += 1
        for worker_id in range(self.size):
            self._send(worker_id, Resume(self.turn))

    def ask(self, worker_id: int, number: int, index: Any) -> None:
        """Ask a worker for the batch at ``index``."""
        self._send(worker_id, Fetch(self.turn, number, index))

    def _send(self, worker_id: int, request: Any) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            # A dead worker is reported by the collecting thread, when its answer is waited for.
            self._requests[worker_id].send(request)

    def answer(self, timeout_s: float) -> tuple[int, Any]:
        """Return the next (number, data) of this pass.

        Args: ``timeout_s`` 0 waits for ever; time that workers need to start does not count.
        Raises: TimedOut, WorkerDied.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            wait = timeout_s > 0 and self._starting == 0
            try:
                left = max(deadline - time.monotonic(), 0.0) if wait else None
                pid, packed = self._inbox.get(timeout=left)
            except queue.Empty:
                raise TimedOut from None
            if packed is None:
                raise WorkerDied(pid)
            turn, number, data = pickle.loads(packed)
            if turn != self.turn:
                continue
            if number != READY:
                return number, data
            self._starting -= 1
            deadline = time.monotonic() + timeout_s


def _collect(answers: dict[Any, int], inbox: Any) -> None:
    """Move answers from the pipes to ``inbox``; a pipe that closes gives ``(pid, None)``."""
    while answers:
        for end in connection.wait(list(answers)):
            try:
                inbox.put((answers[end], end.recv_bytes()))  # type: ignore[union-attr, index]
            except (EOFError, OSError):
                inbox.put((answers.pop(end), None))  # type: ignore[arg-type]
                end.close()  # type: ignore[union-attr]


def _close(processes: list, requests: list) -> None:
    """Tell the workers to end by closing their pipes; terminate those that do not."""
    for end in requests:
        end.close()
    deadline = time.monotonic() + SHUTDOWN_TIMEOUT_S
    for process in processes:
        process.join(max(deadline - time.monotonic(), 0.0))
        if process.is_alive():
            process.terminate()
            process.join()


# Crews whose iterator has ended, by loader. A loader that is collected takes its crew with it.
_resting: weakref.WeakKeyDictionary[Any, Crew] = weakref.WeakKeyDictionary()


def hire(loader: Any, context: Any) -> Crew:
    """Return the loader's resting crew, or a new one."""
    crew = _resting.pop(loader, None)
    if crew is not None and crew.size == loader.num_workers and crew.alive():
        return crew
    if crew is not None:
        crew.close()
    return Crew(context, loader.num_workers)


def rest(loader: Any, crew: Crew) -> None:
    """Keep a healthy crew for the loader's next iterator; dismiss it otherwise."""
    if loader is not None and loader not in _resting and crew.alive():
        crew.turn += 1
        _resting[loader] = crew
    else:
        crew.close()
