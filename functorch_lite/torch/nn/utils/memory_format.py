"""Converting the weights of convolutions to another memory format."""

from __future__ import annotations

from typing import Any

from ..modules.conv import Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]


def convert_conv2d_weight_memory_format(module: Any, memory_format: Any) -> Any:
    """Convert every ``Conv2d`` and ``ConvTranspose2d`` of ``module``."""
    return _convert(module, memory_format, (Conv2d, ConvTranspose2d))


def convert_conv3d_weight_memory_format(module: Any, memory_format: Any) -> Any:
    """Convert every ``Conv3d`` and ``ConvTranspose3d`` of ``module``."""
    return _convert(module, memory_format, (Conv3d, ConvTranspose3d))


def _convert(module: Any, memory_format: Any, kinds: tuple[type, ...]) -> Any:
    for layer in module.modules():
        if isinstance(layer, kinds):
            weight = layer.weight
            weight.data = weight.detach().clone(memory_format=memory_format)
    return module
