"""A user's function as a pure one that is traced without values, for ``jit`` and control flow.

Floor 4.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp

from ._levels import TRACE, Level
from ._world import Kept, World, is_array, opened


def draw_once(draw: Callable[[], Any]) -> Any:
    """Draw while tracing: the numbers are constants of the program."""
    return draw()


class Staged:
    """``func`` as ``(*arrays) -> (arrays of the output, values written outside)``.

    Attributes:
        level: the TRACE level that it runs at.
        output: the structure of the output, known after the first run.
    """

    def __init__(
        self,
        world: World,
        func: Callable[..., Any],
        args: Kept,
        name: str,
        draws: Callable[[Callable[[], Any]], Any] | None = None,
    ) -> None:
        """Wrap ``func``, whose positional arguments are the tuple that ``args`` keeps."""
        self.world, self.func, self.args = world, func, args
        self.level = Level(TRACE, name, draws=draws)
        self.output = Kept()

    def __call__(self, *arrays: Any) -> tuple[list[Any], list[Any]]:
        """Run the function at its level."""
        with self.level.running(), self.world.inside(self.level):
            found = self.output.put(as_arrays(self.func(*self.args.take(arrays))))
        return found, self.level.left

    def finish(self, outputs: Sequence[Any], written: list[Any]) -> Any:
        """Settle the writes and return the output around what came out of the trace."""
        self.level.settle(written)
        return self.output.take(outputs)

    def run(self, *arrays: Any) -> list[Any]:
        """Run where the function may be repeated or left out, so that it must not write."""
        found, _ = self(*arrays)
        if self.level.writes:
            raise NotImplementedError(
                "functorch_lite does not support writing to a captured tensor inside "
                f"{self.level.name}. Carry its value along and write it afterwards."
            )
        return found


def as_arrays(tree: Any) -> Any:
    """Return the tree with Python numbers as arrays."""
    flat = opened(tree)
    return flat.with_leaves(
        [
            x if is_array(x) or not isinstance(x, (bool, int, float, complex)) else jnp.asarray(x)
            for x in flat.leaves
        ]
    )
