"""``torch.multiprocessing.spawn``: several processes that run one function, watched together."""

import logging
import multiprocessing
import multiprocessing.connection
import os
import pickle
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from typing import Any

log = logging.getLogger("torch.multiprocessing")


class ProcessException(Exception):
    """A process of :func:`start_processes` failed.

    Attributes:
        msg: the message.
        error_index, error_pid: which process.
    """

    def __init__(self, msg: str, error_index: int, error_pid: int) -> None:
        """Keep which process it was."""
        super().__init__(msg)
        self.msg, self.error_index, self.error_pid = msg, error_index, error_pid

    def __reduce__(self) -> tuple:
        """Pickle by the arguments."""
        return type(self), (self.msg, self.error_index, self.error_pid)


class ProcessRaisedException(ProcessException):
    """The function raised an exception; the message holds its traceback."""


class ProcessExitedException(ProcessException):
    """The process ended by a signal or with an exit code.

    Attributes:
        exit_code, signal_name: how it ended.
    """

    def __init__(
        self,
        msg: str,
        error_index: int,
        error_pid: int,
        exit_code: int,
        signal_name: str | None = None,
    ) -> None:
        """Keep how the process ended."""
        super().__init__(msg, error_index, error_pid)
        self.exit_code, self.signal_name = exit_code, signal_name

    def __reduce__(self) -> tuple:
        """Pickle by the arguments."""
        return type(self), (
            self.msg,
            self.error_index,
            self.error_pid,
            self.exit_code,
            self.signal_name,
        )


def _run(fn: Callable[..., Any], index: int, args: tuple, error_file: str) -> None:
    """Run ``fn(index, *args)`` in the child; leave the traceback in ``error_file`` if it raises."""
    try:
        fn(index, *args)
    except KeyboardInterrupt:
        return  # the parent was interrupted, and tells its children so
    except Exception:
        with open(error_file, "wb") as file:
            pickle.dump(traceback.format_exc(), file)
        sys.exit(1)


class ProcessContext:
    """The processes of one :func:`start_processes`.

    Attributes:
        processes, error_files: one of each per process.
    """

    def __init__(self, processes: list, error_files: list[str]) -> None:
        """Watch running processes."""
        self.processes, self.error_files = processes, error_files
        self.sentinels = {p.sentinel: i for i, p in enumerate(processes)}

    def pids(self) -> list[int]:
        """Return the process ids."""
        return [int(p.pid) for p in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Wait for a process to end; return True once all have, raise if one failed.

        Args:
            timeout: seconds to wait; None: until one ends.
            grace_period: seconds that the others get to end by themselves after a failure.
        """
        if not self.sentinels:
            return True
        for sentinel in multiprocessing.connection.wait(list(self.sentinels), timeout=timeout):
            index = self.sentinels.pop(sentinel)  # type: ignore[arg-type]
            self.processes[index].join()
            if self.processes[index].exitcode != 0:
                self._stop_all(grace_period)
                failure = self._failure(index)
                self._clean_up()
                raise failure
        if not self.sentinels:
            self._clean_up()
        return not self.sentinels

    def _clean_up(self) -> None:
        for folder in {os.path.dirname(file) for file in self.error_files}:
            shutil.rmtree(folder, ignore_errors=True)

    def _stop_all(self, grace_period: float | None) -> None:
        """End the remaining processes: by waiting, then SIGTERM, then SIGKILL."""
        if grace_period is not None:
            self._wait(grace_period)
        for stop in ("terminate", "kill"):
            for process in self.processes:
                if process.is_alive():
                    log.warning("Stopping process %s: %s", process.pid, stop)
                    getattr(process, stop)()
            self._wait(30 if grace_period is None else grace_period)

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        for process in self.processes:
            process.join(max(0.0, end - time.monotonic()))

    def _failure(self, index: int) -> ProcessException:
        process, file = self.processes[index], self.error_files[index]
        if os.access(file, os.R_OK) and os.path.getsize(file):
            with open(file, "rb") as held:
                text = pickle.load(held)  # written by our own child
            head = f"\n\n-- Process {index:d} terminated with the following error:\n"
            return ProcessRaisedException(head + text, index, process.pid)
        code = process.exitcode
        if code >= 0:
            text = f"process {index:d} terminated with exit code {code:d}"
            return ProcessExitedException(text, index, process.pid, code)
        known = {s.value: s.name for s in signal.Signals}
        name = known.get(-code, f"<Unknown signal {-code}>")
        text = f"process {index:d} terminated with signal {name}"
        return ProcessExitedException(text, index, process.pid, code, name)


def start_processes(
    fn: Callable[..., Any],
    args: tuple = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Run ``fn(index, *args)`` in ``nprocs`` processes.

    Args:
        join: wait for them (and return None); else return the context.
        daemon: end them with the parent.
        start_method: "spawn" or "forkserver"; a forked child must not use JAX.
    """
    context = multiprocessing.get_context(_allowed(start_method))
    folder = tempfile.mkdtemp(prefix="functorch_lite-spawn-")
    processes, files = [], []
    for index in range(nprocs):
        files.append(os.path.join(folder, f"{index}.pickle"))
        process = context.Process(  # type: ignore[attr-defined]
            target=_run, args=(fn, index, args, files[-1]), daemon=daemon
        )
        process.start()
        processes.append(process)
    started = ProcessContext(processes, files)
    if not join:
        return started
    while not started.join():
        pass
    return None


def _allowed(method: str) -> str:
    """Return ``method``; NotImplementedError for "fork"."""
    if method == "fork":
        raise NotImplementedError(
            "functorch_lite does not support the start method 'fork': a forked child must not "
            "use JAX. "
            "Use 'spawn' or 'forkserver'."
        )
    return method


def spawn(
    fn: Callable[..., Any],
    args: tuple = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Run ``fn(index, *args)`` in ``nprocs`` new processes; see :func:`start_processes`."""
    return start_processes(fn, args, nprocs, join, daemon, start_method)
