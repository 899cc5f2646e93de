"""In which order of dims the values of a program lie in memory.

XLA's CPU compiler keeps the order in which a program states its dims, and transposes what a kernel
wants in another.  It fuses those transposes into the element-wise loops around them, which then
walk memory in strides and run once for each use.  :func:`relaid` rewrites a traced program before
XLA sees it.  Each value is *held* with the order in which its dims lie in memory; some primitives
choose the order of their result, a rule for each other one passes it on by renumbering dims, and a
primitive without a rule gets its operands in the program's order.  A broadcast is held as its
operand until somebody says in which order it is needed.

- Images: PyTorch's are (N, C, H, W), XLA's convolution wants (N, H, W, C) (a small CNN's step: 68
  to 46 ms, ResNet-18's: 1.98 to 1.46 s of CPU time).
- Stacks of matrices, such as the weights of an ensemble under ``vmap``: XLA transposes every matrix
  on the right of a batched product, so they stand on the left, and the activations (models,
  examples, features) lie with the features before the examples (outputs of ten networks of width
  32: 0.16 to 0.1 ms, of width 128: 0.75 to 0.45 ms, gradients 0.45 to 0.33 and 1.75 to 1.65).

Floor 0.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
from jax.extend.core import jaxpr_as_fun

from .held import Given, in_order, plain
from .options import tuning
from .rules import run

RELAID = {"convolution": plain, "stack": Given.of, "stack, wide": Given.of}
"""The words of ``options.CPU_OPTIONS`` whose programs gain by it, and how operands are held."""


def relaid(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``fun`` with its values held in other orders; for use directly under ``jax.jit``.

    Derivatives must be taken before: custom rules inside ``fun`` are not kept.
    """

    @functools.wraps(fun)
    def laid(*args: Any, **kwargs: Any) -> Any:
        closed, shape = jax.make_jaxpr(fun, return_shape=True)(*args, **kwargs)
        operands = jax.tree.leaves((args, kwargs))
        hold = RELAID.get(tuning(closed.jaxpr))
        if hold is None:
            results = jaxpr_as_fun(closed)(*operands)
        else:
            held = run(closed.jaxpr, map(hold, closed.consts), map(hold, operands))
            results = map(in_order, held)
        return jax.tree.unflatten(jax.tree.structure(shape), results)

    return laid
