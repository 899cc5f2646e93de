"""``TrainState`` and ``make_train_step``: the record, its pieces, and what each option means."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AxisType, PartitionSpec

from functorch_lite import optim
from functorch_lite._core.counters import counters

PARAMS = {"w": jnp.array([[0.5, -1.0], [2.0, 0.25], [1.0, 1.0]]), "b": jnp.array([0.1, -0.1])}
X = jax.random.normal(jax.random.key(1), (8, 3))
BATCH = (X, jnp.sin(4 * X[:, :2]))


def squared_error(params, state, batch, key):
    """A linear model with a running mean of what it saw, and a noise of the given key."""
    x, y = batch
    error = x @ params["w"] + params["b"] - y
    seen = {"mean": 0.5 * state["mean"] + 0.5 * x.mean(), "rows": state["rows"] + len(x)}
    noise = jax.random.normal(key)
    return jnp.mean(error**2), (seen, {"worst": jnp.abs(error).max(), "noise": noise})


def plain(params, state, batch, key):
    """The same loss, without state or aux."""
    return squared_error(params, fresh_state(), batch, jax.random.key(0))[0]


def fresh_state():
    return {"mean": jnp.float32(0), "rows": jnp.int32(0)}


def begin(step, seed=0):
    return step.init(PARAMS, state=fresh_state(), key=jax.random.key(seed))


def steps(step, run, count=3, batch=BATCH):
    for _ in range(count):
        run, metrics = step(run, batch)
    return run, metrics


def assert_close(got, wanted, rtol=1e-6):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol, 1e-7), got, wanted)


def by_hand(tx, count=3, loss=plain):
    @jax.jit
    def step(params, state):
        grads = jax.grad(loss)(params, {}, BATCH, None)
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    params, state = PARAMS, tx.init(PARAMS)
    for _ in range(count):
        params, state = step(params, state)
    return params, state


def test_a_step_is_gradient_and_update_and_compiles_once():
    tx = optim.adam(0.1)
    step = optim.make_train_step(squared_error, tx)
    run = begin(step)
    before = counters.compilations
    run, metrics = steps(step, run)
    assert counters.compilations == before + 1
    assert_close((run.params, run.opt_state), by_hand(tx))
    assert int(run.step) == 3
    assert int(run.state["rows"]) == 24
    assert metrics.loss.shape == () and metrics.aux["worst"].shape == ()
    assert metrics.grad_norm is None and metrics.finite is None


def test_a_loss_alone_needs_no_state():
    step = optim.make_train_step(plain, optim.pytorch.adam(0.1), has_aux=False)
    run, metrics = steps(step, step.init(PARAMS))
    assert_close(run.params, by_hand(optim.pytorch.adam(0.1))[0])
    assert run.state == {} and run.key is None and metrics.aux is None


def test_a_rule_of_pytorch_is_followed_exactly():
    """From zero, ``apply_updates`` would give it only to rounding."""
    rule = optim.pytorch.sgd(0.3, momentum=0.9)
    step = optim.make_train_step(plain, rule, has_aux=False, donate=False)
    run = step.init(PARAMS)
    grads = jax.jit(step.grads_fn)(run, BATCH)
    new, _ = jax.jit(step.apply_gradients)(run, grads)
    exact, _ = jax.jit(rule.step)(grads.grads, run.opt_state, run.params)
    jax.tree.map(np.testing.assert_array_equal, new.params, exact)


def test_the_record_is_a_frozen_pytree():
    run = begin(optim.make_train_step(squared_error, optim.sgd(0.1)))
    with pytest.raises(AttributeError):
        run.step = 3
    again = jax.jit(lambda r: r.replace(step=r.step + 1))(run)
    assert isinstance(again, optim.TrainState)
    assert int(again.step) == 1 and int(run.step) == 0
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(run)]
    assert ".params['w']" in paths


def test_the_record_is_donated_and_the_callers_arrays_are_not():
    step = optim.make_train_step(squared_error, optim.adam(0.1), ema_decay=0.9)
    first = begin(step)
    second, _ = step(first, BATCH)
    assert first.params["w"].is_deleted() and not PARAMS["w"].is_deleted()
    keeping = step.replace(donate=False)
    keeping(second, BATCH)
    assert not second.params["w"].is_deleted()


def test_runs_are_mapped_to_an_ensemble():
    step = optim.make_train_step(squared_error, optim.pytorch.adam(0.1))
    many = jax.vmap(lambda p: step.init(p, state=fresh_state(), key=jax.random.key(0)))(
        jax.tree.map(lambda p: jnp.stack([p, 2 * p]), PARAMS)
    )
    many, _ = jax.jit(jax.vmap(step.pure, (0, None)))(many, BATCH)
    one, _ = step(begin(step), BATCH)
    assert_close(jax.tree.map(lambda x: x[0], many.params), one.params)


def test_each_step_has_its_own_key_and_a_run_can_be_repeated():
    step = optim.make_train_step(squared_error, optim.sgd(0.0))
    run, first = step(begin(step), BATCH)
    _, second = step(run, BATCH)
    _, again = step(begin(step), BATCH)
    assert first.aux["noise"] != second.aux["noise"]
    assert first.aux["noise"] == again.aux["noise"]


def test_micro_batches_give_the_gradient_of_the_whole_batch():
    whole = optim.make_train_step(squared_error, optim.adam(0.1), donate=False)
    parts = whole.replace(accumulate=4)
    run = begin(whole)
    one, four = jax.jit(whole.grads_fn)(run, BATCH), jax.jit(parts.grads_fn)(run, BATCH)
    assert_close(four.grads, one.grads, 1e-5)
    assert_close(four.loss, one.loss)
    assert int(four.state["rows"]) == 8
    assert len(set(four.aux["noise"].tolist())) == 4
    assert four.aux["worst"].max() == one.aux["worst"]
    assert_close(steps(parts, run)[0].params, steps(whole, run)[0].params, 1e-5)


@pytest.mark.parametrize("clip_norm", [0.5, 1e6])
def test_clipping_is_that_of_optax(clip_norm):
    step = optim.make_train_step(squared_error, optim.sgd(0.1), clip_norm=clip_norm)
    run, metrics = steps(step, begin(step), 1)
    tx = optax.chain(optax.clip_by_global_norm(clip_norm), optax.sgd(0.1))
    assert_close(run.params, by_hand(tx, 1)[0])
    norm = jax.jit(lambda p: optax.tree.norm(jax.grad(plain)(p, {}, BATCH, None)))(PARAMS)
    assert_close(metrics.grad_norm, norm)


def test_the_average_follows_its_formula():
    step = optim.make_train_step(squared_error, optim.sgd(0.1), ema_decay=0.75, donate=False)
    run = begin(step)
    wanted = PARAMS
    for _ in range(3):
        run, _ = step(run, BATCH)
        wanted = jax.tree.map(lambda e, p: 0.75 * e + 0.25 * p, wanted, run.params)
    assert_close(run.ema, wanted)


def test_the_gradients_can_be_changed_before_they_are_clipped():
    step = optim.make_train_step(
        squared_error, optim.sgd(0.1), reduce=lambda grads: jax.tree.map(jnp.zeros_like, grads)
    )
    run, _ = step(begin(step), BATCH)
    assert_close(run.params, PARAMS)


def test_an_optimizer_may_ask_for_the_loss():
    step = optim.make_train_step(squared_error, optim.polyak_sgd())
    run, _ = step(begin(step), BATCH)
    assert not np.array_equal(run.params["w"], PARAMS["w"])


@pytest.mark.parametrize(("check_vma", "accumulate"), [(True, 2), (False, 1)])
def test_devices_agree_on_the_step_of_the_whole_batch(check_vma, accumulate):
    step = optim.make_train_step(squared_error, optim.adam(0.1), donate=False)
    shared = step.replace(axis_name="data", accumulate=accumulate, jit=False)
    mesh = jax.make_mesh((4,), ("data",), axis_types=(AxisType.Auto,))
    rows, everywhere = PartitionSpec("data"), PartitionSpec()

    def on_each(run, batch):
        run, metrics = shared.pure(run, batch)
        return run, metrics.loss, metrics.aux["noise"].reshape(-1)

    specs = {"in_specs": (everywhere, rows), "out_specs": (everywhere, everywhere, rows)}
    sharded = jax.jit(jax.shard_map(on_each, mesh=mesh, check_vma=check_vma, **specs))
    one, metrics = step(begin(step), BATCH)
    four, loss, noise = sharded(begin(step), BATCH)
    assert_close(four.params, one.params, 1e-5)
    assert_close(loss, metrics.loss)
    assert len(set(noise.tolist())) == 4 * accumulate


def test_an_axis_may_be_that_of_vmap():
    step = optim.make_train_step(squared_error, optim.sgd(0.1), axis_name="i", jit=False)
    halves = jax.tree.map(lambda x: x.reshape(2, 4, -1), BATCH)
    run, _ = jax.jit(jax.vmap(step.pure, (None, 0), axis_name="i"))(begin(step), halves)
    assert_close(jax.tree.map(lambda x: x[0], run.params), by_hand(optax.sgd(0.1), 1)[0], 1e-5)


def loss_of(value):
    return lambda params, state, batch, key: value(params)


@pytest.mark.parametrize(
    ("loss", "options", "text"),
    [
        (squared_error, {"accumulate": 3}, r"batch\[0\] has 8 rows.*3 micro-batches.*pad the last"),
        (loss_of(lambda p: p["w"].sum()), {}, "loss_fn returned a .*has_aux=False"),
        (loss_of(lambda p: (1.0, 2.0, 3.0)), {}, r"returned a tuple of 3: \(float, float, float\)"),
        (loss_of(lambda p: (p["w"], ({}, {}))), {}, "new_state of another structure than state"),
        (loss_of(lambda p: p["w"]), {"has_aux": False}, r"shape \(3, 2\).*with .mean\(\)"),
    ],
)
def test_what_a_loss_must_be_is_said(loss, options, text):
    step = optim.make_train_step(loss, optim.sgd(0.1), **options)
    with pytest.raises(ValueError, match=text):
        step(begin(step), BATCH)


def test_a_batch_of_scalars_cannot_be_split():
    step = optim.make_train_step(squared_error, optim.sgd(0.1), accumulate=2)
    with pytest.raises(ValueError, match=r"batch\[1\] is a scalar and has no axis 0"):
        step(begin(step), (X, 1.0))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"accumulate": 0}, "at least 1, got 0"),
        ({"ema_decay": 1.5}, r"must lie in \[0, 1\]"),
        ({"compute_dtype": "int32"}, "must be a floating dtype, got int32"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        optim.make_train_step(plain, optim.sgd(0.1), **options)


def test_a_record_of_another_step_is_refused():
    plain_run = optim.TrainState.create(PARAMS, optim.sgd(0.1))
    averaging = optim.make_train_step(plain, optim.sgd(0.1), has_aux=False, ema_decay=0.9)
    with pytest.raises(ValueError, match=r"keeps no average .* wants one .*train_step.init"):
        averaging(plain_run, BATCH)
    with pytest.raises(ValueError, match=r"keeps an average .* wants none"):
        averaging.replace(ema_decay=None)(averaging.init(PARAMS), BATCH)
