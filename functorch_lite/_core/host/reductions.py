"""Rules of reductions, running totals, sorting and products.

Float16 and bfloat16 are accumulated in float32 and rounded at the end, as XLA does.  Floor 0.
"""

from typing import Any

import numpy as np

from .rules import REDUCED, RULES, Run, Unsupported, dtype_of, is_float, no_complex, rule

_TOTALS = {
    "reduce_sum": np.add,
    "reduce_prod": np.multiply,
    "reduce_or": np.bitwise_or,
    "reduce_and": np.bitwise_and,
    "reduce_xor": np.bitwise_xor,
}
_RUNNING = {
    "cumsum": np.add,
    "cumprod": np.multiply,
    "cummax": np.maximum,
    "cummin": np.minimum,
}
_EXTREMES = {"reduce_max": (np.maximum, -1), "reduce_min": (np.minimum, 1)}
_PLACES = {"argmax": np.argmax, "argmin": np.argmin}


def accumulator(dtype: np.dtype) -> np.dtype:
    """Return the dtype in which numbers of ``dtype`` are added up."""
    return np.dtype(np.float32) if dtype in REDUCED else dtype


def _total(equation: Any) -> Run:
    ufunc, axes = _TOTALS[equation.primitive.name], equation.params["axes"]
    dtype = dtype_of(equation)
    wide = accumulator(dtype)
    if wide == dtype:  # said, or NumPy adds small integers up as int64
        return lambda x: ufunc.reduce(x, axes, dtype)
    return lambda x: ufunc.reduce(x.astype(wide), axes, wide).astype(dtype)


def _extreme(equation: Any) -> Run:
    no_complex(equation)
    ufunc, sign = _EXTREMES[equation.primitive.name]
    axes, dtype = equation.params["axes"], dtype_of(equation)
    if is_float(dtype):
        start = dtype.type(sign * np.inf)
    elif dtype == np.bool_:
        start = np.bool_(sign > 0)
    else:
        start = dtype.type(np.iinfo(dtype).max if sign > 0 else np.iinfo(dtype).min)
    return lambda x: ufunc.reduce(x, axes, initial=start)


def _place(equation: Any) -> Run:
    no_complex(equation)
    find, (axis,) = _PLACES[equation.primitive.name], equation.params["axes"]
    target = equation.params["index_dtype"]
    return lambda x: find(x, axis).astype(target)


def _running(equation: Any) -> Run:
    ufunc, axis = _RUNNING[equation.primitive.name], equation.params["axis"]
    dtype = dtype_of(equation)
    wide = accumulator(dtype)
    if equation.primitive.name in ("cummax", "cummin"):
        no_complex(equation)

    def forward(x: Any) -> Any:
        return ufunc.accumulate(x.astype(wide), axis, wide).astype(dtype)

    if equation.params["reverse"]:
        return lambda x: np.flip(forward(np.flip(x, axis)), axis)
    return forward


for _family, _made in (
    (_TOTALS, _total),
    (_EXTREMES, _extreme),
    (_PLACES, _place),
    (_RUNNING, _running),
):
    RULES.update(dict.fromkeys(_family, _made))


@rule("sort")
def _sort(equation: Any) -> Run:
    """Sort by the first operand; NaN comes last, equal elements keep their order."""
    no_complex(equation)
    axis = equation.params["dimension"]
    if equation.params["num_keys"] != 1:
        raise Unsupported("sort by several keys")
    wide = accumulator(dtype_of(equation))

    def run(*xs: Any) -> Any:
        order = np.argsort(xs[0].astype(wide), axis, kind="stable")
        return tuple(np.take_along_axis(x, order, axis) for x in xs)

    return run


@rule("top_k")
def _top_k(equation: Any) -> Run:
    """Take the largest, NaN first, and of equal elements the first."""
    no_complex(equation)
    k, axis = equation.params["k"], equation.params["axis"]
    wide, target = accumulator(dtype_of(equation)), equation.outvars[1].aval.dtype

    def run(x: Any) -> Any:
        last = x.shape[axis] - 1
        rising = np.argsort(np.flip(x.astype(wide), axis), axis, kind="stable")
        places = last - np.flip(rising, axis).take(range(k), axis)
        return np.take_along_axis(x, places, axis), places.astype(target)

    return run


@rule("dot_general")
def _dot_general(equation: Any) -> Run:
    """Bring both sides to (batch, M, K) and (batch, K, N), multiply, restore the shape."""
    (left, right), (left_batch, right_batch) = equation.params["dimension_numbers"]
    a, b = (v.aval for v in equation.invars)
    shape, dtype = equation.outvars[0].aval.shape, equation.outvars[0].aval.dtype
    if dtype == np.bool_:
        raise Unsupported("product of booleans")
    wide = accumulator(dtype)
    a_free = [d for d in range(a.ndim) if d not in (*left, *left_batch)]
    b_free = [d for d in range(b.ndim) if d not in (*right, *right_batch)]
    a_order, b_order = (*left_batch, *a_free, *left), (*right_batch, *right, *b_free)
    batch = [a.shape[d] for d in left_batch]
    k = _size(a, left)
    a_shape, b_shape = (*batch, _size(a, a_free), k), (*batch, k, _size(b, b_free))

    def run(x: Any, y: Any) -> Any:
        x = x.astype(wide, copy=False).transpose(a_order).reshape(a_shape)
        y = y.astype(wide, copy=False).transpose(b_order).reshape(b_shape)
        return np.matmul(x, y).astype(dtype, copy=False).reshape(shape)

    return run


def _size(aval: Any, dims: Any) -> int:
    return int(np.prod([aval.shape[d] for d in dims], dtype=np.int64))
