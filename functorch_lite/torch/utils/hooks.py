"""``torch.utils.hooks``: what a hook's registration returns."""

from .._graph import RemovableHandle as RemovableHandle
