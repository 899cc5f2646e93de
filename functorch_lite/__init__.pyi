from . import nn as nn
from . import optim as optim
from . import parallel as parallel
from . import transforms as transforms
from ._core.counters import stats as stats
from ._core.version import __version__ as __version__
from .parallel import all_gather as all_gather
from .parallel import all_to_all as all_to_all
from .parallel import axis_index as axis_index
from .parallel import axis_size as axis_size
from .parallel import pmap as pmap
from .parallel import pmax as pmax
from .parallel import pmean as pmean
from .parallel import pmin as pmin
from .parallel import ppermute as ppermute
from .parallel import psum as psum
from .parallel import psum_scatter as psum_scatter
from .torch.func import debug_unwrap as debug_unwrap
from .torch.func import functional_call as functional_call
from .torch.func import functionalize as functionalize
from .torch.func import (
    replace_all_batch_norm_modules_ as replace_all_batch_norm_modules_,
)
from .torch.func import stack_module_state as stack_module_state
from .torch.func._make_functional import (
    combine_state_for_ensemble as combine_state_for_ensemble,
)
from .torch.func._make_functional import make_functional as make_functional
from .torch.func._make_functional import (
    make_functional_with_buffers as make_functional_with_buffers,
)
from .torch.func._pure import pure as pure
from .transforms import associative_scan as associative_scan
from .transforms import checkpoint as checkpoint
from .transforms import cond as cond
from .transforms import grad as grad
from .transforms import grad_and_value as grad_and_value
from .transforms import hessian as hessian
from .transforms import jacfwd as jacfwd
from .transforms import jacrev as jacrev
from .transforms import jit as jit
from .transforms import jvp as jvp
from .transforms import linearize as linearize
from .transforms import make_jaxpr as make_jaxpr
from .transforms import scan as scan
from .transforms import value_and_grad as value_and_grad
from .transforms import vjp as vjp
from .transforms import vmap as vmap
from .transforms import while_loop as while_loop
from .transforms._explain import Explanation as Explanation
from .transforms._explain import explain as explain
from .transforms._exported.function import export as export
from .transforms._exported.function import load_exported as load_exported
