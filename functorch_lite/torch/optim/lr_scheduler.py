"""Learning rate schedules: ``scheduler.step()`` after ``optimizer.step()``."""

from ._schedulers.base import EPOCH_DEPRECATION_WARNING, LRScheduler, _LRScheduler
from ._schedulers.composed import ChainedScheduler, SequentialLR
from ._schedulers.cyclic import CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR
from ._schedulers.plateau import ReduceLROnPlateau
from ._schedulers.simple import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)

__all__ = [
    "EPOCH_DEPRECATION_WARNING",
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
    "_LRScheduler",
]
