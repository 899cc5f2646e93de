"""Whether mixed precision on a GPU is out of the question."""

from importlib.util import find_spec

from .._devices import is_available

__all__ = ["amp_definitely_not_available"]


def amp_definitely_not_available() -> bool:
    """Return True if there is no GPU."""
    return not (is_available() or find_spec("torch_xla"))
