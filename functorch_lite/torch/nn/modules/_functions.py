"""``CrossMapLRN2d`` as a function with PyTorch's own gradient."""

from __future__ import annotations

from typing import Any

from ... import _api as torch
from .. import functional as F


class CrossMapLRN2d(torch.autograd.Function):
    """x * (k + alpha / size * (sum of x^2 over a window of channels))^-beta.

    The windows are PyTorch's to the channel, which are not those of the paper: going forward,
    channel 0 never leaves the window; going backward, the window ends at other places.
    """

    @staticmethod
    def forward(ctx: Any, input: Any, size: int, alpha: float, beta: float, k: float) -> Any:
        """(N, C, H, W) -> (N, C, H, W)."""
        if input.dim() != 4:
            raise ValueError(f"CrossMapLRN2d: Expected input to be 4D, got {input.dim()}D instead.")
        reach = int((size - 1) / 2 + 1)
        c, j = _channel_pairs(input)
        window = ((j > c - reach) & (j < c + reach)) | (j == 0)
        scale = _sum_over(window, input.pow(2)).mul(alpha / size).add(k)
        output = scale.pow(-beta).mul(input)
        ctx.settings = (size, alpha, beta)
        ctx.save_for_backward(input, output, scale)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Any) -> Any:
        """Return the gradient of the input only."""
        input, output, scale = ctx.saved_tensors
        size, alpha, beta = ctx.settings
        start = int(size - (size - 1) / 2)
        c, j = _channel_pairs(input)
        window = (j >= c - start) & (j < c - start + size)
        ratio = _sum_over(window, grad_output * output / scale)
        direct = scale.pow(-beta) * grad_output
        return direct - (2 * alpha * beta / size) * input * ratio, None, None, None, None


def _channel_pairs(input: Any) -> tuple[Any, Any]:
    """Channel numbers as a column, for outputs, and as a row, for inputs."""
    channels = torch.arange(input.size(1), device=input.device)
    return channels.unsqueeze(1), channels.unsqueeze(0)


def _sum_over(window: Any, x: Any) -> Any:
    """Add up the channels j of ``x`` where ``window[c, j]``, for every c."""
    return F.conv2d(x, window.to(x.dtype)[:, :, None, None])
