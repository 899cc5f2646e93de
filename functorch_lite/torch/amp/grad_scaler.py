"""``GradScaler``: keep float16 gradients in range by scaling the loss.

Whether a step is to be skipped is a tensor. The optimizers of ``torch.optim`` take it along into
their compiled update and keep what they had where it is set, so that nothing waits for its value
and a captured training step holds all of it. For other optimizers the value is read, as in PyTorch.
Plain torch code.
"""

from __future__ import annotations

import inspect
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from .. import _api as torch
from .._engine.capture import optimizers as capture

__all__ = ["GradScaler", "OptState"]


class OptState(Enum):
    """How far an optimizer is in this iteration."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


class _MultiDeviceReplicator:
    """Hands out copies of a tensor, one for each device that asks."""

    def __init__(self, master_tensor: Any) -> None:
        self.master = master_tensor
        self._per_device_tensors: dict[Any, Any] = {}

    def get(self, device: Any) -> Any:
        """Return the copy on ``device``."""
        if device not in self._per_device_tensors:
            self._per_device_tensors[device] = self.master.to(device=device, copy=True)
        return self._per_device_tensors[device]


def _refresh_per_optimizer_state() -> dict[str, Any]:
    return {"stage": OptState.READY, "found_inf_per_device": {}}


class GradScaler:
    """Scales losses up, gradients down, and skips steps whose gradients are not finite.

    In each iteration: ``scaler.scale(loss).backward()``, ``scaler.step(optimizer)``,
    ``scaler.update()``.

    Args:
        device: where the scale lives; "cuda" without a GPU disables the scaler, with a warning.
        init_scale: the first scale.
        growth_factor: what the scale grows by after ``growth_interval`` good steps in a row.
        backoff_factor: what the scale shrinks by after a step with an infinity or NaN.
        enabled: False makes ``step`` call ``optimizer.step`` and all else do nothing.
    """

    _scale: Any
    _growth_tracker: Any
    _per_optimizer_states: dict[int, dict[str, Any]]

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        """Check the factors; the scale itself is made by the first ``scale``."""
        self._device, self._enabled = device, enabled
        if device == "cuda" and enabled and torch.cuda.amp.common.amp_definitely_not_available():
            warnings.warn(
                "torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.",
                stacklevel=2,
            )
            self._enabled = False
        if not self._enabled:
            return
        if growth_factor <= 1.0:
            raise AssertionError("The growth factor must be > 1.0.")
        if backoff_factor >= 1.0:
            raise AssertionError("The backoff factor must be < 1.0.")
        self._init_scale = init_scale
        self._scale = None
        self._growth_factor, self._backoff_factor = growth_factor, backoff_factor
        self._growth_interval = growth_interval
        self._init_growth_tracker = 0
        self._growth_tracker = None
        self._per_optimizer_states = defaultdict(_refresh_per_optimizer_state)

    def _check_scale_growth_tracker(self, funcname: str) -> tuple[Any, Any]:
        for name in ("_scale", "_growth_tracker"):
            if getattr(self, name) is None:
                raise AssertionError(
                    f"Attempted {funcname} but {name} is None.  This may indicate your script did "
                    "not use scaler.scale(loss or outputs) earlier in the iteration."
                )
        return self._scale, self._growth_tracker

    def _lazy_init_scale_growth_tracker(self, dev: Any) -> None:
        if self._growth_tracker is not None:
            raise AssertionError("_growth_tracker initialized before _scale")
        born: dict[str, Any] = {}
        capture.fill(
            born,
            lambda: {
                "scale": torch.full((), self._init_scale, dtype=torch.float32, device=dev),
                "tracker": torch.full((), self._init_growth_tracker, dtype=torch.int32, device=dev),
            },
        )
        self._scale, self._growth_tracker = born["scale"], born["tracker"]

    def scale(self, outputs: Any) -> Any:
        """Return a tensor, or the tensors in nested iterables, times the scale."""
        if not self._enabled:
            return outputs
        copies: list[_MultiDeviceReplicator] = []

        def scaled(value: Any) -> Any:
            if isinstance(value, torch.Tensor):
                if self._scale is None:
                    self._lazy_init_scale_growth_tracker(value.device)
                scale: Any = self._scale
                if value.device == scale.device:
                    return value * scale
                if not copies:
                    copies.append(_MultiDeviceReplicator(scale))
                return value * copies[0].get(value.device)
            if isinstance(value, Iterable):
                items = map(scaled, value)
                return type(value)(items) if isinstance(value, (list, tuple)) else items  # type: ignore[call-arg]
            raise ValueError("outputs must be a Tensor or an iterable of Tensors")

        return scaled(outputs)

    # --- gradients ---------------------------------------------------------------------------

    def _unscale_grads_(
        self, optimizer: Any, inv_scale: Any, found_inf: Any, allow_fp16: bool
    ) -> dict[Any, Any]:
        """Unscale an optimizer's gradients; return what was found on each of their devices."""
        inverses, found = _MultiDeviceReplicator(inv_scale), _MultiDeviceReplicator(found_inf)
        grads: dict[Any, list[Any]] = defaultdict(list)
        with torch.no_grad():
            for group in optimizer.param_groups:
                for param in group["params"]:
                    if not isinstance(param, torch.Tensor):
                        raise AssertionError(
                            f"expected param to be torch.Tensor, got {type(param).__name__}"
                        )
                    if param.grad is None:
                        continue
                    if not allow_fp16 and param.grad.dtype == torch.float16:
                        raise ValueError("Attempting to unscale FP16 gradients.")
                    grads[param.grad.device].append(param.grad)
            for device, own in grads.items():
                torch._amp_foreach_non_finite_check_and_unscale_(
                    own, found.get(device), inverses.get(device)
                )
        return found._per_device_tensors

    def unscale_(self, optimizer: Any) -> None:
        """Divide an optimizer's gradients by the scale, in place; ``step`` does so otherwise.

        For clipping or looking at gradients before the step: once an iteration.

        Raises:
            RuntimeError: they were unscaled already, or the step was done.
        """
        if not self._enabled:
            return
        scale, _ = self._check_scale_growth_tracker("unscale_")
        state = self._per_optimizer_states[id(optimizer)]
        if state["stage"] is OptState.UNSCALED:
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        if state["stage"] is OptState.STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        with torch.no_grad():
            inverse = scale.double().reciprocal().float()
        found = torch.full((), 0.0, dtype=torch.float32, device=scale.device)
        state["found_inf_per_device"] = self._unscale_grads_(optimizer, inverse, found, False)
        state["stage"] = OptState.UNSCALED

    def _check_inf_per_device(self, optimizer: Any) -> dict[Any, Any]:
        """Look for infinities without unscaling."""
        scale, _ = self._check_scale_growth_tracker("_check_inf_per_device")
        one = torch.full((), 1.0, dtype=torch.float32, device=scale.device)
        found = torch.full((), 0.0, dtype=torch.float32, device=scale.device)
        state = self._per_optimizer_states[id(optimizer)]
        state["found_inf_per_device"] = self._unscale_grads_(optimizer, one, found, True)
        return state["found_inf_per_device"]

    def _found_inf_per_device(self, optimizer: Any) -> dict[Any, Any]:
        return self._per_optimizer_states[id(optimizer)]["found_inf_per_device"]

    # --- the step ----------------------------------------------------------------------------

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Unscale the gradients if that was not done, and step unless one of them is not finite.

        Returns:
            What ``optimizer.step(*args, **kwargs)`` returns; None if that was not called.

        Raises:
            RuntimeError: the second step since ``update``, or a ``closure`` was given.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._check_scale_growth_tracker("step")
        state = self._per_optimizer_states[id(optimizer)]
        if state["stage"] is OptState.STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if getattr(optimizer, "_step_supports_amp_scaling", False):
            result = self._scaling_step(optimizer, state, args, kwargs)
        else:
            if state["stage"] is OptState.READY:
                self.unscale_(optimizer)
            if not state["found_inf_per_device"]:
                raise AssertionError("No inf checks were recorded for this optimizer.")
            result = self._maybe_opt_step(optimizer, state, *args, **kwargs)
        state["stage"] = OptState.STEPPED
        return result

    def _scaling_step(self, optimizer: Any, state: dict[str, Any], args: Any, kwargs: Any) -> Any:
        """Step an optimizer that unscales gradients and skips steps by itself."""
        if "grad_scaler" in inspect.signature(optimizer.step).parameters:
            warnings.warn(
                "GradScaler is going to stop passing itself as a keyword argument to the passed "
                "optimizer. In the near future GradScaler registers `grad_scale: Tensor` and "
                "`found_inf: Tensor` to the passed optimizer and let the optimizer use them "
                "directly.",
                FutureWarning,
                stacklevel=3,
            )
            return optimizer.step(*args, **kwargs, grad_scaler=self)
        if state["stage"] is OptState.READY:
            self._check_inf_per_device(optimizer)
            grad_scale = self._scale * getattr(optimizer, "grad_scale", 1)
        else:
            grad_scale = getattr(optimizer, "grad_scale", None)
        step = _told(optimizer, grad_scale, self._any_found(state))
        return step(*args, **kwargs)

    def _maybe_opt_step(
        self, optimizer: Any, optimizer_state: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Step, but for non-finite gradients: the update leaves itself out, or is not called."""
        skips_itself = getattr(optimizer, "_skips_itself", None)
        if skips_itself is not None:
            found = self._any_found(optimizer_state)
            if skips_itself(found):
                return _told(optimizer, None, found)(*args, **kwargs)
        if not sum(v.item() for v in optimizer_state["found_inf_per_device"].values()):
            return optimizer.step(*args, **kwargs)
        return None

    def _any_found(self, state: dict[str, Any]) -> Any:
        """Return the 0-d tensor that is not zero if any device found an infinity."""
        device = self._scale.device
        first, *others = [t.to(device) for t in state["found_inf_per_device"].values()]
        return sum(others, first)

    def update(self, new_scale: Any = None) -> None:
        """Move the scale: down after a skipped step, up after enough good ones.

        Args:
            new_scale: a float or a 1-element tensor to set it to instead.
        """
        if not self._enabled:
            return
        scale, tracker = self._check_scale_growth_tracker("update")
        if new_scale is not None:
            self._set_scale(new_scale)
        else:
            found = [
                value.to(device=scale.device)
                for state in self._per_optimizer_states.values()
                for value in state["found_inf_per_device"].values()
            ]
            if not found:
                raise AssertionError("No inf checks were recorded prior to update.")
            capture.depends_on(self._options, "the options of GradScaler")
            torch._amp_update_scale_(
                scale,
                tracker,
                sum(found[1:], found[0]),
                self._growth_factor,
                self._backoff_factor,
                self._growth_interval,
            )
        self._per_optimizer_states = defaultdict(_refresh_per_optimizer_state)

    def _options(self) -> tuple[float, float, int]:
        return self._growth_factor, self._backoff_factor, self._growth_interval

    def _set_scale(self, new_scale: Any) -> None:
        if isinstance(new_scale, float):
            self._scale.fill_(new_scale)
            return
        fits = (
            new_scale.device.type == self._device
            and new_scale.numel() == 1
            and not new_scale.requires_grad
        )
        if not fits:
            raise AssertionError(
                "new_scale should be a float or a 1-element torch.cuda.FloatTensor or "
                "torch.FloatTensor with requires_grad=False."
            )
        self._scale.copy_(new_scale)

    # --- looking and setting -----------------------------------------------------------------

    def _get_scale_async(self) -> Any:
        return self._scale

    def get_scale(self) -> float:
        """Return the scale as a Python number; 1.0 if scaling is off."""
        if not self._enabled:
            return 1.0
        scale = self._get_scale_async()
        return self._init_scale if scale is None else scale.item()

    def get_growth_factor(self) -> float:
        """Return what the scale grows by."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Set what the scale grows by."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """Return what the scale shrinks by."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set what the scale shrinks by."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """Return after how many good steps the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set after how many good steps the scale grows."""
        self._growth_interval = new_interval

    def _get_growth_tracker(self) -> int:
        if not self._enabled:
            return 0
        tracker = self._growth_tracker
        return self._init_growth_tracker if tracker is None else tracker.item()

    def is_enabled(self) -> bool:
        """Return True if the scaler scales."""
        return self._enabled

    # --- checkpoints -------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return scale, factors, interval and the count of good steps; {} if scaling is off."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._get_growth_tracker(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over another scaler's ``state_dict``.

        Raises:
            RuntimeError: it is empty: that of a scaler that is off.
        """
        if not self._enabled:
            return
        if len(state_dict) == 0:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved "
                "from a disabled instance of GradScaler."
            )
        self._init_scale = state_dict["scale"]
        if self._scale is not None:
            self._scale.fill_(state_dict["scale"])
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._init_growth_tracker = state_dict["_growth_tracker"]
        if self._growth_tracker is not None:
            self._growth_tracker.fill_(state_dict["_growth_tracker"])

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the scale as a number; AssertionError in the middle of an iteration."""
        state = self.__dict__.copy()
        if self._enabled:
            if self._per_optimizer_states:
                raise AssertionError(
                    "A GradScaler instance may only be pickled at the beginning "
                    "of an iteration, or at the end after scaler.update()."
                )
            state["_init_scale"] = self.get_scale()
            state["_init_growth_tracker"] = self._get_growth_tracker()
            state["_scale"] = state["_growth_tracker"] = None
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore from a pickle."""
        self.__dict__.update(state)


class OneDeviceScaler(GradScaler):
    """A ``GradScaler`` of one device type, under PyTorch's deprecated name for it."""

    _only: str

    def __init__(
        self,
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        """Warn, and begin as ``torch.amp.GradScaler``."""
        device = self._only
        warnings.warn(
            f"`torch.{device}.amp.GradScaler(args...)` is deprecated. Please use "
            f"`torch.amp.GradScaler('{device}', args...)` instead.",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__(
            device, init_scale, growth_factor, backoff_factor, growth_interval, enabled
        )


def _told(optimizer: Any, grad_scale: Any, found_inf: Any) -> Callable[..., Any]:
    """Return ``optimizer.step`` with the two attributes set that say what to divide and to skip."""

    def step(*args: Any, **kwargs: Any) -> Any:
        optimizer.grad_scale, optimizer.found_inf = grad_scale, found_inf
        try:
            return optimizer.step(*args, **kwargs)
        finally:
            del optimizer.grad_scale, optimizer.found_inf

    return step
