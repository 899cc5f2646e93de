"""Where the names of ``functorch`` come from: ``functorch_lite.torch.func``.

The folder above ``functorch`` comes first on the search path of a program under ``run`` and of its
children, in which nothing of ours need be loaded yet.
"""

import sys
from pathlib import Path
from typing import NoReturn

if (root := str(Path(__file__).resolve().parents[4])) not in sys.path:
    sys.path.append(root)


from functorch_lite.torch._install import install
from functorch_lite.torch.func._legacy import (
    combine_state_for_ensemble as combine_state_for_ensemble,
)
from functorch_lite.torch.func._legacy import functionalize as functionalize
from functorch_lite.torch.func._legacy import grad as grad
from functorch_lite.torch.func._legacy import grad_and_value as grad_and_value
from functorch_lite.torch.func._legacy import hessian as hessian
from functorch_lite.torch.func._legacy import jacfwd as jacfwd
from functorch_lite.torch.func._legacy import jacrev as jacrev
from functorch_lite.torch.func._legacy import jvp as jvp
from functorch_lite.torch.func._legacy import make_functional as make_functional
from functorch_lite.torch.func._legacy import (
    make_functional_with_buffers as make_functional_with_buffers,
)
from functorch_lite.torch.func._legacy import make_fx as make_fx
from functorch_lite.torch.func._legacy import vjp as vjp
from functorch_lite.torch.func._legacy import vmap as vmap
from functorch_lite.torch.func._make_functional import FunctionalModule as FunctionalModule
from functorch_lite.torch.func._make_functional import (
    FunctionalModuleWithBuffers as FunctionalModuleWithBuffers,
)
from functorch_lite.torch.func._rearrange import rearrange as rearrange
from functorch_lite.torch.torch_version import __version__ as __version__

if __name__ == "functorch._found":  # the program's own import: its torch is ours as well
    install()

ABSENT = ("compile", "dim", "experimental")


def __getattr__(name: str) -> NoReturn:
    """Explain a name that ``functorch`` lacks."""
    text = f"module 'functorch' has no attribute '{name}'"
    hint = ": PyTorch has it, functorch_lite does not have it"
    raise AttributeError(text + hint if name in ABSENT else text)
