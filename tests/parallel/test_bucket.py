"""Buckets: the same numbers as array by array, in one collective a dtype."""

import jax
import jax.numpy as jnp
import numpy as np

from functorch_lite.parallel import bucketed, pmap, psum

TREE = {
    "w": np.arange(24, dtype=np.float32).reshape(4, 2, 3),
    "b": (np.arange(4, dtype=np.float32), np.ones((4, 0), np.float32)),
    "half": np.ones((4, 3), np.float16),
    "n": np.arange(8, dtype=np.int32).reshape(4, 2),
}


def sums(x):
    return psum(x, "i")


def test_a_bucket_gives_the_sums_of_its_arrays():
    found, expected = (pmap(f, "i")(TREE) for f in (bucketed(sums), sums))
    assert [x.dtype for x in jax.tree.leaves(found)] == [x.dtype for x in jax.tree.leaves(expected)]
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def test_one_collective_a_dtype():
    tree = jax.tree.map(lambda x: x[0], TREE)
    program = jax.make_jaxpr(jax.vmap(bucketed(sums), axis_name="i", axis_size=4, in_axes=None))
    shapes = []
    bucketed(lambda x: shapes.append((x.shape, x.dtype.name)) or x)(tree)
    assert sorted(shapes) == [((2,), "int32"), ((3,), "float16"), ((7,), "float32")]
    assert program(tree).out_avals


def test_a_reduction_may_change_the_dtype_and_a_tree_be_empty():
    assert bucketed(lambda x: x)({}) == {}
    out = bucketed(lambda x: x.astype(jnp.bfloat16))({"a": jnp.ones(2), "b": 1.0})
    assert [x.dtype for x in jax.tree.leaves(out)] == [jnp.bfloat16] * 2
