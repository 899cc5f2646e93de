"""A step on eight devices is the step on one: parameters, state, metrics; any batch size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from functorch_lite import nn, optim
from functorch_lite.parallel import axis_index, data_parallel, sync_batch_norm

DEVICES = jax.devices()


def model():
    return nn.serial(
        nn.Linear(6, 8, bias=False), nn.BatchNorm1d(8), nn.Dropout(0.0), jnp.tanh, nn.Linear(8, 10)
    )


def loss_of(layer):
    def loss_fn(params, state, batch, key):
        x, y = batch
        scores, state = layer.apply(params, state, x, key=key, train=True)
        losses = optim.softmax_cross_entropy_with_integer_labels(scores, y)
        aux = {"right": (scores.argmax(1) == y).sum(), "top": scores.max(1), "loss": losses.mean()}
        return losses.mean(), (state, aux)

    return loss_fn


def batch_of(size, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(size, 6)).astype(np.float32), rng.integers(0, 10, size)


def both(tx, **options):
    """Return the step on one device and on eight, with a train state for each."""
    one = optim.make_train_step(loss_of(model()), tx, **options)
    many = data_parallel(optim.make_train_step(loss_of(sync_batch_norm(model())), tx, **options))
    params, state = model().init(jax.random.key(0))
    return [(step, step.init(params, state=state, key=jax.random.key(1))) for step in (one, many)]


def close(found, expected, rtol=1e-5):
    def check(a, b):
        a, b = np.asarray(a), np.asarray(b)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * (np.abs(b).max() if b.size else 0))

    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(check, found, expected)


def run_both(pairs, sizes):
    (one, a), (many, b) = pairs
    for seed, size in enumerate(sizes):
        a, expected = one(a, batch_of(size, seed))
        b, found = many(b, batch_of(size, seed))
        close(found, expected)
    close((b.params, b.state), (a.params, a.state))
    assert int(b.step) == len(sizes)


def test_20_steps_equal_those_of_one_device():
    run_both(both(optim.sgd(0.1, momentum=0.9)), [32] * 20)


def test_ragged_batches_are_exact():
    run_both(both(optim.sgd(0.1)), [16, 12, 13, 16])


def test_options_of_the_step_are_kept():
    pairs = both(optim.sgd(0.1), clip_norm=0.5, ema_decay=0.9)
    run_both(pairs, [16] * 3)


def test_accumulation_splits_the_part_of_each_device():
    loss = loss_of(nn.serial(nn.Linear(6, 10)))
    params, _ = nn.Linear(6, 10).init(jax.random.key(0))
    step = optim.make_train_step(loss, optim.sgd(0.1), accumulate=2)
    many = data_parallel(step)
    a, _ = step(step.init({"0": params}), batch_of(32))
    b, metrics = many(many.init({"0": params}), batch_of(32))
    close(b.params, a.params)
    assert metrics.aux["loss"].shape == (16,)  # micro-batches of all devices


def test_a_loop_with_a_ragged_end_compiles_twice():
    traces = []

    def loss_fn(params, state, batch, key):
        traces.append(batch.shape)
        return ((batch @ params["w"]) ** 2).mean(), (state, {})

    step = data_parallel(optim.make_train_step(loss_fn, optim.adam(0.1)))
    state = step.init({"w": jnp.ones(3)})
    for _ in range(3):
        for size in (16, 16, 12):
            state, _ = step(state, np.ones((size, 3), np.float32))
    assert traces == [(2, 3), (3, 3)]
    assert len(jax.tree.leaves(state.params)[0].sharding.device_set) == 8


def test_dropout_draws_other_masks_on_each_device():
    def loss_fn(params, state, batch, key):
        mask = jax.random.bernoulli(key, 0.5, (32,))
        return params["w"].sum(), (state, {"mask": mask[None], "device": axis_index("data")[None]})

    step = data_parallel(optim.make_train_step(loss_fn, optim.sgd(0.1)))
    state = step.init({"w": jnp.ones(3)}, key=jax.random.key(0))
    state, first = step(state, np.ones((8, 1)))
    state, second = step(state, np.ones((8, 1)))
    masks = np.concatenate([first.aux["mask"], second.aux["mask"]])  # (16, 32)
    assert len({tuple(mask) for mask in masks}) == 16
    np.testing.assert_array_equal(first.aux["device"], np.arange(8))


def test_batch_norm_without_synchronization_averages_its_running_statistics():
    layer = nn.BatchNorm1d(2)
    params, state = layer.init(jax.random.key(0))

    def loss_fn(params, state, batch, key):
        out, state = layer.apply(params, state, batch, train=True)
        return (out**2).mean(), (state, {})

    step = data_parallel(optim.make_train_step(loss_fn, optim.sgd(0.1)))
    x = np.random.default_rng(0).normal(size=(32, 2)).astype(np.float32)
    after, _ = step(step.init(params, state=state), x)
    parts = [layer.apply(params, state, part, train=True)[1] for part in np.split(x, 8)]
    for name in ("running_mean", "running_var"):
        close(after.state[name], np.mean([part[name] for part in parts], axis=0))
    assert int(after.state["num_batches_tracked"]) == 1


def test_any_pure_step_that_calls_reduce():
    def make_step(axis_name=None, reduce=lambda tree: tree):
        def step(w, batch):
            loss, grad = jax.value_and_grad(lambda w: ((batch["x"] @ w) ** 2).mean())(w)
            grad, loss = reduce((grad, loss))
            return w - 0.1 * grad, {"loss": loss, "n": len(batch["x"]), "out": batch["x"] @ w}

        return step

    w, many = jnp.arange(3.0), data_parallel(make_step, DEVICES[:4], axis_name="d", donate=False)
    for size in (8, 7):
        batch = {"x": np.random.default_rng(size).normal(size=(size, 3)).astype(np.float32)}
        found, expected = many(w, batch), make_step()(w, batch)
        close(found[0], expected[0])
        close(found[1] | {"n": int(found[1]["n"])}, expected[1])


def test_the_state_is_donated_and_the_first_one_kept_where_it_lay():
    step = data_parallel(
        optim.make_train_step(lambda p, s, b, k: (p * b).mean(), optim.sgd(0.1), has_aux=False)
    )
    start = step.init(jnp.float32(1))
    first, _ = step(start, np.ones(8, np.float32))
    step(first, np.ones(8, np.float32))
    assert first.params.is_deleted()


RAGGED = {
    "error": "a batch of 13 cannot be split over 8 devices: use a batch size of 8 or 16; "
    'pad="drop" leaves out the last 5; ragged="share" gives devices equal parts',
    "other": 'data_parallel: ragged is "share", "drop" or "error", got \'other\'',
}


@pytest.mark.parametrize("ragged", RAGGED)
def test_ragged_batches_can_be_refused(ragged):
    step = optim.make_train_step(loss_of(model()), optim.sgd(0.1))
    with pytest.raises(ValueError) as caught:
        data_parallel(step, ragged=ragged)(None, batch_of(13))
    assert str(caught.value) == RAGGED[ragged]


def test_the_ragged_end_of_a_batch_can_be_dropped():
    step = optim.make_train_step(lambda p, s, b, k: (p * b).mean(), optim.sgd(1.0), has_aux=False)
    many = data_parallel(step, ragged="drop")
    state, _ = many(many.init(jnp.float32(1)), np.arange(13, dtype=np.float32))
    assert state.params == 1 - np.arange(8).mean()
    with pytest.raises(ValueError, match="a batch of 3 leaves nothing for some of 8 devices"):
        many(state, np.ones(3))


def test_wrong_batches_are_explained():
    step = data_parallel(optim.make_train_step(loss_of(model()), optim.sgd(0.1)))
    for batch, message in {
        ("x", 3.0): "data_parallel: batch[1] is a scalar",
        (8, 16): "data_parallel: the arrays of a batch share axis 0, and these differ: batch[0] 8, "
        "batch[1] 16",
        (): "data_parallel: the batch has no arrays",
        (0,): "data_parallel: the batch is empty",
    }.items():
        given = [np.ones(n) if isinstance(n, int) else np.ones(8) if n == "x" else n for n in batch]
        with pytest.raises(ValueError) as caught:
            step(None, given)
        assert str(caught.value).startswith(message)
