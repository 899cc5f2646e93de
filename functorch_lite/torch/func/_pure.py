"""``pure``: a module as a pair of pure functions, and back.

The pair keeps the contract of ``functorch_lite.nn``: params and state are nested dicts of JAX
arrays with the state_dict's keys, all chance comes from a key. So a module written for PyTorch is a
layer among others: it can be jitted, mapped, differentiated and trained with optax.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...nn import Layer, flatten, to_state_dict, unflatten
from ...transforms._levels import REVERSE, Level
from ...transforms._world import opened
from .. import _api as torch
from .._engine.grad_mode import recording
from .._engine.tensor import Tensor, make
from .._functions.chance.keyed import KeySource
from ..nn import Module
from ..nn.utils.stateless import _reparametrize_module


class Pure(Layer):
    """A module as ``init(key) -> (params, state)`` and ``apply(params, state, *inputs)``.

    ``params`` are the parameters, ``state`` the persistent and other buffers. Arrays in, arrays
    out; where params or inputs hold Tensors, Tensors come out. ``layer(params, x)`` is short for
    ``apply`` of a module without buffers.
    """

    module: Any
    build: Any = None

    def init(self, key: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return (params, state): fresh ones drawn with ``key``, or the module's own without one.

        Raises:
            NotImplementedError: a submodule has parameters and no ``reset_parameters`` that would
                draw them; give :func:`pure` a function that builds the module.
        """
        if key is None:
            return _content(self.module)
        with _at(KeySource(key, _name(self.module))):
            fresh = copy.deepcopy(self.module) if self.build is None else self.build()
            if self.build is None:
                _reset(fresh)
            return _content(fresh)

    def apply(
        self,
        params: Mapping[str, Any],
        state: Mapping[str, Any],
        *inputs: Any,
        key: Any = None,
        train: bool = False,
        **options: Any,
    ) -> tuple[Any, dict[str, Any]]:
        """Call the module with these params and this state; return (outputs, new state).

        Args:
            key: where dropout and other draws come from; without one they raise.
            train: whether the module is in training mode.
            options: the module's keyword arguments.
        """
        given = opened((params, state, inputs, options))
        tensors = bool(given.boxes)
        content = to_state_dict(dict(params), dict(state))
        _check_names(self.module, content)
        with _at(KeySource(key, _name(self.module))), _training(self.module, train):
            members = {name: _as_tensor(value) for name, value in content.items()}
            args, kwargs = _map(_as_tensor_if_array, (inputs, options))
            with _reparametrize_module(self.module, members, tie_weights=True):
                output = self.module(*args, **kwargs)
            new = {name: members[name] for name in flatten(dict(state))}
            close = (lambda t: t) if tensors else _as_array
            return _map(close, output), unflatten({n: close(t) for n, t in new.items()})

    def load(self, params: Mapping[str, Any], state: Mapping[str, Any] | None = None) -> Any:
        """Write params (and state) into the module's own tensors; return the module.

        Raises:
            RuntimeError: names are missing or unexpected, or a shape differs; nothing is written.
        """
        content = to_state_dict(dict(params), dict(state or {}))
        own = _members(self.module)
        wanted = own if state is not None else dict(self.module.named_parameters())
        _check_names(self.module, content, wanted)
        for name, value in content.items():
            if tuple(value.shape) != tuple(own[name].shape):
                raise RuntimeError(
                    f"load: {name} has shape {tuple(value.shape)}, the module's "
                    f"{tuple(own[name].shape)}"
                )
        with torch.no_grad():
            for name, value in content.items():
                own[name].copy_(_as_tensor(value))
        return self.module

    def __repr__(self) -> str:
        """Show the module."""
        return f"pure({self.module!r})"


def pure(module: Module | Callable[[], Module]) -> Pure:
    """Return ``module`` as a pure layer with ``init``, ``apply`` and ``load``: see :class:`Pure`.

    Args:
        module: a module, or a function (a class) that builds one, which ``init`` calls so that each
            key gives other initial parameters.

    The layer reads nothing of the module but its structure, settings and forward code; the module
    keeps its own tensors, and its training mode, until :meth:`Pure.load`.

    >>> import jax
    >>> from functorch_lite import torch
    >>> layer = torch.func.pure(torch.nn.Linear(3, 2))
    >>> params, state = layer.init(jax.random.key(0))
    >>> layer(params, jax.numpy.ones((4, 3))).shape
    (4, 2)
    """
    if isinstance(module, Module):
        return Pure(module)
    if not callable(module):
        raise TypeError(
            f"pure() takes a torch.nn.Module or a function that builds one, not {type(module)}"
        )
    with torch.fork_rng():
        built = module()
    if not isinstance(built, Module):
        raise TypeError(f"pure(): {module!r} returned {type(built)}, not a torch.nn.Module")
    return Pure(built, module)


def _name(module: Any) -> str:
    return type(module).__name__


@contextmanager
def _at(keys: KeySource) -> Iterator[None]:
    """Run pure code: draws come from ``keys``, and what is neither param nor buffer stays as it is.

    The level is one that differentiates, so that ``detach`` and ``no_grad`` hold under JAX's own
    transforms, and the tape is silent.
    """
    level = Level(REVERSE, "a pure layer")
    level.keys = keys
    with level.running(), recording(True):
        yield
        if level.writes:
            raise NotImplementedError(
                "functorch_lite does not support a pure layer that writes to a tensor which is "
                "neither its parameter nor its buffer. Register it with register_buffer."
            )


def _members(module: Any) -> dict[str, Any]:
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _content(module: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the module's (params, state) as nested dicts of arrays."""
    parts = (module.named_parameters(), module.named_buffers())
    params, buffers = ({n: _as_array(t.detach()) for n, t in part} for part in parts)
    return unflatten(params), unflatten(buffers)


def _reset(module: Any) -> None:
    """Draw every parameter anew through the submodules' ``reset_parameters``."""
    for name, part in module.named_modules():
        if hasattr(part, "reset_parameters"):
            part.reset_parameters()
        elif hasattr(part, "_reset_parameters"):
            part._reset_parameters()
        elif any(p is not None for p in part._parameters.values()):
            raise NotImplementedError(
                f"pure(): {_name(part)} ({name or 'the module itself'}) has parameters and no "
                "reset_parameters that would draw them. Give pure() a function that builds the "
                "module: pure(lambda: Net(...)), or use init() for the present values."
            )


@contextmanager
def _training(module: Any, mode: bool) -> Iterator[None]:
    """Set training mode inside, and give each submodule its own back afterwards."""
    before = [(part, part.training) for part in module.modules()]
    module.train(mode)
    try:
        yield
    finally:
        for part, was in before:
            part.training = was


def _check_names(module: Any, given: Mapping[str, Any], wanted: Any = None) -> None:
    wanted = _members(module) if wanted is None else wanted
    missing = [name for name in wanted if name not in given]
    unexpected = [name for name in given if name not in wanted]
    if missing or unexpected:
        raise RuntimeError(
            f"{_name(module)}: the keys of params and state are not the module's: missing "
            f"{missing}, unexpected {unexpected}"
        )


# --- arrays and tensors ---------------------------------------------------------------------------


def _map(function: Callable[[Any], Any], tree: Any) -> Any:
    flat = opened(tree)
    return flat.with_leaves([function(leaf) for leaf in flat.leaves])


def _as_tensor(value: Any) -> Tensor:
    """Return an array as a tensor of its own; a tensor's array the same way."""
    return make(value._array if isinstance(value, Tensor) else jnp.asarray(value))


def _as_tensor_if_array(value: Any) -> Any:
    is_array = isinstance(value, (jax.Array, np.ndarray, np.generic))
    return _as_tensor(value) if is_array else value


def _as_array(value: Any) -> Any:
    """Return a tensor's array, in the dtypes that JAX is configured for."""
    if not isinstance(value, Tensor):
        return value
    array = value._array
    wanted = jax.dtypes.canonicalize_dtype(array.dtype)
    return array if array.dtype == wanted else array.astype(wanted)
