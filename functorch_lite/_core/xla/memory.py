"""The process's memory allocator, set so that a program's temporaries keep their pages.

XLA on CPU takes the temporaries of each call from ``malloc`` and returns them after it.  The GNU C
library hands large blocks, and whole arenas of its worker threads, back to the kernel at once, and
the next call pays a page fault for every 4 KiB: 12,000 in a step of a small GPT (39 ms, 30 without
them), 34,000 in a small CNN's (152 and 111 ms), 72,000 in a ResNet-18's (about 850 ms either way).
With one arena that keeps what it has they fall to none.  The price is that memory once used is kept
by the process for its later use.  Floor 0.
"""

import ctypes
import os
import sys

VARIABLE = "FUNCTORCH_LITE_MALLOC"
"""The environment variable that leaves the allocator alone where it is "0"."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # <malloc.h>


def keep_pages() -> bool:
    """Tell the GNU C library to keep freed memory; return whether it did.

    Call it before XLA starts its threads: the number of arenas is fixed when the second one is
    made.  Other C libraries, and processes that set ``FUNCTORCH_LITE_MALLOC=0``, stay as they are.
    """
    if os.environ.get(VARIABLE) == "0" or not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    if not (hasattr(library, "mallopt") and hasattr(library, "gnu_get_libc_version")):
        return False
    wanted = ((_MMAP_THRESHOLD, 1 << 30), (_TRIM_THRESHOLD, 2**31 - 1), (_ARENA_MAX, 1))
    return all([library.mallopt(option, value) == 1 for option, value in wanted])
