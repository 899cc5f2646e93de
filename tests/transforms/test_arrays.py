"""The transforms on plain JAX arrays: JAX's values, the user's containers, our words."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import functorch_lite as fl
import functorch_lite.torch as torch
from functorch_lite._core.counters import counters


def loss(params, x):
    return jnp.sum(jnp.tanh(x @ params["w"] + params["b"]) ** 2)


PARAMS = {"w": jnp.arange(6.0).reshape(3, 2) / 6, "b": jnp.ones(2)}
X = jnp.linspace(-1, 1, 12).reshape(4, 3)


def same(a, b) -> None:
    for mine, theirs in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert mine.dtype == theirs.dtype
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-6)


def test_gradients_are_jaxs_in_the_users_order():
    found = fl.grad(loss)(PARAMS, X)
    assert list(found) == ["w", "b"]
    same(found, jax.grad(loss)(PARAMS, X))
    value, grads = fl.value_and_grad(loss, argnums=(0, 1))(PARAMS, X)
    same((value, grads), jax.value_and_grad(loss, argnums=(0, 1))(PARAMS, X))


def test_the_jax_configuration_is_the_users():
    assert fl.grad(lambda x: x * x)(3.0).dtype == jnp.float32
    assert fl.vmap(lambda x: x * 2)(jnp.arange(3)).dtype == jnp.int32
    assert not jax.config.jax_enable_x64


def test_higher_orders_and_mixtures():
    x = jnp.arange(3.0)

    def f(x):
        return jnp.sum(jnp.sin(x) * x)

    same(fl.hessian(f)(x), jax.hessian(f)(x))
    same(fl.jacrev(fl.jacfwd(f))(x), jax.hessian(f)(x))
    same(fl.vmap(fl.grad(f))(X), jax.vmap(jax.grad(f))(X))
    same(fl.jvp(fl.grad(f), (x,), (x,)), jax.jvp(jax.grad(f), (x,), (x,)))
    same(jax.jit(fl.vmap(fl.grad(f)))(X), jax.vmap(jax.grad(f))(X))
    same(fl.grad(jax.jit(f))(x), jax.grad(f)(x))


def test_arrays_and_tensors_in_one_container():
    mixed = {"t": torch.ones(2), "a": jnp.full(2, 3.0)}

    def f(tree):
        return (tree["t"] * torch.tensor([1.0, 2.0])).sum() + torch.tensor(0.0) * tree["t"].sum()

    found = fl.grad(lambda t, a: f({"t": t}), argnums=(0, 1))(mixed["t"], mixed["a"])
    assert isinstance(found[0], torch.Tensor) and isinstance(found[1], jax.Array)
    assert found[0].tolist() == [1, 2] and found[1].tolist() == [0, 0]


@settings(max_examples=25)
@given(st.data())
def test_vmap_is_a_loop_over_slices(data):
    shapes = [(4, 2), (4,), (2, 4), (3, 4, 2)]
    arrays = [jnp.asarray(np.random.default_rng(i).normal(size=s)) for i, s in enumerate(shapes)]
    chosen = data.draw(st.lists(st.sampled_from(range(4)), min_size=1, max_size=3))
    args = tuple(arrays[i] for i in chosen)
    dims = tuple(
        data.draw(st.sampled_from([d for d, n in enumerate(a.shape) if n == 4])) for a in args
    )
    dims = tuple(
        d - a.ndim if data.draw(st.booleans()) else d for d, a in zip(dims, args, strict=True)
    )
    out = data.draw(st.sampled_from([0, 1, -1]))
    chunk = data.draw(st.sampled_from([None, 1, 3]))

    def f(*slices):
        return sum(jnp.sum(s) * (k + 1) for k, s in enumerate(slices)) * jnp.arange(3.0)

    found = fl.vmap(f, in_dims=dims, out_dims=out, chunk_size=chunk)(*args)
    rows = [f(*(jnp.take(a, i, axis=d) for a, d in zip(args, dims, strict=True))) for i in range(4)]
    np.testing.assert_allclose(found, jnp.stack(rows, axis=out), rtol=1e-5, atol=1e-5)


def test_collectives_see_the_mapped_axis_by_its_name():
    found = fl.vmap(lambda x: x / fl.psum(x, "batch"), axis_name="batch")(jnp.ones((4, 2)))
    assert found.tolist() == [[0.25, 0.25]] * 4


def test_jit_compiles_once_a_shape_and_takes_static_arguments():
    compiled = fl.jit(lambda x, n: x * n, static_argnames="n")
    before = counters.compilations
    for k in range(3):
        compiled(jnp.full(5, float(k)), n=2)
    assert counters.compilations - before == 1
    compiled(jnp.ones(5), n=3)
    assert counters.compilations - before == 2


def test_checkpoint_keeps_values_and_gradients():
    kept = fl.checkpoint(loss, policy=jax.checkpoint_policies.dots_saveable)
    same(fl.grad(kept)(PARAMS, X), jax.grad(loss)(PARAMS, X))


def test_loops_and_branches():
    carry, ys = fl.scan(
        lambda c, x: ({"s": c["s"] + x}, x * 2), {"s": jnp.zeros(3)}, X, reverse=True
    )
    same((carry["s"], ys), (X.sum(0), X * 2))
    same(fl.scan(lambda c, _: (c + 1, c), jnp.int32(0), length=3)[1], jnp.arange(3))
    same(fl.cond(jnp.bool_(False), jnp.sin, jnp.cos, X), jnp.cos(X))
    same(
        fl.while_loop(lambda c: c[0] < 5, lambda c: (c[0] + 1, c[1] * 2), (0, 1.0))[1],
        jnp.float32(32),
    )
    same(fl.associative_scan(jnp.maximum, X, axis=1), jax.lax.cummax(X, axis=1))
    same(
        fl.grad(lambda w: fl.scan(lambda c, x: (c * w + x, c), jnp.zeros(3), X)[0].sum())(0.5),
        jax.grad(lambda w: jax.lax.scan(lambda c, x: (c * w + x, c), jnp.zeros(3), X)[0].sum())(
            0.5
        ),
    )


def test_a_carry_of_another_structure_is_refused():
    with pytest.raises(TypeError, match=r"scan: the carry that comes out has structure \(\*, \*\)"):
        fl.scan(lambda c, x: ((c, c), x), jnp.zeros(3), X)


def test_make_jaxpr_shows_the_program():
    assert "tanh" in str(fl.make_jaxpr(loss)(PARAMS, X))


def test_misuse_names_the_users_line():
    with pytest.raises(RuntimeError) as caught:
        fl.grad(lambda x: x)(X)
    first, where, remedy = str(caught.value).splitlines()
    assert first.endswith("Maybe you wanted to use the vjp or jacrev APIs instead?")
    assert __file__ in where and "fl.grad(lambda x: x)(X)" in where
    assert "reduce the output" in remedy


@pytest.mark.parametrize("name", sorted(set(dir(fl)) - {"__version__"}))
def test_every_public_name_exists_and_has_a_docstring(name):
    assert getattr(fl, name).__doc__
