"""Random state of the GPUs: there is none of its own.

Random numbers of every device come from the CPU generators (the shim's streams are PyTorch's CPU
streams), so seeding the GPUs is seeding nothing; ``torch.manual_seed`` seeds them all.
"""

from collections.abc import Iterable
from typing import Any

from .._api import Tensor
from .._api import get_rng_state as _cpu_state
from .._api import initial_seed as _cpu_seed
from ._devices import device_count, init


def manual_seed(seed: int) -> None:
    """Accept a seed for the current GPU; see the module's docstring."""
    int(seed)


def manual_seed_all(seed: int) -> None:
    """Accept a seed for all GPUs; see the module's docstring."""
    int(seed)


def seed() -> None:
    """Do nothing; see the module's docstring."""


def seed_all() -> None:
    """Do nothing; see the module's docstring."""


def initial_seed() -> int:
    """Return the seed of the default generator; AssertionError without a GPU."""
    init()
    return _cpu_seed()


def get_rng_state(device: Any = "cuda") -> Tensor:
    """Return the state of the default generator; AssertionError without a GPU."""
    init()
    return _cpu_state()


def get_rng_state_all() -> list[Tensor]:
    """Return one state per GPU."""
    return [get_rng_state(i) for i in range(device_count())]


def set_rng_state(new_state: Tensor, device: Any = "cuda") -> None:
    """Do nothing: ``torch.set_rng_state`` restores the stream that the GPUs use."""


def set_rng_state_all(new_states: Iterable[Tensor]) -> None:
    """Do nothing: ``torch.set_rng_state`` restores the stream that the GPUs use."""
