"""Was the machine ours? How much others computed while a worker did its round (Linux only).

A threaded program on two cores is slowed several times over by one busy neighbour (PyTorch's
threads spin at barriers, for one that does not run), which no ratio mends: such a round is no
measurement.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
MACHINE = Path("/proc/stat")
LOUD = 0.15  # of one core
GLANCE_S = 0.3  # how long is looked before a disturbed round is done again


@dataclass(frozen=True)
class Clock:
    """Seconds of computing so far: by all processes (and stolen by other guests), and by one."""

    at: float
    everyone: float
    worker: float

    @classmethod
    def read(cls, pid: int) -> "Clock":
        """Read the clocks of now; zeros where the system has none."""
        own = Path(f"/proc/{pid}/stat")
        if not (MACHINE.exists() and own.exists()):
            return cls(perf_counter(), 0.0, 0.0)
        user, nice, system, _idle, _wait, *rest = map(int, MACHINE.read_text().split()[1:9])
        after_name = own.read_text().rpartition(")")[2].split()
        ours = sum(map(int, after_name[11:15]))  # itself and the children that it has waited for
        everyone = user + nice + system + sum(rest)
        return cls(perf_counter(), everyone / TICKS_A_SECOND, ours / TICKS_A_SECOND)

    def others_since(self, start: "Clock") -> float:
        """Return the cores that others kept busy since ``start``."""
        others = (self.everyone - start.everyone) - (self.worker - start.worker)
        return max(0.0, others / (self.at - start.at))


class Patience:
    """How long to wait in all for a quiet machine; counts the rounds that got none."""

    def __init__(self, seconds: float) -> None:
        """Start with ``seconds`` to spend."""
        self.left, self.disturbed = seconds, 0

    def quietly(self, act: Callable[[], float], pid: int) -> float:
        """Return what ``act`` gives, with only process ``pid`` computing; act again if not."""
        while True:
            start = Clock.read(pid)
            answer = act()
            if Clock.read(pid).others_since(start) < LOUD:
                return answer
            if not self._wait():
                self.disturbed += 1
                return answer

    def _wait(self) -> bool:
        """Wait until a glance finds nobody computing; False if the time is over."""
        while self.left > 0:
            start = Clock.read(os.getpid())
            sleep(GLANCE_S)
            self.left -= GLANCE_S
            if Clock.read(os.getpid()).others_since(start) < LOUD:
                return True
        return False
