"""Rules that divide by a running size of the gradient: Adagrad, Adadelta, RMSprop, Adafactor."""

from __future__ import annotations

import math
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


def adagrad(p: Any, g: Any, state: State, hyper: Hyper, flags: Flags) -> tuple[Any, State]:
    """Adagrad (Duchi 2011). Flags: maximize, weight_decay."""
    step, t = next_step(state)
    g = decayed(p, g, hyper, flags)
    step_size = hyper["lr"] / (1 + (t - 1) * hyper["lr_decay"])
    total = addcmul(state["sum"], g, g, 1.0)
    p = addcdiv(p, g, shift(root(total), hyper["eps"]), -step_size)
    return p, {"step": step, "sum": total}


def adadelta(p: Any, g: Any, state: State, hyper: Hyper, flags: Flags) -> tuple[Any, State]:
    """Adadelta (Zeiler 2012). Flags: maximize, weight_decay."""
    step, _ = next_step(state)
    g = decayed(p, g, hyper, flags)
    rho, eps = hyper["rho"], hyper["eps"]
    square = addcmul(scale(state["square_avg"], rho), g, g, 1 - rho)
    delta = root(shift(state["acc_delta"], eps)) / root(shift(square, eps)) * g
    total = addcmul(scale(state["acc_delta"], rho), delta, delta, 1 - rho)
    p = add(p, delta, -hyper["lr"])
    return p, {"step": step, "square_avg": square, "acc_delta": total}


def rmsprop(p: Any, g: Any, state: State, hyper: Hyper, flags: Flags) -> tuple[Any, State]:
    """RMSprop (Hinton 2012). Flags: maximize, weight_decay, momentum, centered."""
    step, _ = next_step(state)
    g = decayed(p, g, hyper, flags)
    alpha = hyper["alpha"]
    square = addcmul(scale(state["square_avg"], alpha), g, g, 1 - alpha)
    new = {"step": step, "square_avg": square}
    if "centered" in flags:
        mean = new["grad_avg"] = lerp(state["grad_avg"], g, 1 - alpha)
        square = addcmul(square, mean, mean, -1.0)
    size = shift(root(square), hyper["eps"])
    if "momentum" not in flags:
        return addcdiv(p, g, size, -hyper["lr"]), new
    buffer = addcdiv(scale(state["momentum_buffer"], hyper["momentum"]), g, size, 1.0)
    new["momentum_buffer"] = buffer
    return add(p, buffer, -hyper["lr"]), new


def adafactor(p: Any, g: Any, state: State, hyper: Hyper, flags: Flags) -> tuple[Any, State]:
    """Adafactor (Shazeer and Stern 2018), PyTorch's variant. Flags: maximize, weight_decay.

    Matrices (and larger) keep a row and a column of second moments instead of all of them.
    """
    step, t = next_step(state)
    g = -g if "maximize" in flags else g
    lr, d, eps1 = hyper["lr"], hyper["d"], hyper["eps1"]
    weight = t ** hyper["beta2_decay"]
    rho = jnp.minimum(lr, 1 / jnp.sqrt(t))
    alpha = jnp.maximum(hyper["eps2"], _norm(p) / math.sqrt(p.size)) * rho
    if "weight_decay" in flags:
        p = shrunk(p, hyper)
    if g.ndim > 1:
        new, estimate = _factored(g, state, weight, eps1)
    else:
        variance = lerp(state["variance"], g * g, weight)
        new, estimate = {"variance": variance}, variance
    floor = (eps1 * eps1).astype(p.dtype)
    update = g / jnp.sqrt(jnp.maximum(estimate, floor))
    denom = jnp.maximum(1.0, _norm(update) / (math.sqrt(update.size) * d))
    return add(p, update, -alpha / denom), {"step": step, **new}


def _factored(g: Any, state: State, weight: Any, eps1: Any) -> tuple[State, Any]:
    """Return the new row and column moments and the full moments that they stand for."""
    row = jnp.sqrt(jnp.sum(g * g, axis=-1, keepdims=True))
    row = lerp(state["row_var"], divide(row * row, float(g.shape[-1])), weight)
    col = jnp.sqrt(jnp.sum(g * g, axis=-2, keepdims=True))
    col = lerp(state["col_var"], divide(col * col, float(g.shape[-2])), weight)
    mean = jnp.maximum(jnp.mean(row, axis=-2, keepdims=True), eps1.astype(row.dtype))
    return {"row_var": row, "col_var": col}, (row * col) / mean


def _norm(x: Any) -> Any:
    """Return the 2-norm over all elements, in ``x``'s precision and then as float64."""
    return as_double(jnp.sqrt(jnp.sum(x * x)))
