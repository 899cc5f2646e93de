"""Combinators: layers from layers.  ``serial``, ``parallel``, ``residual``, ``repeat``.

Each returns a layer that keeps the contract.  A plain function among the layers counts as a layer
without params.  Layers by position are named "0", "1", ... in the keys, as in ``nn.Sequential``.
Floor 5.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
from jax import lax

from .._core.types import Array
from ._composite import Call, Composite, named_layers
from ._contract import Key, Layer, Params, State, as_layer
from ._tree import STACKED, stack, unstack


class _Several(Composite):
    """Several named layers."""

    layers: tuple[tuple[str, Layer], ...]

    def children(self) -> Mapping[str, Layer]:
        """The layers by name."""
        return dict(self.layers)

    def __repr__(self) -> str:
        """Show the layers by position, then by name."""
        shown = [repr(layer) if n.isdigit() else f"{n}={layer!r}" for n, layer in self.layers]
        return f"{type(self).__name__.lower()}({', '.join(shown)})"


class Serial(_Several):
    """What :func:`serial` makes."""

    def forward(self, call: Call, *inputs: Any, **options: Any) -> Any:
        """Run the layers one after the other."""
        for i, (name, _) in enumerate(self.layers):
            inputs = (call(name, *inputs, **({} if i else options)),)
        return inputs[0]


class Parallel(_Several):
    """What :func:`parallel` makes."""

    def forward(self, call: Call, *inputs: Any, **options: Any) -> tuple:
        """Run all layers on the same inputs."""
        return tuple(call(name, *inputs, **options) for name, _ in self.layers)


def serial(*layers: Layer | Callable[..., Any], **named: Layer | Callable[..., Any]) -> Layer:
    """Make the layer that runs ``layers``, then ``named`` ones, each on the output of the last.

    The first layer gets all inputs.  Keys are "0.", "1.", ... for layers by position, counting
    functions as well, and the name for the others: those of ``nn.Sequential``.

    >>> import jax, jax.numpy as jnp
    >>> from functorch_lite import nn
    >>> model = serial(nn.Linear(4, 8), jnp.tanh, head=nn.Linear(8, 2))
    >>> params, state = model.init(jax.random.key(0))
    >>> sorted(nn.flatten(params))
    ['0.bias', '0.weight', 'head.bias', 'head.weight']
    >>> outputs, state = model.apply(params, state, jnp.ones((3, 4)))
    >>> outputs.shape
    (3, 2)
    """
    if not layers and not named:
        raise ValueError("serial: give at least one layer, such as Identity()")
    return Serial(named_layers("serial", layers, named))


def parallel(*layers: Layer | Callable[..., Any], **named: Layer | Callable[..., Any]) -> Layer:
    """Make the layer that runs all layers on the same inputs and returns the tuple of outputs.

    Keys as in :func:`serial`.  Follow it by a function to join the outputs:
    ``serial(parallel(a, b), lambda outputs: jnp.concatenate(outputs, -1))``.
    """
    return Parallel(named_layers("parallel", layers, named))


class Residual(Layer):
    """What :func:`residual` makes."""

    layer: Layer
    name: str = ""
    shortcut: Layer | None = None

    def init(self, key: Key) -> tuple[Params, State]:
        """Draw the params of both ways."""
        first, second = jax.random.split(key)
        made = self.layer.init(first)
        if self.shortcut is None:
            return made
        side = self.shortcut.init(second)
        if self.name in made[0] or self.name in made[1]:
            raise ValueError(
                f"residual: the layer has params named {self.name!r} as well: "
                "give the shortcut another name"
            )
        joined = [
            own | ({self.name: more} if more else {}) for own, more in zip(made, side, strict=True)
        ]
        return joined[0], joined[1]

    def apply(
        self,
        params: Params,
        state: State,
        *inputs: Any,
        key: Key | None = None,
        train: bool = False,
        **options: Any,
    ) -> tuple[Any, State]:
        """Add what the layer makes of the inputs to the first of them, or to its shortcut."""
        keys = (None, None) if key is None else jax.random.split(key)
        more: dict[str, Any] = {"train": train}
        out, new = self.layer.apply(params, state, *inputs, key=keys[0], **more, **options)
        base = inputs[0]
        if self.shortcut is not None:
            own = params.get(self.name, {}), state.get(self.name, {})
            base, side = self.shortcut.apply(*own, base, key=keys[1], **more)
            new = new | ({self.name: side} if side else {})
        if out.shape != base.shape:
            raise ValueError(
                f"residual: the layer gives shape {out.shape} and the way around it {base.shape}: "
                "add a shortcut that makes them equal, residual(layer, downsample=Conv2d(...))"
            )
        return base + out, new

    def __repr__(self) -> str:
        """Show the layer and the shortcut."""
        side = "" if self.shortcut is None else f", {self.name}={self.shortcut!r}"
        return f"residual({self.layer!r}{side})"


def residual(layer: Layer | Callable[..., Any], **shortcut: Layer | Callable[..., Any]) -> Layer:
    """Make the layer ``x + layer(x)``, or ``shortcut(x) + layer(x)``.

    The keys are those of ``layer``, without a prefix; a shortcut's begin with its name, which is
    yours: ``residual(serial(conv1=..., bn1=...), downsample=serial(...))`` has the keys of a
    torchvision ResNet block.  Further inputs and options go to ``layer`` only.

    >>> residual(abs)({}, jax.numpy.float32(-3))
    Array(0., dtype=float32)
    """
    own = as_layer(layer, "residual: the layer")
    if len(shortcut) > 1:
        raise ValueError(f"residual: one shortcut at most, got {', '.join(shortcut)}")
    for name, side in shortcut.items():
        return Residual(own, name, as_layer(side, f"residual: {name}"))
    return Residual(own)


class Repeat(Layer):
    """What :func:`repeat` makes."""

    layer: Layer
    n: int
    checkpoint: bool = False

    def init(self, key: Key) -> tuple[Params, State]:
        """Draw the params of each copy, with a key of its own."""
        stacked = jax.vmap(self.layer.init)(jax.random.split(key, self.n))
        params, state = (unstack({STACKED: tree}) if tree else {} for tree in stacked)
        return params, state

    def apply(
        self,
        params: Params,
        state: State,
        input: Any,
        *inputs: Any,
        key: Key | None = None,
        train: bool = False,
        **options: Any,
    ) -> tuple[Any, State]:
        """Run the copies one after the other; further inputs and options go to each of them."""
        copies = [stack(tree).get(STACKED, {}) for tree in (params, state)]
        keys = None if key is None else jax.random.split(key, self.n)

        def step(x: Array, copy: tuple) -> tuple[Array, State]:
            own, kept, key = copy
            out, new = self.layer.apply(own, kept, x, *inputs, key=key, train=train, **options)
            self._check_same(x, out)
            return out, new

        if self.checkpoint:
            step = jax.checkpoint(step)
        input = jax.tree.map(jax.numpy.asarray, input)
        out, new = lax.scan(step, input, (*copies, keys), length=self.n)
        stacked = {STACKED: new} if new else {}
        return out, stacked if STACKED in state else unstack(stacked)

    def _check_same(self, x: Any, out: Any) -> None:
        before, after = (jax.tree.map(_shown, tree) for tree in (x, out))
        if before != after:
            raise ValueError(
                f"repeat: the layer must return what it takes, got {before} -> {after}: "
                "use serial for layers of different sizes"
            )

    def __repr__(self) -> str:
        """Show the layer and how often it runs."""
        return f"repeat({self.layer!r}, {self.n})"


def _shown(x: Array) -> str:
    """Return shape and dtype, such as ``(2, 3) float32``."""
    return f"{x.shape} {x.dtype}"


def repeat(layer: Layer | Callable[..., Any], n: int, *, checkpoint: bool = False) -> Layer:
    """Make the layer that runs ``n`` copies of ``layer``, each with params of its own.

    The copies run in one ``lax.scan``, so a deep model compiles as fast as a shallow one.  Keys are
    "0.", "1.", ...; :func:`.stack` puts the params of all copies into one array each, which spares
    stacking them at each call.  With ``checkpoint`` the backward pass computes each copy again
    instead of keeping what is inside.

    >>> import jax, jax.numpy as jnp
    >>> from functorch_lite import nn
    >>> params, state = repeat(nn.Linear(3, 3), 2).init(jax.random.key(0))
    >>> sorted(nn.flatten(params))
    ['0.bias', '0.weight', '1.bias', '1.weight']
    >>> nn.stack(params)["*"]["weight"].shape
    (2, 3, 3)
    """
    if n < 1:
        raise ValueError(f"repeat: n must be at least 1, got {n}")
    return Repeat(as_layer(layer, "repeat: the layer"), n, checkpoint)
