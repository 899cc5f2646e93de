"""``embedding_renorm_``: rows of a table scaled down in place."""

from ...ops._registry import OPS
from .._engine.register import expose
from .._engine.tensor import Tensor
from .._engine.writing import call_inplace


@expose("f")
def embedding_renorm_(input: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> Tensor:
    """Scale the rows of ``input`` that ``indices`` name down to a norm of ``max_norm``, in
    place.
    """
    return call_inplace(OPS["_embedding_renorm"], (input, indices, max_norm), (norm_type,))
