"""Adam, AdamW, Adamax, NAdam and RAdam."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import _api as torch
from ._ruled import (
    RuledOptimizer,
    check_betas,
    check_fused,
    check_lr,
    check_not_negative,
)

__all__ = ["Adam", "AdamW", "Adamax", "NAdam", "RAdam"]

_TENSOR_NEEDS_CAPTURABLE = "{} as a Tensor is not supported for capturable=False and foreach=True"


def _check_tensor_betas(betas: Any, capturable: bool, foreach: bool | None) -> None:
    """Refuse betas of mixed kinds, and tensors where PyTorch takes none."""
    are_tensors = [isinstance(beta, torch.Tensor) for beta in betas]
    if not (all(isinstance(beta, float) for beta in betas) or all(are_tensors)):
        raise ValueError("betas must be either both floats or both Tensors")
    for index, beta in enumerate(betas):
        if are_tensors[index] and not capturable and foreach:
            raise ValueError(_TENSOR_NEEDS_CAPTURABLE.format(f"betas[{index}]"))
        if are_tensors[index] and beta.numel() != 1:
            raise ValueError(f"Tensor betas[{index}] must be 1-element")


class Adam(RuledOptimizer):
    """Adam: steps scaled by running means of the gradient and of its square.

    Args: ``amsgrad`` keeps the largest mean square; ``decoupled_weight_decay`` makes it AdamW;
        ``foreach`` and ``fused`` choose among PyTorch's implementations and change nothing here.
    """

    _rule = "adam"
    _added_options: ClassVar[dict[str, Any]] = {
        "amsgrad": False,
        "maximize": False,
        "foreach": None,
        "capturable": False,
        "differentiable": False,
        "decoupled_weight_decay": False,
        "fused": None,
    }
    _sparse_advice = ", please consider SparseAdam instead"

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        """Check the options and make the groups."""
        if isinstance(lr, torch.Tensor) and foreach and not capturable:
            raise ValueError(_TENSOR_NEEDS_CAPTURABLE.format("lr"))
        check_lr(lr)
        if not eps >= 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        _check_tensor_betas(betas, capturable, foreach)
        defaults = {
            "lr": lr,
            "betas": tuple(b.squeeze() if isinstance(b, torch.Tensor) else b for b in betas),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)
        check_fused(fused, foreach, differentiable)

    def _check_group(self, group: dict[str, Any]) -> None:
        super()._check_group(group)
        if group["foreach"] and isinstance(group["lr"], torch.Tensor) and not group["capturable"]:
            raise RuntimeError(_TENSOR_NEEDS_CAPTURABLE.format("lr"))


class AdamW(Adam):
    """Adam with weight decay applied to the parameters instead of the gradients."""

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        """Check the options and make the groups."""
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore; checkpoints from before the option existed mean decoupled decay too."""
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True


class Adamax(RuledOptimizer):
    """Adam with the largest recent gradient in place of the mean square."""

    _rule = "adamax"

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        """Check the options and make the groups."""
        check_lr(lr)
        check_not_negative(epsilon=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)


class NAdam(RuledOptimizer):
    """Adam with Nesterov momentum; ``momentum_decay`` sets how the momentum grows."""

    _rule = "nadam"
    _added_options: ClassVar[dict[str, Any]] = {
        **RuledOptimizer._added_options,
        "decoupled_weight_decay": False,
    }
    _scalar_state = ("step", "mu_product")
    _capturable_names = "params, mu_products and state_steps"

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        """Check the options and make the groups."""
        check_lr(lr)
        check_not_negative(epsilon=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay, momentum_decay=momentum_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)


class RAdam(RuledOptimizer):
    """Adam that steps without the mean square while too few gradients have been seen."""

    _rule = "radam"
    _added_options = NAdam._added_options

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        """Check the options and make the groups."""
        check_lr(lr)
        check_not_negative(epsilon=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)
