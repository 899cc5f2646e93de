"""``torch.backends.openmp``: OpenMP, which XLA does without."""


def is_available() -> bool:
    """Return False."""
    return False
