"""L-BFGS with an optional strong Wolfe line search. Plain torch code throughout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _api as torch
from ._line_search import strong_wolfe
from ._ruled import check_one_element
from .optimizer import Optimizer

__all__ = ["LBFGS"]

# Curvature below this does not go into the history.
MIN_CURVATURE = 1e-10


class LBFGS(Optimizer):
    """Quasi-Newton method with limited memory; ``step`` needs a closure and may call it often.

    Args: ``max_iter`` iterations and ``max_eval`` closure calls a step (default: a quarter more);
        ``tolerance_grad``, ``tolerance_change`` end a step early; ``history_size`` pairs kept;
        ``line_search_fn`` "strong_wolfe" or None. All parameters form one group.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        """Check the options and make the group."""
        check_one_element(lr)
        if not lr >= 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]

    # --- all parameters as one vector ----------------------------------------------------------

    def _gather_flat_grad(self) -> Any:
        pieces = []
        for param in self._params:
            grad = param.grad
            piece = param.new_zeros(param.numel()) if grad is None else grad.reshape(-1)
            pieces.append(torch.view_as_real(piece).reshape(-1) if piece.is_complex() else piece)
        return torch.cat(pieces, 0)

    def _add_grad(self, step_size: Any, direction: Any) -> None:
        offset = 0
        for param in self._params:
            target = torch.view_as_real(param) if param.is_complex() else param
            size = target.numel()
            piece = direction[offset : offset + size].view_as(target)
            target.add_(piece, alpha=float(step_size))
            offset += size

    def _evaluate_at(self, closure: Callable[[], Any], start: list, t: Any, d: Any) -> tuple:
        """Return loss and gradient at ``start + t * d`` and go back to ``start``."""
        self._add_grad(t, d)
        loss = float(closure())
        flat_grad = self._gather_flat_grad()
        for param, value in zip(self._params, start, strict=True):
            param.copy_(value)
        return loss, flat_grad

    # --- the step ------------------------------------------------------------------------------

    @torch.no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Run up to ``max_iter`` iterations; return the loss at the start.

        Args: ``closure`` clears the gradients, computes the loss, calls ``backward`` and returns
            the loss.
        """
        closure = torch.enable_grad()(closure)
        group = self.param_groups[0]
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first_loss = closure()
        run = _Run(float(first_loss), self._gather_flat_grad())
        state["func_evals"] += 1
        if run.flat_grad.abs().max() <= group["tolerance_grad"]:
            return first_loss
        for name in ("d", "t", "prev_flat_grad", "prev_loss"):
            state.setdefault(name, None)
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            self._choose_direction(group, state, run)
            if not self._move(closure, group, state, run, iteration):
                break
        return first_loss

    def _choose_direction(self, group: dict, state: dict, run: _Run) -> None:
        """Set ``state["d"]``: minus the inverse Hessian's estimate times the gradient."""
        if state["n_iter"] == 1:
            state.update(d=run.flat_grad.neg(), old_dirs=[], old_stps=[], ro=[], H_diag=1)
        else:
            _remember(group, state, run)
            state["d"] = _two_loops(group, state, run)
        if state["prev_flat_grad"] is None:
            state["prev_flat_grad"] = run.flat_grad.clone(memory_format=torch.contiguous_format)
        else:
            state["prev_flat_grad"].copy_(run.flat_grad)
        state["prev_loss"] = run.loss

    def _move(
        self, closure: Callable[[], Any], group: dict, state: dict, run: _Run, iteration: int
    ) -> bool:
        """Take a step along ``d``; return whether to go on."""
        lr = float(group["lr"])
        d, tolerance = state["d"], group["tolerance_change"]
        state["t"] = lr
        if state["n_iter"] == 1:
            state["t"] = min(1.0, 1.0 / run.flat_grad.abs().sum()) * lr
        slope = run.flat_grad.dot(d)
        if slope > -tolerance:
            return False
        evaluations = 0
        last = iteration == group["max_iter"]
        if group["line_search_fn"] is not None:
            evaluations = self._search(closure, group, state, run, slope)
        self._add_grad(state["t"], d)
        if group["line_search_fn"] is None and not last:
            run.loss = float(closure())
            run.flat_grad = self._gather_flat_grad()
            evaluations = 1
        run.evaluations += evaluations
        state["func_evals"] += evaluations
        if last or run.evaluations >= group["max_eval"]:
            return False
        if run.flat_grad.abs().max() <= group["tolerance_grad"]:
            return False
        if d.mul(state["t"]).abs().max() <= tolerance:
            return False
        return not abs(run.loss - state["prev_loss"]) < tolerance

    def _search(
        self, closure: Callable[[], Any], group: dict, state: dict, run: _Run, slope: Any
    ) -> int:
        """Set ``t``, loss and gradient by a line search; return the closure calls it took."""
        if group["line_search_fn"] != "strong_wolfe":
            raise RuntimeError("only 'strong_wolfe' is supported")
        start = [p.clone(memory_format=torch.contiguous_format) for p in self._params]
        run.loss, run.flat_grad, state["t"], evaluations = strong_wolfe(
            lambda t: self._evaluate_at(closure, start, t, state["d"]),
            state["t"],
            state["d"],
            run.loss,
            run.flat_grad,
            slope,
            max_steps=group["max_eval"] - run.evaluations,
        )
        return evaluations


class _Run:
    """Loss and gradient at the present point, and closure calls so far, of one ``step``."""

    def __init__(self, loss: float, flat_grad: Any) -> None:
        self.loss = loss
        self.flat_grad = flat_grad
        self.evaluations = 1


def _remember(group: dict, state: dict, run: _Run) -> None:
    """Add the last step and change of gradient to the history."""
    y = run.flat_grad.sub(state["prev_flat_grad"])
    s = state["d"].mul(state["t"])
    ys = y.dot(s)
    if not ys > MIN_CURVATURE:
        return
    if len(state["old_dirs"]) == group["history_size"]:
        for name in ("old_dirs", "old_stps", "ro"):
            state[name].pop(0)
    state["old_dirs"].append(y)
    state["old_stps"].append(s)
    state["ro"].append(1.0 / ys)
    state["H_diag"] = ys / y.dot(y)


def _two_loops(group: dict, state: dict, run: _Run) -> Any:
    """Return the direction by the two-loop recursion (Nocedal and Wright, algorithm 7.4)."""
    dirs, steps, ro = state["old_dirs"], state["old_stps"], state["ro"]
    al = state.setdefault("al", [None] * group["history_size"])
    q = run.flat_grad.neg()
    for i in reversed(range(len(dirs))):
        al[i] = steps[i].dot(q) * ro[i]
        q = q.add(dirs[i], alpha=-float(al[i]))
    r = q.mul(state["H_diag"])
    for i in range(len(dirs)):
        be = dirs[i].dot(r) * ro[i]
        r = r.add(steps[i], alpha=float(al[i] - be))
    return r
