"""Backward hooks of modules: identity nodes around a forward that see its gradients go by.

``BackwardHook`` wraps the inputs and the outputs of one call in an identity ``Function``; hooks on
those two nodes hand the module's user the gradients. Registration is in ``_hooks.py``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from ... import _api as torch


class BackwardHookFunction(torch.autograd.Function):
    """Identity on any number of tensors, one node for all of them."""

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Any:
        """Return the arguments as new views of themselves."""
        ctx.mark_non_differentiable(*[arg for arg in args if not arg.requires_grad])
        return args

    @staticmethod
    def backward(ctx: Any, *args: Any) -> Any:
        """Pass the gradients through."""
        return args


class BackwardHook:
    """The full backward hooks and pre-hooks of one call of a module."""

    def __init__(self, module: Any, user_hooks: list[Any], user_pre_hooks: list[Any]) -> None:
        """Keep the hooks; nothing is attached yet."""
        self.module = module
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        self.grad_outputs: Any = None
        self.n_inputs = self.n_outputs = -1
        self.input_tensors_index: list[int] | None = None
        self.output_tensors_index: list[int] | None = None

    def setup_input_hook(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Wrap the positional inputs of the forward; returns the inputs to call it with."""
        result, self.input_tensors_index = _through_identity(
            args, lambda node: node.register_hook(self._on_input_grads)
        )
        self.n_inputs = len(args)
        return result

    def setup_output_hook(self, result: Any) -> Any:
        """Wrap what the forward returned; returns what the caller is to see."""
        outputs = result if isinstance(result, tuple) else (result,)
        wrapped, self.output_tensors_index = _through_identity(
            outputs, lambda node: node.register_hook(self._on_output_grads)
        )
        self.n_outputs = len(outputs)
        return wrapped if isinstance(result, tuple) else wrapped[0]

    def _on_input_grads(self, grad_input: Sequence[Any], _: Any) -> Any:
        """Run the user's hooks once both sides of the module are known."""
        if self.grad_outputs is None:  # a partial backward did not reach the module's outputs
            return None
        index = self.input_tensors_index or []
        grads = _spread(index, grad_input, self.n_inputs)
        for hook in self.user_hooks:
            out = hook(self.module, grads, self.grad_outputs)
            if out is None:
                continue
            if len(out) != len(grads):
                raise RuntimeError(
                    "Backward hook returned an invalid number of grad_input, "
                    f"got {len(out)}, but expected {len(grads)}"
                )
            grads = out
        self.grad_outputs = None
        return tuple(grads[i] for i in index)

    def _on_output_grads(self, _: Any, grad_output: Sequence[Any]) -> Any:
        """Run the pre-hooks, and the hooks too when no input can trigger them."""
        index = self.output_tensors_index or []
        self.grad_outputs = _spread(index, grad_output, self.n_outputs)
        self._run_pre_hooks()
        grads = self.grad_outputs
        if self.input_tensors_index is None:
            self._run_hooks_without_inputs()
        return tuple(grads[i] for i in index)

    def _run_pre_hooks(self) -> None:
        expected = len(self.grad_outputs)
        for hook in self.user_pre_hooks or ():
            out = hook(self.module, self.grad_outputs)
            if out is None:
                continue
            if len(out) != expected:
                raise RuntimeError(
                    "Backward pre hook returned an invalid number of grad_output, "
                    f"got {len(out)}, but expected {expected}"
                )
            self.grad_outputs = out

    def _run_hooks_without_inputs(self) -> None:
        warnings.warn(
            "Full backward hook is firing when gradients are computed "
            "with respect to module outputs since no inputs require gradients. See "
            "https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html"
            "#torch.nn.Module.register_full_backward_hook for more details.",
            stacklevel=5,
        )
        nothing = (None,) * self.n_inputs
        for hook in self.user_hooks:
            out = hook(self.module, nothing, self.grad_outputs)
            if out is not None and not (isinstance(out, tuple) and all(g is None for g in out)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient "
                    "should always return None or None for all gradients."
                )
        self.grad_outputs = None


def _spread(index: Sequence[int], values: Sequence[Any], size: int) -> tuple[Any, ...]:
    """Put ``values`` at the places ``index`` of a tuple of ``size``, None elsewhere."""
    spread: list[Any] = [None] * size
    for i, value in zip(index, values, strict=True):
        spread[i] = value
    return tuple(spread)


def _through_identity(
    args: tuple[Any, ...], attach: Callable[[Any], Any]
) -> tuple[tuple[Any, ...], list[int] | None]:
    """Send the tensors among ``args`` through one identity node and ``attach`` a hook to it.

    Returns: the new ``args`` and the places of the tensors, or ``args`` and None when no gradient
    can flow.
    """
    index = [i for i, arg in enumerate(args) if isinstance(arg, torch.Tensor)]
    if not (torch.is_grad_enabled() and any(args[i].requires_grad for i in index)):
        return args, None
    tensors = BackwardHookFunction.apply(*[args[i] for i in index])
    attach(next(t.grad_fn for t in tensors if t.grad_fn is not None))
    new = list(args)
    for i, t in zip(index, tensors, strict=True):
        new[i] = t
    if type(args) is tuple:
        return tuple(new), index
    return type(args)(*new), index  # a named tuple


def warn_about_non_full_hook(inputs: Any, result: Any, grad_fn: Any) -> None:
    """Warn where a legacy ``register_backward_hook`` does not see all of a module's gradients."""
    problem = _non_full_problem(inputs, result, grad_fn)
    if problem is not None:
        warnings.warn("Using " + problem, FutureWarning, stacklevel=5)


def _as_tensors(value: Any) -> tuple[Any, ...] | None:
    """``value`` as a tuple of tensors, or None where it is something else."""
    if isinstance(value, torch.Tensor):
        return (value,)
    if isinstance(value, tuple) and all(isinstance(v, torch.Tensor) for v in value):
        return value
    return None


def _non_full_problem(inputs: Any, result: Any, grad_fn: Any) -> str | None:
    """Say what keeps a legacy hook from seeing everything; None when it sees it."""
    gone = "is deprecated and will be removed in future versions. This hook will be missing some"
    advice = "Please use register_full_backward_hook to get the documented behavior."
    results, args = _as_tensors(result), _as_tensors(inputs)
    if results is None:
        return (
            "non-full backward hooks on a Module that does not return a "
            f"single Tensor or a tuple of Tensors {gone} of the grad_output. {advice}"
        )
    if args is None:
        return (
            "non-full backward hooks on a Module that does not take as input a "
            f"single Tensor or a tuple of Tensors {gone} of the grad_input. {advice}"
        )
    nodes = {r.grad_fn for r in results if r.grad_fn is not None}
    if not nodes or (len(nodes) == 1 and grad_fn not in nodes):
        return (
            "a non-full backward hook when outputs are nested in python data structure "
            f"{gone} grad_output."
        )
    if len(nodes) > 1:
        return (
            "a non-full backward hook when outputs are generated by different autograd Nodes "
            f"{gone} grad_output. {advice}"
        )
    if {i.grad_fn for i in args if i.grad_fn is not None} != {
        node for node, _ in grad_fn.next_functions
    }:
        return (
            "a non-full backward hook when the forward contains multiple autograd Nodes "
            f"{gone} grad_input. {advice}"
        )
    return None
