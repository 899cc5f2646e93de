"""``RuledOptimizer``: what the optimizers with a fused update rule share.

A subclass says which rule it has (``_rule``) and checks its options. Which of them the rule reads,
what they switch on and how the state of a parameter begins is in ``functorch_lite.optim``; the step
itself is one compiled call (``torch/_engine/step.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, ClassVar

from ...optim._rules import flags_of, hypers_of, slots_of
from .. import _api as torch
from .._engine.capture import optimizers as capture
from .._engine.step import Group, fused_step
from .optimizer import Optimizer

CAPTURABLE_DEVICES = ["cuda", "xpu", "hpu", "privateuseone", "xla"]


def scalar_dtype(is_fused: bool | None = None) -> Any:
    """Return the dtype of step counters."""
    if is_fused or torch.get_default_dtype() != torch.float64:
        return torch.float32
    return torch.float64


def check_one_element(lr: Any) -> None:
    """Refuse a learning rate that is a tensor of several elements."""
    if isinstance(lr, torch.Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")


def check_lr(lr: Any) -> None:
    """Refuse a tensor of several elements or a negative learning rate."""
    check_one_element(lr)
    if not lr >= 0.0:
        raise ValueError(f"Invalid learning rate: {lr}")


def check_not_negative(**values: Any) -> None:
    """Refuse negative (or NaN) values; the keyword is the name in the message."""
    for name, value in values.items():
        if not value >= 0.0:
            raise ValueError(f"Invalid {name} value: {value}")


def check_betas(betas: Any) -> None:
    """Refuse coefficients outside [0, 1)."""
    for index in (0, 1):
        if not 0.0 <= betas[index] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {betas[index]}")


def check_fused(fused: Any, foreach: Any, differentiable: Any) -> None:
    """Refuse implementations that exclude each other. All of them are one here."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def filled_like(param: Any, value: float) -> Any:
    """Return ``value`` (of a complex number: in both parts) everywhere, in the same layout."""
    if value == 0:
        return torch.zeros_like(param, memory_format=torch.preserve_format)
    number = complex(value, value) if param.is_complex() else value
    return torch.full_like(param, number, memory_format=torch.preserve_format)


class RuledOptimizer(Optimizer):
    """An optimizer whose step is an update rule applied to every parameter with a gradient."""

    _rule: ClassVar[str]
    # Options that older checkpoints lack, with the value that they stand for.
    _added_options: ClassVar[dict[str, Any]] = {
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "capturable": False,
    }
    # State entries that older checkpoints keep as Python numbers.
    _scalar_state: ClassVar[tuple[str, ...]] = ("step",)
    _sparse_advice: ClassVar[str] = ""
    _capturable_names: ClassVar[str] = "params and state_steps"

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore; fill in options and convert counters of older checkpoints."""
        super().__setstate__(state)
        for group in self.param_groups:
            for name, value in self._added_options.items():
                group.setdefault(name, value)
        for group, param in self._all_params():
            kept = self.state.get(param) or {}
            for name in self._scalar_state:
                if name in kept and not isinstance(kept[name], torch.Tensor):
                    kept[name] = self._scalar(group, param, float(kept[name]))

    def _scalar(self, group: dict[str, Any], param: Any, value: float) -> Any:
        """Return a 0-d tensor for a counter, on the parameter's device."""
        dtype = scalar_dtype(group.get("fused"))
        return torch.tensor(value, dtype=dtype, device=param.device)

    def _new_state(self, group: dict[str, Any], param: Any) -> dict[str, Any]:
        """Return the state of a parameter before its first step."""
        shape, state = tuple(param.shape), {}
        for slot in slots_of(self._rule, flags_of(group), group):
            value = float(slot.value)
            own = slot.shape(shape) if slot.shape else shape
            if slot.scalar:
                state[slot.name] = self._scalar(group, param, value)
            elif own == shape:
                state[slot.name] = filled_like(param, value)
            elif own is not None:
                state[slot.name] = param.new_full(own, value)
        return state

    # --- the step ------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; return the closure's loss, if any."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        capture.stepping(self)
        with torch.no_grad():
            groups: list[Group] = []
            for group in self.param_groups:
                groups += self._gather(group)
            fused_step(self._rule, groups)
        return loss

    def _gather(self, group: dict[str, Any]) -> list[Group]:
        """Collect a group's tensors for the compiled call; create missing state first."""
        self._check_group(group)
        params, grads, states = [], [], []
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            if grad.is_sparse:
                self._refuse_sparse()
            state = self.state[param]
            if not state:
                capture.fill(state, lambda param=param: self._new_state(group, param))
            params.append(param)
            grads.append(grad)
            states.append(state)
        if params and group.get("capturable"):
            self._check_capturable(params)
        live = partial(hypers_of, self._rule, group)
        return [Group(flags_of(group), params, grads, states, live(), live)]

    def own_tensors(self) -> Iterator[Any]:
        """Yield the parameters and the tensors of their states."""
        for _, param in self._all_params():
            yield param
            yield from (t for t in self.state.get(param, {}).values() if torch.is_tensor(t))

    def _check_group(self, group: dict[str, Any]) -> None:
        if group.get("differentiable"):
            raise NotImplementedError(
                f"functorch_lite: {type(self).__name__}(differentiable=True) is not supported: "
                "the step is one compiled call without a graph."
            )

    def _refuse_sparse(self) -> None:
        text = f"{type(self).__name__} does not support sparse gradients{self._sparse_advice}"
        raise RuntimeError(text)

    def _check_capturable(self, params: list[Any]) -> None:
        if any(param.device.type not in CAPTURABLE_DEVICES for param in params):
            raise AssertionError(
                f"If capturable=True, {self._capturable_names} must be on supported devices: "
                f"{CAPTURABLE_DEVICES}."
            )
