"""Averages of weights over training: ``AveragedModel``, ``SWALR`` and ``update_bn``."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

from .. import _api as torch
from .._engine.capture.recorder import now_recording
from ..nn import Module
from ..nn.modules.batchnorm import _BatchNorm
from ._schedulers.base import LRScheduler, per_group, warn_unless_within_step
from .optimizer import Optimizer

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(
            f"Invalid decay value {decay} provided. Please provide a value in [0,1] range."
        )


def _can_lerp(tensor: Any) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable:
    """Return a function that updates lists of tensors to their moving average, in place."""
    _check_decay(decay)

    @torch.no_grad()
    def ema_update(ema_param_list: Any, current_param_list: Any, _: Any) -> None:
        for average, current in zip(ema_param_list, current_param_list, strict=True):
            if _can_lerp(ema_param_list[0]):
                average.lerp_(current, 1 - decay)
            else:
                average.copy_(average * decay + current * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn() -> Callable:
    """Return a function that updates lists of tensors to their equal average, in place."""

    @torch.no_grad()
    def swa_update(averaged_param_list: Any, current_param_list: Any, num_averaged: Any) -> None:
        weight = 1.0 / (int(num_averaged) + 1)
        for average, current in zip(averaged_param_list, current_param_list, strict=True):
            if _can_lerp(averaged_param_list[0]):
                average.lerp_(current, weight)
            else:
                average.add_(current - average, alpha=weight)

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Callable:
    """Return ``f(average, current, n)``: the exponential moving average."""
    _check_decay(decay)

    @torch.no_grad()
    def ema_update(ema_param: Any, current_param: Any, num_averaged: Any) -> Any:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Callable:
    """Return ``f(average, current, n)``: the equal average of ``n + 1`` values."""

    @torch.no_grad()
    def swa_update(averaged_param: Any, current_param: Any, num_averaged: Any) -> Any:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of the model's over time.

    Args: ``avg_fn(average, current, n)`` for one tensor, or ``multi_avg_fn`` for lists in place
        (default: equal average); ``use_buffers`` averages buffers too instead of copying them.
    """

    n_averaged: Any

    def __init__(
        self,
        model: Any,
        device: Any = None,
        avg_fn: Callable | None = None,
        multi_avg_fn: Callable | None = None,
        use_buffers: bool = False,
    ) -> None:
        """Copy ``model``, to ``device`` if that is given."""
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        counter = torch.tensor(0, dtype=torch.long, device=device)
        self.register_buffer("n_averaged", counter)
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the averaged model."""
        return self.module(*args, **kwargs)

    def _pairs(self, model: Any) -> list[tuple[Any, Any]]:
        """Return (ours, the model's) tensors that are averaged, detached, on our device."""
        ours, theirs = self.parameters(), model.parameters()
        if self.use_buffers:
            ours = itertools.chain(self.module.parameters(), self.module.buffers())
            theirs = itertools.chain(theirs, model.buffers())
        return [
            (average.detach(), current.detach().to(average.device))
            for average, current in zip(ours, theirs, strict=False)
        ]

    def update_parameters(self, model: Any) -> None:
        """Take the model's present parameters into the average."""
        pairs = self._pairs(model)
        captured = now_recording() is not None  # there, nobody knows if this is the first time
        first = self.n_averaged == 0
        if not captured and bool(first):
            for average, current in pairs:
                average.copy_(current)
        elif self.multi_avg_fn is not None:
            for ours, theirs in _by_kind(pairs):
                self.multi_avg_fn(ours, theirs, self.n_averaged.to(ours[0].device))
        else:
            average_of = self.avg_fn or get_swa_avg_fn()
            for average, current in pairs:
                count = self.n_averaged.to(average.device)
                average.copy_(average_of(average, current, count))
        if captured:
            for average, current in pairs:
                average.copy_(torch.where(first, current, average))
        if not self.use_buffers:
            for ours, theirs in zip(self.module.buffers(), model.buffers(), strict=True):
                ours.detach().copy_(theirs.detach().to(ours.device))
        self.n_averaged += 1


def _by_kind(pairs: list[tuple[Any, Any]]) -> list[tuple[list[Any], list[Any]]]:
    """Group pairs of tensors by the device and dtype of the first."""
    groups: dict[Any, tuple[list[Any], list[Any]]] = {}
    for ours, theirs in pairs:
        group = groups.setdefault((str(ours.device), ours.dtype), ([], []))
        group[0].append(ours)
        group[1].append(theirs)
    return list(groups.values())


@torch.no_grad()
def update_bn(loader: Iterable[Any], model: Any, device: Any = None) -> None:
    """Set the running statistics of all batch norms to those of one pass over ``loader``.

    Args: batches are inputs, or lists whose first item is the input.
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return
    momenta = {module: module.momentum for module in norms}
    was_training = model.training
    model.train()
    for module in norms:
        module.reset_running_stats()
        module.momentum = None  # a cumulative average
    for batch in loader:
        data = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(data if device is None else data.to(device))
    for module in norms:
        module.momentum = momenta[module]
    model.train(was_training)


class SWALR(LRScheduler):
    """From the present rate to ``swa_lr`` in ``anneal_epochs``, by "cos" or "linear", then flat."""

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        """Check the options and set the first rates."""
        swa_lrs = per_group("swa_lr", optimizer, swa_lr)
        for lr, group in zip(swa_lrs, optimizer.param_groups, strict=True):
            group["swa_lr"] = lr
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        self._anneal_strategy = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def anneal_func(self, t: float) -> float:
        """Return how much of the way is done at time ``t`` in [0, 1]."""
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    def get_lr(self) -> list[Any]:
        """Compute the next rates: undo the last interpolation, then interpolate anew."""
        warn_unless_within_step(self)
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        length = max(1, self.anneal_epochs)
        before = self.anneal_func(max(0, min(1, (step - 1) / length)))
        alpha = self.anneal_func(max(0, min(1, step / length)))
        rates = []
        for group in self.optimizer.param_groups:
            target = group["swa_lr"]
            start = target if before == 1 else (group["lr"] - before * target) / (1 - before)
            rates.append(target * alpha + start * (1 - alpha))
        return rates
