"""Compiled programs on disk, so that the next process loads what this one compiled.

The cache is JAX's own (``jax_compilation_cache_dir``): this file says where it lies, keeps others
out, and sweeps it.  It is set up when we compile for the first time, not at import, and only if the
user has not chosen a directory; it then serves other JAX code of the process too.

- Directory: ``$FUNCTORCH_LITE_CACHE_DIR``, else ``$XDG_CACHE_HOME/functorch_lite``, else
  ``~/.cache/functorch_lite``; in it one for each kind of processor, for programs compiled for one
  may crash another.  ``FUNCTORCH_LITE_CACHE=0`` switches it off.
- What is loaded from it is executed: it is made for its owner alone (0700), and not used if it
  belongs to somebody else or others may write to it.
- JAX neither replaces nor repairs an entry that it cannot read (a process was killed, the disk was
  full), so entries that are new since the last sweep are read once and removed if they are broken.
  The oldest go when they exceed ``MAX_BYTES`` together.  Nothing new: nothing is read.

Floor 0.
"""

import contextlib
import hashlib
import os
import platform
import stat
import time
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path

import jax

MAX_BYTES = 128 << 20
STAMP = ".swept"
SUFFIX = "-cache"
SETTLED_S = 5.0
"""Age from which an entry counts as written: a younger one may still be in the making."""

_begun = False


def begin() -> None:
    """Set the cache up, once in a process: before the first compilation."""
    global _begun
    if _begun:
        return
    _begun = True
    chosen = jax.config.values["jax_compilation_cache_dir"]
    if os.environ.get("FUNCTORCH_LITE_CACHE", "1") == "0" or chosen:
        return
    asked = "FUNCTORCH_LITE_CACHE_DIR" in os.environ
    directory = prepare(location(), asked)
    if directory is None:
        return
    sweep(directory)
    jax.config.update("jax_compilation_cache_dir", str(directory))
    # Small programs are what eager code is made of: the defaults would keep none of them.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def location() -> Path:
    """Return the directory that the environment asks for."""
    own = os.environ.get("FUNCTORCH_LITE_CACHE_DIR")
    if own:
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME", "")
    home = Path(shared) if os.path.isabs(shared) else Path(os.path.expanduser("~/.cache"))
    return home / "functorch_lite"


def prepare(root: Path, asked: bool = True) -> Path | None:
    """Make the cache below ``root`` for us alone; None if it cannot be made or trusted.

    Warns of a directory that is not to be trusted, and of any that the user ``asked`` for.
    """
    directory = root / processor()
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
        problem = _distrust(root) or _distrust(directory)
        if problem is None:
            if os.access(directory, os.R_OK | os.W_OK | os.X_OK):
                return directory
            raise PermissionError(f"{directory} cannot be written to")
    except OSError as error:
        if not asked:  # no home to write to: nothing that the user did or would mend
            return None
        problem = str(error)
    warnings.warn(
        f"compiled programs are not kept on disk: {problem}. Set FUNCTORCH_LITE_CACHE_DIR to a "
        "directory of your own, or FUNCTORCH_LITE_CACHE=0 to do without.",
        RuntimeWarning,
        stacklevel=2,
    )
    return None


def _distrust(directory: Path) -> str | None:
    """Say why others could have put programs into ``directory``, or None."""
    if not hasattr(os, "getuid"):  # Windows: a user's profile is private by its access lists
        return None
    found = directory.stat()
    if found.st_uid != os.getuid():
        return f"{directory} belongs to another user"
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"others may write to {directory}"
    return None


def processor() -> str:
    """Return a short name for this kind of processor: its architecture and what it can do."""
    facts = [platform.machine(), platform.processor()]
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in iter(file.readline, "\n"):  # the first processor speaks for all
            if not line:
                break
            if line.startswith(("model name", "flags", "Features", "CPU part")):
                facts.append(line)
    digest = hashlib.sha256("\n".join(facts).encode()).hexdigest()
    return f"{platform.machine() or 'cpu'}-{digest[:12]}"


def sweep(directory: Path, max_bytes: int = MAX_BYTES) -> None:
    """Remove broken entries that are new since the last sweep, and the oldest of too many."""
    with contextlib.suppress(OSError):  # another process may sweep at the same time
        stamp = directory / STAMP
        settled = time.time() - SETTLED_S
        last = stamp.stat().st_mtime if stamp.exists() else 0.0
        if directory.stat().st_mtime <= last:
            return
        total = 0
        for modified, size, path in sorted(_entries(directory), reverse=True):
            fresh = last <= modified <= settled
            if total + size > max_bytes or (fresh and not _whole(path)):
                path.unlink(missing_ok=True)
            else:
                total += size
        stamp.touch(mode=0o600)
        os.utime(stamp, (settled, settled))


def _entries(directory: Path) -> Iterator[tuple[float, int, Path]]:
    with os.scandir(directory) as found:
        for entry in found:
            if entry.name.endswith(SUFFIX):
                facts = entry.stat()
                yield facts.st_mtime, facts.st_size, Path(entry.path)


def _whole(path: Path) -> bool:
    """Tell whether an entry can be unpacked; how a program within looks is XLA's to say."""
    content = path.read_bytes()
    if content[:4] == b"\x28\xb5\x2f\xfd":  # zstandard, where it is installed: it checks itself
        return True
    try:
        zlib.decompress(content)
    except zlib.error:
        return False
    return True
