"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ... import _api as torch

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Any]) -> Any:
    """Join all parameters, flattened, to one vector (total,)."""
    parameters = list(parameters)
    _check_devices(parameters)
    return torch.cat([param.view(-1) for param in parameters])


def vector_to_parameters(vec: Any, parameters: Iterable[Any]) -> None:
    """Let the parameters be consecutive slices of ``vec`` (total,)."""
    if not isinstance(vec, torch.Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {torch.typename(vec)}")
    parameters = list(parameters)
    _check_devices(parameters)
    start = 0
    for param in parameters:
        param.data = vec.narrow(0, start, param.numel()).view_as(param).data
        start += param.numel()


def _check_devices(parameters: list[Any]) -> None:
    if len({param.device for param in parameters}) > 1:
        raise TypeError(
            "Found two parameters on different devices, this is currently not supported."
        )
