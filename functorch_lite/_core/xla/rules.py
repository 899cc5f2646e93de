"""What each primitive does with held operands: a table of rules.  Floor 0.

A rule renumbers the dims among the parameters of its primitive and passes the order on; where it
returns None, or there is none, the primitive gets its operands in the program's own order.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jax import lax
from jax.core import Tracer
from jax.extend.core import Literal

from .held import (
    Given,
    Held,
    Spread,
    aligned,
    alone,
    in_order,
    is_plain,
    laid,
    last,
    moved,
    picked,
    plain,
    ranked,
    reshaped,
    shape_of,
    without,
)
from .options import CALLS, stands_left

Rule = Callable[[Any, list[Any]], list[Any] | None]
RULES: dict[str, Rule] = {}


def run(jaxpr: Any, consts: Iterable[Any], operands: Iterable[Any]) -> list[Any]:
    """Carry out ``jaxpr`` on held constants and operands; return held results."""
    env: dict[Any, Any] = {}

    def read(var: Any) -> Any:
        return plain(var.val) if isinstance(var, Literal) else env[var]

    env.update(zip(jaxpr.constvars, consts, strict=True))
    env.update(zip(jaxpr.invars, operands, strict=True))
    for equation in jaxpr.eqns:
        inputs = [read(v) for v in equation.invars]
        rule = RULES.get(equation.primitive.name)
        results = rule(equation, inputs) if rule is not None else None
        if results is None:
            results = [plain(r) for r in _bind(equation, map(in_order, inputs))]
        env.update(zip(equation.outvars, results, strict=True))
    return [read(v) for v in jaxpr.outvars]


def _bind(equation: Any, values: Any, **changed: Any) -> list[Any]:
    """Apply the primitive to these values, with some of its parameters changed."""
    params = equation.primitive.get_bind_params(equation.params | changed)
    results = equation.primitive.bind(*values, **params)
    return list(results) if equation.primitive.multiple_results else [results]


def _rule(*names: str) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, rule))
        return rule

    return register


@_rule("conv_general_dilated")
def _convolution(equation: Any, inputs: list[Any]) -> list[Any]:
    """Convolve in the order that XLA's kernel wants; a result of images stays in it.

    Its operands are kept apart from what makes them: a loop that computes them for several uses
    would run once for each.
    """
    numbers = equation.params["dimension_numbers"]
    (batch, feature, *spatial), (out, into, *taps) = numbers.lhs_spec, numbers.rhs_spec
    lhs = alone(laid(inputs[0], (batch, *spatial, feature)))
    rhs = alone(laid(inputs[1], (*taps, into, out)))
    n = len(spatial)
    places = (0, n + 1, *range(1, n + 1))
    changed = type(numbers)(places, (n + 1, n, *range(n)), places)
    (value,) = _bind(equation, (lhs.value, rhs.value), dimension_numbers=changed)
    batch, feature, *spatial = numbers.out_spec
    result = Held(value, (batch, *spatial, feature))
    if numbers.out_spec == tuple(range(n + 2)):
        return [result]
    return [plain(in_order(result))]  # a kernel's gradient meets the plain parameter


@_rule(
    *("add", "sub", "mul", "div", "rem", "max", "min", "pow", "atan2", "add_any", "select_n"),
    *("neg", "sign", "abs", "exp", "exp2", "log", "log1p", "expm1", "tanh", "logistic", "sqrt"),
    *("rsqrt", "cbrt", "square", "integer_pow", "erf", "erfc", "erf_inv", "sin", "cos", "floor"),
    *("ceil", "round", "is_finite", "not", "and", "or", "xor", "eq", "ne", "lt", "le", "gt", "ge"),
    *("convert_element_type", "clamp", "nextafter", "stop_gradient", "copy", "copy_p"),
)
def _elementwise(equation: Any, inputs: list[Any]) -> list[Any] | None:
    arrays = [x for x in inputs if shape_of(x)]
    spreads = [x for x in arrays if isinstance(x, Spread)]
    if spreads and len(spreads) == len(arrays):
        first = spreads[0]
        if all(s.dims == first.dims and s.value.shape == first.value.shape for s in spreads):
            return [first._replace(value=r) for r in _bind(equation, [x.value for x in inputs])]
    order = next((x.order for x in inputs if moved(x)), None)
    made = equation.outvars[0].aval.shape
    if order is None and len(made) > 2 and all(shape_of(x) != made for x in arrays):
        order = last(len(made))  # images times channels, as in a convolution by shifted slices
    if order is None:
        return None
    return [Held(r, order) for r in _bind(equation, [aligned(x, order) for x in inputs])]


@_rule("broadcast_in_dim")
def _broadcast(equation: Any, inputs: list[Any]) -> list[Any] | None:
    (x, *dynamic), shape = inputs, equation.params["shape"]
    dims = tuple(int(d) for d in equation.params["broadcast_dimensions"])
    if dynamic or not shape:
        return None
    if isinstance(x, Held) and moved(x) and np.size(x.value) == np.prod(shape):
        return [reshaped(x, shape)]  # a dim of 1 more
    if isinstance(x, Spread):
        return [Spread(x.value, tuple(shape), tuple(dims[d] for d in x.dims))]
    value = in_order(x)
    kept = [a for a, d in enumerate(dims) if np.shape(value)[a] == shape[d]]
    if np.ndim(value) > len(kept):
        value = lax.squeeze(value, [a for a in range(value.ndim) if a not in kept])
    return [Spread(value, tuple(shape), tuple(dims[a] for a in kept))]


@_rule("transpose")
def _permute(equation: Any, inputs: list[Any]) -> list[Any]:
    (x,), axes = inputs, list(equation.params["permutation"])
    if isinstance(x, Spread):
        shape = tuple(x.shape[a] for a in axes)
        return [Spread(x.value, shape, tuple(axes.index(d) for d in x.dims))]
    if is_plain(x) and not isinstance(x, Given):
        return [plain(lax.transpose(x.value, axes))]
    return [x._replace(order=tuple(axes.index(d) for d in x.order))]


@_rule("reshape")
def _reshape(equation: Any, inputs: list[Any]) -> list[Any] | None:
    (x, *dynamic), shape = inputs, tuple(equation.params["new_sizes"])
    if dynamic or is_plain(x) or equation.params["dimensions"] is not None:
        return None
    found = reshaped(x, shape)
    return None if found is None else [found]


@_rule("reduce_sum")
def _reduce_sum(equation: Any, inputs: list[Any]) -> list[Any] | None:
    return [_sum(inputs[0], equation.params["axes"])] if moved(inputs[0]) else None


def _sum(x: Any, dims: Sequence[int]) -> Held:
    """Sum over ``dims`` of the program's value.

    XLA's loop for a sum over all but the last axis takes 20 ms for (32, 32, 32, 64) where a
    product with ones of each leading row takes 0.5 ms.
    """
    rest = ranked([d for d in x.order if d not in dims])
    axes = sorted(x.order.index(d) for d in dims)
    value, size = x.value, x.value.shape
    inner = [a for a in axes if a > 0]
    run = bool(inner) and inner == list(range(1, len(inner) + 1)) and len(inner) == len(size) - 2
    if not run or not np.issubdtype(value.dtype, np.floating):
        return Held(value.sum(tuple(axes)), rest)
    count = int(np.prod(size[1:-1]))
    ones = lax.full((size[0], count), 1, value.dtype)
    rows = lax.reshape(value, (size[0], count, size[-1]))
    numbers = (((1,), (1,)), ((0,), (0,)))
    sums = lax.dot_general(ones, rows, numbers, precision=lax.Precision.HIGHEST)
    return Held(sums.sum(0) if axes[0] == 0 else sums, rest)


@_rule("reduce_max", "reduce_min", "reduce_prod", "reduce_and", "reduce_or")
def _reduce(equation: Any, inputs: list[Any]) -> list[Any] | None:
    (x,), axes = inputs, equation.params["axes"]
    if not moved(x):
        return None
    mapped = tuple(sorted(x.order.index(a) for a in axes))
    (value,) = _bind(equation, (x.value,), axes=mapped)
    return [Held(value, ranked([d for d in x.order if d not in axes]))]


@_rule("argmax", "argmin", "cumsum", "cumprod", "cummax", "cummin", "sort", "split")
def _along(equation: Any, inputs: list[Any]) -> list[Any] | None:
    """One parameter names a dim, or several."""
    x, params = inputs[0], equation.params
    if len(inputs) != 1 or not moved(x):
        return None
    name = next(n for n in ("axes", "axis", "dimension") if n in params)
    dims = params[name]
    several = isinstance(dims, tuple)
    mapped = tuple(x.order.index(d) for d in (dims if several else (dims,)))
    values = _bind(equation, (x.value,), **{name: mapped if several else mapped[0]})
    gone = dims if equation.primitive.name in ("argmax", "argmin") else ()
    order = ranked([d for d in x.order if d not in gone])
    return [Held(v, order) for v in values]


@_rule("rev")
def _reverse(equation: Any, inputs: list[Any]) -> list[Any]:
    """Reverse whole blocks of memory: ``dims`` come first, as a convolution wants its taps."""
    (x,), dims = inputs, tuple(equation.params["dimensions"])
    order = (*dims, *(d for d in range(len(shape_of(x))) if d not in dims))
    return [Held(lax.rev(aligned(x, order), range(len(dims))), order)]


@_rule("squeeze")
def _squeeze(equation: Any, inputs: list[Any]) -> list[Any] | None:
    (x,), dims = inputs, equation.params["dimensions"]
    if is_plain(x) or (isinstance(x, Spread) and any(d in dims for d in x.dims)):
        return None
    return [without(x, dims)]


@_rule("pad")
def _pad(equation: Any, inputs: list[Any]) -> list[Any] | None:
    x, fill = inputs
    if not moved(x):
        return None
    config = picked(equation.params["padding_config"], x.order)
    return [Held(r, x.order) for r in _bind(equation, (x.value, fill.value), padding_config=config)]


@_rule("slice")
def _slice(equation: Any, inputs: list[Any]) -> list[Any] | None:
    (x,), params = inputs, equation.params
    if not moved(x):
        return None
    names = ("start_indices", "limit_indices", "strides")
    mapped = {n: params[n] and picked(params[n], x.order) for n in names}
    return [Held(r, x.order) for r in _bind(equation, (x.value,), **mapped)]


@_rule("reduce_window_sum", "reduce_window_max", "reduce_window_min")
def _reduce_window(equation: Any, inputs: list[Any]) -> list[Any] | None:
    (x,), params = inputs, equation.params
    if not moved(x):
        return None
    names = ("window_dimensions", "window_strides", "padding", "base_dilation", "window_dilation")
    mapped = {n: picked(params[n], x.order) for n in names}
    return [Held(r, x.order) for r in _bind(equation, (x.value,), **mapped)]


@_rule("concatenate")
def _concatenate(equation: Any, inputs: list[Any]) -> list[Any] | None:
    order = next((x.order for x in inputs if moved(x)), None)
    if order is None:
        return None
    dimension = order.index(equation.params["dimension"])
    values = [aligned(x, order) for x in inputs]
    return [Held(r, order) for r in _bind(equation, values, dimension=dimension)]


@_rule("dot_general")
def _product(equation: Any, inputs: list[Any]) -> list[Any] | None:
    found = _product_with_ones(equation, inputs)
    if found is None and any(isinstance(x, Given) or moved(x) for x in inputs):
        found = [_product_as_it_lies(equation, inputs)]
    return found


class _Side(NamedTuple):
    """An operand of a product: its dims that are summed, shared, and (where in the result) free."""

    held: Held
    summed: Sequence[int]
    shared: Sequence[int]
    free: dict[int, int]

    def is_ready(self) -> bool:
        """Return True if XLA takes it on the left as it lies: with what is summed at the end."""
        return any(d in self.summed for d in self.held.order[-1:])

    def ready(self) -> "_Side":
        """Return the operand with what is summed at the end."""
        return self._replace(held=laid(self.held, (*self.shared, *self.free, *self.summed)))

    def places(self, dims: Sequence[int]) -> tuple[int, ...]:
        """Return where dims lie."""
        return tuple(map(self.held.order.index, dims))


def _product_as_it_lies(equation: Any, inputs: list[Any]) -> Held:
    """Multiply with the operands as they lie, in the order in which XLA transposes least.

    A stack from outside that is not ready is laid so (XLA's own way takes up to twice as long),
    unless to move the others' values to and fro is less.
    """
    summed, shared = equation.params["dimension_numbers"]
    start, sides = len(shared[0]), []
    for x, over, along in zip(inputs, summed, shared, strict=True):
        rest = [d for d in range(len(shape_of(x))) if d not in (*over, *along)]
        first = x.order[: len(shared[0])] if isinstance(x, Held) else None
        held = x if first == tuple(along) else plain(in_order(x))
        sides.append(_Side(held, over, along, {d: start + i for i, d in enumerate(rest)}))
        start += len(rest)
    lhs, rhs = sides
    left, right, result = (v.aval.size for v in (*equation.invars, *equation.outvars))
    turned = stands_left(equation, [isinstance(x, Given) for x in inputs])
    if turned and (rhs.is_ready() or right <= left + result):
        lhs, rhs = rhs.ready(), lhs
    elif turned := rhs.is_ready() and not lhs.is_ready():
        lhs, rhs = rhs, lhs
    changed = {
        "dimension_numbers": tuple(
            (lhs.places(a), rhs.places(b))
            for a, b in ((lhs.summed, rhs.summed), (lhs.shared, rhs.shared))
        )
    }
    if turned and isinstance(precision := equation.params["precision"], tuple):  # of each side
        changed["precision"] = precision[::-1]
    (value,) = _bind(equation, (lhs.held.value, rhs.held.value), **changed)
    free = [side.free[d] for side in (lhs, rhs) for d in side.held.order if d in side.free]
    return Held(value, (*range(len(shared[0])), *free))


def _product_with_ones(equation: Any, inputs: list[Any]) -> list[Any] | None:
    """A product with ones is a sum (or, over a dim of 1, a broadcast): see ``ops/layers/_sums``."""
    contracted, batch = equation.params["dimension_numbers"]
    ones = [_is_ones(x) for x in inputs]
    if any(batch) or not any(ones):
        return None
    at = 0 if ones[1] else 1
    x, dims = inputs[at], tuple(contracted[at])
    one = set(picked(shape_of(x), dims)) <= {1}
    in_the_way = isinstance(x, Spread) and any(d in dims for d in x.dims)
    if in_the_way or not (one or moved(x)):
        return None
    total = without(x, dims) if one else _sum(x, dims)
    free = [n for d, n in enumerate(shape_of(inputs[1 - at])) if d not in contracted[1 - at]]
    if not free:
        return [total]
    own, places = shape_of(total), total.dims if isinstance(total, Spread) else total.order
    shape, shift = ((*own, *free), 0) if at == 0 else ((*free, *own), len(free))
    return [Spread(total.value, shape, tuple(d + shift for d in places))]


def _is_ones(x: Any) -> bool:
    if not isinstance(x, Spread) or x.dims or isinstance(x.value, Tracer):
        return False
    return bool(np.asarray(x.value) == 1)


@_rule(*CALLS)
def _inner(equation: Any, inputs: list[Any]) -> list[Any]:
    """Go on inside a program that this one calls."""
    params = equation.params
    inner = params["jaxpr"] if "jaxpr" in params else params["call_jaxpr"]
    return run(inner.jaxpr, map(plain, inner.consts), inputs)
