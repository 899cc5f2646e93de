"""Calling a module with other tensors in the place of its parameters and buffers."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

__all__ = ["functional_call"]


def functional_call(
    module: Any,
    parameters_and_buffers: dict[str, Any],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Do what ``torch.func.functional_call`` does, which should be used instead; warns."""
    warnings.warn(
        "`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and will be "
        "removed in a future version of PyTorch. Please use `torch.func.functional_call` instead "
        "which is a drop-in replacement.",
        FutureWarning,
        stacklevel=2,
    )
    return _functional_call(
        *(module, parameters_and_buffers, args, kwargs), tie_weights=tie_weights, strict=strict
    )


def _functional_call(
    module: Any,
    parameters_and_buffers: dict[str, Any],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call ``module(*args, **kwargs)`` with these tensors.

    Args: ``tie_weights`` gives one tensor to all names of a shared parameter; ``strict`` demands
    exactly the names of the module.
    """
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _reparametrize_module(
        module, parameters_and_buffers, tie_weights=tie_weights, strict=strict
    ):
        return module(*args, **(kwargs or {}))


def _names(module: Any) -> dict[str, Any]:
    """Every name of every parameter and buffer."""
    return {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }


def _untie_named_tensors_map(module: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Spread each given tensor over all names of the shared tensor that it replaces."""
    names_of: dict[int, list[str]] = {}
    tensors = _names(module)
    for name, tensor in tensors.items():
        names_of.setdefault(id(tensor), []).append(name)
    spread = dict(given)
    for names in names_of.values():
        known = [name for name in names if name in given]
        if len(names) < 2 or not known:
            continue
        # PyTorch compares only where two or more were given
        if len(known) > 1 and len({id(given[name]) for name in known}) != 1:
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(names)}, "
                "which are tied. Consider using tie_weights=False"
            )
        spread.update(dict.fromkeys(names, given[known[0]]))
    return spread


def _swap(module: Any, name: str, tensor: Any) -> Any:
    """Put ``tensor`` in the place called ``name``, past all checks; return what was there."""
    path, _, leaf = name.rpartition(".")
    owner = module.get_submodule(path)
    for members in (owner._parameters, owner._buffers):
        if leaf in members:
            old, members[leaf] = members[leaf], tensor
            return old
    old = getattr(owner, leaf, _MISSING)
    if tensor is _MISSING:
        delattr(owner, leaf)
    else:
        setattr(owner, leaf, tensor)
    return old


_MISSING = object()
"""Stands for the tensor of a name that the module does not have; PyTorch lends it the name."""


@contextlib.contextmanager
def _reparametrize_module(
    module: Any,
    parameters_and_buffers: dict[str, Any],
    tie_weights: bool = False,
    strict: bool = False,
) -> Iterator[None]:
    """Swap tensors in, and out again; what the module put in their places goes to the caller."""
    given = parameters_and_buffers
    if tie_weights:
        given = _untie_named_tensors_map(module, given)
    if strict:
        _check_names(module, given)
    old: dict[str, Any] = {}
    try:
        for name, tensor in given.items():
            old[name] = _swap(module, name, tensor)
        yield
    finally:
        new = {name: _swap(module, name, tensor) for name, tensor in reversed(old.items())}
        parameters_and_buffers.update({k: new[k] for k in parameters_and_buffers if k in new})


def _check_names(module: Any, given: dict[str, Any]) -> None:
    wanted = _names(module)
    problems = []
    unexpected = [repr(name) for name in sorted(given) if name not in wanted]
    missing = [repr(name) for name in sorted(wanted) if name not in given]
    if unexpected:
        problems.append(f"Unexpected key(s): {', '.join(unexpected)}.")
    if missing:
        problems.append(f"Missing key(s): {', '.join(missing)}.")
    if problems:
        lines = "\n\t".join(problems)
        raise RuntimeError(f"Error(s) in reparametrizing for {module._get_name()}:\n\t{lines}")
