"""The optimizers of PyTorch as optax transformations, with PyTorch's names, defaults and numbers.

``from functorch_lite import optim``, then ``optim.pytorch.adamw(3e-4)`` stands wherever an optax
transformation does: in ``optim.chain``, ``optim.partition``, ``optim.inject_hyperparams``, a
``TrainState``. (``optim.adamw`` is optax's own, whose defaults and rounding differ.)

What all functions share:

* ``lr`` is a number, an array, or a schedule: a function of the number of steps taken;
* a Python number is part of the compiled program; an array is an operand. To change ``lr`` without
  compiling again use a schedule, or ``optim.inject_hyperparams(optim.pytorch.adam)(lr=1e-3)``;
* ``maximize=True`` steps up the gradient;
* the result is an ``UpdateRule``: ``init`` and ``update`` as in optax, and the exact ``step``
  (see ``_rule.py``, which builds all of them).

>>> import jax.numpy as jnp
>>> rule = sgd(0.5)
>>> params, state = rule.step(jnp.array([1.0]), rule.init(jnp.array([3.0])), jnp.array([3.0]))
>>> print(params)
[2.5]
"""

from __future__ import annotations

from typing import TypeAlias

import optax

from .._core.types import Array
from ._rule import UpdateRule, make_rule

Number: TypeAlias = float | Array
Rate: TypeAlias = float | Array | optax.Schedule
Pair: TypeAlias = tuple[Number, Number]


def adadelta(
    lr: Rate = 1.0,
    rho: Number = 0.9,
    eps: Number = 1e-6,
    weight_decay: Number = 0.0,
    *,
    maximize: bool = False,
) -> UpdateRule:
    """Steps scaled by the ratio of recent updates to recent gradients; ``rho`` is their memory."""
    options = {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay}
    return make_rule("adadelta", {**options, "maximize": maximize})


def adafactor(
    lr: Rate = 1e-2,
    beta2_decay: Number = -0.8,
    eps: tuple[Number | None, Number] = (None, 1e-3),
    d: Number = 1.0,
    weight_decay: Number = 0.0,
    *,
    maximize: bool = False,
) -> UpdateRule:
    """Adam's kin that keeps row and column means of a matrix instead of every square.

    Args: ``beta2_decay`` is the power of the decay; ``eps`` two floors (None: the epsilon of the
        first parameter's dtype); ``d`` clips the size of the update.
    """
    options = {"lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d}
    return make_rule("adafactor", {**options, "weight_decay": weight_decay, "maximize": maximize})


def adagrad(
    lr: Rate = 1e-2,
    lr_decay: Number = 0.0,
    weight_decay: Number = 0.0,
    initial_accumulator_value: Number = 0.0,
    eps: Number = 1e-10,
    *,
    maximize: bool = False,
) -> UpdateRule:
    """Steps divided by the root of the sum of squared gradients so far."""
    options = {"lr": lr, "lr_decay": lr_decay, "weight_decay": weight_decay, "eps": eps}
    start = {"initial_accumulator_value": initial_accumulator_value}
    return make_rule("adagrad", {**options, **start, "maximize": maximize})


def adam(
    lr: Rate = 1e-3,
    betas: Pair = (0.9, 0.999),
    eps: Number = 1e-8,
    weight_decay: Number = 0.0,
    amsgrad: bool = False,
    *,
    maximize: bool = False,
    decoupled_weight_decay: bool = False,
) -> UpdateRule:
    """Steps scaled by running means of the gradient and of its square.

    Args: ``amsgrad`` keeps the largest mean square; ``decoupled_weight_decay`` makes it ``adamw``.
    """
    options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
    switches = {"amsgrad": amsgrad, "maximize": maximize}
    decoupled = {"decoupled_weight_decay": decoupled_weight_decay}
    return make_rule("adam", {**options, **switches, **decoupled})


def adamw(
    lr: Rate = 1e-3,
    betas: Pair = (0.9, 0.999),
    eps: Number = 1e-8,
    weight_decay: Number = 1e-2,
    amsgrad: bool = False,
    *,
    maximize: bool = False,
) -> UpdateRule:
    """Adam with weight decay applied to the parameters instead of the gradients."""
    switches = {"maximize": maximize, "decoupled_weight_decay": True}
    return adam(lr, betas, eps, weight_decay, amsgrad, **switches)


def adamax(
    lr: Rate = 2e-3,
    betas: Pair = (0.9, 0.999),
    eps: Number = 1e-8,
    weight_decay: Number = 0.0,
    *,
    maximize: bool = False,
) -> UpdateRule:
    """Adam with the largest recent gradient in place of the mean square."""
    options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
    return make_rule("adamax", {**options, "maximize": maximize})


def asgd(
    lr: Rate = 1e-2,
    lambd: Number = 1e-4,
    alpha: Number = 0.75,
    t0: Number = 1e6,
    weight_decay: Number = 0.0,
    *,
    maximize: bool = False,
) -> UpdateRule:
    """Averaged gradient descent; ``state.slots["ax"]`` is the average of the parameters.

    Args: ``lambd`` decay; ``alpha`` power of the rate's decay; ``t0`` the step at which averaging
        begins.
    """
    options = {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0}
    return make_rule("asgd", {**options, "weight_decay": weight_decay, "maximize": maximize})


def muon(
    lr: Rate = 1e-3,
    weight_decay: Number = 0.1,
    momentum: Number = 0.95,
    nesterov: bool = True,
    ns_coefficients: tuple[Number, Number, Number] = (3.4445, -4.775, 2.0315),
    eps: Number = 1e-7,
    ns_steps: int = 5,
    adjust_lr_fn: str | None = None,
) -> UpdateRule:
    """Momentum orthogonalized by Newton-Schulz iteration, for matrices (N, D) only.

    Args: ``ns_coefficients``, ``ns_steps`` and ``eps`` of the iteration; ``adjust_lr_fn``
        "original" (None) or "match_rms_adamw", how the rate follows the shape.
    """
    if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
        raise ValueError(
            'optim.pytorch.muon: adjust_lr_fn is "original" or "match_rms_adamw", '
            f"got {adjust_lr_fn!r}"
        )
    options = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "eps": eps}
    iteration = {"ns_coefficients": ns_coefficients, "ns_steps": ns_steps}
    return make_rule(
        "muon", {**options, **iteration, "nesterov": nesterov, "adjust_lr_fn": adjust_lr_fn}
    )


def nadam(
    lr: Rate = 2e-3,
    betas: Pair = (0.9, 0.999),
    eps: Number = 1e-8,
    weight_decay: Number = 0.0,
    momentum_decay: Number = 4e-3,
    decoupled_weight_decay: bool = False,
    *,
    maximize: bool = False,
) -> UpdateRule:
    """Adam with Nesterov momentum; ``momentum_decay`` sets how the momentum grows."""
    options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
    switches = {"decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize}
    return make_rule("nadam", {**options, "momentum_decay": momentum_decay, **switches})


def radam(
    lr: Rate = 1e-3,
    betas: Pair = (0.9, 0.999),
    eps: Number = 1e-8,
    weight_decay: Number = 0.0,
    decoupled_weight_decay: bool = False,
    *,
    maximize: bool = False,
) -> UpdateRule:
    """Adam that steps without the mean square while too few gradients have been seen."""
    options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
    switches = {"decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize}
    return make_rule("radam", {**options, **switches})


def rmsprop(
    lr: Rate = 1e-2,
    alpha: Number = 0.99,
    eps: Number = 1e-8,
    weight_decay: Number = 0.0,
    momentum: Number = 0.0,
    centered: bool = False,
    *,
    maximize: bool = False,
) -> UpdateRule:
    """Steps divided by the root of a running mean of squared gradients.

    Args: ``alpha`` is the mean's memory; ``centered`` subtracts the square of the mean gradient.
    """
    options = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay}
    switches = {"centered": centered, "maximize": maximize}
    return make_rule("rmsprop", {**options, "momentum": momentum, **switches})


def rprop(
    lr: Rate = 1e-2,
    etas: Pair = (0.5, 1.2),
    step_sizes: Pair = (1e-6, 50),
    *,
    maximize: bool = False,
) -> UpdateRule:
    """Resilient propagation, for full batches: step sizes that grow while the sign stays.

    Args: ``lr`` the first step size; ``etas`` factors for a changed and for a kept sign;
        ``step_sizes`` the allowed range.
    """
    options = {"lr": lr, "etas": etas, "step_sizes": step_sizes}
    return make_rule("rprop", {**options, "maximize": maximize})


def sgd(
    lr: Rate = 1e-3,
    momentum: Number = 0.0,
    dampening: Number = 0.0,
    weight_decay: Number = 0.0,
    nesterov: bool = False,
    *,
    maximize: bool = False,
) -> UpdateRule:
    """Gradient descent, with momentum (Nesterov's if asked) and weight decay.

    Args: ``dampening`` takes that share off what the gradient adds to the momentum buffer.
    """
    options = {"lr": lr, "momentum": momentum, "dampening": dampening}
    switches = {"nesterov": nesterov, "maximize": maximize}
    return make_rule("sgd", {**options, "weight_decay": weight_decay, **switches})
