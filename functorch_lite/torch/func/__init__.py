"""Function transforms: ``torch.func``. The very functions of ``functorch_lite``, on tensors."""

from ..._core.lazy import Lazy as _Lazy
from ...transforms import grad as grad
from ...transforms import grad_and_value as grad_and_value
from ...transforms import hessian as hessian
from ...transforms import jacfwd as jacfwd
from ...transforms import jacrev as jacrev
from ...transforms import jvp as jvp
from ...transforms import linearize as linearize
from ...transforms import vjp as vjp
from ...transforms import vmap as vmap
from ._functional_call import functional_call as functional_call
from ._functionalize import debug_unwrap as debug_unwrap
from ._functionalize import functionalize as functionalize
from ._modules import replace_all_batch_norm_modules_ as replace_all_batch_norm_modules_
from ._modules import stack_module_state as stack_module_state
from ._rearrange import rearrange as rearrange

__getattr__ = _Lazy(__name__, {"_pure": ["Pure", "pure"]}).get
