"""functorch_lite: PyTorch scripts on JAX, with PyTorch's own numbers, and the mathematics beneath.

    import functorch_lite as fl                     # transforms, pure layers, optax, pmap
    import functorch_lite.torch as torch            # PyTorch's namespace
    python -m functorch_lite run script.py          # any script that says ``import torch``

The torch half is imported by its own name, or with the transforms of its modules
(``functional_call``, ``stack_module_state``, ``pure``, ...). Names are imported when they are first
asked for; ``__init__.pyi`` shows the same ones to type checkers.
"""

from ._core.lazy import Lazy as _Lazy

__names__ = _Lazy(
    __name__,
    {
        "_core.counters": ["stats"],
        "_core.version": ["__version__"],
        "nn": [],
        "optim": [],
        "parallel": [],
        "transforms": [],
        "parallel._pmap": ["pmap"],
        "parallel._collectives": [
            *("all_gather", "all_to_all", "axis_index", "axis_size", "pmax", "pmean", "pmin"),
            *("ppermute", "psum", "psum_scatter"),
        ],
        "torch.func._functional_call": ["functional_call"],
        "torch.func._functionalize": ["debug_unwrap", "functionalize"],
        "torch.func._make_functional": [
            *("combine_state_for_ensemble", "make_functional", "make_functional_with_buffers"),
        ],
        "torch.func._modules": ["replace_all_batch_norm_modules_", "stack_module_state"],
        "torch.func._pure": ["pure"],
        "transforms._compiled": ["checkpoint", "jit", "make_jaxpr"],
        "transforms._explain": ["Explanation", "explain"],
        "transforms._control": ["associative_scan", "cond", "scan", "while_loop"],
        "transforms._exported.function": ["export", "load_exported"],
        "transforms._forward": ["jvp", "linearize"],
        "transforms._jacobian": ["hessian", "jacfwd", "jacrev"],
        "transforms._reverse": ["grad", "grad_and_value", "value_and_grad", "vjp"],
        "transforms._vmap": ["vmap"],
    },
)

__getattr__ = __names__.get
__dir__ = __names__.list
