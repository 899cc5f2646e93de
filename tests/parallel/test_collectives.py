"""Collectives: their values by NumPy, under every kind of map, and the error outside of one."""

import jax
import numpy as np
import pytest

from functorch_lite import parallel as fp

D = 4
X = np.random.default_rng(0).normal(size=(D, D, 2 * D)).astype(np.float32)
RING = [(i, (i + 1) % D) for i in range(D)]


def everywhere(value):
    return np.broadcast_to(value, (D, *np.shape(value)))


# name -> (function of one slice (D, 2 * D), the result by slice)
VALUES = {
    "psum": (lambda x: fp.psum(x, "i"), everywhere(X.sum(0))),
    "pmean": (lambda x: fp.pmean(x, "i"), everywhere(X.mean(0))),
    "pmax": (lambda x: fp.pmax(x, "i"), everywhere(X.max(0))),
    "pmin": (lambda x: fp.pmin(x, "i"), everywhere(X.min(0))),
    "all_gather": (lambda x: fp.all_gather(x, "i", axis=1), everywhere(X.transpose(1, 0, 2))),
    "all_gather tiled": (
        lambda x: fp.all_gather(x, "i", tiled=True),
        everywhere(X.reshape(D * D, 2 * D)),
    ),
    "ppermute": (lambda x: fp.ppermute(x, "i", RING), np.roll(X, 1, axis=0)),
    "ppermute to some": (
        lambda x: fp.ppermute(x, "i", [(0, 1)]),
        np.stack([X[0] * 0, X[0], X[0] * 0, X[0] * 0]),
    ),
    "all_to_all": (lambda x: fp.all_to_all(x, "i", 0, 0), X.swapaxes(0, 1)),
    "all_to_all tiled": (
        lambda x: fp.all_to_all(x, "i", 1, 0, tiled=True),
        X.reshape(D, D, D, 2).transpose(2, 0, 1, 3).reshape(D, D * D, 2),
    ),
    "psum_scatter": (lambda x: fp.psum_scatter(x, "i"), X.sum(0)),
    "psum_scatter tiled": (
        lambda x: fp.psum_scatter(x, "i", scatter_dimension=1, tiled=True),
        X.sum(0).reshape(D, D, 2).swapaxes(0, 1),
    ),
    "axis_index": (lambda x: fp.axis_index("i"), np.arange(D)),
    "axis_size": (lambda x: fp.axis_size("i"), everywhere(D)),
    "psum of 1": (lambda x: np.ones(fp.psum(1, "i")), everywhere(np.ones(D))),
    "groups": (
        lambda x: fp.psum(x, "i", axis_index_groups=[[0, 1], [2, 3]]),
        np.repeat(X.reshape(2, 2, D, 2 * D).sum(1), 2, axis=0),
    ),
    "a tree": (
        lambda x: fp.psum({"a": x, "b": 1.0}, "i"),
        {"a": everywhere(X.sum(0)), "b": everywhere(4.0)},
    ),
}


def check(found, expected):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), found, expected)


@pytest.mark.parametrize("name", VALUES)
def test_values_under_pmap(name):
    fun, expected = VALUES[name]
    check(fp.pmap(fun, "i")(X), expected)


# XLA's vmap of grouped sums is not implemented.
@pytest.mark.parametrize("name", [name for name in VALUES if name != "groups"])
def test_values_under_vmap(name):
    fun, expected = VALUES[name]
    check(jax.vmap(fun, axis_name="i")(X), expected)


OUTSIDE = {
    "psum": lambda: fp.psum(1.0, "i"),
    "pmean": lambda: fp.pmean(X, "i"),
    "pmax": lambda: fp.pmax(X, "i"),
    "pmin": lambda: fp.pmin(X, "i"),
    "all_gather": lambda: fp.all_gather(X, "i"),
    "ppermute": lambda: fp.ppermute(X, "i", RING),
    "all_to_all": lambda: fp.all_to_all(X, "i", 0, 0),
    "psum_scatter": lambda: fp.psum_scatter(X, "i"),
    "axis_index": lambda: fp.axis_index("i"),
    "axis_size": lambda: fp.axis_size("i"),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_outside_of_the_axis_the_error_says_what_to_do(name):
    with pytest.raises(NameError) as caught:
        OUTSIDE[name]()
    assert str(caught.value) == (
        f"{name}: there is no mapped axis 'i' here. Call it in a function under "
        "pmap(..., axis_name='i'), vmap with that axis_name, or shard_map over it"
    )
