"""``functorch.einops``: what is now ``torch.func.rearrange``."""

from ._found import rearrange as rearrange

__all__ = ["rearrange"]
