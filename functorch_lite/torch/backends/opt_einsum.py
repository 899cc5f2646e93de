"""``torch.backends.opt_einsum``: the search for a good order of contractions, which JAX brings
along."""

from typing import Any

import opt_einsum

enabled = True
strategy = "auto"


def is_available() -> bool:
    """Return True: JAX depends on opt_einsum."""
    return True


def get_opt_einsum() -> Any:
    """Return the package."""
    return opt_einsum
