"""The process's memory allocator, set so that a program's temporaries keep their pages.

XLA on CPU takes the temporaries of each call from ``malloc`` and returns them after it.  The GNU C
library hands large blocks, and the heaps of its worker threads once they are empty, back to the
kernel at once, and the next call pays a page fault for every 4 KiB: 8,000 in a step of a small GPT
(53 ms, 37 without them), 7,000 in a small CNN's (45 and 39 ms).  A threshold keeps the blocks; a
padding of a whole heap keeps the heaps, for the library never gives up a heap if what is left has
less room than the padding.  Each thread keeps an arena of its own: with a single one the threads
wait for each other (a small MLP's step: 0.30 ms with one, 0.18 with its own).  What stays is a
block larger than a heap (64 MiB, a ResNet-18's temporaries): one that a thread of XLA's asks for is
mapped anew each time (5 % of the step).  The price is that memory once used is kept by the process
for its later use.  Floor 0.
"""

import ctypes
import os
import sys

VARIABLE = "FUNCTORCH_LITE_MALLOC"
"""The environment variable that leaves the allocator alone where it is "0"."""

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # <malloc.h>
_HEAP = 64 << 20  # what the library maps at a time for the arena of a thread


def keep_pages() -> bool:
    """Tell the GNU C library to keep freed memory; return whether it did.

    Other C libraries, and processes that set ``FUNCTORCH_LITE_MALLOC=0``, stay as they are.
    """
    if os.environ.get(VARIABLE) == "0" or not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    if not (hasattr(library, "mallopt") and hasattr(library, "gnu_get_libc_version")):
        return False
    wanted = ((_MMAP_THRESHOLD, 1 << 30), (_TRIM_THRESHOLD, 2**31 - 1), (_TOP_PAD, _HEAP))
    return all([library.mallopt(option, value) == 1 for option, value in wanted])
