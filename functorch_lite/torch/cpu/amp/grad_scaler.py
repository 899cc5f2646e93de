"""``torch.cpu.amp.GradScaler``: deprecated for ``torch.amp.GradScaler``."""

from ...amp.grad_scaler import OneDeviceScaler

__all__ = ["GradScaler"]


class GradScaler(OneDeviceScaler):
    """``torch.amp.GradScaler("cpu", ...)``; deprecated."""

    _only = "cpu"
