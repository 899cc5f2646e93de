"""What ``import functorch`` finds under ``run``: PyTorch's legacy names of ``torch.func``."""

from ._found import FunctionalModule as FunctionalModule
from ._found import FunctionalModuleWithBuffers as FunctionalModuleWithBuffers
from ._found import __getattr__ as __getattr__
from ._found import __version__ as __version__
from ._found import combine_state_for_ensemble as combine_state_for_ensemble
from ._found import functionalize as functionalize
from ._found import grad as grad
from ._found import grad_and_value as grad_and_value
from ._found import hessian as hessian
from ._found import jacfwd as jacfwd
from ._found import jacrev as jacrev
from ._found import jvp as jvp
from ._found import make_functional as make_functional
from ._found import make_functional_with_buffers as make_functional_with_buffers
from ._found import make_fx as make_fx
from ._found import vjp as vjp
from ._found import vmap as vmap
