"""``pmap`` beside ``vmap``: the same numbers, one device for each slice."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from functorch_lite._core.counters import counters
from functorch_lite.parallel import all_gather, axis_index, pmap, pmean, psum

DEVICES = jax.devices()


def arange(*shape):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def same(found, expected):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), found, expected)


# name -> (function, options of both, arguments)
CONTRACT = {
    "one argument": (lambda x: x * 2, {}, (arange(8, 3),)),
    "fewer slices than devices": (lambda x: x * 2, {}, (arange(3),)),
    "one slice": (lambda x: x.sum(), {}, (arange(1, 4),)),
    "several arguments": (lambda x, y: x @ y, {}, (arange(4, 2, 3), arange(4, 3))),
    "in_axes int": (lambda x, y: x + y, {"in_axes": 1}, (arange(2, 4), arange(2, 4))),
    "in_axes tuple": (lambda x, y: x + y, {"in_axes": (0, 1)}, (arange(4, 2), arange(2, 4))),
    "in_axes list": (lambda x, y: x + y, {"in_axes": [0, 1]}, (arange(4, 2), arange(2, 4))),
    "None broadcasts": (lambda x, y: x + y, {"in_axes": (0, None)}, (arange(4, 2), arange(2))),
    "None first": (lambda w, x: w * x, {"in_axes": (None, 0)}, (3.0, arange(4, 2))),
    "a tree": (lambda t: t["a"] * t["b"][0], {}, ({"a": arange(4), "b": [arange(4)]},)),
    "in_axes of a tree": (
        lambda x, t: x + t["a"] * t["b"],
        {"in_axes": (0, {"a": 1, "b": None})},
        (arange(4), {"a": arange(2, 4), "b": 2.0}),
    ),
    "a prefix of a tree": (
        lambda t, x: t["a"][0] + t["a"][1] + x,
        {"in_axes": ({"a": None}, 0)},
        ({"a": (1.0, 2.0)}, arange(4)),
    ),
    "an empty tree": (lambda x, t: (x, t), {}, (arange(4), {})),
    "out_axes int": (lambda x: x, {"out_axes": 1}, (arange(4, 3, 2),)),
    "out_axes last": (lambda x: x, {"out_axes": 2}, (arange(4, 3, 2),)),
    "out_axes of a tree": (
        lambda x: {"a": x, "b": (x, x.sum())},
        {"out_axes": {"a": 1, "b": 0}},
        (arange(4, 3),),
    ),
    "out_axes None": (
        lambda x: (x, psum(x, "i")),
        {"out_axes": (0, None), "axis_name": "i"},
        (arange(4, 3),),
    ),
    "a constant": (lambda x: 3, {}, (arange(4),)),
    "nothing mapped": (lambda x: x * 2, {"in_axes": None, "axis_size": 4}, (arange(3),)),
    "axis_size": (lambda x: x * 2, {"axis_size": 4}, (arange(4),)),
    "collectives": (lambda x: x / psum(x, "i"), {"axis_name": "i"}, (arange(8) + 1,)),
    "its own number": (lambda x: x + axis_index("i"), {"axis_name": "i"}, (arange(8),)),
    "gather": (lambda x: all_gather(x, "i"), {"axis_name": "i"}, (arange(4, 2),)),
    "integers": (lambda x: x // 2, {}, (np.arange(8),)),
    "no elements": (lambda x: x.sum(), {}, (arange(4, 0),)),
    "a gradient inside": (jax.grad(lambda x: jnp.sin(x).sum()), {}, (arange(4, 3),)),
    "a gradient through psum": (
        jax.grad(lambda x: psum(x**2, "i")),
        {"axis_name": "i"},
        (arange(4),),
    ),
    "a loop": (
        lambda x: jax.lax.fori_loop(0, 3, lambda _, c: c + psum(c, "i"), x),
        {"axis_name": "i"},
        (arange(4),),
    ),
}


@pytest.mark.parametrize("name", CONTRACT)
def test_pmap_computes_what_vmap_computes(name):
    fun, options, args = CONTRACT[name]
    found = pmap(fun, **options)(*args)
    same(found, jax.vmap(fun, **options)(*args))


@pytest.mark.parametrize("name", ["one argument", "in_axes tuple", "out_axes int", "collectives"])
def test_pmap_computes_what_the_pmap_of_jax_computes(name):
    fun, options, args = CONTRACT[name]
    same(pmap(fun, **options)(*args), jax.pmap(fun, **options)(*args))


def test_results_lie_on_the_devices_and_go_into_the_next_call():
    double = pmap(lambda x: x * 2)
    before = counters.compilations
    y = double(arange(8, 3))
    assert [shard.device for shard in y.addressable_shards] == DEVICES
    assert {shard.data.shape for shard in y.addressable_shards} == {(1, 3)}
    same(double(double(y)), arange(8, 3) * 8)
    assert counters.compilations == before + 1


@pytest.mark.parametrize("second", ["host", "another mesh", "the result", "not committed"])
def test_a_loop_traces_once_wherever_its_arguments_come_from(second):
    traces = []

    @pmap
    def add(x, y):
        traces.append(1)
        return x + y

    x = arange(8)
    for _ in range(3):
        y = {
            "host": lambda: arange(8),
            "another mesh": lambda: pmap(lambda z: z * 1, "z")(arange(8)),
            "the result": lambda: x,  # noqa: B023 - called at once
            "not committed": lambda: jnp.arange(8.0),
        }[second]()
        x = add(x, y)
    assert len(traces) == 1


def test_arguments_by_name_are_mapped_over_axis_0():
    fun = pmap(lambda x, *, y, z=1.0: x + y["a"] * z)
    same(fun(arange(4), y={"a": arange(4)}), arange(4) * 2)
    same(fun(arange(4), y={"a": arange(4)}, z=arange(4)), arange(4) + arange(4) ** 2)
    same(pmap(lambda *, y: y * 2)(y=arange(4)), arange(4) * 2)


def test_random_keys_are_mapped():
    keys = jax.random.split(jax.random.key(0), 4)
    same(pmap(jax.random.normal)(keys), jax.vmap(jax.random.normal)(keys))


def test_another_number_of_slices_uses_other_devices():
    double = pmap(lambda x: x * 2)
    for n in (8, 2, 5, 8):
        y = double(arange(n))
        same(y, arange(n) * 2)
        assert [shard.device for shard in y.addressable_shards] == DEVICES[:n]


def test_devices_are_chosen_in_order():
    chosen = [DEVICES[5], DEVICES[2]]
    y = pmap(lambda x: x + axis_index("i"), "i", devices=chosen)(arange(2))
    same(y, arange(2) * 2)
    assert {s.index[0].start or 0: s.device for s in y.addressable_shards} == dict(
        enumerate(chosen)
    )


COMMITTED = {
    "to one device": lambda x: jax.device_put(x, DEVICES[3]),
    "to all devices": lambda x: jax.device_put(x, everywhere()),
    "to some of them": lambda x: jax.device_put(x, DEVICES[0]),
}


def everywhere():
    return NamedSharding(jax.make_mesh((8,), ("x",)), PartitionSpec())


@pytest.mark.parametrize("where", COMMITTED)
def test_committed_arrays_are_moved(where):
    add = pmap(lambda x, y: x + y)
    for _ in range(2):
        same(add(COMMITTED[where](arange(8)), arange(8)), arange(8) * 2)
    same(add(arange(8), arange(8)), arange(8) * 2)


# --- static and donated arguments


def test_static_arguments_are_part_of_the_program():
    seen = []

    def power(x, n, how):
        seen.append((n, how))
        assert isinstance(how, str)
        return x**n

    fun = pmap(power, in_axes=(0, None, None), static_broadcasted_argnums=(2, 1))
    for n in (2, 3, 2, 3):
        same(fun(arange(4), n, "x"), arange(4) ** n)
    assert seen == [(2, "x"), (3, "x")]


def test_static_arguments_that_are_equal_and_of_other_types_differ():
    factor = {bool: 1, int: 2, float: 3}
    scale = pmap(lambda n, x: x * factor[type(n)], static_broadcasted_argnums=0)
    found = [scale(n, arange(2))[1] for n in (True, 1, 1.0)]
    assert found == [1, 2, 3]


def test_donated_arguments_are_gone():
    step = pmap(lambda x, y: x + y, donate_argnums=0)
    x, y = step(arange(8), arange(8)), pmap(lambda x: x)(arange(8))
    same(step(x, y), arange(8) * 3)
    assert x.is_deleted()
    assert not y.is_deleted()


def test_donation_counts_positions_with_static_arguments():
    step = pmap(lambda n, x: x + n, donate_argnums=1, static_broadcasted_argnums=0)
    x = step(1, arange(8))
    same(step(1, x), arange(8) + 2)
    assert x.is_deleted()


# --- nesting, and other transforms


def both(x):
    return x + psum(x, "j") + 10 * psum(x, "i") + 100 * psum(x, ("i", "j"))


NESTED = {
    "pmap in pmap": pmap(pmap(both, "j"), "i"),
    "vmap in pmap": pmap(jax.vmap(both, axis_name="j"), "i"),
    "pmap in vmap": jax.vmap(pmap(both, "j"), axis_name="i"),
    "jit of pmap in pmap": jax.jit(pmap(jax.jit(pmap(both, "j")), "i")),
}


@pytest.mark.parametrize("name", NESTED)
def test_nested_maps_with_names_compute_what_vmap_computes(name):
    expected = jax.vmap(jax.vmap(both, axis_name="j"), axis_name="i")(arange(4, 3))
    same(NESTED[name](arange(4, 3)), expected)


def test_an_inner_pmap_takes_all_options_and_more_slices_than_devices():
    def outer(x):  # (2, 12)
        fun = pmap(
            lambda n, x, *, y: (x * n, pmean(y, "j")),
            "j",
            in_axes=1,
            out_axes=(0, None),
            static_broadcasted_argnums=0,
            donate_argnums=1,
        )
        return fun(3, x, y=x[0])

    found = pmap(outer)(arange(4, 2, 12))
    same(found[0], 3 * arange(4, 2, 12).transpose(0, 2, 1))
    same(found[1], arange(4, 2, 12)[:, 0].mean(1))


def test_unnamed_pmaps_nest():
    same(pmap(pmap(pmap(lambda x: x * 2)))(arange(2, 3, 4)), arange(2, 3, 4) * 2)


def test_pmap_can_be_transformed():
    fun = pmap(lambda w, x: jnp.tanh(w * psum(x, "i")), "i", in_axes=(None, 0))
    ref = jax.vmap(lambda w, x: jnp.tanh(w * psum(x, "i")), axis_name="i", in_axes=(None, 0))
    x = arange(4) / 10

    def loss(f):
        return lambda w: (f(w, x) ** 2).sum()

    same(jax.grad(loss(fun))(0.5), jax.grad(loss(ref))(0.5))
    same(jax.jit(jax.value_and_grad(loss(fun)))(0.5), jax.value_and_grad(loss(ref))(0.5))
    same(jax.jvp(loss(fun), (0.5,), (1.0,)), jax.jvp(loss(ref), (0.5,), (1.0,)))
    ws = arange(3)
    same(jax.vmap(jax.grad(loss(fun)))(ws), jax.vmap(jax.grad(loss(ref)))(ws))


def test_pmap_shows_its_function_and_its_program():
    def double(x):
        """Twice."""
        return x * 2

    fun = pmap(double)
    assert (fun.__name__, fun.__doc__, repr(fun)) == ("double", "Twice.", "pmap(double)")
    assert "num_partitions = 4" in fun.lower(arange(4)).as_text()
