"""The forerunners of ``functional_call``: ``make_functional`` and what goes with it.

Part of the legacy package ``functorch``, which warns and sends the user to ``torch.func``.
"""

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .. import _api as torch
from ..nn import Module
from ..nn.utils import stateless

Tensors = tuple[Any, ...]
Names = dict[str, list[str]]
"""Each tensor's first name -> all its names: more than one where modules share it."""


class FunctionalModuleWithBuffers(Module):
    """A module as a function ``(params, buffers, *args, **kwargs)``."""

    def __init__(
        self,
        stateless_model: Module,
        param_names: tuple[str, ...],
        buffer_names: tuple[str, ...],
        param_names_map: Names,
        buffer_names_map: Names,
    ) -> None:
        """Keep the module and the names of its tensors."""
        super().__init__()
        self.stateless_model = stateless_model
        self.param_names = param_names
        self.buffer_names = buffer_names
        self.all_names_map = {**param_names_map, **buffer_names_map}

    @staticmethod
    def _create_from(
        model: Module, disable_autograd_tracking: bool = False
    ) -> tuple["FunctionalModuleWithBuffers", Tensors, Tensors]:
        twin = copy.deepcopy(model)
        params, param_names = _taken(twin.named_parameters, disable_autograd_tracking)
        buffers, buffer_names = _taken(twin.named_buffers)
        own = FunctionalModuleWithBuffers(
            twin, tuple(param_names), tuple(buffer_names), param_names, buffer_names
        )
        return own, params, buffers

    def forward(
        self, params: Iterable[Any], buffers: Iterable[Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Call the module with these tensors in the place of its own."""
        given = (*params, *buffers)
        return _called(self.stateless_model, self.all_names_map, given, args, kwargs)


class FunctionalModule(Module):
    """A module without buffers as a function ``(params, *args, **kwargs)``."""

    def __init__(
        self, stateless_model: Module, param_names: tuple[str, ...], names_map: Names
    ) -> None:
        """Keep the module and the names of its parameters."""
        super().__init__()
        self.stateless_model = stateless_model
        self.param_names = param_names
        self.names_map = names_map

    @staticmethod
    def _create_from(
        model: Module, disable_autograd_tracking: bool = False
    ) -> tuple["FunctionalModule", Tensors]:
        twin = copy.deepcopy(model)
        params, names = _taken(twin.named_parameters, disable_autograd_tracking)
        return FunctionalModule(twin, tuple(names), names), params

    def forward(self, params: Iterable[Any], *args: Any, **kwargs: Any) -> Any:
        """Call the module with these tensors in the place of its parameters."""
        return _called(self.stateless_model, self.names_map, tuple(params), args, kwargs)


def make_functional(
    model: Module, disable_autograd_tracking: bool = False
) -> tuple[FunctionalModule, Tensors]:
    """Return ``(func, params)``: a copy of a module as a function of its parameters.

    Args:
        model: has no buffers. It stays as it is.
        disable_autograd_tracking: hand out parameters that do not require grad.

    Raises:
        RuntimeError: the module has buffers.
    """
    if any(True for _ in model.buffers()):
        raise RuntimeError(
            "make_functional(model): `model` has buffers. Please use "
            "make_functional_with_buffers(model) instead."
        )
    return FunctionalModule._create_from(model, disable_autograd_tracking)


def make_functional_with_buffers(
    model: Module, disable_autograd_tracking: bool = False
) -> tuple[FunctionalModuleWithBuffers, Tensors, Tensors]:
    """Return ``(func, params, buffers)``: a copy of a module as a function of its tensors.

    See :func:`make_functional`. What the module writes to its buffers is written to those given.
    """
    return FunctionalModuleWithBuffers._create_from(model, disable_autograd_tracking)


def combine_state_for_ensemble(
    models: Sequence[Module],
) -> tuple[FunctionalModuleWithBuffers, Tensors, Tensors]:
    """Return ``(func, params, buffers)`` of models of one class, each tensor stacked along dim 0.

    ``vmap(func, (0, 0, None))(params, buffers, x)`` runs the whole ensemble.

    Raises:
        RuntimeError: no models, or different classes or training modes.
    """
    name = "combine_state_for_ensemble: Expected"
    if not len(models):
        raise RuntimeError(f"{name} at least one model, got 0.")
    if len({m.training for m in models}) > 1:
        raise RuntimeError(f"{name} all models to have the same training/eval mode.")
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError(f"{name} all models to be of the same class.")
    made = [make_functional_with_buffers(m) for m in models]
    functions, params, buffers = zip(*made, strict=True)
    return functions[0], _stacked(params), _stacked(buffers)


def _stacked(each: tuple[Tensors, ...]) -> Tensors:
    return tuple(torch.stack(own).detach() for own in zip(*each, strict=True))


def _taken(named: Callable[..., Iterable], without_grad: bool = False) -> tuple[Tensors, Names]:
    """Return the distinct tensors of a module and their names."""
    firsts: dict[int, str] = {}
    tensors: list[Any] = []
    names: Names = {}
    for name, tensor in named(remove_duplicate=False):
        first = firsts.setdefault(id(tensor), name)
        names.setdefault(first, []).append(name)
        if first is name:
            tensors.append(tensor.requires_grad_(False) if without_grad else tensor)
    return tuple(tensors), names


def _called(module: Module, names: Names, given: Tensors, args: tuple, kwargs: dict) -> Any:
    """Call the module with ``given`` in the place of its tensors, under all their names."""
    state = {
        name: tensor for every, tensor in zip(names.values(), given, strict=False) for name in every
    }
    return stateless._functional_call(module, state, args, kwargs, tie_weights=False)
