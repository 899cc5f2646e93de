"""The examples in the docstrings run."""

import doctest
import importlib
import pkgutil

import pytest

import functorch_lite.nn as nn

MODULES = ["functorch_lite.nn"] + [
    f"functorch_lite.nn.{module.name}" for module in pkgutil.iter_modules(nn.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_the_docstrings_run(name):
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert not failed


def test_every_public_name_has_a_docstring_of_its_own():
    names = [name for name in dir(nn) if not name.startswith("_")]
    assert not [name for name in names if not getattr(nn, name).__doc__]
