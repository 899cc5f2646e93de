"""What ``torch.cuda`` has, for the CPU: one device, nothing to wait for."""

from typing import Any


def is_available() -> bool:
    """Return True."""
    return True


def is_initialized() -> bool:
    """Return True."""
    return True


def synchronize(device: Any = None) -> None:
    """Do nothing: reading a value waits for it."""


def current_device() -> str:
    """Return ``"cpu"``."""
    return "cpu"


def set_device(device: Any) -> None:
    """Do nothing: there is one CPU."""


def device_count() -> int:
    """Return 1."""
    return 1


class Stream:
    """A stand-in for a stream: work runs in the order of the program."""

    def __init__(self, priority: int = -1) -> None:
        self.priority = priority

    def wait_stream(self, stream: Any) -> None:
        """Do nothing."""

    def record_event(self) -> None:
        """Do nothing."""

    def wait_event(self, event: Any) -> None:
        """Do nothing."""


class Event:
    """A stand-in for an event."""

    def query(self) -> bool:
        """Return True."""
        return True

    def record(self, stream: Any = None) -> None:
        """Do nothing."""

    def synchronize(self) -> None:
        """Do nothing."""

    def wait(self, stream: Any = None) -> None:
        """Do nothing."""


_stream = Stream()


def current_stream(device: Any = None) -> Stream:
    """Return the one stream."""
    return _stream


class StreamContext:
    """Context for a stream: changes nothing."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exc: object) -> None:
        return None


def stream(stream: Any) -> StreamContext:
    """Return a context for ``stream``."""
    return StreamContext(stream)
