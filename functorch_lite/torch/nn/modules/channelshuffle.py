"""``ChannelShuffle``: mix the channels of groups."""

from __future__ import annotations

from typing import Any

from .. import functional as F
from ._show import shows
from .module import Module

__all__ = ["ChannelShuffle"]


class ChannelShuffle(Module):
    """Take the channels of ``groups`` in turn (Zhang et al., 2018)."""

    def __init__(self, groups: int) -> None:
        """Keep the number of groups."""
        super().__init__()
        self.groups = groups

    def forward(self, input: Any) -> Any:
        """(N, C, *) -> (N, C, *)."""
        return F.channel_shuffle(input, self.groups)

    extra_repr = shows("groups={groups}")
