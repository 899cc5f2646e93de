"""``torch.backends.mkldnn``: oneDNN, which XLA does without."""

import contextlib
from collections.abc import Iterator


def is_available() -> bool:
    """Return False."""
    return False


enabled = True
deterministic = False
allow_tf32 = True


def set_flags(
    _enabled: bool | None = None,
    _deterministic: bool | None = None,
    _allow_tf32: bool | None = None,
) -> tuple:
    """Set the switches that are not None; return what all of them were.  They steer nothing."""
    names = ("enabled", "deterministic", "allow_tf32")
    previous = tuple(globals()[n] for n in names)
    given = zip(names, (_enabled, _deterministic, _allow_tf32), strict=True)
    globals().update({n: v for n, v in given if v is not None})
    return previous


@contextlib.contextmanager
def flags(
    enabled: bool = False,
    deterministic: bool = False,
    allow_tf32: bool = True,
    fp32_precision: str = "none",
) -> Iterator[None]:
    """Set the switches inside the ``with`` block."""
    previous = set_flags(enabled, deterministic, allow_tf32)
    try:
        yield
    finally:
        set_flags(*previous)
