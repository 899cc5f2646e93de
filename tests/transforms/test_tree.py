"""Nested containers: taken apart and put together again, in the user's order."""

from collections import OrderedDict, defaultdict, namedtuple

import jax
import jax.numpy as jnp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functorch_lite.transforms._tree import broadcast, flatten, unflatten

Point = namedtuple("Point", "x y")

trees = st.recursive(
    st.integers() | st.none() | st.text(max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.tuples(inner, inner).map(lambda pair: Point(*pair))
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3).map(OrderedDict)
    ),
    max_leaves=8,
)


@given(trees)
def test_a_tree_comes_back_as_it_was(tree):
    leaves, spec = flatten(tree)
    again = unflatten(spec, leaves)
    assert again == tree and repr(again) == repr(tree)  # repr tells the order of keys
    assert spec.count == len(leaves)


@given(trees)
def test_an_entry_is_repeated_for_every_leaf_below_it(tree):
    leaves, spec = flatten(tree)
    assert broadcast(7, spec, lambda entry: entry == 7) == [7] * len(leaves)


def test_a_default_dict_keeps_its_factory():
    tree = defaultdict(list, b=1, a=2)
    leaves, spec = flatten(tree)
    again = unflatten(spec, leaves)
    assert again == tree and again.default_factory is list and list(again) == ["b", "a"]


def test_equal_structures_are_one_object_but_keys_stay_what_they_were():
    tree = ({"a": 1, "b": [2, (3,)]}, {})
    assert flatten(tree)[1] is flatten(({"a": 4, "b": [5, (6,)]}, {}))[1]
    assert flatten(tree)[1] is not flatten(({"b": 1, "a": [2, (3,)]}, {}))[1]
    for keys in ((1, 2), (True, 2), (1.0, 2)):  # equal, and not the same
        leaves, spec = flatten([dict.fromkeys(keys, 0)])
        (found,) = unflatten(spec, leaves)
        assert list(map(type, found)) == list(map(type, keys))


def test_nodes_of_jaxs_registry_are_opened():
    node = jax.tree_util.Partial(jnp.add, jnp.ones(2))
    leaves, spec = flatten({"f": node})
    assert len(leaves) == 1
    assert unflatten(spec, [jnp.zeros(2)])["f"](1).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("prefix", "tree", "wanted"),
    [
        ((0, None), (1, [2, 3]), [0, None, None]),
        ((0, [1, 2]), (1, [2, 3]), [0, 1, 2]),
        ([0, 1], (1, 2), [0, 1]),
        ((0, 0), (1,), None),
        ({"a": 0}, {"b": 1}, None),
    ],
)
def test_prefixes(prefix, tree, wanted):
    spec = flatten(tree)[1]
    assert broadcast(prefix, spec, lambda e: not isinstance(e, (list, tuple, dict))) == wanted
