"""Draws of whole numbers as PyTorch's CPU kernels make them: ranges, permutations, categories."""

from __future__ import annotations

import warnings

import numpy as np

from .draws_checks import LIMITS, REAL_FLOATS, UNSIGNED, check, no_kernel, require
from .draws_inversion import exponentials
from .mt19937 import MT19937, Shape, size

__all__ = ["multinomial", "randint", "random", "randperm"]

_WIDE_RANGE = 1 << 28  # from here on PyTorch spends two words a number
_HUGE_PERMUTATION = (2**32 - 1) // 20  # likewise
_INT64_MAX = 2**63 - 1
_INT64 = np.dtype(np.int64)


# -- ranges ----------------------------------------------------------------------------------------


def randint(
    engine: MT19937, shape: Shape, dtype: np.dtype, low: int = 0, high: int | None = None
) -> np.ndarray:
    """Integers of ``[low, high)`` in any real dtype, as ``randint`` and ``random_(low, high)`` do.

    ``high=None`` means up to the largest value of the dtype (``2**digits`` for a float), and
    ``low=-2**63`` with it all 64-bit patterns. Raises RuntimeError for an empty range or one that
    the dtype cannot hold.
    """
    dtype = np.dtype(dtype)
    n = size(shape)
    if high is None and low == -_INT64_MAX - 1:
        return _all_bits(engine, n, dtype).reshape(shape)
    low, last = _bounds(dtype, low, high)
    span = last - low + 1
    if span >= _WIDE_RANGE:
        values = engine.words64(n)
        if span < 2**64:
            values %= np.uint64(span)
        values += np.uint64(low % 2**64)
        whole = values.view(np.int64)
    else:
        narrow = engine.words(n)
        narrow %= np.uint32(span)
        whole = narrow.astype(np.int64)
        whole += low
    return _from_int64(whole, dtype).reshape(shape)


def random(engine: MT19937, shape: Shape, dtype: np.dtype) -> np.ndarray:
    """What ``random_()`` draws: ``[0, max]`` of an integer dtype, ``[0, 2**digits]`` of a float."""
    dtype = np.dtype(dtype)
    n = size(shape)
    if n == 0:
        return np.empty(shape, dtype)
    require(dtype, [d for d in LIMITS if d.kind != "c" and d not in UNSIGNED], "random_kernel_cpu")
    limits = LIMITS[dtype]
    count = 2**limits.digits + 1 if limits.digits else int(limits.highest) + 1
    if dtype in (np.int64, np.float64):
        values = engine.words64(n) % np.uint64(count)
    else:
        values = engine.words(n) % np.uint32(count)
    return _from_int64(values.astype(np.int64), dtype).reshape(shape)


def _all_bits(engine: MT19937, n: int, dtype: np.dtype) -> np.ndarray:
    """All of the 2**64 integers, for the dtypes that PyTorch lets have them."""
    kernel = "random_full_64_bits_range_kernel_cpu"
    if n and (dtype.kind in "bc" or dtype == np.float16 or dtype in UNSIGNED):
        no_kernel(dtype, kernel)
    able = dtype.name in ("int64", "float64", "float32", "bfloat16")
    check(able or not n, f"{kernel} handles only int64, double, float and bfloat16")
    return _from_int64(engine.words64(n).view(np.int64), dtype)


def _bounds(dtype: np.dtype, low: int, high: int | None) -> tuple[int, int]:
    """The first and last integer to draw, checked; for floats moved in to what they can hold."""
    digits = LIMITS[dtype].digits if dtype in LIMITS else 0
    if high is not None:
        what = "random_ expects 'from' to be less than 'to', but got from="
        check(low < high, f"{what}{low} >= to={high}")
        if digits:
            low, high = _at_least(low, digits, dtype), _at_most(high, digits, dtype)
            what = "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype"
            check(low < high, f"{what}, but got from={low} >= to={high}")
        last = high - 1
    elif dtype.kind == "c" or dtype not in LIMITS:
        raise RuntimeError(
            "random_from_to_impl handles only integral, floating-point and boolean types"
        )
    elif digits:
        last, low = 2**digits, _at_least(low, digits, dtype)
        what = "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted"
        check(low < last, f"{what} to dtype, but got from={low} > to_inc={last}")
    else:
        last = (
            int(LIMITS[dtype].highest) if dtype != np.uint64 else -1
        )  # the int64 that it wraps to
    _check_in_range(dtype, low, last)
    return low, last


def _check_in_range(dtype: np.dtype, low: int, last: int) -> None:
    """Raise for bounds outside the dtype; warn for a float too coarse for each integer between."""
    limits = LIMITS.get(dtype)
    if limits is None or dtype.kind == "c":
        raise RuntimeError(
            "check_random_bounds handles only integral, floating-point and boolean types"
        )
    highest = min(limits.highest, _INT64_MAX) if dtype == np.uint64 else limits.highest
    for name, value in (("from", low), ("to - 1", last)):
        inside = limits.lowest <= value <= highest
        check(inside, f"{name} is out of bounds for {limits.c_type}")
    for name, value in (("from", low), ("to - 1", last)):
        if limits.digits and abs(value) > 2**limits.digits:
            warnings.warn(
                f"{name} is out of bounds [-(2^{limits.digits}), 2^{limits.digits}]. Due to "
                f"precision limitations {limits.c_type} can support discrete uniform distribution "
                "only within this range. This warning will become an error in version 1.7 release, "
                "please fix the code in advance",
                UserWarning,
                stacklevel=4,
            )


def _held(value: int, dtype: np.dtype) -> int:
    """``value`` after a trip through the float ``dtype``; int64 overflow becomes its lowest."""
    held = float(_from_int64(np.array([value], np.int64), dtype)[0])
    return int(held) if abs(held) < 2**63 else -_INT64_MAX - 1


def _at_least(low: int, digits: int, dtype: np.dtype) -> int:
    """The lower bound, raised where rounding ``low + 1`` to the dtype would fall below ``low``."""
    held = _held(low + 1, dtype)
    if held < low:
        return held + (1 << (abs(low + 1).bit_length() - digits))
    return low


def _at_most(high: int, digits: int, dtype: np.dtype) -> int:
    """The upper bound, lowered where rounding ``high - 1`` to the dtype would reach ``high``."""
    held = _held(high - 1, dtype)
    if held >= high:
        return held - (1 << (abs(high - 1).bit_length() - digits))
    return high


def _from_int64(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Cast as C++ does: the 16-bit floats by way of float32."""
    if dtype == np.int64:
        return values
    if dtype.itemsize == 2 and dtype in REAL_FLOATS:
        values = values.astype(np.float32)
    with np.errstate(over="ignore"):
        return values.astype(dtype)


# -- permutations ----------------------------------------------------------------------------------


def randperm(engine: MT19937, n: Shape, dtype: np.dtype = _INT64) -> np.ndarray:
    """A permutation of ``range(n)``: Fisher and Yates's shuffle, one word a step, two if huge.

    Raises RuntimeError for an ``n`` that the dtype cannot count to.
    """
    n, dtype = size(n), np.dtype(dtype)
    _check_permutation(n, dtype)
    if n >= _HUGE_PERMUTATION:
        return _huge_permutation(engine, n).astype(dtype)
    if n < 2:
        return np.zeros(n, dtype)
    steps = engine.words(n - 1)
    steps %= np.arange(n, 1, -1, dtype=np.uint32)
    steps += np.arange(n - 1, dtype=np.uint32)
    order = list(range(n))
    for i, j in enumerate(steps.tolist()):
        order[i], order[j] = order[j], order[i]
    return _from_int64(np.array(order, np.int64), dtype)


def _huge_permutation(engine: MT19937, n: int, chunk: int = 1 << 20) -> np.ndarray:
    """PyTorch's inside-out shuffle for large ``n``: 64-bit words against the modulus's skew."""
    order = np.empty(n, np.int64)
    view = order.data
    for start in range(0, n, chunk):
        size = min(chunk, n - start)
        steps = engine.words64(size) % np.arange(start + 1, start + size + 1, dtype=np.uint64)
        for i, j in enumerate(steps.tolist(), start):
            view[i] = view[j] if j != i else i
            view[j] = i
    return order


def _check_permutation(n: int, dtype: np.dtype) -> None:
    """Raise what ``torch.randperm`` raises for this length and dtype."""
    check(n >= 0, f"Trying to create tensor with negative dimension {n}: [{n}]")
    limits = LIMITS.get(dtype)
    if limits is None or dtype.kind in "bc" or dtype in UNSIGNED:
        no_kernel(dtype, "randperm")
    if limits.digits and dtype.name != "bfloat16":
        largest = 2**limits.digits + 1
        power = f"2^{limits.digits}+1" if limits.digits > 11 else str(largest)
        check(n <= largest, f"n cannot be greater than {power} for {limits.scalar} type.")
    elif n and not limits.digits:
        what = f"value cannot be converted to type {dtype.name}_t without overflow"
        check(n - 1 <= limits.highest, what)


# -- categories ------------------------------------------------------------------------------------


def multinomial(
    engine: MT19937,
    shape: Shape,
    dtype: np.dtype,
    weights: np.ndarray,
    replacement: bool = False,
) -> np.ndarray:
    """Categories drawn by ``weights`` (..., n_categories) into ``shape`` (..., n_samples), int64.

    Without replacement, or for one sample, the categories with the largest weight / Exp(1) win;
    with it, a float64 uniform is looked up in the cumulated weights. Raises RuntimeError for
    weights that are no distribution. Of equal scores (weights of 0 that have to be taken, 16-bit
    floats that collide) the first category comes first; PyTorch leaves that to its sort.
    """
    samples = shape if isinstance(shape, int) else shape[-1]
    _check_multinomial(weights, samples, replacement)
    if size(shape) == 0:
        return np.empty(shape, dtype)
    if not replacement or samples == 1:
        chosen = _without_replacement(engine, weights, samples)
    else:
        rows = weights.reshape(-1, weights.shape[-1])
        chosen = np.stack([_with_replacement(engine, row, samples) for row in rows])
    return np.ascontiguousarray(chosen.astype(dtype, copy=False)).reshape(shape)


def _without_replacement(engine: MT19937, weights: np.ndarray, samples: int) -> np.ndarray:
    """The ``samples`` categories that win the race of exponentials, best first."""
    valid = np.all((weights < np.inf) & (weights >= 0))
    check(valid, "probability tensor contains either `inf`, `nan` or element < 0")
    total = weights.astype(np.float32 if weights.dtype.itemsize < 4 else weights.dtype).sum(-1)
    check(np.all(total != 0), "invalid multinomial distribution (sum of probabilities <= 0)")
    race = exponentials(engine, weights.size, weights.dtype).reshape(weights.shape)
    wide = np.promote_types(weights.dtype, np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = (weights.astype(wide) / race.astype(wide)).astype(weights.dtype).astype(wide)
    if samples == 1:
        return score.argmax(-1)[..., None]
    return np.argsort(-score, axis=-1, kind="stable")[..., :samples]


def _with_replacement(engine: MT19937, row: np.ndarray, samples: int) -> np.ndarray:
    """``samples`` uniforms looked up in one row of cumulated weights."""
    row = row.astype(np.float32) if row.dtype.itemsize == 2 else row
    wrong = "invalid multinomial distribution ("
    for weight in row[~(np.isfinite(row) & (row >= 0))][:1]:
        check(weight >= 0, wrong + "encountering probability entry < 0)")
        raise RuntimeError(wrong + "encountering probability entry = infinity or NaN)")
    cumulated = np.cumsum(row, dtype=row.dtype)
    check(cumulated[-1] > 0, wrong + "sum of probabilities <= 0)")
    cumulated /= cumulated[-1]
    cumulated[-1] = 1
    return np.searchsorted(cumulated.astype(np.float64), engine.doubles(samples))


def _check_multinomial(weights: np.ndarray, samples: int, replacement: bool) -> None:
    """Raise what ``torch.multinomial`` raises before it draws; more than 2 dims are slices."""
    check(weights.ndim > 0, "prob_dist must be 1 or 2 dim")
    scalar = LIMITS[weights.dtype].scalar if weights.dtype in LIMITS else str(weights.dtype)
    what = "multinomial only supports floating-point dtypes for input, got: "
    check(weights.dtype in REAL_FLOATS, what + scalar)
    check(samples > 0, "cannot sample n_sample <= 0 samples")
    categories = weights.shape[-1]
    what = "cannot sample n_sample > prob_dist.size(-1) samples without replacement"
    check(replacement or samples <= categories, what)
    check(categories <= 2**24, "number of categories cannot exceed 2^24")
