"""Making ``extra_repr`` methods from templates."""

from __future__ import annotations

from typing import Any


def shows(template: str, inplace: str = "") -> Any:
    """Make an ``extra_repr`` that fills the module's attributes into ``template``.

    ``{has_bias}`` is whether there is a bias; ``inplace`` is added where ``self.inplace`` is true.
    """

    def extra_repr(self: Any) -> str:
        """Show the settings."""
        has_bias = self._parameters.get("bias") is not None
        text = template.format(**self.__dict__, has_bias=has_bias)
        return text + inplace if inplace and self.inplace else text

    return extra_repr
