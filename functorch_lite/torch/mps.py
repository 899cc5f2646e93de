"""``torch.mps``: Apple's GPUs, of which there are none here."""

__all__ = ["device_count", "is_available"]


def is_available() -> bool:
    """Return False."""
    return False


def device_count() -> int:
    """Return 0."""
    return 0
