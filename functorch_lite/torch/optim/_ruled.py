"""``RuledOptimizer``: what the optimizers with a fused update rule share.

A subclass says which rule it has (``_rule``) and checks its options. Which of them the rule reads,
what they switch on and how the state of a parameter begins is in ``functorch_lite.optim``; the step
itself is one compiled call (``torch/_engine/step.py``).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, ClassVar

from ...optim._rules import flags_of, hypers_of, slots_of
from .. import _api as torch
from .._engine.capture import optimizers as capture
from .._engine.step import Group, fused_step, has_value
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
    # Whether PyTorch's implementation of the step divides gradients by GradScaler's scale itself.
    _step_supports_amp_scaling = False
    found_inf: Any

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters (the key "params") with their own options."""
        super().add_param_group(param_group)
        if param_group.get("fused"):
            self._step_supports_amp_scaling = True

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore; fill in options and convert counters of older checkpoints."""
        super().__setstate__(state)
        for group in self.param_groups:
            for name, value in self._added_options.items():
                group.setdefault(name, value)
            if group.get("fused"):
                self._step_supports_amp_scaling = True
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
            self._unscale(groups)
            fused_step(self._rule, groups, getattr(self, "found_inf", None))
        return loss

    # --- GradScaler ----------------------------------------------------------------------------
    # It sets ``found_inf``, a tensor that is not zero if the step is to be skipped, and
    # ``grad_scale``, a tensor to divide the gradients by or None; and removes both after the step.

    def _unscale(self, groups: list[Group]) -> None:
        """Divide the gradients in place, as PyTorch's fused step does: unless it is skipped."""
        scale = getattr(self, "grad_scale", None)
        if scale is None:
            return
        grads = [grad for group in groups for grad in group.grads]
        unused = torch.zeros((), device=scale.device)
        inverse = torch.where(self.found_inf == 0, scale.double().reciprocal().float(), 1.0)
        torch._amp_foreach_non_finite_check_and_unscale_(grads, unused, inverse)

    def _skips_itself(self, found_inf: Any) -> bool:
        """Tell whether ``step`` may be called with a ``found_inf`` whose value nobody has read.

        Not where somebody could tell a step that changes nothing from none: the state begins in it,
        hooks or a method in the place of ``step`` run, a scheduler waits for the first step. While
        the step is traced there is no value to read, and only a state that would begin with the
        gradient of the skipped step is a reason.
        """
        if inspect.unwrap(type(self).step) is not inspect.unwrap(RuledOptimizer.step):
            return False
        begins = any(self._begins(group) for group in self.param_groups)
        if not has_value(found_inf):
            return not (begins and any(group.get("dampening") for group in self.param_groups))
        own = vars(self).get("step")
        watched = own is not None and not (
            hasattr(own, "_wrapped_by_lr_sched") and getattr(self, "_opt_called", False)
        )
        return not (begins or watched or self._has_step_hooks())

    def _begins(self, group: dict[str, Any]) -> bool:
        """Tell whether the next step makes state for a parameter."""
        if not slots_of(self._rule, flags_of(group), group):
            return False
        return any(p.grad is not None and not self.state.get(p) for p in group["params"])

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
