"""A training run as a value: ``TrainState``, and the pure step that moves it."""

from .record import Gradients, LossScale, Metrics, TrainState
from .step import TrainStep, make_train_step

__all__ = ["Gradients", "LossScale", "Metrics", "TrainState", "TrainStep", "make_train_step"]
