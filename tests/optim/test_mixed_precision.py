"""Training in half precision: float32 masters, and a loss scale that finds its size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from functorch_lite import optim

PARAMS = {"w": jnp.array([1.0, -2.0, 0.5])}
X = jnp.arange(12.0).reshape(4, 3) / 8
SCALE = optim.LossScale.create(2.0**10)  # 2**16 needs a step or two to come down to this


def loss_fn(params, state, batch, key):
    error = batch @ params["w"] - 1
    aux = {"is_half": jnp.bool(params["w"].dtype == batch.dtype == error.dtype != jnp.float32)}
    return jnp.mean(error.astype(jnp.float32) ** 2), ({"mean": error.mean()}, aux)


def begin(step):
    return step.init(PARAMS, state={"mean": jnp.float32(0)})


@pytest.mark.parametrize("dtype", ["bfloat16", jnp.float16])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_loss_sees_half_precision_and_the_masters_stay_float32(dtype, accumulate):
    step = optim.make_train_step(
        loss_fn, optim.adam(0.01), compute_dtype=dtype, accumulate=accumulate, loss_scale=SCALE
    )
    full = optim.make_train_step(loss_fn, optim.adam(0.01))
    run, metrics = step(begin(step), X)
    wanted, _ = full(begin(full), X)
    assert metrics.aux["is_half"].all()
    assert {x.dtype for x in jax.tree.leaves((run.params, run.state))} == {jnp.dtype("float32")}
    assert run.opt_state[0].mu["w"].dtype == jnp.float32
    np.testing.assert_allclose(run.params["w"], wanted.params["w"], rtol=1e-2)
    changed = run.params["w"] - PARAMS["w"]  # 0.01: bfloat16 masters could not keep such a step
    np.testing.assert_allclose(np.abs(changed), 0.01, rtol=1e-3)


def test_only_float16_has_a_loss_scale_by_itself():
    make = optim.make_train_step
    assert begin(make(loss_fn, optim.sgd(0.1), compute_dtype="bfloat16")).loss_scale is None
    scale = begin(make(loss_fn, optim.sgd(0.1), compute_dtype="float16")).loss_scale
    assert scale.scale == 2.0**16 and scale.growth_interval == 2000


def test_small_gradients_survive_float16():
    def tiny(params, state, batch, key):
        return jnp.sum(params["w"] * jnp.asarray(1e-4, jnp.float16)) * jnp.float32(1e-5)

    step = optim.make_train_step(tiny, optim.sgd(1.0), has_aux=False, compute_dtype="float16")
    run = step.init(PARAMS)
    grads_fn = jax.jit(step.grads_fn)
    found = grads_fn(run, X)
    np.testing.assert_allclose(found.grads["w"], 1e-9, rtol=1e-2)
    lost = grads_fn(run.replace(loss_scale=optim.LossScale.create(1.0)), X)
    assert (lost.grads["w"] == 0).all()


def test_a_step_that_is_not_finite_is_skipped_and_halves_the_scale():
    step = optim.make_train_step(
        loss_fn, optim.adam(0.1), compute_dtype="float16", ema_decay=0.5, clip_norm=1.0
    ).replace(donate=False, loss_scale=SCALE)
    run, metrics = step(begin(step), X)
    assert metrics.finite
    after, metrics = step(run, X.at[0, 0].set(jnp.inf))
    assert not metrics.finite
    assert after.loss_scale.scale == SCALE.scale / 2
    assert after.step == run.step + 1
    kept = ("params", "opt_state", "state", "ema")
    for name in kept:
        jax.tree.map(np.testing.assert_array_equal, getattr(after, name), getattr(run, name))


def test_the_scale_grows_after_enough_good_steps_and_never_to_infinity():
    scale = optim.LossScale.create(8.0, growth_interval=2)
    sizes = []
    for finite in (True, True, True, False, True, True):
        scale = scale.adjusted(jnp.bool(finite))
        sizes.append(float(scale.scale))
    assert sizes == [8, 16, 16, 8, 8, 16]
    largest = optim.LossScale.create(3e38, growth_interval=1).adjusted(jnp.bool(True))
    assert jnp.isfinite(largest.scale)
    smallest = optim.LossScale.create(1e-38).adjusted(jnp.bool(False))
    assert smallest.scale > 0


def test_float16_without_a_scale_is_refused():
    step = optim.make_train_step(loss_fn, optim.sgd(0.1), compute_dtype="float16")
    bare = optim.TrainState.create(PARAMS, optim.sgd(0.1), state={"mean": jnp.float32(0)})
    with pytest.raises(ValueError, match="vanish without a loss scale"):
        step(bare, X)
