"""``torch.utils.hooks``: what a hook's registration returns."""

from .._engine.graph import RemovableHandle as RemovableHandle
