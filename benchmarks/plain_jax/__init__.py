"""The same programs as a good user of JAX and optax writes them: jitted, with donated state.

Written for reading, not tuned for CPUs: no compiler options, XLA's own pooling and convolutions.
Sizes, mathematics and distributions of the first weights are those of ``benchmarks.models``.
"""

from benchmarks.plain_jax._registry import PROGRAMS as PROGRAMS
from benchmarks.plain_jax._registry import make as make
