"""Adagrad, Adadelta, RMSprop and Adafactor."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import _api as torch
from .._engine.step import Group
from ._ruled import (
    RuledOptimizer,
    check_fused,
    check_lr,
    check_not_negative,
    check_one_element,
)

__all__ = ["Adadelta", "Adafactor", "Adagrad", "RMSprop"]


class Adagrad(RuledOptimizer):
    """Steps divided by the root of the sum of squared gradients so far.

    Args: ``lr_decay`` lowers the rate with the number of steps; ``initial_accumulator_value`` is
        what the sums start from.
    """

    _rule = "adagrad"
    _added_options: ClassVar[dict[str, Any]] = {
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "fused": None,
    }

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        """Check the options, make the groups and, unlike other optimizers, the state."""
        check_lr(lr)
        check_not_negative(
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            epsilon=eps,
        )
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        check_fused(fused, foreach, differentiable)
        for group, param in self._all_params():
            self.state[param].update(self._new_state(group, param))

    def share_memory(self) -> None:
        """Move the sums to memory that other processes see."""
        for _, param in self._all_params():
            self.state[param]["sum"].share_memory_()

    def _new_state(self, group: dict[str, Any], param: Any) -> dict[str, Any]:
        """Begin all sums at the value given to the class, whatever a group says."""
        name = "initial_accumulator_value"
        return super()._new_state({**group, name: self.defaults[name]}, param)

    def _refuse_sparse(self) -> None:
        raise NotImplementedError("functorch_lite: Adagrad with sparse gradients is not supported.")


class Adadelta(RuledOptimizer):
    """Steps scaled by the ratio of recent updates to recent gradients; ``rho`` is their memory."""

    _rule = "adadelta"

    def __init__(
        self,
        params: Any,
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        """Check the options and make the groups."""
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_not_negative(epsilon=eps, weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)


class RMSprop(RuledOptimizer):
    """Steps divided by the root of a running mean of squared gradients.

    Args: ``alpha`` is the mean's memory; ``centered`` subtracts the square of the mean gradient.
    """

    _rule = "rmsprop"
    _added_options: ClassVar[dict[str, Any]] = {
        **RuledOptimizer._added_options,
        "momentum": 0,
        "centered": False,
    }

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        """Check the options and make the groups."""
        check_lr(lr)
        check_not_negative(epsilon=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)


class Adafactor(RuledOptimizer):
    """Adam's kin that keeps row and column means of matrices instead of every square.

    Args: ``beta2_decay`` is the power of the decay; ``eps`` two floors (None: the dtype's epsilon);
        ``d`` clips the size of the update.
    """

    _rule = "adafactor"
    _added_options: ClassVar[dict[str, Any]] = {"foreach": None}

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        """Check the options and make the groups."""
        check_one_element(lr)
        if not lr >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not eps[0] >= 0.0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not eps[1] >= 0.0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _new_state(self, group: dict[str, Any], param: Any) -> dict[str, Any]:
        if param.is_complex():
            raise RuntimeError("Adafactor does not support complex parameters")
        return super()._new_state(group, param)

    def _gather(self, group: dict[str, Any]) -> list[Group]:
        """Tell matrices from vectors, whose states differ; fill in the default epsilon."""
        (whole,) = super()._gather(group)

        def live() -> dict[str, Any]:
            hypers = whole.live()
            if hypers["eps1"] is None and whole.params:
                # PyTorch takes the dtype of the group's first parameter for all of them.
                hypers["eps1"] = torch.finfo(whole.params[0].dtype).eps
            return hypers

        parts = [Group(whole.flags, [], [], [], live(), live) for _ in range(2)]
        for param, grad, state in zip(whole.params, whole.grads, whole.states, strict=True):
            part = parts["row_var" in state]
            part.params.append(param)
            part.grads.append(grad)
            part.states.append(state)
        return parts
