"""Hooks of modules: the global ones, the registration methods, and the call that runs them.

``Hooks`` is the part of ``Module`` (``module.py``) that owns ``__call__``. A call without any hook
goes straight to ``forward``.
"""

from __future__ import annotations

import functools
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from ....transforms._levels import state
from ... import _api as torch
from ..._engine.capture.hooks import EVERYWHERE, epoch
from ..._engine.graph import RemovableHandle
from ._backward import BackwardHook, warn_about_non_full_hook

# One dictionary per kind of hook that holds for every module, keyed by the handle's id.
_global_backward_pre_hooks: dict[int, Callable[..., Any]] = OrderedDict()
_global_backward_hooks: dict[int, Callable[..., Any]] = OrderedDict()
_global_is_full_backward_hook: bool | None = None
_global_forward_pre_hooks: dict[int, Callable[..., Any]] = OrderedDict()
_global_forward_hooks: dict[int, Callable[..., Any]] = OrderedDict()
_global_forward_hooks_always_called: dict[int, bool] = OrderedDict()
_global_forward_hooks_with_kwargs: dict[int, bool] = OrderedDict()
EVERYWHERE.extend(
    (
        _global_forward_pre_hooks,
        _global_forward_hooks,
        _global_backward_pre_hooks,
        _global_backward_hooks,
    )
)


class _WrappedHook:
    """A hook that gets its module first, if one is named, without keeping the module alive."""

    def __init__(self, hook: Callable[..., Any], module: Any = None) -> None:
        self.hook = hook
        functools.update_wrapper(self, hook)
        self.with_module = module is not None
        if module is not None:
            self.module = weakref.ref(module)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self.with_module:
            return self.hook(*args, **kwargs)
        module = self.module()
        if module is None:
            raise RuntimeError("You are trying to call the hook of a dead Module!")
        return self.hook(module, *args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        state = {"hook": self.hook, "with_module": self.with_module}
        if self.with_module:
            state["module"] = self.module()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.hook, self.with_module = state["hook"], state["with_module"]
        if self.with_module:
            if state["module"] is None:
                raise RuntimeError("You are trying to revive the hook of a dead Module!")
            self.module = weakref.ref(state["module"])


def _add_hook(
    hooks: Any,
    hook: Callable[..., Any],
    flags: list[tuple[dict[int, bool], bool]] | None = None,
    first: bool = False,
) -> RemovableHandle:
    """Store ``hook``, set its id in every dictionary of ``flags`` whose flag is true.

    Args: ``flags`` pairs as ``[(dictionary, flag), ...]``; ``first`` puts the hook before others.
    """
    epoch.now += 1
    pairs = flags or []
    handle = RemovableHandle(hooks, extra_dict=[marks for marks, _ in pairs])
    hooks[handle.id] = hook
    for marks, flag in pairs:
        if flag:
            marks[handle.id] = True
    if first:
        hooks.move_to_end(handle.id, last=False)
    return handle


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, args)`` before the forward of every module."""
    return _add_hook(_global_forward_pre_hooks, hook)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call ``hook(module, args[, kwargs], output)`` after the forward of every module."""
    flags = [
        (_global_forward_hooks_with_kwargs, with_kwargs),
        (_global_forward_hooks_always_called, always_call),
    ]
    return _add_hook(_global_forward_hooks, hook, flags)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_output)`` before the backward of every module."""
    return _add_hook(_global_backward_pre_hooks, hook)


def register_module_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call a legacy ``hook(module, grad_input, grad_output)`` in the backward of every module."""
    return _add_global_backward_hook(hook, full=False)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` after the backward of every module."""
    return _add_global_backward_hook(hook, full=True)


def _add_global_backward_hook(hook: Callable[..., Any], full: bool) -> RemovableHandle:
    global _global_is_full_backward_hook
    if _global_is_full_backward_hook is (not full):
        raise RuntimeError(
            "Cannot use both regular backward hooks and full backward hooks as a "
            "global Module hook. Please use only one of them."
        )
    _global_is_full_backward_hook = full
    return _add_hook(_global_backward_hooks, hook)


class Hooks:
    """The hooks of one module, and its ``__call__``."""

    _backward_pre_hooks: Any
    _backward_hooks: Any
    _is_full_backward_hook: bool | None
    _forward_hooks: Any
    _forward_hooks_with_kwargs: dict[int, bool]
    _forward_hooks_always_called: dict[int, bool]
    _forward_pre_hooks: Any
    _forward_pre_hooks_with_kwargs: dict[int, bool]
    _compiled_call_impl: Callable[..., Any] | None = None
    forward: Callable[..., Any]

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args[, kwargs])`` before forward; a result replaces the input."""
        flags = [(self._forward_pre_hooks_with_kwargs, with_kwargs)]
        return _add_hook(self._forward_pre_hooks, hook, flags, prepend)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call ``hook(module, args[, kwargs], output)`` after forward; a result replaces it.

        Args: ``always_call`` runs the hook also when the forward raised.
        """
        flags = [
            (self._forward_hooks_with_kwargs, with_kwargs),
            (self._forward_hooks_always_called, always_call),
        ]
        return _add_hook(self._forward_hooks, hook, flags, prepend)

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` before this module's backward."""
        return _add_hook(self._backward_pre_hooks, hook, first=prepend)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` after this module's backward."""
        self._choose_backward_kind(full=True)
        return _add_hook(self._backward_hooks, hook, first=prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call a legacy hook, which sees the last node of the forward only."""
        self._choose_backward_kind(full=False)
        return _add_hook(self._backward_hooks, hook)

    def _choose_backward_kind(self, full: bool) -> None:
        if self._is_full_backward_hook is (not full):
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a "
                "single Module. Please use only one of them."
            )
        self._is_full_backward_hook = full

    def _wrapped_call_impl(self, *args: Any, **kwargs: Any) -> Any:
        if self._compiled_call_impl is not None:
            return self._compiled_call_impl(*args, **kwargs)
        return self._call_impl(*args, **kwargs)

    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        """Run ``forward``, and every hook around it."""
        if state.ground is not None:
            state.ground.called(self)
        if not (
            self._forward_hooks
            or self._forward_pre_hooks
            or self._backward_hooks
            or self._backward_pre_hooks
            or _global_forward_hooks
            or _global_forward_pre_hooks
            or _global_backward_hooks
            or _global_backward_pre_hooks
        ):
            return self.forward(*args, **kwargs)
        return _HookedCall(self, args, kwargs).run()

    __call__: Callable[..., Any] = _wrapped_call_impl

    def _get_backward_hooks(self) -> tuple[list[Any], list[Any]]:
        """The full backward hooks and the legacy ones, global before own."""
        kinds = [
            (_global_is_full_backward_hook, _global_backward_hooks),
            (self._is_full_backward_hook, self._backward_hooks),
        ]
        full = [h for is_full, hooks in kinds if is_full is True for h in hooks.values()]
        legacy = [h for is_full, hooks in kinds if is_full is False for h in hooks.values()]
        return full, legacy

    def _get_backward_pre_hooks(self) -> list[Any]:
        return [*_global_backward_pre_hooks.values(), *self._backward_pre_hooks.values()]


class _HookedCall:
    """One call of a module that has hooks: arguments, result so far, hooks already run."""

    def __init__(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.module, self.args, self.kwargs = module, args, kwargs
        self.result: Any = None
        self.called: set[int] = set()

    def run(self) -> Any:
        try:
            return self._forward()
        except Exception:
            self._run_always_called()
            raise

    def _forward(self) -> Any:
        module = self.module
        pre = module._get_backward_pre_hooks()
        full, legacy = module._get_backward_hooks()
        self._run_pre_hooks()
        backward = BackwardHook(module, full, pre) if full or pre else None
        if backward is not None:
            self.args = backward.setup_input_hook(self.args)
        self.result = module.forward(*self.args, **self.kwargs)
        self._run_forward_hooks()
        if backward is not None:
            if not isinstance(self.result, (torch.Tensor, tuple)):
                warnings.warn(
                    "For backward hooks to be called, module output should be a Tensor or a "
                    f"tuple of Tensors but received {type(self.result)}",
                    stacklevel=5,
                )
            self.result = backward.setup_output_hook(self.result)
        if legacy:
            self._attach_legacy(legacy)
        return self.result

    def _run_pre_hooks(self) -> None:
        module = self.module
        own_kwargs = module._forward_pre_hooks_with_kwargs
        hooks = [*_global_forward_pre_hooks.items(), *module._forward_pre_hooks.items()]
        for hook_id, hook in hooks:
            if hook_id not in own_kwargs:
                out = hook(module, self.args)
                if out is not None:
                    self.args = out if isinstance(out, tuple) else (out,)
                continue
            out = hook(module, self.args, self.kwargs)
            if out is None:
                continue
            if not (isinstance(out, tuple) and len(out) == 2):
                raise RuntimeError(
                    "forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                    f"but got {out}."
                )
            self.args, self.kwargs = out

    def _forward_hooks(self) -> Iterator[tuple[int, Any, bool, bool]]:
        """Yield (id, hook, wants kwargs, wants to be called always), global hooks first."""
        module = self.module
        kwargs = {**_global_forward_hooks_with_kwargs, **module._forward_hooks_with_kwargs}
        always = {**_global_forward_hooks_always_called, **module._forward_hooks_always_called}
        for i, hook in [*_global_forward_hooks.items(), *module._forward_hooks.items()]:
            yield i, hook, i in kwargs, i in always

    def _run_forward_hook(self, hook: Callable[..., Any], with_kwargs: bool) -> None:
        middle = (self.args, self.kwargs) if with_kwargs else (self.args,)
        out = hook(self.module, *middle, self.result)
        if out is not None:
            self.result = out

    def _run_forward_hooks(self) -> None:
        for hook_id, hook, with_kwargs, always in self._forward_hooks():
            if always:
                self.called.add(hook_id)
            self._run_forward_hook(hook, with_kwargs)

    def _run_always_called(self) -> None:
        """After an exception: run what asked for it; a second exception is only a warning."""
        for hook_id, hook, with_kwargs, always in self._forward_hooks():
            if not always or hook_id in self.called:
                continue
            try:
                self._run_forward_hook(hook, with_kwargs)
            except Exception as e:
                which = "global module" if hook_id in _global_forward_hooks else "module"
                warnings.warn(
                    f"{which} forward hook with ``always_call=True`` raised an exception "
                    f"that was silenced as another error was raised in forward: {e}",
                    stacklevel=4,
                )

    def _attach_legacy(self, hooks: list[Any]) -> None:
        """Hang legacy backward hooks on the node of the first tensor of the result."""
        var = self.result
        while not isinstance(var, torch.Tensor):
            if isinstance(var, dict):
                var = next(v for v in var.values() if isinstance(v, torch.Tensor))
            else:
                var = var[0]
        if var.grad_fn is None:
            return
        for hook in hooks:
            var.grad_fn.register_hook(_WrappedHook(hook, self.module))
        warn_about_non_full_hook(self.args, self.result, var.grad_fn)
