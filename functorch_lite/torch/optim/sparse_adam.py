"""SparseAdam: Adam for sparse gradients, which functorch_lite does not have yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _api as torch
from ._ruled import check_betas, check_one_element
from .optimizer import Optimizer

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """Adam that updates only the rows that a sparse gradient has. The step is not supported."""

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        """Check the options and make the groups."""
        check_one_element(lr)
        if not lr > 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not eps > 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})
        sparse, complex_ = [], []
        for i, group in enumerate(self.param_groups):
            for j, param in enumerate(group["params"]):
                if param.is_sparse:
                    sparse.append([i, j])
                if param.is_complex():
                    complex_.append([i, j])
        if sparse:
            raise ValueError(
                f"Sparse params at indices {sparse}: SparseAdam requires dense parameter tensors"
            )
        if complex_:
            raise ValueError(
                f"Complex params at indices {complex_}: "
                "SparseAdam does not support complex parameters"
            )

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Refuse dense gradients as PyTorch does, and sparse ones as not supported here."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for _, param in self._all_params():
            if param.grad is None:
                continue
            if not param.grad.is_sparse:
                raise RuntimeError(
                    "SparseAdam does not support dense gradients, please consider Adam instead"
                )
            raise NotImplementedError("functorch_lite: SparseAdam.step is not supported.")
        return loss
