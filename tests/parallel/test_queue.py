"""Programs on several CPU devices never wait for each other, however many are asked for."""

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from functorch_lite.parallel import one_at_a_time, pmap, pmean

DEVICES = jax.devices()


def step(w, x):
    grad = jnp.tanh(x @ w).sum(0)[:, None] * jnp.ones_like(w)
    return w - 1e-5 * pmean(grad, "i")


@pytest.mark.slow
def test_a_thousand_steps_in_a_row_end():
    fun = pmap(step, "i", in_axes=(None, 0), out_axes=None)
    w, x = np.ones((32, 32), np.float32), np.ones((8, 8, 32), np.float32)
    for _ in range(1000):
        w = fun(w, x)
    assert np.isfinite(w).all()


def test_threads_take_turns():
    fun = pmap(step, "i", in_axes=(None, 0), out_axes=None)
    x = np.ones((8, 8, 16), np.float32)
    results = {}

    def work(name):
        w = np.full((16, 16), name, np.float32)
        for _ in range(50):
            w = fun(w, x)
        results[name] = np.asarray(w)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(results) == [0, 1, 2, 3]


def test_only_several_cpu_devices_are_guarded():
    program = jax.jit(lambda x: x + 1)
    assert one_at_a_time(program, DEVICES[:1]) is program
    guarded = one_at_a_time(program)
    assert guarded is not program
    assert guarded(1) == 2
    assert jax.grad(guarded)(1.0) == 1.0
