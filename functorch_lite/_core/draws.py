"""PyTorch's CPU samplers, bit for bit, as functions of an engine that return NumPy arrays.

Each function takes ``(engine, shape, dtype, *parameters)``, uses exactly the words that PyTorch
2.13 uses on x86 with AVX2, and returns a fresh C-contiguous array: so the values are PyTorch's and
so is whatever is drawn next. ``shape`` is an int or a tuple; ``dtype`` a NumPy dtype (``ml_dtypes``
has bfloat16). :data:`DRAWS` names them for captured programs, which record draws and repeat them.

PyTorch fills a tensor in the order of its memory. For a view that is not contiguous, draw in that
order and put the result in place; ``normal`` alone then takes another path (``contiguous=False``).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from .draws_checks import LIMITS, REAL_FLOATS, UNSIGNED, check, require
from .draws_counts import binomial, dirichlet, poisson, standard_gamma
from .draws_fma import fma32, fma64, narrow
from .draws_index import multinomial, randint, random, randperm
from .draws_inversion import cauchy, exponential, geometric, log_normal
from .draws_normal import BLOCK, fill32, fill64, one, pairwise
from .mt19937 import MT19937, Shape, size

__all__ = [
    "DRAWS",
    "bernoulli",
    "binomial",
    "cauchy",
    "dirichlet",
    "exponential",
    "geometric",
    "log_normal",
    "multinomial",
    "normal",
    "poisson",
    "randint",
    "random",
    "randperm",
    "rrelu_noise",
    "standard_gamma",
    "uniform",
]

_LOW_24 = np.uint32(0xFFFFFF)
_UNIT_32 = np.float32(2.0**-24)
_COMPLEX_PART = {np.dtype("complex64"): np.dtype("f4"), np.dtype("complex128"): np.dtype("f8")}
_BERNOULLI = tuple(d for d in LIMITS if d.kind != "c" and d not in UNSIGNED)


def _floats32(engine: MT19937, n: int) -> np.ndarray:
    """``n`` float32 uniforms of [0, 1): the low 24 bits of one word each."""
    words = engine.words(n)
    words &= _LOW_24
    uniform = words.astype(np.float32)
    uniform *= _UNIT_32
    return uniform


# -- uniform and normal ----------------------------------------------------------------------------


def uniform(
    engine: MT19937, shape: Shape, dtype: np.dtype, low: float = 0.0, high: float = 1.0
) -> np.ndarray:
    """Uniform values of ``[low, high)``: ``fma(u, high - low, low)``; complex ones by parts.

    Raises RuntimeError where ``high < low`` or the dtype cannot hold them.
    """
    dtype = np.dtype(dtype)
    if dtype in _COMPLEX_PART:
        parts = uniform(engine, 2 * size(shape), _COMPLEX_PART[dtype], low, high)
        return parts.view(dtype).reshape(shape)
    require(dtype, REAL_FLOATS, "check_uniform_bounds")
    _check_uniform(dtype, low, high)
    n = size(shape)
    if dtype == np.float64:
        values = engine.doubles(n)
        if low != 0.0 or high != 1.0:
            values = fma64(values, high - low, low)
    else:
        values = _floats32(engine, n)
        low, high = float(np.float32(low)), float(np.float32(high))
        if low != 0.0 or high != 1.0:
            values = fma32(values, float(np.float32(high - low)), low)
        values = narrow(values, dtype)
    ends = narrow(np.array([low, high]), dtype)
    values[values >= ends[1]] = ends[0]  # rounded up to the open end
    return values.reshape(shape)


def _check_uniform(dtype: np.dtype, low: float, high: float) -> None:
    limits = LIMITS[dtype]
    for name, value in (("from", low), ("to", high)):
        inside = limits.lowest <= value <= limits.highest
        check(inside, f"{name} is out of bounds for {limits.c_type}")
    what = "uniform_ expects to return a [from, to) range, but found from="
    check(low <= high, f"{what}{low:g} > to={high:g}")
    what = f"uniform_ expects to-from <= std::numeric_limits<{limits.scalar}>::max(), but found to="
    what += f"{high:g} and from={low:g} which result in to-from to exceed the limit"
    check(high - low <= limits.highest, what)


def normal(
    engine: MT19937,
    shape: Shape,
    dtype: np.dtype,
    mean: float = 0.0,
    std: float = 1.0,
    contiguous: bool = True,
) -> np.ndarray:
    """Normal values; complex ones have that variance in all, half of it in each part.

    ``contiguous`` says whether the tensor to fill is: PyTorch goes pair by pair where it is not,
    and in tensors of fewer than 16 values. Raises RuntimeError for a negative ``std``.
    """
    dtype = np.dtype(dtype)
    check(std >= 0.0, f"normal expects std >= 0.0, but found std {std:g}")
    if dtype in _COMPLEX_PART:
        parts = normal(
            engine, 2 * size(shape), _COMPLEX_PART[dtype], mean, std / math.sqrt(2), contiguous
        )
        return parts.view(dtype).reshape(shape)
    n = size(shape)
    if n == 0:
        return np.empty(shape, dtype)
    require(dtype, REAL_FLOATS, "normal_kernel_cpu")
    if n == 1 and mean == 0.0 and std == 1.0:
        return narrow(np.full(shape, one(engine)), dtype)
    if n < BLOCK or not contiguous:
        return narrow(pairwise(engine, n, mean, std), dtype).reshape(shape)
    values = _in_blocks(engine, n, dtype, mean, std)
    return narrow(values, dtype).reshape(shape)


def _in_blocks(engine: MT19937, n: int, dtype: np.dtype, mean: float, std: float) -> np.ndarray:
    """``n >= 16`` normals in blocks of 16; a ragged end draws the last 16 values once more.

    The words of the ragged end itself are spent in float32 and float64, not in 16-bit floats.
    """
    wide = dtype == np.float64
    draw, fill = (engine.doubles, fill64) if wide else (partial(_floats32, engine), fill32)
    whole = n - n % BLOCK
    values = draw(n if dtype.itemsize > 2 else whole)
    fill(values[:whole], mean, std)
    if whole != n:
        values.resize(n, refcheck=False)
        values[-BLOCK:] = draw(BLOCK)
        fill(values[-BLOCK:], mean, std)
    return values


# -- yes or no -------------------------------------------------------------------------------------


def bernoulli(
    engine: MT19937, shape: Shape, dtype: np.dtype, p: float | np.ndarray = 0.5
) -> np.ndarray:
    """Ones with probability ``p``: a number, or an array (also 0-d) that broadcasts to ``shape``.

    A number or a float64 array is compared with float64 uniforms, other arrays with float32 ones.
    """
    dtype = np.dtype(dtype)
    n = size(shape)
    of_number = not isinstance(p, np.ndarray)
    if of_number:
        check(0 <= p <= 1, f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
    if n == 0:
        return np.empty(shape, dtype)
    if not of_number:
        require(dtype, _BERNOULLI, "bernoulli_tensor_cpu_self_")
        require(p.dtype, REAL_FLOATS, "bernoulli_tensor_cpu_p_")
        chances = np.broadcast_to(p, shape).ravel()
        what = "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error "
        what += "message be improved?  If so, please report an enhancement request to PyTorch.)"
        check(np.all((chances >= 0) & (chances <= 1)), what)
        wide = p.dtype == np.float64
        values = engine.doubles(n) if wide else _floats32(engine, n)
        return (values < chances).astype(dtype).reshape(shape)
    require(dtype, _BERNOULLI, "bernoulli_scalar_cpu_")
    return _below(engine, n, p).astype(dtype, copy=False).reshape(shape)


def _below(engine: MT19937, n: int, p: float) -> np.ndarray:
    """Whether each of ``n`` float64 uniforms is below ``p``: mostly their first words tell."""
    if n < 64:
        return engine.doubles(n) < p
    words = engine.words(2 * n)
    first, second = words[0::2] & np.uint32(0x1FFFFF), words[1::2]
    threshold = math.ceil(p * 2.0**53)
    high, low = divmod(threshold, 2**32)
    below = first < np.uint32(high)
    ties = np.flatnonzero(first == np.uint32(high))
    below[ties] = second[ties] < np.uint32(low)
    return below


def rrelu_noise(
    engine: MT19937, shape: Shape, dtype: np.dtype, input: np.ndarray, lower: float, upper: float
) -> np.ndarray:
    """The slopes of ``rrelu`` in training: uniform where ``input <= 0``, elsewhere 1 undrawn."""
    dtype = np.dtype(dtype)
    noise = np.ones(shape, dtype)
    negative = input <= 0
    lower, upper = np.array([lower, upper], np.promote_types(dtype, "f4")).tolist()
    values = engine.doubles(int(negative.sum())) * (upper - lower) + lower
    noise[negative] = narrow(values, dtype)
    return noise


DRAWS: dict[str, Callable[..., np.ndarray]] = {
    "bernoulli": bernoulli,
    "binomial": binomial,
    "cauchy": cauchy,
    "dirichlet": dirichlet,
    "exponential": exponential,
    "geometric": geometric,
    "log_normal": log_normal,
    "multinomial": multinomial,
    "normal": normal,
    "poisson": poisson,
    "randint": randint,
    "random": random,
    "randperm": randperm,
    "rrelu_noise": rrelu_noise,
    "standard_gamma": standard_gamma,
    "uniform": uniform,
}
