"""``torch.nn.functional``: the declared ops of that namespace, and what is composed of them.

The ops are pure functions in ``functorch_lite/ops``.  Beside them stand the functions that are not
pure (random masks, running statistics, renormalised tables) or that are made of several ops; each
kind has a file of its own in this folder, and this one shows them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._engine.register import SPACES
from ._attention import *  # noqa: F403 - the names are those of __all__, here and below
from ._dropout import *  # noqa: F403
from ._embedding import *  # noqa: F403
from ._losses import *  # noqa: F403
from ._pooling import *  # noqa: F403
from ._statistics import *  # noqa: F403
from ._unpooling import *  # noqa: F403

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Stand for the declared ops, which a type checker cannot see."""


for _name, _function in SPACES["nn.functional"].items():
    globals().setdefault(_name, _function)
