"""What a parametrization must keep: dtype and shape, forwards and back. See ``parametrize.py``."""

from __future__ import annotations

from typing import Any

from ... import _api as torch


def check_same(result: Any, shape: Any, dtype: Any) -> None:
    """Raise unless the first parametrization of a tensor gives one of this shape and dtype."""
    if not isinstance(result, torch.Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(result).__name__}.")
    for name, was in (("dtype", dtype), ("shape", shape)):
        now = getattr(result, name)
        if now != was:
            raise ValueError(
                f"Registering a parametrization may not change the {name} of the tensor, "
                f"unless `unsafe` flag is enabled.\n"
                f"unparametrized {name}: {was}\nparametrized {name}: {now}"
            )


def check_inverse(module: Any, tensor_name: str, parametrization: Any) -> None:
    """Raise unless one more parametrization keeps dtype and shape, and its inverse too."""
    before = getattr(module, tensor_name)
    after = parametrization(before)
    if not isinstance(after, torch.Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(after).__name__}.")
    for name in ("dtype", "shape"):
        was, now = getattr(before, name), getattr(after, name)
        if now != was:
            raise ValueError(
                f"Registering a parametrization may not change the {name} of the tensor, "
                "unless the `unsafe` flag is enabled.\n"
                f"module.{tensor_name}.{name}: {was}\n"
                f"parametrization(module.{tensor_name}).{name}: {now}"
            )
    if not hasattr(parametrization, "right_inverse"):
        return
    try:
        back = parametrization.right_inverse(after)
    except NotImplementedError:
        return
    if not isinstance(back, torch.Tensor):
        raise ValueError(
            f"parametrization.right_inverse must return a tensor. Got: {type(back).__name__}"
        )
    for name in ("dtype", "shape"):
        was, now = getattr(before, name), getattr(back, name)
        if now != was:
            raise ValueError(
                "The tensor returned by parametrization.right_inverse must have the same "
                f"{name} as module.{tensor_name}, unless the `unsafe` flag is enabled.\n"
                f"module.{tensor_name}.{name}: {was}\nreturned {name}: {now}"
            )
