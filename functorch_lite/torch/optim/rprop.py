"""Rprop and Muon: the gradient's sign, or its nearest orthogonal matrix."""

from __future__ import annotations

from typing import Any, ClassVar

from ._ruled import RuledOptimizer, check_lr, check_one_element

__all__ = ["Muon", "Rprop"]

MAX_NEWTON_SCHULZ_STEPS = 100


class Rprop(RuledOptimizer):
    """Resilient propagation, for full batches: step sizes that grow while the sign stays.

    Args: ``etas`` factors for a changed and for a kept sign; ``step_sizes`` the allowed range.
    """

    _rule = "rprop"

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        """Check the options and make the groups."""
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)


class Muon(RuledOptimizer):
    """Momentum orthogonalized by Newton-Schulz iteration, for matrices (hidden layers).

    Args: ``ns_coefficients``, ``ns_steps``, ``eps`` of the iteration; ``adjust_lr_fn`` "original"
        or "match_rms_adamw", how the rate follows the shape.
    """

    _rule = "muon"
    _added_options: ClassVar[dict[str, Any]] = {}

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        """Check the options and make the groups."""
        check_one_element(lr)
        if not lr >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not momentum >= 0.0:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn is not None and adjust_lr_fn not in ("original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for _, param in self._all_params():
            if param.ndim != 2:
                raise ValueError(
                    "Muon only supports 2D parameters whereas we found a parameter "
                    f"with size: {param.size()}"
                )

    def _check_group(self, group: dict[str, Any]) -> None:
        if group["ns_steps"] >= MAX_NEWTON_SCHULZ_STEPS:
            raise ValueError("Number of steps must be less than 100 for computational efficiency")
        if len(group["ns_coefficients"]) != 3:
            raise ValueError("Coefficients must be a tuple of exactly 3 values")

    def _new_state(self, group: dict[str, Any], param: Any) -> dict[str, Any]:
        if param.is_complex():
            raise RuntimeError("Muon does not support complex parameters")
        return super()._new_state(group, param)
