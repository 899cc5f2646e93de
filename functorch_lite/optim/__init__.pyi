# What type checkers see of the names that ``_lazy.py`` finds when they are asked for.
from optax import *  # noqa: F403  optax, whole
from optax import contrib as contrib
from optax import losses as losses
from optax import projections as projections
from optax import schedules as schedules
from optax import transforms as transforms
from optax import tree as tree
from optax import tree_utils as tree_utils

from . import pytorch as pytorch
from ._rule import RuleState as RuleState
from ._rule import UpdateRule as UpdateRule
from ._rules import RULES as RULES
from ._train import Gradients as Gradients
from ._train import LossScale as LossScale
from ._train import Metrics as Metrics
from ._train import TrainState as TrainState
from ._train import TrainStep as TrainStep
from ._train import make_train_step as make_train_step
