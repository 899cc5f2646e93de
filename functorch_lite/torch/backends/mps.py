"""``torch.backends.mps``: Apple's GPUs, which XLA does without."""


def is_available() -> bool:
    """Return False."""
    return False


def is_built() -> bool:
    """Return False."""
    return False


def is_macos_or_newer(major: int, minor: int) -> bool:
    """Return False."""
    return False
