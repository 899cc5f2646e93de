"""Activations as layers: a table over the ops.  ``PReLU`` alone has a param.

Half types are computed in float32 and rounded once, as PyTorch does.  Floor 5.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import jax.numpy as jnp

from ..ops._common import widened
from ..ops.pointwise import activation as of
from ..ops.pointwise import softmax as along
from ..ops.pointwise.elementwise import sigmoid, tanh
from ._check import as_input
from ._contract import Key, Params, Plain, State


class Activation(Plain):
    """A layer without params that applies ``_fun(input, *settings)``; the table makes subclasses.

    >>> LeakyReLU(0.5)({}, jnp.array([-2.0, 2.0]))
    Array([-1.,  2.], dtype=float32)
    """

    _fun: ClassVar[Callable[..., Any]]
    _names: ClassVar[tuple[str, ...]]

    def forward(self, params: Params, input: Any) -> Any:
        """(*) -> (*), but for ``GLU``, which halves an axis."""
        x = as_input(self, input)
        settings = {name: getattr(self, name) for name in self._names}
        return type(self)._fun(widened(x), **settings).astype(x.dtype)


REQUIRED = object()
"""In a row of the table: a setting without default."""


def _row(name: str, fun: Callable[..., Any], doc: str, **settings: Any) -> Callable[..., Plain]:
    """Make the class ``name`` with these settings and their defaults."""
    body = {
        "__doc__": doc,
        "__module__": __name__,
        "__annotations__": dict.fromkeys(settings, Any),
        "_fun": staticmethod(fun),
        "_names": tuple(settings),
        **{name: default for name, default in settings.items() if default is not REQUIRED},
    }
    return type(name, (Activation,), body)


ReLU = _row("ReLU", of.relu, "max(0, x); its slope at 0 is 0.")
ReLU6 = _row("ReLU6", of.relu6, "min(max(0, x), 6).")
LeakyReLU = _row("LeakyReLU", of.leaky_relu, "x, times a slope below 0.", negative_slope=0.01)
Hardtanh = _row("Hardtanh", of.hardtanh, "x limited to a range.", min_val=-1.0, max_val=1.0)
Hardsigmoid = _row("Hardsigmoid", of.hardsigmoid, "relu6(x + 3) / 6.")
Hardswish = _row("Hardswish", of.hardswish, "x * hardsigmoid(x).")
Hardshrink = _row("Hardshrink", of.hardshrink, "x outside [-lambd, lambd], else 0.", lambd=0.5)
Softshrink = _row("Softshrink", of.softshrink, "x moved toward 0 by lambd.", lambd=0.5)
Threshold = _row(
    *("Threshold", of.threshold, "x above ``threshold``, else ``value``."),
    **{"threshold": REQUIRED, "value": REQUIRED},
)
ELU = _row("ELU", of.elu, "x, below 0 alpha (exp(x) - 1).", alpha=1.0)
CELU = _row("CELU", of.celu, "x, below 0 alpha (exp(x / alpha) - 1).", alpha=1.0)
SELU = _row("SELU", of.selu, "ELU that keeps mean 0 and variance 1 (Klambauer et al. 2017).")
SiLU = _row("SiLU", of.silu, "x * sigmoid(x), also called swish.")
Mish = _row("Mish", of.mish, "x * tanh(softplus(x)) (Misra 2019).")
GELU = _row(
    *("GELU", of.gelu, "x times the normal distribution function of x; or its 'tanh' formula."),
    approximate="none",
)
Softplus = _row(
    *("Softplus", of.softplus, "log(1 + exp(beta x)) / beta; x itself where beta x is large."),
    **{"beta": 1.0, "threshold": 20.0},
)
LogSigmoid = _row("LogSigmoid", of.logsigmoid, "log(sigmoid(x)), without overflow.")
Sigmoid = _row("Sigmoid", sigmoid, "1 / (1 + exp(-x)).")
Tanh = _row("Tanh", tanh, "Hyperbolic tangent.")
Softsign = _row("Softsign", of.softsign, "x / (1 + |x|).")
Tanhshrink = _row("Tanhshrink", of.tanhshrink, "x - tanh(x).")
Softmax = _row("Softmax", along.softmax, "exp(x) / sum(exp(x)) along ``dim``.", dim=REQUIRED)
LogSoftmax = _row("LogSoftmax", along.log_softmax, "log of softmax along ``dim``.", dim=REQUIRED)
Softmin = _row("Softmin", along.softmin, "Softmax of -x along ``dim``.", dim=REQUIRED)
GLU = _row("GLU", along.glu, "Half of ``dim`` times the sigmoid of the other half.", dim=-1)


class PReLU(Plain):
    """x above 0, else ``weight * x``: (N, C, *) -> (N, C, *).

    Params: ``weight`` (num_parameters,), all ``init_value``; one, or one for each channel.
    """

    num_parameters: int = 1
    init_value: float = 0.25
    dtype: Any = jnp.float32

    def init(self, key: Key) -> tuple[Params, State]:
        """Make the weight."""
        return {"weight": jnp.full(self.num_parameters, self.init_value, self.dtype)}, {}

    def forward(self, params: Params, input: Any) -> Any:
        """(N, C, *) -> (N, C, *)."""
        return along.prelu(as_input(self, input, params["weight"]), params["weight"])
