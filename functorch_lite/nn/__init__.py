"""Pure layers: ``init(key) -> (params, state)``, ``apply(params, state, x) -> (outputs, state)``.

>>> import jax, jax.numpy as jnp
>>> from functorch_lite import nn
>>> model = nn.serial(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 2))
>>> params, state = model.init(jax.random.key(0))
>>> outputs, state = model.apply(params, state, jnp.ones((3, 4)), key=jax.random.key(1), train=True)
>>> nn.to_state_dict(params, state)["3.weight"].shape
(2, 8)

The contract is in ``_contract.py``.  Layers have the names, settings, params and initial
distributions of ``torch.nn``; the same params give the same numbers.
"""

from ._activation import CELU as CELU
from ._activation import ELU as ELU
from ._activation import GELU as GELU
from ._activation import GLU as GLU
from ._activation import SELU as SELU
from ._activation import Hardshrink as Hardshrink
from ._activation import Hardsigmoid as Hardsigmoid
from ._activation import Hardswish as Hardswish
from ._activation import Hardtanh as Hardtanh
from ._activation import LeakyReLU as LeakyReLU
from ._activation import LogSigmoid as LogSigmoid
from ._activation import LogSoftmax as LogSoftmax
from ._activation import Mish as Mish
from ._activation import PReLU as PReLU
from ._activation import ReLU as ReLU
from ._activation import ReLU6 as ReLU6
from ._activation import Sigmoid as Sigmoid
from ._activation import SiLU as SiLU
from ._activation import Softmax as Softmax
from ._activation import Softmin as Softmin
from ._activation import Softplus as Softplus
from ._activation import Softshrink as Softshrink
from ._activation import Softsign as Softsign
from ._activation import Tanh as Tanh
from ._activation import Tanhshrink as Tanhshrink
from ._activation import Threshold as Threshold
from ._attention import MultiheadAttention as MultiheadAttention
from ._cell import GRUCell as GRUCell
from ._cell import LSTMCell as LSTMCell
from ._cell import RNNCell as RNNCell
from ._combine import parallel as parallel
from ._combine import repeat as repeat
from ._combine import residual as residual
from ._combine import serial as serial
from ._composite import Call as Call
from ._composite import Composite as Composite
from ._contract import Layer as Layer
from ._contract import Pair as Pair
from ._contract import Plain as Plain
from ._contract import fn as fn
from ._conv import Conv1d as Conv1d
from ._conv import Conv2d as Conv2d
from ._conv import Conv3d as Conv3d
from ._conv import ConvTranspose1d as ConvTranspose1d
from ._conv import ConvTranspose2d as ConvTranspose2d
from ._conv import ConvTranspose3d as ConvTranspose3d
from ._dropout import Dropout as Dropout
from ._dropout import Dropout1d as Dropout1d
from ._dropout import Dropout2d as Dropout2d
from ._dropout import Dropout3d as Dropout3d
from ._linear import Bilinear as Bilinear
from ._linear import Embedding as Embedding
from ._linear import Linear as Linear
from ._norm import GroupNorm as GroupNorm
from ._norm import LayerNorm as LayerNorm
from ._norm import RMSNorm as RMSNorm
from ._pool import AdaptiveAvgPool1d as AdaptiveAvgPool1d
from ._pool import AdaptiveAvgPool2d as AdaptiveAvgPool2d
from ._pool import AdaptiveAvgPool3d as AdaptiveAvgPool3d
from ._pool import AdaptiveMaxPool1d as AdaptiveMaxPool1d
from ._pool import AdaptiveMaxPool2d as AdaptiveMaxPool2d
from ._pool import AdaptiveMaxPool3d as AdaptiveMaxPool3d
from ._pool import AvgPool1d as AvgPool1d
from ._pool import AvgPool2d as AvgPool2d
from ._pool import AvgPool3d as AvgPool3d
from ._pool import MaxPool1d as MaxPool1d
from ._pool import MaxPool2d as MaxPool2d
from ._pool import MaxPool3d as MaxPool3d
from ._recurrent import GRU as GRU
from ._recurrent import LSTM as LSTM
from ._recurrent import RNN as RNN
from ._shape import Flatten as Flatten
from ._shape import Identity as Identity
from ._shape import Unflatten as Unflatten
from ._statistics import BatchNorm1d as BatchNorm1d
from ._statistics import BatchNorm2d as BatchNorm2d
from ._statistics import BatchNorm3d as BatchNorm3d
from ._statistics import InstanceNorm1d as InstanceNorm1d
from ._statistics import InstanceNorm2d as InstanceNorm2d
from ._statistics import InstanceNorm3d as InstanceNorm3d
from ._transformer import TransformerDecoderLayer as TransformerDecoderLayer
from ._transformer import TransformerEncoderLayer as TransformerEncoderLayer
from ._tree import flatten as flatten
from ._tree import from_state_dict as from_state_dict
from ._tree import stack as stack
from ._tree import to_state_dict as to_state_dict
from ._tree import unflatten as unflatten
from ._tree import unstack as unstack
