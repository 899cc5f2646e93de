"""Transforms of functions on nested containers of arrays or Tensors."""

from ._compiled import checkpoint as checkpoint
from ._compiled import jit as jit
from ._compiled import make_jaxpr as make_jaxpr
from ._control import associative_scan as associative_scan
from ._control import cond as cond
from ._control import scan as scan
from ._control import while_loop as while_loop
from ._explain import explain as explain
from ._forward import jvp as jvp
from ._forward import linearize as linearize
from ._jacobian import hessian as hessian
from ._jacobian import jacfwd as jacfwd
from ._jacobian import jacrev as jacrev
from ._reverse import grad as grad
from ._reverse import grad_and_value as grad_and_value
from ._reverse import value_and_grad as value_and_grad
from ._reverse import vjp as vjp
from ._vmap import vmap as vmap
