"""Files that are whole or not there: written under another name, then renamed.  Floor 0."""

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def replacing(target: str) -> Iterator[Any]:
    """Open a temporary file beside ``target`` that takes its place when all went well."""
    number, temporary = tempfile.mkstemp(prefix=".saving-", dir=os.path.dirname(target))
    try:
        with os.fdopen(number, "wb") as file:
            yield file
        _copy_mode(target, temporary)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _copy_mode(old: str, new: str) -> None:
    """Give ``new`` the permissions of ``old``, or those that a file made by ``open`` has."""
    if os.path.exists(old):
        shutil.copymode(old, new)
        return
    mask = os.umask(0)
    os.umask(mask)
    os.chmod(new, stat.S_IMODE(0o666 & ~mask))
