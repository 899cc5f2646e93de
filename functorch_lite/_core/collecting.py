"""The garbage collector during long imports.  Floor 0."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """Do without cyclic garbage collection inside.

    An import makes some 100,000 objects that all live on; looking through them again and again for
    garbage is a sixth of the time that ``import functorch_lite.torch`` takes.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
