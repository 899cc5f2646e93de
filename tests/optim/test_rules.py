"""The update rules by themselves: pure functions that JAX can transform."""

import jax
import jax.numpy as jnp
import pytest

from functorch_lite.optim import RULES


def test_sgd_is_gradient_descent():
    p, g = jnp.array([1.0, 2.0]), jnp.array([0.5, -1.0])
    new, state = RULES["sgd"](p, g, {}, {"lr": jnp.float32(0.5)}, frozenset())
    assert new.tolist() == [0.75, 2.5]
    assert state == {}


def test_a_rule_is_differentiable_in_its_hyper_parameters():
    p, g = jnp.array([1.0, 2.0]), jnp.array([0.5, -1.0])

    def after(lr):
        return RULES["sgd"](p, g, {}, {"lr": lr}, frozenset())[0].sum()

    assert jax.grad(after)(jnp.float32(0.1)) == 0.5


def test_the_first_step_of_adam_has_the_size_of_the_rate():
    with jax.enable_x64(True):
        zero, grad = jnp.zeros(2, jnp.float32), jnp.array([3.0, -7.0], jnp.float32)
        state = {"step": jnp.float32(0), "exp_avg": zero, "exp_avg_sq": zero}
        hyper = {"lr": 0.1, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
        hyper = {name: jnp.float64(value) for name, value in hyper.items()}
        new, state = RULES["adam"](zero, grad, state, hyper, frozenset())
    assert new.dtype == jnp.float32
    assert new.tolist() == pytest.approx([-0.1, 0.1])
    assert state["step"] == 1


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_rule_says_what_it_is(name):
    assert RULES[name].__doc__
