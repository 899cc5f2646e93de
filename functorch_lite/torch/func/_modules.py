"""Modules for transforms: ensembles as stacked state, batch norm without running statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _api as torch
from ..nn import Module
from ..nn.modules.batchnorm import _BatchNorm


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (parameters, buffers) of several models of one class, each stacked along dim 0.

    ``vmap`` of a ``functional_call`` over both runs the whole ensemble at once.

    Raises:
        RuntimeError: no models, different classes or training modes, or a parameter that requires
            grad in some models only.
    """
    if not len(models):
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({m.training for m in models}) > 1:
        raise RuntimeError(
            "stack_module_state: Expected all models to have the same training/eval mode."
        )
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = [dict(m.named_parameters()) for m in models]
    buffers = [dict(m.named_buffers()) for m in models]
    return (
        {name: _stacked(name, [p[name] for p in parameters]) for name in parameters[0]},
        {name: _stacked(name, [b[name] for b in buffers]) for name in buffers[0]},
    )


def _stacked(name: str, tensors: list[Any]) -> Any:
    """Return a new leaf that holds the tensors along dim 0."""
    wants = [t.requires_grad for t in tensors]
    if any(wants) and not all(wants):
        raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
    return torch.stack([t.detach() for t in tensors]).requires_grad_(all(wants))


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Make every batch norm in ``root`` use the batch's own statistics; return ``root``.

    Works here without it: batch norm may be transformed as it is. The result is PyTorch's.
    """
    for module in root.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean = None
            module.running_var = None
            module.num_batches_tracked = None
            module.track_running_stats = False
    return root
