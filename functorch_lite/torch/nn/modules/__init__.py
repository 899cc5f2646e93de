"""All layers of ``torch.nn``, a family a file."""

from __future__ import annotations

from . import (
    activation,
    adaptive,
    batchnorm,
    channelshuffle,
    container,
    conv,
    distance,
    dropout,
    flatten,
    fold,
    instancenorm,
    lazy,
    linear,
    loss,
    module,
    normalization,
    padding,
    pixelshuffle,
    pooling,
    rnn,
    sparse,
    transformer,
    upsampling,
    utils,
)
from .activation import *
from .adaptive import *
from .batchnorm import *
from .channelshuffle import *
from .container import *
from .conv import *
from .distance import *
from .dropout import *
from .flatten import *
from .fold import *
from .instancenorm import *
from .linear import *
from .loss import *
from .module import Module
from .normalization import *
from .padding import *
from .pixelshuffle import *
from .pooling import *
from .rnn import *
from .sparse import *
from .transformer import *
from .upsampling import *

_FILES = (
    *(activation, adaptive, batchnorm, channelshuffle, container, conv, distance, dropout),
    *(flatten, fold, instancenorm, linear, loss, normalization, padding, pixelshuffle, pooling),
    *(rnn, sparse, transformer, upsampling),
)

__all__ = sorted({"Module", *(name for file in _FILES for name in file.__all__)})
