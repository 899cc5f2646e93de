"""The functions of the legacy package ``functorch``: those of ``torch.func``, with a warning."""

import functools
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

from ... import transforms
from ..._core.errors import UnsupportedError
from . import _functionalize, _make_functional


def _warn(name: str, new: str) -> None:
    warnings.warn(
        "We've integrated functorch into PyTorch. As the final step of the integration, "
        f"`functorch.{name}` is deprecated as of PyTorch 2.0 and will be deleted in a future "
        f"version of PyTorch >= 2.3. Please use `{new}` instead; see the PyTorch 2.0 release notes "
        "and/or the `torch.func` migration guide for more details "
        "https://pytorch.org/docs/main/func.migrating.html",
        FutureWarning,
        stacklevel=3,
    )


def _deprecated(function: Callable[..., Any], new: str = "") -> Callable[..., Any]:
    """Return ``function`` under its legacy name: it warns first, and names what replaces it."""
    name = function.__name__

    @functools.wraps(function)
    def legacy(*args: Any, **kwargs: Any) -> Any:
        _warn(name, new or f"torch.func.{name}")
        return function(*args, **kwargs)

    return legacy


grad = _deprecated(transforms.grad)
grad_and_value = _deprecated(transforms.grad_and_value)
vmap = _deprecated(transforms.vmap, "torch.vmap")
vjp = _deprecated(transforms.vjp)
jvp = _deprecated(transforms.jvp)
jacrev = _deprecated(transforms.jacrev)
jacfwd = _deprecated(transforms.jacfwd)
hessian = _deprecated(transforms.hessian)
functionalize = _deprecated(_functionalize.functionalize)
make_functional = _deprecated(_make_functional.make_functional, "torch.func.functional_call")
make_functional_with_buffers = _deprecated(
    _make_functional.make_functional_with_buffers, "torch.func.functional_call"
)
combine_state_for_ensemble = _deprecated(
    _make_functional.combine_state_for_ensemble, "torch.func.stack_module_state"
)


def make_fx(f: Callable[..., Any], *args: Any, **kwargs: Any) -> NoReturn:
    """Raise: there are no FX graphs. ``functorch_lite.make_jaxpr`` shows a function's program."""
    del f, args, kwargs
    raise UnsupportedError(
        "functorch.make_fx",
        "Trace a function with functorch_lite.make_jaxpr(f)(*args) to see its program.",
    )
