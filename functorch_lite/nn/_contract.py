"""What a layer is.  The whole of ``functorch_lite.nn`` keeps these four lines:

    A layer is a frozen, hashable record of its settings with two pure functions, and no arrays.
    init(key) -> (params, state): nested dicts of arrays whose dotted keys are state_dict keys.
    apply(params, state, *inputs, key=None, train=False) -> (outputs, new_state).
    Nothing is written or remembered: what a call changes is new_state, all chance comes from key.

``params`` is what a gradient is taken of; ``state`` is the rest of the state_dict (the running
statistics of batch norm), and ``{}`` for most layers.  ``key`` is a JAX random key, which only
dropout in training asks for.  ``train`` is a Python bool, part of the program:
``jax.jit(layer.apply, static_argnames="train")``.  ``layer(params, x)`` is short for ``apply``
where there is no state.  A dict never holds an empty dict, so that what ``init`` makes and what a
checkpoint holds are the same tree.

A layer of your own is a class with annotated settings, which becomes a frozen dataclass::

    class Scale(nn.Plain):
        features: int

        def init(self, key):
            return {"weight": jnp.ones(self.features)}, {}

        def forward(self, params, input):
            return input * params["weight"]

:class:`Plain` writes ``apply`` for layers without state and chance; the others define it
themselves.  A layer made of others names them and says what happens to the inputs:
:class:`.Composite`.  Floor 5.
"""

from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, dataclass_transform

import numpy as np

from .._core.types import Array, PyTree

Key = Array
"""A JAX random key: ``jax.random.key(0)``."""
Params = dict[str, Any]
"""Nested dicts of arrays: what a gradient is taken of."""
State = dict[str, Any]
"""Nested dicts of arrays: what a layer keeps besides its params; ``{}`` if nothing."""


@dataclass_transform(frozen_default=True)
class Layer:
    """Base of all layers; see the contract above.  Subclasses become frozen dataclasses.

    Two layers with the same settings are equal, and a layer can be a static argument of ``jit``.

    >>> class Shift(Layer):
    ...     by: float = 1.0
    ...
    ...     def apply(self, params, state, input, *, key=None, train=False):
    ...         return input + self.by, state
    >>> Shift(2.0), Shift()
    (Shift(by=2.0), Shift())
    >>> Shift(2.0)({}, 40.0)
    42.0
    """

    def __init_subclass__(cls) -> None:
        """Make the subclass a frozen dataclass of its annotated settings."""
        super().__init_subclass__()
        dataclass(frozen=True, repr=False)(cls)

    def __post_init__(self) -> None:
        """Turn lists among the settings into tuples, so that every layer can be hashed."""
        for name in (field.name for field in fields(self)):  # type: ignore[arg-type]
            value = getattr(self, name)
            if isinstance(value, list):
                object.__setattr__(self, name, tuple(value))

    def init(self, key: Key) -> tuple[Params, State]:
        """Draw fresh params and make the first state; a layer without either leaves this out."""
        del key
        return {}, {}

    def apply(
        self,
        params: Params,
        state: State,
        *inputs: Any,
        key: Key | None = None,
        train: bool = False,
        **options: Any,
    ) -> tuple[Any, State]:
        """Compute ``(outputs, new_state)``.  ``options`` are inputs with a name, such as masks."""
        raise NotImplementedError(f"{type(self).__name__} must define apply")

    def __call__(
        self,
        params: Params,
        *inputs: Any,
        key: Key | None = None,
        train: bool = False,
        **options: Any,
    ) -> Any:
        """Return the outputs of ``apply`` alone, for layers without state."""
        outputs, state = self.apply(params, {}, *inputs, key=key, train=train, **options)
        if state:
            raise ValueError(
                f"{self!r} keeps state, which layer(params, x) would lose: "
                "call outputs, state = layer.apply(params, state, x)"
            )
        return outputs

    def __repr__(self) -> str:
        """Show the settings that have no default by position, the others where they differ."""
        settings = [_shown(self, field) for field in fields(self)]  # type: ignore[arg-type]
        return f"{type(self).__name__}({', '.join(s for s in settings if s)})"


def _shown(layer: Layer, field: Field) -> str:
    value = getattr(layer, field.name)
    if field.default is MISSING:
        return repr(value)
    if value == field.default:
        return ""
    return f"{field.name}={np.dtype(value).name if field.name == 'dtype' else repr(value)}"


class Plain(Layer):
    """Base of layers whose outputs depend on params and inputs alone: no state, no chance.

    Such a layer defines ``forward(params, *inputs)``, and ``apply`` follows.

    >>> class Scale(Plain):
    ...     def forward(self, params, input):
    ...         return params["weight"] * input
    >>> Scale().apply({"weight": 3}, {}, 14)
    (42, {})
    """

    def forward(self, params: Params, *inputs: Any, **options: Any) -> Any:
        """Compute the outputs."""
        raise NotImplementedError(f"{type(self).__name__} must define forward")

    def apply(
        self,
        params: Params,
        state: State,
        *inputs: Any,
        key: Key | None = None,
        train: bool = False,
        **options: Any,
    ) -> tuple[Any, State]:
        """Return the outputs of ``forward`` and the state as it was."""
        return self.forward(params, *inputs, **options), state


class Pair(Layer):
    """A layer from two functions that keep the contract.

    >>> twice = Pair(lambda key: ({}, {}), lambda params, state, x, *, key, train: (2 * x, state))
    >>> twice({}, 21)
    42
    """

    init_fun: Callable[[Key], tuple[Params, State]]
    apply_fun: Callable[..., tuple[Any, State]]

    def init(self, key: Key) -> tuple[Params, State]:
        """Call ``init_fun(key)``."""
        return self.init_fun(key)

    def apply(
        self,
        params: Params,
        state: State,
        *inputs: Any,
        key: Key | None = None,
        train: bool = False,
        **options: Any,
    ) -> tuple[Any, State]:
        """Call ``apply_fun`` with the same arguments."""
        return self.apply_fun(params, state, *inputs, key=key, train=train, **options)


class Function(Plain):
    """A plain function of its inputs as a layer without params; made by :func:`fn`."""

    fun: Callable[..., PyTree]

    def forward(self, params: Params, *inputs: Any, **options: Any) -> Any:
        """Return ``fun(*inputs, **options)``."""
        return self.fun(*inputs, **options)

    def __repr__(self) -> str:
        """Name the function."""
        return f"fn({getattr(self.fun, '__name__', repr(self.fun))})"


def fn(fun: Callable[..., PyTree]) -> Layer:
    """Make a layer of the plain function ``fun(*inputs) -> outputs``.

    Combinators do this by themselves: ``serial(Linear(3, 3), jnp.tanh)``.

    >>> fn(abs)({}, -3)
    3
    """
    return Function(fun)


def as_layer(value: Any, where: str) -> Layer:
    """Return a layer as it is and a function as :func:`fn` of it; TypeError for anything else.

    Anything with the two functions counts as a layer, whatever its class.
    """
    if isinstance(value, type):
        raise TypeError(f"{where} is the class {value.__name__}: call it, {value.__name__}(...)")
    if hasattr(value, "init") and hasattr(value, "apply"):
        return value
    if callable(value):
        return Function(value)
    raise TypeError(
        f"{where} must be a layer (with init and apply) or a function, got {value!r}: "
        "wrap a function with fn(...)"
    )
