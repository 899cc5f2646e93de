"""The Adam family: Adam (AdamW is Adam with decoupled weight decay), Adamax, NAdam, RAdam."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from .arithmetic import (
    Flags,
    Hyper,
    State,
    add,
    addcdiv,
    addcmul,
    as_double,
    decayed,
    divide,
    lerp,
    next_step,
    root,
    scale,
    shift,
    shrunk,
)


def _decay(p: Any, g: Any, hyper: Hyper, flags: Flags) -> tuple[Any, Any]:
    """Apply weight decay, to the parameter itself if it is decoupled."""
    if "decoupled_weight_decay" not in flags:
        return p, decayed(p, g, hyper, flags)
    g = decayed(p, g, hyper, flags - {"weight_decay"})
    return (shrunk(p, hyper) if "weight_decay" in flags else p), g


def _second_moment(state: State, g: Any, hyper: Hyper) -> Any:
    return addcmul(scale(state["exp_avg_sq"], hyper["beta2"]), g, g, 1 - hyper["beta2"])


def adam_clock(t: Any, hyper: Hyper) -> dict[str, Any]:
    """Return what Adam's steps share whose counters are equal: bias corrections at step ``t``."""
    return {
        "correction": jnp.sqrt(1 - hyper["beta2"] ** t),
        "step_size": hyper["lr"] / (1 - hyper["beta1"] ** t),
    }


def adam(p: Any, g: Any, state: State, hyper: Hyper, flags: Flags) -> tuple[Any, State]:
    """Adam (Kingma and Ba 2014). Flags: maximize, weight_decay, decoupled_weight_decay, amsgrad."""
    step, t = next_step(state)
    p, g = _decay(p, g, hyper, flags)
    mean = lerp(state["exp_avg"], g, 1 - hyper["beta1"])
    square = _second_moment(state, g, hyper)
    new = {"step": step, "exp_avg": mean, "exp_avg_sq": square}
    if "amsgrad" in flags:
        square = new["max_exp_avg_sq"] = jnp.maximum(state["max_exp_avg_sq"], square)
    clock = hyper if "correction" in hyper else adam_clock(t, hyper)
    denom = shift(divide(root(square), clock["correction"]), hyper["eps"])
    return addcdiv(p, mean, denom, -clock["step_size"]), new


def adamax(p: Any, g: Any, state: State, hyper: Hyper, flags: Flags) -> tuple[Any, State]:
    """Adam with the infinity norm. Flags: maximize, weight_decay."""
    step, t = next_step(state)
    g = decayed(p, g, hyper, flags)
    mean = lerp(state["exp_avg"], g, 1 - hyper["beta1"])
    largest = jnp.maximum(scale(state["exp_inf"], hyper["beta2"]), shift(jnp.abs(g), hyper["eps"]))
    step_size = hyper["lr"] / (1 - hyper["beta1"] ** t)
    p = addcdiv(p, mean, largest, -step_size)
    return p, {"step": step, "exp_avg": mean, "exp_inf": largest}


def nadam(p: Any, g: Any, state: State, hyper: Hyper, flags: Flags) -> tuple[Any, State]:
    """Adam with Nesterov momentum. Flags: maximize, weight_decay, decoupled_weight_decay."""
    step, t = next_step(state)
    p, g = _decay(p, g, hyper, flags)
    lr, beta1 = hyper["lr"], hyper["beta1"]
    mu = beta1 * (1.0 - 0.5 * 0.96 ** (t * hyper["momentum_decay"]))
    mu_next = beta1 * (1.0 - 0.5 * 0.96 ** ((t + 1) * hyper["momentum_decay"]))
    product = scale(state["mu_product"], mu)
    mean = lerp(state["exp_avg"], g, 1 - beta1)
    square = _second_moment(state, g, hyper)
    denom = shift(root(divide(square, 1 - hyper["beta2"] ** t)), hyper["eps"])
    so_far = as_double(product)
    p = addcdiv(p, g, denom, -lr * (1.0 - mu) / (1.0 - so_far))
    p = addcdiv(p, mean, denom, -lr * mu_next / (1.0 - so_far * mu_next))
    return p, {"step": step, "mu_product": product, "exp_avg": mean, "exp_avg_sq": square}


def radam(p: Any, g: Any, state: State, hyper: Hyper, flags: Flags) -> tuple[Any, State]:
    """Rectified Adam (Liu 2019). Flags: maximize, weight_decay, decoupled_weight_decay."""
    step, t = next_step(state)
    p, g = _decay(p, g, hyper, flags)
    beta2 = hyper["beta2"]
    mean = lerp(state["exp_avg"], g, 1 - hyper["beta1"])
    square = _second_moment(state, g, hyper)
    correction2 = 1 - beta2**t
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / correction2
    ratio = (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)
    rectified = rho > 5.0
    rect = jnp.sqrt(jnp.where(rectified, ratio, 1.0))
    plain = scale(divide(mean, 1 - hyper["beta1"] ** t), hyper["lr"])
    slope = shift(root(square), hyper["eps"])
    adaptive = jnp.sqrt(correction2).astype(slope.dtype) / slope
    update = jnp.where(rectified, scale(plain * adaptive, rect), plain)
    return add(p, update, -1.0), {"step": step, "exp_avg": mean, "exp_avg_sq": square}
