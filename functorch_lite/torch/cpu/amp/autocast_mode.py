"""``torch.cpu.amp.autocast``: deprecated for ``torch.autocast``."""

import warnings
from typing import Any

from ... import _api as torch
from ...amp import autocast_mode as amp

__all__ = ["autocast"]


class autocast(amp.autocast):
    """``torch.autocast("cpu", ...)``; deprecated."""

    def __init__(
        self, enabled: bool = True, dtype: Any = torch.bfloat16, cache_enabled: bool = True
    ) -> None:
        """Warn, and begin as ``torch.autocast``."""
        warnings.warn(
            "`torch.cpu.amp.autocast(args...)` is deprecated. Please use "
            "`torch.amp.autocast('cpu', args...)` instead.",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__("cpu", enabled=enabled, dtype=dtype, cache_enabled=cache_enabled)
