"""Batches to shards and back; values to copies and back; means that don't count padding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functorch_lite.parallel import (
    pmap,
    pmean,
    replicate,
    shard_batch,
    unreplicate,
    unshard_batch,
    weighted_mean,
)

DEVICES = jax.devices()


@settings(max_examples=30)
@given(
    size=st.integers(1, 40),
    count=st.integers(1, 8),
    shape=st.lists(st.integers(0, 3), max_size=2),
    pad=st.sampled_from(["repeat", "drop"]),
    kind=st.sampled_from([np.asarray, jnp.asarray]),
)
def test_a_batch_comes_back_from_its_shards(size, count, shape, pad, kind):
    devices = DEVICES[:count]
    batch = {"x": np.random.default_rng(size).normal(size=(size, *shape)).astype(np.float32)}
    batch["y"] = np.arange(size, dtype=np.int32)
    if pad == "drop" and size < count:
        return
    kept = size if pad == "repeat" else size - size % count
    shards = shard_batch(jax.tree.map(kind, batch), devices, pad=pad)
    if pad == "repeat":
        shards, weights = shards
        assert weights.shape == shards["y"].shape
        np.testing.assert_array_equal(weights.reshape(-1), np.arange(weights.size) < size)
    assert shards["x"].shape[:2] == (count, -(-kept // count))
    assert [s.device for s in shards["x"].addressable_shards] == devices
    back = unshard_batch(shards, kept)
    assert jax.tree.map(np.shape, back) == jax.tree.map(lambda x: x[:kept].shape, batch)
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a, b[:kept]), back, batch)


@settings(max_examples=15)
@given(count=st.integers(1, 8), shape=st.lists(st.integers(0, 3), max_size=2))
def test_a_value_comes_back_from_its_copies(count, shape):
    tree = {"a": np.ones(shape, np.float32), "b": (np.int32(3), jnp.arange(2))}
    copies = replicate(tree, DEVICES[:count])
    assert copies["b"][1].shape == (count, 2)
    assert len(copies["a"].sharding.device_set) == count
    back = unreplicate(copies)
    jax.tree.map(np.testing.assert_array_equal, back, tree)


def test_copies_go_through_pmap():
    weights, batch = replicate({"w": jnp.arange(3.0)}), shard_batch(np.ones((16, 3), np.float32))
    out = pmap(lambda p, x: x @ p["w"])(weights, batch)
    np.testing.assert_array_equal(unshard_batch(out), np.full(16, 3.0))
    key = unreplicate(replicate(jax.random.key(3)))
    assert (jax.random.key_data(key) == jax.random.key_data(jax.random.key(3))).all()


def test_the_mean_over_devices_is_that_of_the_real_examples():
    x = np.random.default_rng(0).normal(size=(13, 3)).astype(np.float32)
    w = jnp.arange(3.0)

    def loss(w, x, weights=None, axis_name=None):
        return weighted_mean((x * w) ** 2, weights, axis_name)

    def on_each(x, weights):
        return pmean(jax.value_and_grad(loss)(w, x, weights, "i"), "i")

    shards, weights = shard_batch(x, pad="repeat")
    assert weights.shape == (8, 2)
    found = pmap(on_each, "i", out_axes=None)(shards, weights)
    expected = jax.value_and_grad(loss)(w, x)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    np.testing.assert_allclose(expected[0], ((x * w) ** 2).mean(), rtol=1e-6)


WRONG = {
    "ragged": (
        lambda: shard_batch({"x": np.ones((13, 2))}),
        "a batch of 13 cannot be split over 8 devices: use a batch size of 8 or 16; "
        'pad="drop" leaves out the last 5; pad="repeat" fills it up and returns weights',
    ),
    "smaller": (
        lambda: shard_batch(np.ones(3)),
        "a batch of 3 cannot be split over 8 devices: use a batch size of 8; "
        'pad="drop" leaves out the last 3; pad="repeat" fills it up and returns weights',
    ),
    "dropped whole": (
        lambda: shard_batch(np.ones(3), pad="drop"),
        'a batch of 3 leaves nothing for some of 8 devices: use pad="repeat", or fewer devices '
        "(devices=jax.local_devices()[:3])",
    ),
    "sizes": (
        lambda: shard_batch({"x": np.ones(8), "y": np.ones(16)}),
        "shard_batch: the arrays of a batch share axis 0, and these differ: batch['x'] 8, "
        "batch['y'] 16",
    ),
    "scalar": (
        lambda: shard_batch((np.ones(8), 3.0)),
        "shard_batch: batch[1] is a scalar, and a batch is split along axis 0: give constants to "
        "the function in another way",
    ),
    "none": (lambda: shard_batch({}), "shard_batch: the batch has no arrays"),
    "empty": (lambda: shard_batch(np.ones(0)), "a batch of 0 leaves nothing for some of 8"),
    "pad": (
        lambda: shard_batch(np.ones(8), pad="zero"),
        'shard_batch: pad must be None, "drop" or "repeat", got \'zero\'',
    ),
    "unshard": (
        lambda: unshard_batch(np.ones(8)),
        "unshard_batch: shards have two leading axes, (devices, examples), and one has shape (8,)",
    ),
    "unreplicate": (
        lambda: unreplicate({"a": jnp.float32(1)}),
        "unreplicate: tree['a'] is a scalar, without the leading axis of devices",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_batch_is_explained(name):
    call, message = WRONG[name]
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value).startswith(message)
