"""Activation layers: element-wise non-linearities, gates, and the softmax family.

Shapes are (*) -> (*) where nothing else is said. ``inplace`` writes into the input.
``MultiheadAttention`` is in ``_attention.py``.
"""

from __future__ import annotations

import warnings
from typing import Any

from ... import _api as torch
from .. import functional as F
from .. import init as _init
from ..parameter import Parameter
from ._attention import MultiheadAttention as MultiheadAttention
from ._show import shows
from .module import Module

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "MultiheadAttention",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]


class _Inplace(Module):
    """An activation whose only setting is ``inplace``."""

    def __init__(self, inplace: bool = False) -> None:
        """Keep the setting."""
        super().__init__()
        self.inplace = inplace

    extra_repr = shows("", "inplace=True")


class _Dim(Module):
    """An activation along ``dim``."""

    def __init__(self, dim: int | None = None) -> None:
        """Keep the dimension; None is an old, guessed default that warns."""
        super().__init__()
        self.dim = dim

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpickle; old pickles have no dimension."""
        super().__setstate__(state)
        self.__dict__.setdefault("dim", None)

    extra_repr = shows("dim={dim}")


class ReLU(_Inplace):
    """max(0, x)."""

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.relu(input, inplace=self.inplace)


class SiLU(_Inplace):
    """x * sigmoid(x), also called swish."""

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.silu(input, inplace=self.inplace)


class Mish(_Inplace):
    """x * tanh(softplus(x)) (Misra, 2019)."""

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.mish(input, inplace=self.inplace)


class SELU(_Inplace):
    """Scaled ELU with constants that keep mean and variance (Klambauer et al., 2017)."""

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.selu(input, self.inplace)


class Hardsigmoid(_Inplace):
    """clip(x / 6 + 1 / 2, 0, 1)."""

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.hardsigmoid(input, self.inplace)

    extra_repr = shows("")


class Hardswish(_Inplace):
    """x * hardsigmoid(x) (Howard et al., 2019)."""

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.hardswish(input, self.inplace)

    extra_repr = shows("")


class Threshold(Module):
    """x where x > threshold, ``value`` elsewhere."""

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        """Keep the settings."""
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.threshold(input, self.threshold, self.value, self.inplace)

    extra_repr = shows("threshold={threshold}, value={value}", ", inplace=True")


class RReLU(Module):
    """Leaky ReLU whose slope is drawn from [lower, upper] in training (Xu et al., 2015)."""

    def __init__(
        self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False
    ) -> None:
        """Keep the settings."""
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    extra_repr = shows("lower={lower}, upper={upper}", ", inplace=True")


class Hardtanh(Module):
    """x limited to [min_val, max_val]. ``min_value`` and ``max_value`` are old names."""

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        """Check that the range is not empty."""
        super().__init__()
        self.min_val = _renamed("min_val", min_val, "min_value", min_value)
        self.max_val = _renamed("max_val", max_val, "max_value", max_value)
        self.inplace = inplace
        if self.max_val <= self.min_val:
            raise AssertionError(
                f"max_val ({self.max_val}) must be greater than min_val ({self.min_val})"
            )

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    extra_repr = shows("min_val={min_val}, max_val={max_val}", ", inplace=True")


def _renamed(name: str, value: float, old_name: str, old_value: float | None) -> float:
    """The value under the old name if it was used, with a warning."""
    if old_value is None:
        return value
    warnings.warn(
        f"keyword argument `{old_name}` is deprecated and renamed to `{name}`",
        FutureWarning,
        stacklevel=3,
    )
    return old_value


class ReLU6(Hardtanh):
    """x limited to [0, 6]."""

    def __init__(self, inplace: bool = False) -> None:
        """Keep the setting."""
        super().__init__(0.0, 6.0, inplace)

    extra_repr = shows("", "inplace=True")


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return torch.sigmoid(input)


class Tanh(Module):
    """Hyperbolic tangent."""

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return torch.tanh(input)


class LogSigmoid(Module):
    """log(sigmoid(x))."""

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.logsigmoid(input)


class Softsign(Module):
    """x / (1 + |x|)."""

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.softsign(input)


class Tanhshrink(Module):
    """x - tanh(x)."""

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.tanhshrink(input)


class ELU(Module):
    """x where x > 0, alpha * (exp(x) - 1) elsewhere (Clevert et al., 2015)."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        """Keep the settings."""
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.elu(input, self.alpha, self.inplace)

    extra_repr = shows("alpha={alpha}", ", inplace=True")


class CELU(Module):
    """max(0, x) + min(0, alpha * (exp(x / alpha) - 1)) (Barron, 2017)."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        """Keep the settings."""
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.celu(input, self.alpha, self.inplace)

    extra_repr = shows("alpha={alpha}", ", inplace=True")


class LeakyReLU(Module):
    """x where x > 0, negative_slope * x elsewhere."""

    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False) -> None:
        """Keep the settings."""
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    extra_repr = shows("negative_slope={negative_slope}", ", inplace=True")


class GLU(Module):
    """a * sigmoid(b) for the halves a, b of ``dim`` (Dauphin et al., 2017)."""

    def __init__(self, dim: int = -1) -> None:
        """Keep the settings."""
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """(*, D, *) -> (*, D / 2, *)."""
        return F.glu(input, self.dim)

    extra_repr = shows("dim={dim}")


class GELU(Module):
    """x * Phi(x), Phi the normal distribution function; "tanh" approximates it."""

    def __init__(self, approximate: str = "none") -> None:
        """Keep the settings."""
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.gelu(input, approximate=self.approximate)

    extra_repr = shows("approximate={approximate!r}")


class Hardshrink(Module):
    """x where |x| > lambd, 0 elsewhere."""

    def __init__(self, lambd: float = 0.5) -> None:
        """Keep the settings."""
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.hardshrink(input, self.lambd)

    extra_repr = shows("{lambd}")


class Softshrink(Module):
    """x moved towards 0 by lambd."""

    def __init__(self, lambd: float = 0.5) -> None:
        """Keep the settings."""
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.softshrink(input, self.lambd)

    extra_repr = shows("{lambd}")


class Softplus(Module):
    """log(1 + exp(beta * x)) / beta; x itself where beta * x > threshold."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        """Keep the settings."""
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.softplus(input, self.beta, self.threshold)

    extra_repr = shows("beta={beta}, threshold={threshold}")


class PReLU(Module):
    """Leaky ReLU with learned slopes: one, or one a channel (He et al., 2015)."""

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None
    ) -> None:
        """Make ``weight`` (num_parameters,), filled with ``init``."""
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(torch.empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the slopes to their first value."""
        _init.constant_(self.weight, self.init)

    def forward(self, input: Any) -> Any:
        """(N, C, *) -> (N, C, *)."""
        return F.prelu(input, self.weight)

    extra_repr = shows("num_parameters={num_parameters}")


class Softmin(_Dim):
    """softmax(-x) along ``dim``."""

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.softmin(input, self.dim, _stacklevel=5)


class Softmax(_Dim):
    """exp(x) / sum(exp(x)) along ``dim``."""

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.softmax(input, self.dim, _stacklevel=5)


class LogSoftmax(_Dim):
    """x - log(sum(exp(x))) along ``dim``."""

    def forward(self, input: Any) -> Any:
        """(*) -> (*)."""
        return F.log_softmax(input, self.dim, _stacklevel=5)


class Softmax2d(Module):
    """Softmax over the channels of every pixel."""

    def forward(self, input: Any) -> Any:
        """(N, C, H, W) or (C, H, W) -> the same shape."""
        if input.dim() not in (3, 4):
            raise ValueError(
                f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead"
            )
        return F.softmax(input, -3, _stacklevel=5)
