"""Names for types that signatures share.  Floor 0."""

from typing import Any

import jax

Array = jax.Array
PyTree = Any
Shape = tuple[int, ...]
