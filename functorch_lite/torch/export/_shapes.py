"""``torch.export.Dim``: named dimensions. Programs here have fixed shapes."""

from collections.abc import Mapping
from typing import Any

from ..._core.errors import UnsupportedError


class _Hint:
    """``Dim.AUTO``, ``Dim.DYNAMIC`` or ``Dim.STATIC``."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"DimHint({self.name})"


class Dim:
    """A named size that a program leaves open, from ``min`` to ``max``."""

    AUTO, DYNAMIC, STATIC = map(_Hint, ("AUTO", "DYNAMIC", "STATIC"))

    def __init__(self, name: str, *, min: int | None = None, max: int | None = None) -> None:
        """Name a size; AssertionError if ``max`` is not above ``min``."""
        if max is not None and max <= (min or 0):
            raise AssertionError(f"Cannot create Dim with inconsistent min={min}, max={max}")
        self.name, self.min, self.max = name, min, max
        self.__name__ = name

    def __repr__(self) -> str:
        """Show it as PyTorch does."""
        sizes = [f"min={self.min or 0}"] if self.min != 2 else []  # PyTorch's own lower bound
        sizes += [] if self.max is None else [f"max={self.max}"]
        return f"Dim({', '.join([repr(self.name), *sizes])})"


def dims(*names: str, min: int | None = None, max: int | None = None) -> tuple[Dim, ...]:
    """Return a ``Dim`` for each name."""
    return tuple([Dim(name, min=min, max=max) for name in names])


def refuse_dynamic(shapes: Any, path: str = "") -> None:
    """Raise if ``dynamic_shapes`` leaves a size open.

    Raises:
        NotImplementedError: it does; a capture runs on arrays, which have sizes.
    """
    if isinstance(shapes, Dim) or shapes in (Dim.AUTO, Dim.DYNAMIC):
        raise UnsupportedError(
            f"dynamic shapes in torch.export (dynamic_shapes{path} = {shapes!r})",
            "Export one program for each shape, or pad the input to the largest one. "
            "(fl.export takes functions of arrays with jax.export.symbolic_shape.)",
        )
    if isinstance(shapes, Mapping):
        for key, below in shapes.items():
            refuse_dynamic(below, f"{path}[{key!r}]")
    elif isinstance(shapes, (tuple, list)):
        for place, below in enumerate(shapes):
            refuse_dynamic(below, f"{path}[{place}]")
