"""functorch_lite: PyTorch scripts on JAX, with PyTorch's own numbers, and the mathematics beneath.

    import functorch_lite as fl                     # transforms, pure layers, optax, pmap
    import functorch_lite.torch as torch            # PyTorch's namespace
    python -m functorch_lite run script.py          # any script that says ``import torch``

The torch half is imported by its own name. Names are imported when they are first asked for;
``__init__.pyi`` shows the same ones to type checkers.
"""

from ._core.lazy import lazy as _lazy

__all__ = [
    "__version__",
    "all_gather",
    "all_to_all",
    "associative_scan",
    "axis_index",
    "checkpoint",
    "cond",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jit",
    "jvp",
    "linearize",
    "make_jaxpr",
    "nn",
    "optim",
    "parallel",
    "pmap",
    "pmax",
    "pmean",
    "pmin",
    "ppermute",
    "psum",
    "scan",
    "transforms",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
]

__getattr__ = _lazy(
    __name__,
    {
        "_core.version": ["__version__"],
        "nn": [],
        "optim": [],
        "parallel": [],
        "transforms": [],
        "parallel._pmap": ["pmap"],
        "parallel._collectives": [
            *("all_gather", "all_to_all", "axis_index", "pmax", "pmean", "pmin", "ppermute", "psum")
        ],
        "transforms._compiled": ["checkpoint", "jit", "make_jaxpr"],
        "transforms._control": ["associative_scan", "cond", "scan", "while_loop"],
        "transforms._forward": ["jvp", "linearize"],
        "transforms._jacobian": ["hessian", "jacfwd", "jacrev"],
        "transforms._reverse": ["grad", "grad_and_value", "value_and_grad", "vjp"],
        "transforms._vmap": ["vmap"],
    },
)


def __dir__() -> list[str]:
    """Return the public names, whether they were imported yet or not."""
    return __all__
