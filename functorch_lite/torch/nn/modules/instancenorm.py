"""Instance normalisation (Ulyanov et al., 2016): each channel of each sample by itself."""

from __future__ import annotations

import warnings
from typing import Any

from .. import functional as F
from .batchnorm import _expect, _LazyNormBase, _NormBase

__all__ = [
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
]


class _InstanceNorm(_NormBase):
    """Normalise each channel of each sample; by default without weights or statistics."""

    _no_batch_dim: int

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        """Make parameters and buffers, all (num_features,)."""
        super().__init__(
            *(num_features, eps, momentum, affine, track_running_stats, device, dtype), bias=bias
        )

    def _get_no_batch_dim(self) -> int:
        return self._no_batch_dim

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: Any,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Checkpoints before PyTorch 0.4 had statistics that nobody wants: explain."""
        names = [prefix + name for name in ("running_mean", "running_var")]
        found = [name for name in names if name in state_dict]
        old = local_metadata.get("version") is None and not self.track_running_stats
        if old and found:
            keys = " and ".join(f'"{k}"' for k in found)
            klass = type(self).__name__
            error_msgs.append(
                f"Unexpected running stats buffer(s) {keys} for {klass} with "
                "track_running_stats=False. If state_dict is a checkpoint saved before 0.4.0, "
                f"this may be expected because {klass} does not track running stats by default "
                "since 0.4.0. Please remove these keys from state_dict. If the running stats are "
                f"actually needed, instead set track_running_stats=True in {klass} to enable "
                f"them. See the documentation of {klass} for details."
            )
            for key in found:
                state_dict.pop(key)
        super()._load_from_state_dict(
            *(state_dict, prefix, local_metadata, strict),
            *(missing_keys, unexpected_keys, error_msgs),
        )

    def forward(self, input: Any) -> Any:
        """(N, C, *) or (C, *) -> the same shape."""
        self._check_input_dim(input)
        dim = input.dim() - self._get_no_batch_dim()
        if input.size(dim) != self.num_features:
            if self.affine:
                raise ValueError(
                    f"expected input's size at dim={dim} to match num_features "
                    f"({self.num_features}), but got: {input.size(dim)}."
                )
            warnings.warn(
                f"input's size at dim={dim} does not match num_features. "
                "You can silence this warning by not passing in num_features, "
                "which is not used because affine=False",
                stacklevel=2,
            )
        if dim == 0:
            return self._normalize(input.unsqueeze(0)).squeeze(0)
        return self._normalize(input)

    def _normalize(self, input: Any) -> Any:
        return F.instance_norm(
            *(input, self.running_mean, self.running_var, self.weight, self.bias),
            self.training or not self.track_running_stats,
            self.momentum if self.momentum is not None else 0.0,
            self.eps,
        )


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of (N, C, L) or (C, L)."""

    _no_batch_dim = 2
    _check_input_dim = _expect((2, 3))


class LazyInstanceNorm1d(_LazyNormBase, _InstanceNorm):
    """An ``InstanceNorm1d`` that takes ``num_features`` from its first input."""

    cls_to_become = InstanceNorm1d
    _no_batch_dim = 2
    _check_input_dim = _expect((2, 3))


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of (N, C, H, W) or (C, H, W)."""

    _no_batch_dim = 3
    _check_input_dim = _expect((3, 4))


class LazyInstanceNorm2d(_LazyNormBase, _InstanceNorm):
    """An ``InstanceNorm2d`` that takes ``num_features`` from its first input."""

    cls_to_become = InstanceNorm2d
    _no_batch_dim = 3
    _check_input_dim = _expect((3, 4))


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of (N, C, D, H, W) or (C, D, H, W)."""

    _no_batch_dim = 4
    _check_input_dim = _expect((4, 5))


class LazyInstanceNorm3d(_LazyNormBase, _InstanceNorm):
    """An ``InstanceNorm3d`` that takes ``num_features`` from its first input."""

    cls_to_become = InstanceNorm3d
    _no_batch_dim = 4
    _check_input_dim = _expect((4, 5))
