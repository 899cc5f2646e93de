"""``assert_close``: nested sequences and mappings of tensors and numbers, compared item by item."""

import cmath
import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _api as torch

_PRECISION = {
    torch.float16: (0.001, 1e-5),
    torch.bfloat16: (0.016, 1e-5),
    torch.float32: (1.3e-6, 1e-5),
    torch.float64: (1e-7, 1e-7),
    torch.complex64: (1.3e-6, 1e-5),
    torch.complex128: (1e-7, 1e-7),
}
_KIND_OF = {int: torch.int64, float: torch.float64, complex: torch.complex128}
Place = tuple[Any, ...]


@dataclass(frozen=True)
class _Options:
    """What ``assert_close`` was asked for."""

    allow_subclasses: bool
    rtol: float | None
    atol: float | None
    equal_nan: bool
    check_device: bool
    check_dtype: bool
    check_layout: bool
    check_stride: bool

    def tolerances(self, *dtypes: Any) -> tuple[float, float]:
        """Return (rtol, atol): as given, or the loosest default of the dtypes."""
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        if self.rtol is None and self.atol is None:
            return default_tolerances(*dtypes)
        absent = "rtol" if self.rtol is None else "atol"
        raise _Mismatch(
            f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {absent}.",
            ValueError,
        )


class _Mismatch(Exception):
    """Two items differ; ``kind`` is the exception that the user will see."""

    def __init__(self, text: str, kind: type[Exception] = AssertionError) -> None:
        super().__init__(text)
        self.text, self.kind = text, kind


def default_tolerances(
    *dtypes: Any, table: dict[Any, tuple[float, float]] | None = None
) -> tuple[float, float]:
    """Return the loosest (rtol, atol) of the dtypes; integers and bool are exact."""
    found = [(table or _PRECISION).get(d, (0.0, 0.0)) for d in dtypes]
    return max(r for r, _ in found), max(a for _, a in found)


# --- walking -------------------------------------------------------------------------------------


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _items(actual: Any, expected: Any, place: Place) -> Iterator[tuple[Any, Any, Place]]:
    """Yield the leaves of two nested structures side by side, with their places."""
    if _is_sequence(actual) and _is_sequence(expected):
        if len(actual) != len(expected):
            raise _at(
                place, f"The length of the sequences mismatch: {len(actual)} != {len(expected)}"
            )
        keys: list[Any] = list(range(len(actual)))
    elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
        keys = _same_keys(actual, expected, place)
    else:
        yield actual, expected, place
        return
    for key in keys:
        yield from _items(actual[key], expected[key], (*place, key))


def _same_keys(actual: Mapping, expected: Mapping, place: Place) -> list[Any]:
    own, other = set(actual), set(expected)
    if own != other:
        raise _at(
            place,
            "The keys of the mappings do not match:\n"
            f"Missing keys in the actual mapping: {sorted(other - own)}\n"
            f"Additional keys in the actual mapping: {sorted(own - other)}",
        )
    keys = list(own)
    with contextlib.suppress(TypeError):  # keys that have no order keep the set's
        keys = sorted(keys)
    return keys


def _at(place: Place, text: str, kind: type[Exception] = AssertionError) -> _Mismatch:
    """Return the mismatch, naming the place unless it is the whole."""
    if place:
        text += f"\n\nThe failure occurred for item {''.join(str([key]) for key in place)}"
    return _Mismatch(text, kind)


# --- comparing two items -------------------------------------------------------------------------


def _chosen(actual: Any, expected: Any, options: _Options) -> Callable[[], None]:
    """Return the comparison that fits two items, ready to run."""
    both = (actual, expected)
    if actual is None or expected is None:
        return lambda: _compare_none(actual, expected)
    if all(isinstance(v, (bool, np.bool_)) for v in both):
        return lambda: _compare_bools(bool(actual), bool(expected))
    if all(isinstance(v, (int, float, complex, np.number)) for v in both):
        a, e = (v.item() if isinstance(v, np.number) else v for v in both)
        tolerances = options.tolerances(*[_KIND_OF[type(v)] for v in (a, e)])
        return lambda: _compare_numbers(a, e, tolerances, options)
    related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
    if related and (options.allow_subclasses or type(actual) is type(expected)):
        tensors = [_as_tensor(v) for v in both]
        if None not in [None if t is None else 0 for t in tensors]:
            a, e = tensors
            tolerances = options.tolerances(a.dtype, e.dtype)
            return lambda: _compare_tensors(a, e, tolerances, options)
    raise _Mismatch(
        f"No comparison pair was able to handle inputs of type {type(actual)} and "
        f"{type(expected)}.",
        TypeError,
    )


def _as_tensor(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value
    try:
        return torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError):
        return None  # not tensor-like: the caller says so


def _compare_none(actual: Any, expected: Any) -> None:
    if actual is not expected:
        raise _Mismatch(f"None mismatch: {actual} is not {expected}")


def _compare_bools(actual: bool, expected: bool) -> None:
    if actual is not expected:
        raise _Mismatch(f"Booleans mismatch: {actual} is not {expected}")


def _compare_numbers(actual: Any, expected: Any, tolerances: tuple, options: _Options) -> None:
    if options.check_dtype and type(actual) is not type(expected):
        raise _Mismatch(f"The (d)types do not match: {type(actual)} != {type(expected)}.")
    if actual == expected or (options.equal_nan and cmath.isnan(actual) and cmath.isnan(expected)):
        return
    rtol, atol = tolerances
    difference = abs(actual - expected)
    if not (cmath.isfinite(difference) and difference <= atol + rtol * abs(expected)):
        raise _Mismatch(_numbers_differ(actual, expected, rtol, atol))


def _compare_tensors(actual: Any, expected: Any, tolerances: tuple, options: _Options) -> None:
    _compare_attributes(actual, expected, options)
    if actual.device != expected.device:
        actual, expected = actual.cpu(), expected.cpu()
    if actual.dtype != expected.dtype:
        unsigned = (torch.uint16, torch.uint32, torch.uint64)
        kinds = [torch.int64 if t.dtype in unsigned else t.dtype for t in (actual, expected)]
        common = torch.promote_types(*kinds)
        actual, expected = actual.to(common), expected.to(common)
    rtol, atol = tolerances
    matches = torch.isclose(actual, expected, rtol=rtol, atol=atol, equal_nan=options.equal_nan)
    if matches.all():
        return
    if not actual.shape:
        raise _Mismatch(_numbers_differ(actual.item(), expected.item(), rtol, atol))
    raise _Mismatch(_tensors_differ(actual, expected, matches, rtol, atol))


def _compare_attributes(actual: Any, expected: Any, options: _Options) -> None:
    asked = {
        "shape": True,
        "layout": options.check_layout,
        "stride()": options.check_stride,
        "device": options.check_device,
        "dtype": options.check_dtype,
    }
    for name in (name for name, wanted in asked.items() if wanted):
        a, e = (t.stride() if name == "stride()" else getattr(t, name) for t in (actual, expected))
        if a != e:
            raise _Mismatch(f"The values for attribute '{name}' do not match: {a} != {e}.")


# --- what to say ---------------------------------------------------------------------------------


def _difference(word: str, value: Any, index: Any, allowed: float, exact: bool) -> str:
    head = (
        f"{word.title()} difference: {value}"
        if index is None
        else f"Greatest {word} difference: {value} at index {index}"
    )
    return head if exact else f"{head} (up to {allowed} allowed)"


def _differ(
    what: str,
    extra: str,
    absolute: tuple[Any, Any],
    relative: tuple[Any, Any],
    rtol: float,
    atol: float,
) -> str:
    exact = rtol == 0 and atol == 0
    return (
        f"{what} are not {'equal' if exact else 'close'}!\n\n{extra}\n"
        f"{_difference('absolute', *absolute, atol, exact)}\n"
        f"{_difference('relative', *relative, rtol, exact)}"
    )


def _numbers_differ(actual: Any, expected: Any, rtol: float, atol: float) -> str:
    difference = abs(actual - expected)
    relative = float("inf") if expected == 0 else difference / abs(expected)
    extra = f"Expected {expected} but got {actual}."
    return _differ("Scalars", extra, (difference, None), (relative, None), rtol, atol)


def _tensors_differ(actual: Any, expected: Any, matches: Any, rtol: float, atol: float) -> str:
    """Count the mismatches and find the greatest ones, with matching elements left out."""
    total = matches.numel()
    wrong = total - int(matches.sum())
    extra = f"Mismatched elements: {wrong} / {total} ({wrong / total:.1%})"
    flat, other, same = actual.detach().flatten(), expected.detach().flatten(), matches.flatten()
    if not (flat.is_floating_point() or flat.is_complex()):
        flat, other = flat.to(torch.int64), other.to(torch.int64)
    absolute = (flat - other).abs()
    absolute[same] = 0
    relative = absolute / other.abs()
    relative[same] = 0
    greatest = []
    for differences in (absolute, relative):
        value, place = torch.max(differences, 0)
        index = tuple(int(i) for i in np.unravel_index(int(place), tuple(actual.shape)))
        greatest.append((value.item(), index))
    return _differ("Tensor-likes", extra, greatest[0], greatest[1], rtol, atol)


# --- the public functions ------------------------------------------------------------------------


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise AssertionError unless ``|actual - expected| <= atol + rtol * |expected|`` everywhere.

    Args:
        actual, expected: tensors, arrays, numbers, bools, None, or nested sequences and mappings.
        allow_subclasses: related types need not be the same.
        rtol, atol: both or neither; by default after the dtype.
        equal_nan: NaN equals NaN.
        check_device, check_dtype, check_layout, check_stride: what else must agree.
        msg: the message to give instead, or a function of the generated one.
    """
    __tracebackhide__ = True
    options = _Options(
        allow_subclasses,
        rtol,
        atol,
        equal_nan,
        check_device,
        check_dtype,
        check_layout,
        check_stride,
    )
    try:
        pairs = [
            (_placed(_chosen, place, a, e, options), place)
            for a, e, place in _items(actual, expected, ())
        ]
    except _Mismatch as unfit:
        raise unfit.kind(unfit.text) from None
    try:
        for compare, place in pairs:
            _placed(compare, place)
    except _Mismatch as found:
        text = msg if isinstance(msg, str) else msg(found.text) if callable(msg) else found.text
        raise found.kind(text) from None


def _placed(fun: Callable[..., Any], place: Place, *args: Any) -> Any:
    """Call ``fun``; a mismatch in it learns its place."""
    try:
        return fun(*args)
    except _Mismatch as found:
        raise _at(place, found.text, found.kind) from None


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str = "",
) -> None:
    """Compare as ``assert_close`` does, with looser defaults and without dtypes (deprecated)."""
    warnings.warn(
        "`torch.testing.assert_allclose()` is deprecated since 1.12 and will be removed in a "
        "future release. Please "
        "use `torch.testing.assert_close()` instead. You can find detailed upgrade instructions in "
        "https://github.com/pytorch/pytorch/issues/61844.",
        FutureWarning,
        stacklevel=2,
    )
    actual = actual if isinstance(actual, torch.Tensor) else torch.tensor(actual)
    expected = (
        expected
        if isinstance(expected, torch.Tensor)
        else torch.tensor(expected, dtype=actual.dtype)
    )
    if rtol is None and atol is None:
        table = {
            torch.float16: (1e-3, 1e-3),
            torch.float32: (1e-4, 1e-5),
            torch.float64: (1e-5, 1e-8),
        }
        rtol, atol = default_tolerances(actual.dtype, expected.dtype, table=table)
    assert_close(
        actual,
        expected,
        rtol=rtol,
        atol=atol,
        equal_nan=equal_nan,
        check_dtype=False,
        msg=msg or None,
    )
