"""Optimizers as pure functions: optax whole, PyTorch's update rules, and a training step.

* every public name of optax: ``optim.adam``, ``optim.chain``, ``optim.cosine_decay_schedule``, ...;
* ``optim.pytorch``: the very rules of PyTorch's optimizers, as optax transformations;
* ``TrainState`` and ``make_train_step``: the record of a training run and the step that moves it;
* ``RULES[name]``: ``rule(param, grad, state, hyper, flags) -> (param, state)``, which the classes
  of ``functorch_lite.torch.optim`` are shells around.

What needs optax is imported when it is first asked for (``_lazy.py``); ``__init__.pyi`` shows the
same names to type checkers.
"""

from ._lazy import __dir__ as __dir__
from ._lazy import __getattr__ as __getattr__
from ._rules import RULES as RULES
