"""Streams and events.  JAX orders work by itself: there is one stream, and waiting means
waiting."""

import time
from typing import Any

import jax

from ._devices import current_device, init, is_available, jax_gpu


def synchronize(device: Any = None) -> None:
    """Wait until a GPU has finished everything given to it."""
    own = jax_gpu(device)
    (jax.device_put(0, own) + 1).block_until_ready()  # a computation: it queues behind the others


class Stream:
    """The stream of a GPU; all streams are one, in which work runs in the order of the program."""

    def __init__(self, device: Any = None, priority: int = 0, **more: Any) -> None:
        if not is_available():
            raise RuntimeError("torch.cuda.Stream requires CUDA support")
        self.device_index = current_device() if device is None else device
        self.priority = priority

    def synchronize(self) -> None:
        """Wait for the work given so far."""
        synchronize(self.device_index)

    def query(self) -> bool:
        """Return True: after waiting, all work is done."""
        self.synchronize()
        return True

    def wait_stream(self, stream: "Stream") -> None:
        """Do nothing: work already runs in order."""

    def wait_event(self, event: "Event") -> None:
        """Do nothing: work already runs in order."""

    def record_event(self, event: "Event | None" = None) -> "Event":
        """Record an event (a new one by default) and return it."""
        event = event or Event()
        event.record(self)
        return event


ExternalStream = Stream


class Event:
    """A point in a stream's work; with ``enable_timing``, the time at which it was reached."""

    def __init__(
        self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False
    ) -> None:
        if not is_available():
            raise RuntimeError("Tried to instantiate dummy base class Event")
        self.enable_timing = enable_timing
        self.moment = 0.0

    def record(self, stream: Stream | None = None) -> None:
        """Wait for the work given so far and note the time."""
        synchronize()
        self.moment = time.perf_counter()

    def wait(self, stream: Stream | None = None) -> None:
        """Do nothing: work already runs in order."""

    def query(self) -> bool:
        """Return True: ``record`` waited."""
        return True

    def synchronize(self) -> None:
        """Do nothing: ``record`` waited."""

    def elapsed_time(self, end_event: "Event") -> float:
        """Return the milliseconds from this event to ``end_event``."""
        return (end_event.moment - self.moment) * 1e3


class StreamContext:
    """Context for a stream: changes nothing, since work runs in the order of the program."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exc: object) -> None:
        return None


def stream(stream: Any) -> StreamContext:
    """Return a context for ``stream``."""
    return StreamContext(stream)


def set_stream(stream: Any) -> None:
    """Do nothing: all streams are one."""


def current_stream(device: Any = None) -> Stream:
    """Return the stream of a GPU."""
    init()
    return Stream(device)


default_stream = current_stream


def is_current_stream_capturing() -> bool:
    """Return False; RuntimeError without a GPU, as in PyTorch."""
    if not is_available():
        raise RuntimeError("Tried to instantiate dummy base class _cuda_isCurrentStreamCapturing")
    return False
