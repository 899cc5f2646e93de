"""Nested containers taken apart and put together again, with their keys in the user's order.

JAX's own pytrees sort the keys of a dict. A gradient must come back in the order of the parameters
that went in, or ``zip(params.values(), grads.values())`` would pair wrongly; so lists, tuples,
named tuples and dicts are walked here, and any other node by JAX's registry. Floor 4.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

_LEAVES = (jax.Array, np.ndarray, np.generic, int, float, complex, str, bytes, type(None))
_PLAIN = frozenset((list, tuple, dict))
"""Known for nodes at once: to be no ``jax.Array`` is found out slowly."""
_DICTS = (dict, OrderedDict, defaultdict)


@dataclass(frozen=True)
class Spec:
    """The shape of a tree: a leaf, or a node with children.

    Attributes:
        kind: the node's type; None for a leaf.
        aux: what else rebuilds the node: keys of a dict, or JAX's static part of a custom node.
        children: one ``Spec`` a child.
        count: number of leaves below.
    """

    kind: type | None = None
    aux: Any = None
    children: tuple["Spec", ...] = ()
    count: int = 1

    def __hash__(self) -> int:
        """Hash by value, once: a structure is looked up several times at each call."""
        found = self.__dict__.get("_hash")
        if found is None:
            found = hash((self.kind, self.aux, self.children))
            object.__setattr__(self, "_hash", found)
        return found

    def __str__(self) -> str:
        """Spell the structure as PyTorch's messages do."""
        return self._shown(0)

    def _shown(self, depth: int) -> str:
        if self.kind is None:
            return "*"
        aux = list(self.aux) if self.kind in _DICTS and self.aux is not None else self.aux
        below = (
            ("  " * (depth + 1))
            .join(f"{c._shown(depth + 1)},\n" for c in self.children)
            .removesuffix(",\n")
        )
        return f"TreeSpec({self.kind.__name__}, {aux}, [{below}])"

    def short(self) -> str:
        """Spell the structure as a container of stars: ``(*, [*, *])``."""
        return repr(unflatten(self, [_Star()] * self.count))


class _Star:
    def __repr__(self) -> str:
        return "*"


LEAF = Spec()


def flatten(tree: Any, boxes: Any = ()) -> tuple[list, Spec]:
    """Return the leaves of ``tree`` in order, and its ``Spec``. None is a leaf, so are ``boxes``.

    ``boxes`` is a type or a tuple of types.
    """
    leaves: list[Any] = []
    return leaves, _flatten(tree, (boxes, *_LEAVES), leaves)


def _flatten(tree: Any, kinds: tuple, leaves: list) -> Spec:
    taken = None if type(tree) not in _PLAIN and isinstance(tree, kinds) else _open(tree)
    if taken is None:
        leaves.append(tree)
        return LEAF
    children, aux = taken
    start, specs = len(leaves), []
    for child in children:  # as above: a call less for each of many leaves
        if type(child) not in _PLAIN and isinstance(child, kinds):
            leaves.append(child)
            specs.append(LEAF)
        else:
            specs.append(_flatten(child, kinds, leaves))
    return _node(type(tree), aux, tuple(specs), len(leaves) - start)


_nodes: dict[tuple, Spec] = {}
_KEPT = 4096
_TEXT = {str}


def _node(kind: type, aux: Any, children: tuple[Spec, ...], count: int) -> Spec:
    """Return the spec of a node; mostly one that was made before, which is equal at a glance.

    Children are known by identity here: the spec that is found keeps them alive. Keys that are no
    text may be equal and yet not the same (1 and True).
    """
    if kind not in _PLAIN or (kind is dict and not _TEXT.issuperset(map(type, aux))):
        return Spec(kind, aux, children, count)
    key = (kind, aux, *map(id, children))
    found = _nodes.get(key)
    if found is None:
        if len(_nodes) >= _KEPT:
            _nodes.clear()
        found = _nodes[key] = Spec(kind, aux, children, count)
    return found


def _open(tree: Any) -> tuple[Sequence[Any], Any] | None:
    """Return (children, aux) of a node, or None for a leaf."""
    kind = type(tree)
    if kind in (list, tuple):
        return tree, None
    if kind in _DICTS:
        factory = tree.default_factory if kind is defaultdict else None
        return list(tree.values()), (tuple(tree), factory) if factory else tuple(tree)
    if isinstance(tree, tuple):
        return tree, None
    return _registry.flatten_one_level(tree)


_registry: Any = jax.tree_util.default_registry
_one_leaf = jax.tree_util.tree_structure(0)


def unflatten(spec: Spec, leaves: Sequence[Any]) -> Any:
    """Return the tree of this structure that holds ``leaves``."""
    return _unflatten(spec, iter(leaves))


def _unflatten(spec: Spec, leaves: Iterator[Any]) -> Any:
    if spec.kind is None:
        return next(leaves)
    children = [_unflatten(child, leaves) for child in spec.children]
    kind = spec.kind
    if kind in (list, tuple):
        return kind(children)
    if kind is defaultdict and spec.aux and isinstance(spec.aux[0], tuple):
        keys, factory = spec.aux
        return defaultdict(factory, zip(keys, children, strict=True))
    if kind in _DICTS:
        content = dict(zip(spec.aux, children, strict=True))
        return defaultdict(None, content) if kind is defaultdict else kind(content)  # type: ignore[arg-type]
    if issubclass(kind, tuple):
        return kind(*children) if hasattr(kind, "_fields") else kind(children)
    return _rebuild(spec, children)


def _rebuild(spec: Spec, children: list) -> Any:
    """Rebuild a node of JAX's registry from its static part and its children."""
    node = (spec.kind, spec.aux)
    one = jax.tree_util.PyTreeDef.from_node_data_and_children(
        _registry, node, [_one_leaf] * len(children)
    )
    return one.unflatten(children)


def broadcast(prefix: Any, spec: Spec, is_entry: Callable[[Any], bool]) -> list[Any] | None:
    """Repeat the entries of a tree prefix for the leaves below them; None if it does not fit.

    >>> broadcast((0, None), flatten((1, [2, 3]))[1], lambda x: x is None or isinstance(x, int))
    [0, None, None]
    """
    if is_entry(prefix):
        return [prefix] * spec.count
    if spec.kind is None:
        return None
    taken = _open(prefix)
    if taken is None or not _alike(prefix, taken[1], spec):
        return None
    found: list[Any] = []
    for own, child in zip(taken[0], spec.children, strict=True):
        below = broadcast(own, child, is_entry)
        if below is None:
            return None
        found += below
    return found


def _alike(prefix: Any, aux: Any, spec: Spec) -> bool:
    same_kind = type(prefix) is spec.kind or (
        isinstance(prefix, (list, tuple)) and spec.kind in (list, tuple)
    )
    return same_kind and aux == spec.aux and len(prefix) == len(spec.children)
