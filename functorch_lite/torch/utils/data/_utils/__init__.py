"""The parts of a ``DataLoader``: collating, fetching, worker processes and the link to them."""

from . import collate, fetch, worker
from .exceptions import ExceptionWrapper, KeyErrorMessage

__all__ = ["ExceptionWrapper", "KeyErrorMessage", "collate", "fetch", "worker"]
