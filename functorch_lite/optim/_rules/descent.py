"""Rules that step along the gradient, its sign or its momentum: SGD, ASGD, Rprop, Muon."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp

from .arithmetic import (
    Flags,
    Hyper,
    State,
    add,
    addcmul,
    as_double,
    decayed,
    lerp,
    next_step,
    rounded,
    scale,
    shrunk,
)


def sgd(p: Any, g: Any, state: State, hyper: Hyper, flags: Flags) -> tuple[Any, State]:
    """Gradient descent with momentum. Flags: maximize, weight_decay, momentum, nesterov.

    ``hyper["first"]`` is 1 in the step in which the momentum buffer becomes the gradient.
    """
    g = decayed(p, g, hyper, flags)
    if "momentum" in flags:
        moved = add(scale(state["momentum_buffer"], hyper["momentum"]), g, 1 - hyper["dampening"])
        buffer = jnp.where(hyper["first"] > 0, g, moved)
        state = {"momentum_buffer": buffer}
        g = add(g, buffer, hyper["momentum"]) if "nesterov" in flags else buffer
    return add(p, g, -hyper["lr"]), state


def asgd(p: Any, g: Any, state: State, hyper: Hyper, flags: Flags) -> tuple[Any, State]:
    """Averaged SGD (Polyak and Juditsky 1992). Flags: maximize, weight_decay."""
    step, t = next_step(state)
    lr, lambd, eta = hyper["lr"], hyper["lambd"], as_double(state["eta"])
    g = decayed(p, g, hyper, flags)
    p = add(scale(p, 1 - lambd * eta), g, -eta)
    mu, ax = state["mu"], state["ax"]
    ax = jnp.where(mu == 1, p, add(ax, scale(add(p, ax, -1.0), mu), 1.0))
    eta = lr / (1 + lambd * lr * t) ** hyper["alpha"]
    mu = 1 / jnp.maximum(1.0, t - hyper["t0"])
    scalar = state["eta"].dtype
    return p, {"step": step, "eta": eta.astype(scalar), "mu": mu.astype(scalar), "ax": ax}


def rprop(p: Any, g: Any, state: State, hyper: Hyper, flags: Flags) -> tuple[Any, State]:
    """Resilient propagation: step sizes by element, moved by sign changes. Flag: maximize."""
    step, _ = next_step(state)
    g = decayed(p, g, hyper, flags)
    sign = jnp.sign(g * state["prev"])
    grow, cut = (hyper[name].astype(p.dtype) for name in ("etaplus", "etaminus"))
    one = jnp.ones((), p.dtype)
    factor = jnp.where(sign > 0, grow, jnp.where(sign < 0, cut, jnp.where(sign == 0, one, sign)))
    low, high = (hyper[name].astype(p.dtype) for name in ("step_size_min", "step_size_max"))
    size = jnp.clip(state["step_size"] * factor, low, high)
    g = jnp.where(factor == cut, jnp.zeros((), p.dtype), g)
    p = addcmul(p, jnp.sign(g), size, -1.0)
    return p, {"step": step, "prev": g, "step_size": size}


def muon(p: Any, g: Any, state: State, hyper: Hyper, flags: Flags) -> tuple[Any, State]:
    """Momentum made orthogonal (Jordan 2024), for matrices.

    Flags: nesterov; match_rms_adamw; ``ns_steps=N``, the number of Newton-Schulz steps.
    """
    buffer = lerp(state["momentum_buffer"], g, 1 - hyper["momentum"])
    update = lerp(g, buffer, hyper["momentum"]) if "nesterov" in flags else buffer
    steps = next(int(flag.removeprefix("ns_steps=")) for flag in flags if "ns_steps=" in flag)
    update = _orthogonal(update, hyper, steps).astype(p.dtype)
    rows, columns = p.shape
    if "match_rms_adamw" in flags:
        ratio = 0.2 * math.sqrt(max(rows, columns))
    else:
        ratio = math.sqrt(max(1, rows / columns))
    p = add(shrunk(p, hyper), update, -(hyper["lr"] * ratio))
    return p, {"momentum_buffer": buffer}


def _orthogonal(x: Any, hyper: Hyper, steps: int) -> Any:
    """Return the nearest (semi-)orthogonal matrix, roughly, by Newton-Schulz in bfloat16."""
    tall = x.shape[0] > x.shape[1]
    y = _rounded(x.astype(jnp.float32))
    y = y.T if tall else y
    norm = _rounded(jnp.sqrt(jnp.sum(jnp.square(y.astype(jnp.float32)))))
    norm = jnp.maximum(norm, hyper["eps"].astype(jnp.bfloat16))
    y = _rounded(y.astype(jnp.float32) / norm.astype(jnp.float32))
    a, b, c = (hyper[name].astype(jnp.float32) for name in ("ns_a", "ns_b", "ns_c"))
    for _ in range(steps):
        gram = _rounded(_product(y, y.T))
        update = _rounded(b * gram.astype(jnp.float32) + c * _product(gram, gram))
        y = _rounded(a * y.astype(jnp.float32) + _product(update, y))
    return y.T if tall else y


def _rounded(x: Any) -> Any:
    return rounded(x, jnp.dtype(jnp.bfloat16))


def _product(x: Any, y: Any) -> Any:
    return jnp.matmul(x.astype(jnp.float32), y.astype(jnp.float32), precision="highest")
