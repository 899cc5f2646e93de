"""``LinearCrossEntropyOptions``: how PyTorch's fused linear cross entropy trades memory for time.

XLA plans memory by itself, so here only ``acc_dtype`` can change numbers; all are checked.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from ... import _api as torch

__all__ = ["LinearCrossEntropyOptions"]

_POLICIES = ("auto", "accurate", "balanced", "compact")
_ACC_DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


@dataclasses.dataclass(slots=True, frozen=True)
class LinearCrossEntropyOptions:
    """Options of ``F.linear_cross_entropy``.

    Args: ``batch_chunk_size`` rows a chunk, or ``chunking_method`` to find it ("auto" or
    "aspect_ratio[:n]"); ``acc_policy`` what is kept in ``acc_dtype``.
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: Any = None

    def __post_init__(self) -> None:
        """Check every option."""
        if self.acc_policy not in _POLICIES:
            raise ValueError(f"invalid acc_policy: {self.acc_policy!r}")
        if not _is_chunking_method(self.chunking_method):
            raise ValueError(f"invalid chunking_method: {self.chunking_method!r}")
        size = self.batch_chunk_size
        if size is not None and not (isinstance(size, int) and size > 0):
            raise ValueError(f"batch_chunk_size must be positive int or None, got {size!r}")
        if self.acc_dtype is not None and self.acc_dtype not in _ACC_DTYPES:
            raise ValueError(
                "acc_dtype must be one of {None, torch.float16, torch.bfloat16, torch.float32, "
                f"torch.float64}}, got {self.acc_dtype!r}. Pass acc_dtype=None to let the op pick "
                "automatically."
            )


def _is_chunking_method(method: str | None) -> bool:
    if method is None or method == "auto":
        return True
    name, _, factor = method.partition(":")
    number = factor if ":" in method else "1"
    return name == "aspect_ratio" and number.isdigit() and int(number) > 0
