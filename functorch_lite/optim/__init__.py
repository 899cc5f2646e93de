"""Optimizers as pure functions: the update rule of each PyTorch optimizer, on JAX arrays.

``RULES[name]`` is ``rule(param, grad, state, hyper, flags) -> (param, state)``. The classes of
``functorch_lite.torch.optim`` are shells around these rules.
"""

from ._rules import RULES

__all__ = ["RULES"]
