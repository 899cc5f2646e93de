"""``fl.optim`` shows optax whole, and our own names beside it; the stub says the same."""

import ast
import doctest
import importlib
import subprocess
import sys
import warnings
from pathlib import Path

import optax
import pytest

from functorch_lite import optim
from functorch_lite.optim import _lazy

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # names that optax is about to drop
    PUBLIC = sorted({*optax.__all__, *(n for n in dir(optax) if not n.startswith("_"))})
OURS = [*_lazy.OWN_MODULES, *_lazy.OWN_NAMES, "RULES"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_public_name_of_optax_is_here():
    assert len(PUBLIC) > 200
    assert [name for name in PUBLIC if getattr(optim, name) is not getattr(optax, name)] == []
    assert set(dir(optim)) >= {n for n in dir(optax) if not n.startswith("_")}


def test_no_name_of_ours_is_one_of_optax():
    assert set(OURS).isdisjoint(PUBLIC)
    assert all(getattr(optim, name) is not None for name in OURS)
    assert set(OURS) <= set(dir(optim))


def test_a_name_that_nobody_has_says_where_it_was_looked_for():
    with pytest.raises(AttributeError, match=r"'adamm'.*neither one of ours .* nor in optax"):
        optim.adamm  # noqa: B018
    assert not hasattr(optim, "__wrapped__")


def test_the_shim_does_not_import_optax():
    code = "import sys, functorch_lite.torch; sys.exit('optax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_stub_shows_the_names_that_exist():
    tree = ast.parse(Path(optim.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    shown = {alias.name for node in tree.body for alias in getattr(node, "names", [])}
    assert set(OURS) <= shown
    modules = {n for n in dir(optax) if isinstance(getattr(optax, n), type(optax))}
    assert shown - set(OURS) - {"*"} <= modules


@pytest.mark.parametrize("name", ["pytorch", "_train.step"])
def test_the_examples_in_docstrings_run(name):
    module = importlib.import_module(f"functorch_lite.optim.{name}")
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 0
