"""The text of a tensor: what ``repr`` and ``print`` show, equal to PyTorch's to the character.

Pure NumPy and text. A tensor hands over its values, the names of its dtypes and what its autograd
fields say; nothing here knows the Tensor class. The order is that of the file: options, how one
number is written, how numbers are laid out, what follows the numbers.

Anything with ``shape`` and NumPy indexing will do as values. When there are more of them than the
threshold, one gather takes the edge items, so that a large array on a device stays there.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import floor, inf, isfinite, prod
from typing import Any

import numpy as np

# Suffixes that PyTorch leaves out because a literal of these values already gives the dtype.
INFERRED_DTYPES = ("torch.int64", "torch.bool")
DEFAULT_COMPLEX = {"torch.float64": "torch.complex128"}


@dataclass
class PrintOptions:
    """What :func:`set_printoptions` sets. ``sci_mode`` None means: chosen tensor by tensor."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": inf, "edgeitems": 3, "linewidth": 80},
}
OPTIONS = PrintOptions()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed, for the whole process.

    Args:
        precision: digits after the point of floating numbers.
        threshold: a tensor of more elements than this is summarized.
        edgeitems: items shown at each end of a summarized axis.
        linewidth: columns after which a row of numbers, or the suffixes, go on a new line.
        profile: ``"default"``, ``"short"`` or ``"full"``; the other arguments override it.
        sci_mode: True or False to force or forbid 1.0000e+00. Left out, the choice is
            automatic again: as in PyTorch, this one option is reset by every call.
    """
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    chosen = PROFILES.get(profile or "", {}) | {k: v for k, v in given.items() if v is not None}
    for name, value in chosen.items():
        setattr(OPTIONS, name, value)
    OPTIONS.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """Return the options in force, as keywords for :func:`set_printoptions`."""
    return asdict(OPTIONS)


@contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """Print with other options inside a ``with`` block; those of :func:`set_printoptions`."""
    before = get_printoptions()
    set_printoptions(**options)
    try:
        yield
    finally:
        set_printoptions(**before)


# --- one number


@dataclass(frozen=True)
class Style:
    """How every item of one tensor is written: format spec, a point after whole floats, width."""

    spec: str
    point: bool = False
    width: int = 1

    def write(self, item: bool | int | float) -> str:
        """Write one item, right-aligned in the common width."""
        text = format(item, self.spec)
        if self.point and isfinite(item):
            text += "."
        return text.rjust(self.width)


@dataclass(frozen=True)
class ComplexStyle:
    """How complex items are written: a style for each part, chosen apart from the other."""

    real: Style
    imag: Style

    @property
    def width(self) -> int:
        """Columns of one item, the ``j`` included and, as in PyTorch, the sign not."""
        return self.real.width + self.imag.width + 1

    def write(self, item: complex) -> str:
        """Write one item. Only the real part is padded."""
        imag = self.imag.write(item.imag).lstrip() + "j"
        sign = "" if imag[0] in "+-" else "+"
        return self.real.write(item.real) + sign + imag


def choose_style(items: np.ndarray) -> Style:
    """Choose the style in which all ``items`` (bool, integer or float64) are written alike."""
    if items.dtype.kind != "f":
        ends = [items.min().item(), items.max().item()] if items.size else []
        return _widened(Style(""), ends)
    shown = items[np.isfinite(items) & (items != 0)]
    if not shown.size:  # zeros, inf and nan are written as they come, whatever sci_mode says
        return Style(".0f", point=True)
    if _wants_sci(np.abs(shown)):
        style = Style(f".{OPTIONS.precision}e")
    elif np.array_equal(shown, np.ceil(shown)):
        style = Style(".0f", point=True)
    else:
        style = Style(f".{OPTIONS.precision}f")
    return _widened(style, _extremes(shown))


def _wants_sci(magnitudes: np.ndarray) -> bool:
    """Tell whether numbers spread too far, or lie too far from 1, for plain digits."""
    if OPTIONS.sci_mode is not None:
        return OPTIONS.sci_mode
    least, most = magnitudes.min().item(), magnitudes.max().item()
    return most / least > 1000.0 or most > 1.0e8 or least < 1.0e-4


def _extremes(shown: np.ndarray) -> list[float]:
    """Return the items one of which is the longest text: per sign, the least and the greatest."""
    signs = (shown[shown > 0], shown[shown < 0])
    return [end.item() for side in signs if side.size for end in (side.min(), side.max())]


def _widened(style: Style, items: Sequence[float]) -> Style:
    width = max((len(style.write(item)) for item in items), default=1)
    return Style(style.spec, style.point, width)


# --- the layout


def tensor_text(array: Any, *, indent: int = 0) -> str:
    """Write the numbers of ``array`` in brackets: aligned, wrapped, summarized.

    Args:
        array: values of any shape and dtype (half and bfloat16 as ml_dtypes has them); needs
            ``shape``, NumPy indexing and ``__array__``.
        indent: columns that stand before the text on its first line.

    >>> print(tensor_text(np.array([[1.5, -2.0], [0.25, 100.0]])))
    [[  1.5000,  -2.0000],
     [  0.2500, 100.0000]]
    """
    if 0 in array.shape:
        return "[]"
    items, cut = _summarized(array)
    if items.dtype.kind not in "biuc":
        with np.errstate(invalid="ignore"):  # a signalling nan is no news here
            items = items.astype(np.float64)
    style: Style | ComplexStyle
    if items.dtype.kind == "c":
        items = items.astype(np.complex128)
        style = ComplexStyle(choose_style(items.real), choose_style(items.imag))
    else:
        style = choose_style(items)
    return _nested(items.tolist(), cut, indent, style)


def _summarized(array: Any) -> tuple[np.ndarray, tuple[bool, ...]]:
    """Return the items to show and, axis by axis, whether its middle was left out."""
    edge = OPTIONS.edgeitems
    if prod(array.shape) <= OPTIONS.threshold:
        return np.asarray(array), (False,) * len(array.shape)
    cut = tuple(size > 2 * edge for size in array.shape)
    picks = [
        np.r_[0:edge, size - edge : size] if short else np.arange(size)
        for size, short in zip(array.shape, cut, strict=True)
    ]
    return np.asarray(array[np.ix_(*picks)]), cut


def _nested(items: Any, cut: tuple[bool, ...], indent: int, style: Style | ComplexStyle) -> str:
    """Write nested lists; ``cut`` has one flag an axis. Blank lines set matrices apart."""
    if not cut:
        return style.write(items)
    if len(cut) == 1:
        return _row(items, cut[0], indent, style)
    parts = [_nested(item, cut[1:], indent + 1, style) for item in items]
    if cut[0]:
        parts.insert(OPTIONS.edgeitems, "...")
    return "[" + ("," + "\n" * (len(cut) - 1) + " " * (indent + 1)).join(parts) + "]"


def _row(items: list, cut: bool, indent: int, style: Style | ComplexStyle) -> str:
    """Write one innermost axis, on as many lines as it takes."""
    cells = [style.write(item) for item in items]
    if cut:
        cells.insert(OPTIONS.edgeitems, " ..." if cells else "...")
    per_line = max(1, floor((OPTIONS.linewidth - indent) / (style.width + 2)))
    starts = range(0, len(cells), per_line)
    lines = [", ".join(cells[start : start + per_line]) for start in starts]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


# --- what follows the numbers


def tensor_repr(
    array: Any,
    *,
    dtype: str,
    default_dtype: str = "torch.float32",
    device: str | None = None,
    requires_grad: bool = False,
    grad_fn: str | None = None,
    prefix: str = "tensor(",
) -> str:
    """Write a tensor as PyTorch does: ``tensor([1., 2.], dtype=torch.float64)``.

    Args:
        array: the values, as for :func:`tensor_text`.
        dtype: name of the tensor's dtype, such as ``"torch.float16"``.
        default_dtype: name of ``torch.get_default_dtype()``.
        device: the device to name, or None where PyTorch names none (the default device).
        requires_grad: said only where there is no ``grad_fn``.
        grad_fn: name of the graph node that made the tensor, such as ``"AddBackward0"``.
        prefix: what opens the text: ``"tensor("``, or the name of a subclass and a bracket.

    >>> tensor_repr(np.zeros((0, 3)), dtype="torch.float64", requires_grad=True)
    'tensor([], size=(0, 3), dtype=torch.float64, requires_grad=True)'
    """
    suffixes = [f"device='{device}'"] if device is not None else []
    empty = 0 in array.shape
    size_unseen = len(array.shape) != 1 if empty else not OPTIONS.edgeitems
    if size_unseen:
        suffixes.append(f"size={tuple(array.shape)}")
    default_complex = DEFAULT_COMPLEX.get(default_dtype, "torch.complex64")
    inferred = () if empty else (default_complex, *INFERRED_DTYPES)
    if dtype != default_dtype and dtype not in inferred:
        suffixes.append(f"dtype={dtype}")
    if grad_fn is not None:
        suffixes.append(f"grad_fn=<{grad_fn}>")
    elif requires_grad:
        suffixes.append("requires_grad=True")
    text = prefix + tensor_text(array, indent=len(prefix))
    return _with_suffixes(text, suffixes, indent=len(prefix))


def _with_suffixes(text: str, suffixes: Sequence[str], *, indent: int) -> str:
    """Append the suffixes, each on the last line if it fits there, and close the bracket."""
    column = len(text) - text.rfind("\n") + 1  # as PyTorch counts: two more than there are
    for suffix in suffixes:
        if column + len(suffix) + 2 > OPTIONS.linewidth:
            text += ",\n" + " " * indent + suffix
            column = indent + len(suffix)
        else:
            text += ", " + suffix
            column += len(suffix) + 2
    return text + ")"
