"""``functional_call``: a module as a function of its parameters and buffers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..nn.utils import stateless


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: dict[str, Any] | Sequence[dict[str, Any]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call ``module(*args, **kwargs)`` with the given tensors in the place of its own.

    Args:
        module: the module; its own tensors are back in their places afterwards.
        parameter_and_buffer_dicts: name -> tensor, or a sequence of such dicts with distinct names.
            Names that are not given keep the module's tensors.
        args: the positional arguments; what is no tuple is the only one.
        kwargs: the keyword arguments.
        tie_weights: give a tensor to every name of the shared parameter that it replaces.
        strict: demand exactly the module's names.

    Raises:
        ValueError: no dict, or a name in several dicts.
        RuntimeError: names are missing or unexpected, with ``strict``.
    """
    given = _merged(parameter_and_buffer_dicts)
    return stateless._functional_call(
        module, given, args, kwargs, tie_weights=tie_weights, strict=strict
    )


def _merged(dicts: Any) -> dict[str, Any]:
    if isinstance(dicts, dict):
        return dicts
    if not isinstance(dicts, (list, tuple)):
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(dicts)}"
        )
    if not all(isinstance(d, dict) for d in dicts):
        raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
    names = [name for d in dicts for name in d]
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if repeated:
        raise ValueError(
            f"{repeated} appeared in multiple dictionaries; behavior of functional call is "
            "ambiguous"
        )
    return {name: tensor for d in dicts for name, tensor in d.items()}
