"""Layers that are made of other layers: who the children are, and how a call goes through them.

A composite names its children and says in ``forward`` what happens to the inputs.  ``init`` and
``apply`` follow from that, here and nowhere else: the params of child ``"norm"`` are
``params["norm"]``, its state is ``state["norm"]``, and each call of a child has a key of its own.
Floor 5.
"""

from collections.abc import Mapping
from typing import Any

import jax

from ._contract import Key, Layer, Params, State, as_layer


class Call:
    """One call of a composite: runs its children by name and gathers their new states.

    It lives as long as one ``apply`` and is never seen outside, so ``apply`` stays pure.

    Attributes:
        params: the params of the composite, for those that it has beside its children's.
        state: its state, with the new states of the children that have run.
        key: its key, or None.
        train: whether this is training.
    """

    def __init__(
        self,
        children: Mapping[str, Layer],
        params: Params,
        state: State,
        key: Key | None,
        train: bool,
    ) -> None:
        """Begin with the arguments of ``apply``."""
        self.children = children
        self.params = params
        self.state = state
        self.key = key
        self.train = train
        self._calls = 0

    def __call__(self, name: str, *inputs: Any, **options: Any) -> Any:
        """Return the outputs of the child ``name`` and keep its new state."""
        layer = self.children[name]
        own = self.params.get(name, {}), self.state.get(name, {})
        try:
            outputs, state = layer.apply(
                *own, *inputs, key=self.next_key(), train=self.train, **options
            )
        except Exception as error:
            if isinstance(error, KeyError) and name not in self.params:
                only = sorted(self.params)
                error.add_note(f"params has no {name!r}, only {only}: pass what init returned")
            error.add_note(f"in layer {name!r}: {layer!r}")
            raise
        if state:
            self.state = {**self.state, name: state}
        return outputs

    def next_key(self) -> Key | None:
        """Return a fresh key, or None if ``apply`` was given none."""
        self._calls += 1
        return None if self.key is None else jax.random.fold_in(self.key, self._calls)


class Composite(Layer):
    """Base of layers that are made of others: define ``children`` and ``forward``.

    >>> from functorch_lite import nn
    >>> class Block(nn.Composite):
    ...     width: int
    ...
    ...     def children(self):
    ...         return {"norm": nn.LayerNorm(self.width), "fc": nn.Linear(self.width, self.width)}
    ...
    ...     def forward(self, call, x):
    ...         return x + call("fc", call("norm", x))
    >>> params, state = Block(4).init(jax.random.key(0))
    >>> sorted(nn.flatten(params))
    ['fc.bias', 'fc.weight', 'norm.bias', 'norm.weight']

    Params beside the children's are added by ``init`` (``params, state = super().init(key)``) and
    read in ``forward`` as ``call.params["name"]``.
    """

    def children(self) -> Mapping[str, Layer]:
        """Return the child layers by name, in the order in which their params are drawn."""
        raise NotImplementedError(f"{type(self).__name__} must define children")

    def forward(self, call: Call, *inputs: Any, **options: Any) -> Any:
        """Compute the outputs; ``call(name, *inputs)`` runs a child."""
        raise NotImplementedError(f"{type(self).__name__} must define forward")

    def init(self, key: Key) -> tuple[Params, State]:
        """Draw the params of each child with a key of its own."""
        return init_children(self.children(), key)

    def apply(
        self,
        params: Params,
        state: State,
        *inputs: Any,
        key: Key | None = None,
        train: bool = False,
        **options: Any,
    ) -> tuple[Any, State]:
        """Run ``forward``: its outputs, and the states of the children after it."""
        call = Call(self.children(), params, state, key, train)
        return self.forward(call, *inputs, **options), call.state


def init_children(children: Mapping[str, Layer], key: Key) -> tuple[Params, State]:
    """Return the params and the state of ``children``, each under its name, nothing if empty."""
    keys = jax.random.split(key, len(children))
    made = {name: child.init(k) for (name, child), k in zip(children.items(), keys, strict=True)}
    return tuple({n: pair[i] for n, pair in made.items() if pair[i]} for i in (0, 1))  # type: ignore


def named_layers(where: str, layers: tuple, named: Mapping[str, Any]) -> tuple:
    """Return the pairs (name, layer) of layers by position, named "0", "1", ..., and by name."""
    pairs = [*((str(i), layer) for i, layer in enumerate(layers)), *named.items()]
    for name, _ in pairs:
        if "." in name or not name:
            raise ValueError(
                f"{where}: the name {name!r} cannot be part of a dotted key; leave out the dot"
            )
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError(f"{where}: two layers have the same name: {[n for n, _ in pairs]}")
    return tuple((name, as_layer(layer, f"{where}: layer {name!r}")) for name, layer in pairs)
