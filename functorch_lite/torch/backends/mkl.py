"""``torch.backends.mkl``: Intel's MKL, which XLA does without."""


def is_available() -> bool:
    """Return False."""
    return False
