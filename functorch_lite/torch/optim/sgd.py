"""SGD and ASGD."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from ...optim._rules import flags_of, hypers_of
from .._engine.capture import optimizers as capture
from .._engine.step import Group
from ._ruled import (
    RuledOptimizer,
    check_fused,
    check_lr,
    check_one_element,
)

__all__ = ["ASGD", "SGD"]


class SGD(RuledOptimizer):
    """Stochastic gradient descent, with momentum (Nesterov's if asked) and weight decay.

    Args: ``dampening`` takes that share off what the gradient adds to the momentum buffer;
        ``foreach`` and ``fused`` choose among PyTorch's implementations and change nothing here.
    """

    _rule = "sgd"
    _added_options: ClassVar[dict[str, Any]] = {
        "nesterov": False,
        "maximize": False,
        "foreach": None,
        "differentiable": False,
        "fused": False,
    }
    _scalar_state = ()

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: Any = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        """Check the options and make the groups."""
        check_one_element(lr)
        if lr < 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, defaults)
        check_fused(fused, foreach, differentiable)

    def _gather(self, group: dict[str, Any]) -> list[Group]:
        """Tell parameters apart whose momentum buffer begins in this step."""
        self._check_group(group)
        flags, hypers = flags_of(group), hypers_of(self._rule, group)
        live = partial(hypers_of, self._rule, group)
        found = [(p, p.grad) for p in group["params"] if p.grad is not None]
        if any(grad.is_sparse for _, grad in found):
            self._refuse_sparse()
        if "momentum" not in flags:
            params, grads = [p for p, _ in found], [grad for _, grad in found]
            return [Group(flags, params, grads, [{} for _ in found], hypers, live)]

        def later() -> dict[str, Any]:
            return {**live(), "first": 0.0}

        old = Group(flags, [], [], [], {**hypers, "first": 0.0}, later)
        new = Group(flags, [], [], [], {**hypers, "first": 1.0}, later)
        for param, grad in found:
            state = self.state[param]
            chosen = new if state.get("momentum_buffer") is None else old
            if chosen is new:
                capture.fill(state, lambda param=param: self._new_state(group, param))
            chosen.params.append(param)
            chosen.grads.append(grad)
            chosen.states.append(state)
        return [old, new]

    def _refuse_sparse(self) -> None:
        raise NotImplementedError("functorch_lite: SGD with sparse gradients is not supported.")


class ASGD(RuledOptimizer):
    """Averaged stochastic gradient descent: the state's ``ax`` is the average of the parameters.

    Args: ``lambd`` decay; ``alpha`` power of the learning rate's decay; ``t0`` the step at which
        averaging begins.
    """

    _rule = "asgd"
    _scalar_state = ("step", "eta", "mu")
    _capturable_names = "params, mus, etas, and state_steps"

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        """Check the options and make the groups."""
        check_lr(lr)
        if not weight_decay >= 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)
