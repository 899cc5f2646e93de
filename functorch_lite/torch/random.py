"""``torch.random``: the default generator of the CPU."""

from ._functions.chance.random import default_generator as default_generator
from ._functions.chance.random import (
    fork_rng,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)

__all__ = ["fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]
