"""Synchronized batch norm: what eight devices compute is what one computes with all examples."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from functorch_lite import nn
from functorch_lite.parallel import pmap, pmean, sync_batch_norm


class Block(nn.Composite):
    width: int

    def children(self):
        return {"fc": nn.Linear(self.width, self.width), "norm": nn.BatchNorm1d(self.width)}

    def forward(self, call, x):
        return x + call("norm", call("fc", x))


LAYERS = {
    "of sequences": (nn.BatchNorm1d(3), (3, 5)),
    "of images": (nn.BatchNorm2d(3), (3, 4, 2)),
    "no momentum": (nn.BatchNorm1d(3, momentum=None), (3,)),
    "no weights": (nn.BatchNorm1d(3, affine=False), (3,)),
    "no statistics": (nn.BatchNorm1d(3, track_running_stats=False), (3,)),
    "in layers": (
        nn.serial(
            nn.Linear(3, 3),
            nn.residual(nn.serial(jnp.sin, nn.BatchNorm1d(3))),
            nn.repeat(nn.serial(nn.Linear(3, 3), nn.BatchNorm1d(3)), 2),
            Block(3),
        ),
        (3,),
    ),
}


def close(found, expected):
    def check(a, b):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)

    jax.tree.map(check, found, expected)


@pytest.mark.parametrize("name", LAYERS)
def test_outputs_state_and_gradients_are_those_of_all_examples(name):
    layer, shape = LAYERS[name]
    synced = sync_batch_norm(layer, "i")
    params, state = layer.init(jax.random.key(0))
    x = np.random.default_rng(0).normal(1, 2, size=(16, *shape)).astype(np.float32)

    def loss(layer, params, x):
        out, new = layer.apply(params, state, x, train=True)
        return (jnp.sin(3 * out) * jnp.arange(shape[-1])).mean(), (out, new)

    def on_each(x):
        (value, (out, new)), grads = jax.value_and_grad(loss, (1, 2), has_aux=True)(
            synced, params, x
        )
        return pmean((value, grads[0]), "i"), new, out, grads[1] / 8

    (value, (out, new)), grads = jax.value_and_grad(loss, (1, 2), has_aux=True)(layer, params, x)
    found = pmap(on_each, "i", out_axes=(None, 0, 0, 0))(x.reshape(8, 2, *shape))
    close(found[0], (value, grads[0]))
    close(found[1], jax.tree.map(lambda leaf: jnp.stack([leaf] * 8), new))
    close(found[2].reshape(x.shape), out)
    close(found[3].reshape(x.shape), grads[1])


def test_outside_of_the_axis_and_in_evaluation_nothing_changes():
    layer = nn.serial(nn.Linear(3, 3), nn.BatchNorm1d(3))
    synced = sync_batch_norm(layer)
    params, state = synced.init(jax.random.key(0))
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    for train in (False, True):
        close(
            synced.apply(params, state, x, train=train), layer.apply(params, state, x, train=train)
        )


def test_synchronized_layers_are_equal_and_stay_so():
    layer = nn.serial(Block(3), nn.BatchNorm1d(3))
    synced = sync_batch_norm(layer, "i")
    assert synced == sync_batch_norm(nn.serial(Block(3), nn.BatchNorm1d(3)), "i") != layer
    assert hash(synced) == hash(sync_batch_norm(layer, "i"))
    assert repr(synced) == "serial(Block(3), SyncBatchNorm1d(3))"
    with pytest.raises(ValueError, match="has no batch norm among its settings and children"):
        sync_batch_norm(synced, "i")
    with pytest.raises(ValueError, match=r"Linear\(3, 3\) has no batch norm"):
        sync_batch_norm(nn.Linear(3, 3))
