"""``torch.return_types``: the named tuples that functions with several results return."""

from ..ops._registry import OPS
from ._engine.dispatch import named_tuple

_TYPES = {kind.__name__: kind for op in OPS.values() if op.returns for kind in (named_tuple(op),)}
globals().update(_TYPES, __all__=sorted(_TYPES))
