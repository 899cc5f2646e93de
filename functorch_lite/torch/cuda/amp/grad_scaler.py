"""``torch.cuda.amp.GradScaler``: deprecated for ``torch.amp.GradScaler``."""

from ...amp.grad_scaler import OneDeviceScaler

__all__ = ["GradScaler"]


class GradScaler(OneDeviceScaler):
    """``torch.amp.GradScaler("cuda", ...)``; deprecated."""

    _only = "cuda"
