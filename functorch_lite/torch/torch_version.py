"""``torch.__version__``: a string that compares as a version, with strings and with tuples."""

import re
from typing import Any

from . import version

__all__ = ["TorchVersion"]


def _key(value: Any) -> tuple[tuple[int, ...], str]:
    """Return what versions compare by: ((2, 13), "jax") for "2.13.0+jax"."""
    local = ""
    if isinstance(value, str):
        found = re.match(r"v?(\d+(?:\.\d+)*)[^+]*(?:\+(.*))?$", value)
        if found is None:
            raise ValueError(f"Invalid version: '{value}'")
        value, local = found[1].split("."), found[2] or ""
    numbers = [int(v) for v in value]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers), local


class TorchVersion(str):
    """A version that is a string and compares by its numbers.

    >>> TorchVersion("2.13.0+jax") > "2.9", TorchVersion("2.13.0+jax") >= (2, 13)
    (True, True)
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        """Compare by what is shown."""
        return isinstance(other, str | tuple) and _key(self) == _key(other)

    def __ne__(self, other: object) -> bool:
        """Compare by what is shown."""
        return not self == other

    def __lt__(self, other: Any) -> bool:
        """Compare as versions."""
        return _key(self) < _key(other)

    def __le__(self, other: Any) -> bool:
        """Compare as versions."""
        return _key(self) <= _key(other)

    def __gt__(self, other: Any) -> bool:
        """Compare as versions."""
        return _key(self) > _key(other)

    def __ge__(self, other: Any) -> bool:
        """Compare as versions."""
        return _key(self) >= _key(other)

    __hash__ = str.__hash__


__version__ = TorchVersion(version.__version__)
