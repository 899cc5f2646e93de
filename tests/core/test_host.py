"""Traced programs on NumPy give what XLA gives: types, shapes, corner cases, values to rounding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from functorch_lite._core.host.plan import Plan, make
from functorch_lite.ops import OPS
from functorch_lite.ops._registry import OPERAND
from tests.ops.op_parity import prepare

INF, NAN = np.inf, np.nan
FLOATS = np.array([0.0, -0.0, 1, -1, 0.5, -2.5, 3.5, 7.3, -7.3, 1e-3, 88, 1e5, INF, -INF, NAN])
COMPLEX = np.array([0, 1, -1j, 2 + 3j, -0.5 - 1j, 1e3j])
BY_KIND = {"b": [False, True], "i": [0, 1, -1, 2, -3, 7, 100, -128], "u": [0, 1, 2, 3, 100, 255]}
DTYPES = ["bool", "int8", "uint8", "int32", "int64", "float16", "bfloat16", "float32", "float64"]
SHAPES = [(), (0, 3), (5,), (2, 3), (1, 7)]


def tolerance(dtype) -> float:
    """Return the relative error that counts as rounding."""
    if dtype.kind in "biu":
        return 0.0
    return 8 * float(jnp.finfo(dtype).eps)


def assert_agrees(fun, *operands) -> None:
    """Assert that NumPy and XLA agree about a function that NumPy has all rules for."""
    with jax.enable_x64(True):
        operands = [o if isinstance(o, (int, float)) else jnp.asarray(o) for o in operands]
        closed = jax.make_jaxpr(fun)(*operands)
        plan = Plan(closed)
        before = [np.asarray(o).tobytes() for o in operands]
        arrays = [np.asarray(o, d) for o, d in zip(operands, plan.inputs, strict=True)]
        found = plan.run(arrays)
        wanted = jax.tree.leaves(jax.jit(fun)(*operands))
    for was, operand in zip(before, operands, strict=True):
        assert was == np.asarray(operand).tobytes()  # not written to
    for got, want in zip(found, map(np.asarray, wanted), strict=True):
        assert (got.dtype, got.shape) == (want.dtype, want.shape)
        assert not any(np.shares_memory(got, array) for array in arrays)
        wide = np.complex128 if want.dtype.kind == "c" else np.float64
        exact = want.dtype.kind in "biu"
        np.testing.assert_allclose(
            got if exact else got.astype(wide),
            want if exact else want.astype(wide),
            tolerance(want.dtype),
            tolerance(want.dtype),
        )


def array(dtype, shape, seed=0):
    """Return an array of corner cases."""
    dtype = jnp.dtype(dtype)
    pool = {"c": COMPLEX, **BY_KIND}.get(dtype.kind, FLOATS)
    chosen = np.random.default_rng(seed).choice(np.asarray(pool), shape)
    with np.errstate(over="ignore"):
        return np.asarray(chosen).astype(dtype)


# --- the declared ops ----------------------------------------------------------------------------

ELEMENTWISE = sorted(
    name
    for name, op in OPS.items()
    if op.elementwise and not op.host and all(p.role == OPERAND for p in op.run_time)
)


@settings(max_examples=150)
@given(
    st.sampled_from(ELEMENTWISE),
    st.sampled_from([*DTYPES, "complex64"]),
    st.sampled_from(SHAPES),
    st.integers(0, 9),
)
def test_a_declared_op_gives_the_same_with_numpy_and_with_xla(name, dtype, shape, seed):
    op = OPS[name]
    operands = [array(dtype, shape, seed + i) for i in range(len(op.run_time))]
    with jax.enable_x64(True), np.errstate(all="ignore"):
        try:
            made, flat = prepare(name, operands, {})
            closed = jax.make_jaxpr(made.fn)(*flat)
        except (TypeError, ValueError, NotImplementedError, RuntimeError):
            return  # not for this dtype
    if make(closed) is not None:
        assert_agrees(made.fn, *flat)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("name", ["sum", "mean", "softmax", "matmul", "std", "sort", "cumsum"])
def test_a_reduction_or_product_gives_the_same_and_so_does_its_backward(name, dtype):
    x = np.linspace(-1, 1, 40).reshape(5, 8).astype(jnp.dtype(dtype))
    given = {"matmul": (x, x.T.copy()), "softmax": (x, 1), "cumsum": (x, 0)}.get(name, (x,))
    with jax.enable_x64(True):
        made, flat = prepare(name, given, {})
        out = jax.eval_shape(made.fn, *flat)
        several = isinstance(out, tuple)
        first = out[0] if several else out
        back = made.vjp((0,), (0,) if several else None)
    assert_agrees(made.fn, *flat)
    assert_agrees(back.fn, *flat, np.ones(first.shape, first.dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_sum_has_the_same_bits(dtype):
    x = np.random.default_rng(0).standard_normal((3, 1000)).astype(dtype)
    with jax.enable_x64(True):
        made, flat = prepare("sum", (x,), {})
        (got,) = Plan(jax.make_jaxpr(made.fn)(*flat)).run(flat)
        assert got == np.asarray(jax.jit(made.fn)(*flat))


# --- primitives ----------------------------------------------------------------------------------

X = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)
INTS = array("int32", (40,), 1), array("int32", (40,), 2)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "uint32"])
@pytest.mark.parametrize("fun", [lax.div, lax.rem, lax.max, lax.mul, lax.sub, lax.bitwise_xor])
def test_integers_wrap_and_are_divided_towards_zero(fun, dtype):
    bounds = np.iinfo(dtype)
    values = [v for v in (0, 1, -1, 2, -3, 7, bounds.min, bounds.max) if v >= bounds.min]
    x, y = (v.reshape(-1) for v in np.meshgrid(np.array(values, dtype), np.array(values, dtype)))
    assert_agrees(fun, x, y)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint64"])
@pytest.mark.parametrize(
    "fun", [lax.shift_left, lax.shift_right_arithmetic, lax.shift_right_logical]
)
def test_shifts_by_more_than_there_are_bits(fun, dtype):
    count = np.array([0, 1, 7, 8, 31, 32, 64], dtype)
    assert_agrees(fun, np.full(7, np.iinfo(dtype).max, dtype), count)
    assert_agrees(fun, np.full(7, np.iinfo(dtype).min, dtype), count)


@pytest.mark.parametrize("source", DTYPES)
@pytest.mark.parametrize("target", [*DTYPES, "uint64"])
def test_conversions_saturate(source, target):
    assert_agrees(lambda v: lax.convert_element_type(v, target), array(source, (60,)))


@pytest.mark.parametrize("mode", ["clip", "fill", "promise_in_bounds"])
def test_gathers_inside_and_outside(mode):
    rows = np.array([[0, 1], [-1, 5]]) if mode != "promise_in_bounds" else np.array([[0, 1]])
    assert_agrees(lambda x, i: x.at[i].get(mode=mode), X, rows)
    assert_agrees(lambda x, i: x.at[:, i].get(mode=mode), X, rows)
    assert_agrees(lambda x, i: x.at[i, :, i].get(mode=mode), X, rows)
    assert_agrees(lambda x, i: x.at[i].get(mode=mode), X.astype(np.int32), rows)


def test_gathers_in_step_with_a_batch():
    places = np.array([[[0, 2, 1, 0]], [[2, 2, 2, 2]]])
    assert_agrees(lambda x, i: jnp.take_along_axis(x, i, 1), X, places)
    assert_agrees(jax.vmap(lambda x, i: x[i]), X, np.array([[0, 2], [1, 1]]))
    assert_agrees(jax.vmap(lambda x, i: x.at[i].add(1)), X, np.array([[0, 2], [1, 1]]))


@pytest.mark.parametrize("way", ["set", "add", "multiply", "min", "max"])
@pytest.mark.parametrize("mode", ["clip", "drop"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int32"])
def test_scatters_inside_and_outside_and_twice_to_one_place(way, mode, dtype):
    x, rows = X.astype(jnp.dtype(dtype)), np.array([1, 0, 1, 7])
    update = np.arange(48).reshape(4, 3, 4).astype(x.dtype)
    assert_agrees(lambda x, i, u: getattr(x.at[i], way)(u, mode=mode), x, rows, update)
    assert_agrees(lambda x, i: getattr(x.at[:, i, 1], way)(2, mode=mode), x, np.array([0, 2]))


@pytest.mark.parametrize(
    "fun",
    [
        lambda x: lax.pad(x, np.float32(1.5), [(1, 2, 0), (-1, 3, 1), (0, -2, 2)]),
        lambda x: lax.pad(x, np.float32(0), [(-1, -1, 0), (0, 0, 0), (2, 0, 3)]),
        lambda x: lax.rev(x, (0, 2)),
        lambda x: lax.slice(x, (0, 1, 0), (2, 3, 4), (1, 1, 2)),
        lambda x: lax.dynamic_slice(x, (1, -5, 9), (1, 2, 3)),
        lambda x: lax.dynamic_update_slice(x, x[:1, :2] + 1, (5, 1, -3)),
        lambda x: lax.broadcast_in_dim(x, (2, 5, 3, 4), (0, 2, 3)),
        lambda x: lax.split(x, (1, 3), 2),
        lambda x: lax.sort((x[0], -x[1]), dimension=1, num_keys=1),
        lambda x: lax.top_k(x * jnp.array([1, -1, 0, 1]), 3),
        lambda x: lax.cumsum(x, 1, reverse=True),
        lambda x: lax.cummax(-x, 0),
        lambda x: (lax.argmax(x, 1, np.int32), lax.argmin(x, 2, np.int64)),
        lambda x: lax.dot_general(x, x, (((2,), (2,)), ((0,), (0,)))),
        lambda x: lax.dot_general(x, x, (((0, 1), (0, 1)), ((), ()))),
        lambda x: lax.scan(lambda c, r: (c + r, c * r), x[0], x, reverse=True),
        lambda x: lax.cond(x[0, 0, 0] > 0, jnp.sin, jnp.cos, x),
        lambda x: (x[:0].max(1), x[:0].sum(0), lax.reduce_max(x[:0], (0,))),
        lambda x: jax.nn.relu(x - 3) + jax.checkpoint(jnp.sin)(x),
        lambda x: (x, x, jnp.zeros(3), x.T),
        lambda x: lax.integer_pow(x - 2, 7) + lax.integer_pow(x + 1, -3),
        lambda x: lax.complex(x, -x).conj() * 2j,
    ],
)
def test_a_primitive_gives_the_same(fun):
    assert_agrees(fun, X)


def test_a_program_with_a_part_that_numpy_has_no_rule_for_is_left_to_xla():
    assert make(jax.make_jaxpr(lambda x: jnp.linalg.cholesky(x) + 1)(jnp.eye(3))) is None
    assert make(jax.make_jaxpr(jax.random.key)(0)) is None


def test_what_no_result_needs_is_not_computed():
    plan = Plan(jax.make_jaxpr(lambda x: (jnp.sin(x), x + 1)[1])(np.ones(10, np.float32)))
    assert plan.work == 10
