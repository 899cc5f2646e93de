"""``torch.functional``: the functions that PyTorch writes in Python; all are in ``torch`` too."""

from ._engine.register import SPACES
from ._functions.queries import broadcast_shapes as broadcast_shapes

_NAMES = (
    "atleast_1d atleast_2d atleast_3d broadcast_tensors cartesian_prod block_diag cdist "
    "chain_matmul einsum istft lu "
    "norm meshgrid pca_lowrank split stft svd_lowrank tensordot unique unique_consecutive "
    "unravel_index"
)
_HERE = {name: SPACES[""][name] for name in _NAMES.split() if name in SPACES[""]}
globals().update(_HERE, __all__=["broadcast_shapes", *_HERE])
